#include "tools/crmctl/moving/kafka_draft.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/log/kafka/kafka_topics.h"
#include "common/log/kafka/log_restorer.h"
#include "crm/common/v1/log_control.pb.h"

namespace crm::crmctl {

KafkaDraft::KafkaDraft(KafkaPlace place) : place_(std::move(place)) {}

KafkaDraft::~KafkaDraft() = default;

std::string KafkaDraft::name() const {
  return "kafka://" + place_.connection.bootstrap;
}

std::vector<std::string> KafkaDraft::topics() const {
  return topics_;
}

absl::Status KafkaDraft::Begin(const LogIdentity& identity,
                               const std::vector<std::string>& topics) {
  topics_ = topics;
  TopicCreation creation;
  creation.topics = topics;
  creation.replication_factor = place_.replication_factor;
  CRM_RETURN_IF_ERROR(CreateTopics(place_.connection, creation).status());
  KafkaLogRestorer::Options options;
  options.connection = place_.connection;
  options.epoch = identity.epoch;
  for (const std::string& topic : topics) {
    const auto known = std::find_if(place_.topics.begin(), place_.topics.end(),
                                    [&](const KafkaTopic& each) { return each.name == topic; });
    options.topics.push_back({topic, known == place_.topics.end() ? nullptr : known->record});
  }
  CRM_ASSIGN_OR_RETURN(restorer_, KafkaLogRestorer::Open(std::move(options)));
  for (const std::string& topic : topics) {
    for (Partition p = 0; p < kPartitions; ++p) {
      CRM_RETURN_IF_ERROR(CheckFirstRecord({topic, p}, identity.log_id));
    }
  }
  return absl::OkStatus();
}

// That all of it is the same log's is compared later; this tells what a wrong target is.
absl::Status KafkaDraft::CheckFirstRecord(const LogPlace& place, const std::string& log_id) {
  CRM_ASSIGN_OR_RETURN(const Offset end, End(place));
  if (end == 0) return absl::OkStatus();
  std::string what = "records of somebody else";
  CRM_RETURN_IF_ERROR(Read(place, 0, 1, [&](const std::vector<Record>& records) {
    common::v1::LogControl control;
    if (records[0].kind == RecordKind::kGenesis && control.ParseFromString(records[0].value)) {
      what = control.genesis().log_id() == log_id ? "" : "log " + control.genesis().log_id();
    }
    return absl::OkStatus();
  }));
  if (what.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, "OTHER_LOG",
               fmt::format("{}: {} holds {}, not log {}. No record was written; delete the topics "
                           "if nobody needs them, or choose other brokers",
                           name(), place.ToString(), what, log_id));
}

absl::StatusOr<Offset> KafkaDraft::End(const LogPlace& place) {
  return restorer_->End(place.topic, place.partition);
}

absl::Status KafkaDraft::Read(const LogPlace& place, Offset from, Offset to, const Each& each) {
  return restorer_->Read(place.topic, place.partition, from, to, each);
}

absl::Status KafkaDraft::Append(const LogPlace& place, const std::vector<Record>& records) {
  return restorer_->Append(place.topic, place.partition, records);
}

absl::Status KafkaDraft::Settle() {
  return absl::OkStatus();
}

absl::Status KafkaDraft::Finish() {
  return CheckTopics(place_.connection, topics_);
}

}  // namespace crm::crmctl
