#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/crmctl/moving/log_contents.h"
#include "tools/crmctl/moving/log_places.h"

namespace crm {
class KafkaLogRestorer;
}  // namespace crm

namespace crm::crmctl {

// Topics on brokers, made where they are missing. They are a log that services open once the very
// first partition has its genesis, which comes last.
class KafkaDraft final : public LogDraft {
 public:
  explicit KafkaDraft(KafkaPlace place);
  ~KafkaDraft() override;

  std::string name() const override;
  std::vector<std::string> topics() const override;
  // FAILED_PRECONDITION: a topic holds another log's records (OTHER_LOG), or has a setting that is
  // wrong (TOPIC_SETTING).
  absl::Status Begin(const LogIdentity& identity, const std::vector<std::string>& topics) override;
  absl::StatusOr<Offset> End(const LogPlace& place) override;
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override;
  absl::Status Append(const LogPlace& place, const std::vector<Record>& records) override;
  absl::Status Settle() override;
  absl::Status Finish() override;

 private:
  absl::Status CheckFirstRecord(const LogPlace& place, const std::string& log_id);

  const KafkaPlace place_;
  std::vector<std::string> topics_;
  std::unique_ptr<KafkaLogRestorer> restorer_;
};

}  // namespace crm::crmctl
