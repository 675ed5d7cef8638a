#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/rpc/call.h"

namespace crm {

// Metadata keys of the interface.
inline constexpr char kTenantKey[] = "crm-tenant";
inline constexpr char kActorKey[] = "crm-actor";
inline constexpr char kOnBehalfOfKey[] = "crm-on-behalf-of";
inline constexpr char kCorrelationKey[] = "crm-correlation";
inline constexpr char kMinPositionKey[] = "crm-min-position";
inline constexpr char kConsistencyKey[] = "crm-consistency";
// Between replicas: "1" on a call that one of them passed on.
inline constexpr char kForwardedKey[] = "crm-forwarded";
inline constexpr char kTraceparentKey[] = "traceparent";
inline constexpr char kPositionKey[] = "crm-position";
inline constexpr char kWouldRecordKey[] = "crm-would-record-bin";

// Reads a call's metadata, pair by pair in any order, into a CallContext. Keys it does not know are
// ignored; a known one with "-bin" behind it, as gRPC asks for values beyond ASCII, is the same.
// All faults are INVALID_ARGUMENT and named by key; a traceparent that is not well-formed
// W3C trace context is ignored, as that standard asks. Not thread-safe.
class MetadataReader {
 public:
  // Resets `context` (its deadline too).
  explicit MetadataReader(CallContext* context);

  void Add(std::string_view key, std::string_view value);
  // After the last pair.
  absl::Status Finish();

 private:
  void AddKnown(std::string_view key, std::string_view value);
  void SetActor(std::string_view value);
  void SetConsistency(std::string_view value);
  void SetText(std::string_view key, std::string_view value, std::string* out);
  void Fault(std::string_view key, std::string_view allowed);

  CallContext& context_;
  // Fault texts; most calls have none.
  std::vector<std::pair<std::string, std::string>> faults_;
  bool has_consistency_ = false;
};

using MetadataPairs = std::vector<std::pair<std::string, std::string>>;
// The pairs that make a MetadataReader answer the same context, for a call in the same name.
MetadataPairs MetadataOf(const CallContext& context);

// Version 00 to fe, ids not all zero, lower-case hex.
bool IsTraceparent(std::string_view value);
// [a-z][a-z0-9-]{0,62}
bool IsTenant(std::string_view value);

}  // namespace crm
