#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "common/log/kafka/kafka_client.h"
#include "common/log/kafka/record_run.h"
#include "common/log/topic_feed.h"

namespace crm {

// What is wrong with a log whose records were removed or replaced behind its readers.
absl::Status LogTrimmed(const std::string& topic, Partition partition, Offset begin);
absl::Status LogReplaced(const std::string& topic, Partition partition, const std::string& how);

// One consumer that follows the ends of all partitions of all topics into their feeds, which begin
// where the tip begins. A partition that it cannot follow fails in its feed.
class TopicTip {
 public:
  struct Topic {
    std::string name;
    TopicFeed* feed;
  };
  static absl::StatusOr<std::unique_ptr<TopicTip>> Start(const KafkaConnection& connection,
                                                         std::vector<Topic> topics,
                                                         size_t memory_bytes,
                                                         const KafkaNote& note);
  ~TopicTip();

 private:
  struct Followed {
    Topic topic;
    KafkaPtr<rd_kafka_topic_t> handle;
    std::vector<RecordRun> runs;
    TopicFeed::Ends known;
  };

  TopicTip(std::unique_ptr<KafkaClient> client, std::vector<Topic> topics);
  void Run();
  void See(const rd_kafka_message_t& message);
  void Publish();

  const std::unique_ptr<KafkaClient> client_;
  KafkaPtr<rd_kafka_queue_t> queue_;
  std::vector<std::unique_ptr<Followed>> topics_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace crm
