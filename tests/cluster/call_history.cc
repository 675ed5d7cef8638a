#include "tests/cluster/call_history.h"

#include <fmt/format.h>

#include <map>

#include "common/aggregate/core_rows.h"
#include "common/aggregate/reaction_progress.h"
#include "common/base/check.h"
#include "common/rpc/validate.h"
#include "common/service/position_tokens.h"
#include "services/contact/api/contact_service.h"
#include "tests/cluster/run_judge.h"

namespace crm {
namespace {

namespace cv = contact::v1;

constexpr char kTenant[] = "default";

class OneAggregate final : public AggregateReader {
 public:
  explicit OneAggregate(const Aggregate& aggregate) : aggregate_(aggregate) {}
  absl::StatusOr<const Aggregate*> Find(const AggregateType&, const std::string&) override {
    return &aggregate_;
  }

 private:
  const Aggregate& aggregate_;
};

RecordKind KindNamed(const std::string& name) {
  for (const RecordKind kind : {RecordKind::kEvent, RecordKind::kOwn, RecordKind::kRelease,
                                RecordKind::kGenesis, RecordKind::kEpoch}) {
    if (KindName(kind) == name) return kind;
  }
  return RecordKind::kForeign;
}

std::unique_ptr<google::protobuf::Message> NewRequest(const std::string& method) {
  if (method == "CreateContact") return std::make_unique<cv::CreateContactRequest>();
  if (method == "UpdateContact") return std::make_unique<cv::UpdateContactRequest>();
  CRM_CHECK(method == "UpsertContact");
  return std::make_unique<cv::UpsertContactRequest>();
}

std::string RequestIdOf(const google::protobuf::Message& request) {
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  return request.GetReflection()->GetString(request, field);
}

// The contact as the service serialised it, and whether the command recorded something.
std::string ContactIn(const Attempt& attempt, bool* recorded) {
  *recorded = true;
  if (attempt.method != "UpsertContact") return attempt.response;
  cv::UpsertContactResponse response;
  response.ParseFromString(attempt.response);
  *recorded = response.outcome() != cv::UpsertContactResponse::UNCHANGED;
  return response.contact().SerializeAsString();
}

int64_t VersionOf(const std::string& contact) {
  cv::Contact parsed;
  parsed.ParseFromString(contact);
  return std::stoll("0" + parsed.etag());
}

// The answer left it open what became of the command.
bool IsOpen(const absl::Status& status) {
  return status.code() == absl::StatusCode::kDeadlineExceeded;
}

}  // namespace

// From requests to commands, by the service's own rules.
class CallHistory::Preparation {
 public:
  Preparation(const Secret& secret, const ServiceDefinition& service)
      : secret_(secret), names_(secret, random_, service.name) {
    for (const CommandMethod& command : service.commands) methods_[command.method] = &command;
  }

  // With name, etag, request id and payload check.
  std::shared_ptr<const Command> Make(const Attempt& attempt) const {
    const auto request = NewRequest(attempt.method);
    CRM_CHECK(request->ParseFromString(attempt.request));
    Caller caller;
    caller.tenant = kTenant;
    auto prepared = methods_.at(attempt.method)->prepare({caller, names_}, *request);
    CRM_CHECK(prepared.ok());
    Command& command = **prepared;
    command.request_id = RequestIdOf(*request);
    command.payload_hmac =
        secret_.Mac("crm payload", {attempt.method, CanonicalPayload(*request)}).substr(0, 16);
    return *std::move(prepared);
  }

 private:
  const Secret& secret_;
  mutable SystemRandom random_;
  const NameMaker names_;
  std::map<std::string, const CommandMethod*> methods_;
};

CallHistory::CallHistory(const Secret& secret, std::vector<Attempt> attempts,
                         std::vector<TokenRead> reads)
    : secret_(secret),
      attempts_(std::move(attempts)),
      reads_(std::move(reads)),
      service_(contact::MakeContactService({})) {}

CallHistory::~CallHistory() = default;

absl::Status CallHistory::ReadLog(const ContactClient& client) {
  const auto status = client.Status();
  CRM_RETURN_IF_ERROR(status.status);
  identity_.log_id = status.response.log_id();
  identity_.epoch = status.response.epoch();
  admin::v1::ReadLogRequest request;
  request.set_topic(service_.topic);
  return client.Stream<admin::v1::LogEntry>("/crm.admin.v1.AdminService/ReadLog", request,
                                            [this](const admin::v1::LogEntry& entry) {
                                              AddLogEntry(entry);
                                              return true;
                                            },
                                            {{}, 300 * kSecond});
}

void CallHistory::AddLogEntry(const admin::v1::LogEntry& entry) {
  Record record;
  record.offset = entry.offset();
  record.kind = KindNamed(entry.kind());
  record.key = entry.key();
  record.fence = entry.fence();
  record.seq = entry.seq();
  record.last = entry.last();
  record.value = entry.value();
  auto& log = history_.log[entry.partition()];
  const Offset next = log.empty() ? 0 : log.back().offset + 1;
  if (record.offset != next) {
    faults_.push_back(fmt::format("the log of partition {} goes on with offset {} where {} is due",
                                  entry.partition(), record.offset, next));
  }
  log.push_back(std::move(record));
  if (entry.kind() != "event") return;
  cv::ContactRecord event;
  if (!entry.valid()) {
    ++void_events_;
  } else if (event.ParseFromString(entry.value())) {
    ++valid_events_[event.metadata().request_id()];
  }
}

void CallHistory::AddDump(const std::string& replica, const ContactClient::Hashes& core) {
  for (const auto& [partition, hash] : core.by_partition) {
    history_.dumps.push_back({replica, partition, hash});
  }
}

Offset CallHistory::OffsetIn(const std::string& token, Partition partition) {
  SystemRandom random;
  const PositionTokens tokens(secret_, random, service_.topic, identity_);
  auto targets = tokens.Open({token});
  if (!targets.ok()) {
    faults_.push_back("a position that was answered: " + targets.status().ToString());
    return 0;
  }
  for (const auto& [at, offset] : (*targets)[service_.topic]) {
    if (at == partition) return offset;
  }
  return 0;
}

// How many events the command recorded is not answered; taken from the log, one where it has none.
Outcome CallHistory::OutcomeOf(const Attempt& attempt, const simulation::Call& call) {
  Outcome outcome;
  outcome.aggregate = call.aggregate;
  bool recorded = false;
  outcome.resource = ContactIn(attempt, &recorded);
  outcome.version = VersionOf(outcome.resource);
  const auto found = valid_events_.find(call.request_id);
  const int64_t in_log = found == valid_events_.end() ? 1 : found->second;
  outcome.events = recorded ? in_log : 0;
  outcome.version_before = outcome.version - outcome.events;
  outcome.partition = call.partition;
  outcome.position = OffsetIn(attempt.position, call.partition);
  return outcome;
}

void CallHistory::AddCalls() {
  const Preparation preparation(secret_, service_);
  for (size_t i = 0; i < attempts_.size(); ++i) {
    const Attempt& attempt = attempts_[i];
    commands_.push_back(preparation.Make(attempt));
    const Command& command = *commands_.back();
    simulation::Call call;
    call.tenant = kTenant;
    call.aggregate = command.aggregate;
    call.request_id = command.request_id;
    call.payload_hmac = command.payload_hmac;
    call.etag = command.etag;
    call.partition = PartitionOfSubject(kTenant, command.subject);
    call.sent = attempt.sent;
    call.tag = i;
    if (attempt.status.ok()) {
      call.answer = {attempt.answered, OutcomeOf(attempt, call)};
    } else if (!IsOpen(attempt.status)) {
      call.answer = {attempt.answered, attempt.status};
    }
    history_.calls.push_back(std::move(call));
  }
}

void CallHistory::AddReads() {
  for (const TokenRead& read : reads_) {
    simulation::ReadSeen seen;
    seen.replica = "a reader";
    seen.tenant = kTenant;
    seen.aggregate = read.name;
    seen.partition = PartitionOfSubject(kTenant, read.name);
    seen.min_position = OffsetIn(read.position, seen.partition);
    seen.version = read.version;
    seen.resource = read.contact;
    if (read.version < read.written_version) {
      faults_.push_back(fmt::format("{} was read at version {} with the token of version {}",
                                    read.name, read.version, read.written_version));
    }
    history_.reads.push_back(std::move(seen));
  }
}

simulation::Ruling CallHistory::Rule(const simulation::Call& call,
                                     const Aggregate& aggregate) const {
  const int64_t version = aggregate.info().version;
  if (!call.etag.empty() && version > 0 && call.etag != std::to_string(version)) {
    return {absl::StatusCode::kAborted, "ETAG_STALE", false, ""};
  }
  OneAggregate reader(aggregate);
  const auto events = commands_[call.tag]->Decide(reader);
  if (!events.ok()) return {events.status().code(), ReasonOf(events.status()), false, ""};
  return {absl::StatusCode::kOk, "", !events->empty(), aggregate.Render()};
}

std::vector<std::string> CallHistory::Check() {
  AddCalls();
  AddReads();
  AggregateTypes types;
  for (const auto& type : service_.aggregates) types[type->record_field()] = type.get();
  types[kReactionField] = &ReactionProgressType();
  const EventSchema schema(*service_.record);
  PlainSealer sealer;
  const simulation::CheckerOptions options{
      {schema, sealer}, types, [this](const auto& call, const auto& aggregate) {
        return Rule(call, aggregate);
      }};
  std::vector<std::string> lines = faults_;
  for (const simulation::Finding& finding : CheckHistory(history_, options)) {
    lines.push_back(fmt::format("{}: {}", simulation::FaultName(finding.fault), finding.text));
  }
  return lines;
}

void CallHistory::Count(RunTotals* totals) const {
  for (const auto& [partition, log] : history_.log) {
    totals->records += static_cast<int64_t>(log.size());
    for (const Record& record : log) {
      totals->events += record.kind == RecordKind::kEvent ? 1 : 0;
      totals->ownerships += record.kind == RecordKind::kOwn ? 1 : 0;
      totals->releases += record.kind == RecordKind::kRelease ? 1 : 0;
    }
  }
  totals->void_events += void_events_;
  totals->attempts += static_cast<int64_t>(attempts_.size());
  totals->reads += static_cast<int64_t>(reads_.size());
  for (const Attempt& attempt : attempts_) {
    const absl::StatusCode code = attempt.status.code();
    totals->unanswered +=
        code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kDeadlineExceeded ? 1
                                                                                              : 0;
  }
}

}  // namespace crm
