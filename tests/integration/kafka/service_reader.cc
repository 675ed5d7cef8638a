// The service's own side of a topic, for consumers_test.py:
//
//   service_reader read BOOTSTRAP TOPIC    its reading: each valid event as {"event": {…}}
//   service_reader write BOOTSTRAP TOPIC   makes the topic and writes commands as an owner does;
//   prints them

#include <fmt/format.h>

#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <crm/common/v1/log_control.pb.h>

#include "common/base/check.h"
#include "common/log/fence_filter.h"
#include "common/log/kafka/kafka_log.h"
#include "common/log/kafka/kafka_topics.h"
#include "tests/integration/kafka/contact_contents.h"

namespace crm {
namespace {

constexpr int kCommands = 5;

template <typename T>
T Must(absl::StatusOr<T> result) {
  if (result.ok()) return std::move(result).value();
  fmt::print(stderr, "service_reader: {}\n", result.status().ToString());
  std::exit(1);
}

std::unique_ptr<KafkaLogEngine> Open(const std::string& bootstrap, const std::string& topic) {
  KafkaLogOptions options;
  options.connection.bootstrap = bootstrap;
  options.topics = {{topic, &contact::v1::ContactRecord::default_instance()}};
  return Must(KafkaLogEngine::Open(std::move(options)));
}

void ReadPartition(Log& log, Partition partition) {
  const Offset end = Must(log.EndOffset(partition));
  const auto tail = Must(log.OpenTail({{partition, 0}}));
  FenceFilter filter;
  for (Offset next = 0; next < end;) {
    const TailBatch batch = Must(tail->Poll(kSecond));
    for (const Record& record : batch.records) {
      next = record.offset + 1;
      if (filter.Next(record) != FenceFilter::Verdict::kCommand) continue;
      for (const Record& event : filter.TakeCommand()) {
        PrintEvent("event", log.identity().epoch, partition, event);
      }
    }
  }
}

std::vector<Offset> Append(Log& log, Partition partition, std::vector<Record> records) {
  std::promise<absl::StatusOr<std::vector<Offset>>> done;
  const absl::Status queued =
      log.Append(partition, std::make_shared<const std::vector<Record>>(std::move(records)),
                 [&](absl::StatusOr<std::vector<Offset>> offsets) { done.set_value(offsets); });
  CRM_CHECK(queued.ok());
  return Must(done.get_future().get());
}

Record OwnRecord() {
  common::v1::LogControl control;
  control.mutable_own()->set_attempt("only");
  Record record;
  record.kind = RecordKind::kOwn;
  record.value = control.SerializeAsString();
  return record;
}

void WritePartition(Log& log, Partition partition) {
  const Offset fence = Append(log, partition, {OwnRecord()}).front();
  const std::vector<std::string> keys = KeysOf(partition);
  int64_t seq = 0;
  for (int command = 0; command < kCommands; ++command) {
    std::vector<Record> records;
    for (int i = 0; i <= command % 3; ++i) {
      Record record;
      record.key = keys[static_cast<size_t>(command) % keys.size()];
      record.fence = fence;
      record.seq = ++seq;
      record.last = i == command % 3;
      record.value = Content(record.key, seq).SerializeAsString();
      records.push_back(std::move(record));
    }
    const std::vector<Offset> offsets = Append(log, partition, records);
    for (size_t i = 0; i < records.size(); ++i) {
      records[i].offset = offsets[i];
      PrintEvent("event", log.identity().epoch, partition, records[i]);
    }
  }
}

int Main(std::string_view what, const std::string& bootstrap, const std::string& topic) {
  if (what == "write") {
    KafkaConnection connection;
    connection.bootstrap = bootstrap;
    Must(CreateTopics(connection, {.topics = {topic}, .identity = {std::string(32, '1'), "", 0}}));
  }
  const auto engine = Open(bootstrap, topic);
  Log& log = engine->Topic(topic);
  for (Partition partition = 0; partition < kPartitions; ++partition) {
    what == "write" ? WritePartition(log, partition) : ReadPartition(log, partition);
  }
  return 0;
}

}  // namespace
}  // namespace crm

int main(int argc, char** argv) {
  const std::string_view what = argc == 4 ? argv[1] : "";
  if (what != "read" && what != "write") {
    fmt::print(stderr, "service_reader: arguments are read or write, the brokers, the topic\n");
    return 2;
  }
  return crm::Main(what, argv[2], argv[3]);
}
