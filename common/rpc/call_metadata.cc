#include "common/rpc/call_metadata.h"

#include <algorithm>
#include <array>

#include "common/base/bytes.h"
#include "common/base/status.h"

namespace crm {
namespace {

constexpr size_t kMaxTextBytes = 256;
constexpr size_t kMaxMinPositions = 16;
// gRPC carries any bytes under such keys, and printable ASCII alone under others.
constexpr std::string_view kBinarySuffix = "-bin";

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) {
  return text.find_first_not_of('0') == std::string_view::npos;
}

// Fit for a protobuf string and for a line of a log.
bool IsPlainText(std::string_view text) {
  if (text.empty() || text.size() > kMaxTextBytes || !IsUtf8(text)) return false;
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

struct ActorKind {
  std::string_view name;
  common::v1::Actor::Kind kind;
};
constexpr std::array<ActorKind, 4> kActorKinds{{{"employee", common::v1::Actor::EMPLOYEE},
                                                {"customer", common::v1::Actor::CUSTOMER},
                                                {"partner", common::v1::Actor::PARTNER},
                                                {"service", common::v1::Actor::SERVICE}}};

// "principal" or "kind:principal".
std::string ActorText(const common::v1::Actor& actor) {
  if (actor.principal().empty()) return "";
  const auto* kind = std::find_if(kActorKinds.begin(), kActorKinds.end(),
                                  [&](const auto& k) { return k.kind == actor.kind(); });
  if (kind == kActorKinds.end()) return actor.principal();
  return std::string(kind->name) + ":" + actor.principal();
}

}  // namespace

bool IsTraceparent(std::string_view value) {
  // version "-" trace id "-" parent id "-" flags: 2, 32, 16 and 2 hex digits.
  if (value.size() < 55 || value[2] != '-' || value[35] != '-' || value[52] != '-') return false;
  const std::string_view version = value.substr(0, 2);
  const std::string_view trace = value.substr(3, 32);
  const std::string_view parent = value.substr(36, 16);
  if (!IsLowerHex(version) || !IsLowerHex(trace) || !IsLowerHex(parent)) return false;
  if (!IsLowerHex(value.substr(53, 2)) || version == "ff") return false;
  if (IsZero(trace) || IsZero(parent)) return false;
  if (value.size() == 55) return true;
  // A later version may append fields.
  return version != "00" && value[55] == '-' && IsPlainText(value);
}

bool IsTenant(std::string_view value) {
  if (value.empty() || value.size() > 63 || value[0] < 'a' || value[0] > 'z') return false;
  return std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

MetadataReader::MetadataReader(CallContext* context) : context_(*context) {
  context_.caller.tenant.clear();
  context_.caller.actor.Clear();
  context_.caller.traceparent.clear();
  context_.caller.correlation_id.clear();
  context_.min_positions.clear();
  context_.strong = false;
  context_.forwarded = false;
  context_.deadline = 0;
}

void MetadataReader::Add(std::string_view key, std::string_view value) {
  if (key.substr(0, 4) == "crm-") return AddKnown(key, value);
  if (key == kTraceparentKey && IsTraceparent(value)) context_.caller.traceparent = value;
}

void MetadataReader::AddKnown(std::string_view key, std::string_view value) {
  if (key.ends_with(kBinarySuffix)) key.remove_suffix(kBinarySuffix.size());
  if (key == kTenantKey) {
    if (!IsTenant(value)) return Fault(key, "must match [a-z][a-z0-9-]{0,62}");
    return SetText(key, value, &context_.caller.tenant);
  }
  if (key == kActorKey) return SetActor(value);
  if (key == kOnBehalfOfKey) {
    return SetText(key, value, context_.caller.actor.mutable_on_behalf_of());
  }
  if (key == kCorrelationKey) return SetText(key, value, &context_.caller.correlation_id);
  if (key == kConsistencyKey) return SetConsistency(value);
  if (key == kForwardedKey) {
    context_.forwarded = true;
    return;
  }
  if (key != kMinPositionKey) return;
  if (context_.min_positions.size() == kMaxMinPositions) return Fault(key, "at most 16 values");
  context_.min_positions.emplace_back(value);
}

void MetadataReader::SetActor(std::string_view value) {
  std::string_view principal = value;
  if (const size_t colon = value.find(':'); colon != std::string_view::npos) {
    const auto* kind = std::find_if(kActorKinds.begin(), kActorKinds.end(), [&](const auto& k) {
      return k.name == value.substr(0, colon);
    });
    if (kind == kActorKinds.end()) {
      return Fault(kActorKey,
                   "must be \"principal\" or \"kind:principal\" with kind one of employee, "
                   "customer, partner, service");
    }
    context_.caller.actor.set_kind(kind->kind);
    principal = value.substr(colon + 1);
  }
  SetText(kActorKey, principal, context_.caller.actor.mutable_principal());
}

void MetadataReader::SetConsistency(std::string_view value) {
  if (has_consistency_) return Fault(kConsistencyKey, "may be given once");
  has_consistency_ = true;
  if (value != "strong" && value != "eventual") {
    return Fault(kConsistencyKey, "must be \"strong\" or \"eventual\"");
  }
  context_.strong = value == "strong";
}

void MetadataReader::SetText(std::string_view key, std::string_view value, std::string* out) {
  if (!out->empty()) return Fault(key, "may be given once");
  if (!IsPlainText(value)) return Fault(key, "must be 1 to 256 bytes of printable UTF-8");
  *out = value;
}

void MetadataReader::Fault(std::string_view key, std::string_view allowed) {
  faults_.emplace_back(key, allowed);
}

absl::Status MetadataReader::Finish() {
  if (!faults_.empty()) [[unlikely]] {
    FieldFaults faults;
    for (auto& [key, allowed] : faults_) faults.Add("metadata " + key, allowed);
    return faults.ToStatus();
  }
  if (context_.caller.tenant.empty()) context_.caller.tenant = "default";
  return absl::OkStatus();
}

MetadataPairs MetadataOf(const CallContext& context) {
  const Caller& caller = context.caller;
  MetadataPairs pairs = {{kTenantKey, caller.tenant}};
  const auto add = [&pairs](const std::string& key, const std::string& value) {
    if (value.empty()) return;
    pairs.emplace_back(IsPrintableAscii(value) ? key : key + std::string(kBinarySuffix), value);
  };
  add(kActorKey, ActorText(caller.actor));
  add(kOnBehalfOfKey, caller.actor.on_behalf_of());
  add(kCorrelationKey, caller.correlation_id);
  add(kTraceparentKey, caller.traceparent);
  for (const std::string& position : context.min_positions) add(kMinPositionKey, position);
  if (context.strong) add(kConsistencyKey, "strong");
  if (context.forwarded) add(kForwardedKey, "1");
  return pairs;
}

}  // namespace crm
