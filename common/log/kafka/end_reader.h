#pragma once

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/log/kafka/broker_queries.h"
#include "common/log/log.h"

namespace crm {

// Answers where partitions end: what is asked while one question is on its way forms the next.
// Thread-safe.
class EndReader {
 public:
  EndReader(std::unique_ptr<BrokerQueries> queries, TimeNs patience);
  // Answers what is still asked: UNAVAILABLE.
  ~EndReader();

  void Ask(const std::string& topic, Partition partition, Log::EndDone done);

 private:
  using Asked = std::map<std::pair<std::string, Partition>, std::vector<Log::EndDone>>;
  void Run();

  const std::unique_ptr<BrokerQueries> queries_;
  const TimeNs patience_;
  Mutex mutex_;
  CondVar changed_;
  Asked asked_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace crm
