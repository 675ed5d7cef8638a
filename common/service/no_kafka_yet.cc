// Stands in for common/log/kafka until it is there.

#include "common/base/status.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"

namespace crm {
namespace {

absl::Status NotBuilt() {
  return Error(absl::StatusCode::kUnimplemented, "NO_KAFKA", "built without the Kafka engine");
}

}  // namespace

struct KafkaLogEngine::State {};
KafkaLogEngine::KafkaLogEngine(std::unique_ptr<State> state) : state_(std::move(state)) {}
KafkaLogEngine::~KafkaLogEngine() = default;
absl::StatusOr<std::unique_ptr<KafkaLogEngine>> KafkaLogEngine::Open(KafkaLogOptions) {
  return NotBuilt();
}
Log& KafkaLogEngine::Topic(std::string_view) { std::abort(); }
std::vector<std::string> KafkaLogEngine::topics() const { return {}; }
const LogIdentity& KafkaLogEngine::identity() const { std::abort(); }
std::unique_ptr<OwnershipHints> KafkaLogEngine::Hints(const std::string&, const std::string&) {
  return nullptr;
}
absl::Status KafkaLogEngine::Verify() const { return NotBuilt(); }
absl::Status KafkaLogEngine::Check() { return NotBuilt(); }
absl::StatusOr<TopicsCreated> CreateTopics(const KafkaConnection&, const TopicCreation&) {
  return NotBuilt();
}

}  // namespace crm
