#include "common/log/kafka/end_reader.h"

#include "common/base/status.h"

namespace crm {

EndReader::EndReader(std::unique_ptr<BrokerQueries> queries, TimeNs patience)
    : queries_(std::move(queries)), patience_(patience) {
  thread_ = std::thread([this] { Run(); });
}

EndReader::~EndReader() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
  for (auto& [place, callers] : asked_) {
    for (auto& done : callers) {
      done(Error(absl::StatusCode::kUnavailable, "LOG_STOPPED", "the log is closing"));
    }
  }
}

void EndReader::Ask(const std::string& topic, Partition partition, Log::EndDone done) {
  MutexLock lock(mutex_);
  asked_[{topic, partition}].push_back(std::move(done));
  changed_.NotifyAll();
}

void EndReader::Run() {
  while (true) {
    Asked asked;
    {
      MutexLock lock(mutex_);
      changed_.Wait(lock, [&] { return stop_ || !asked_.empty(); });
      if (stop_) return;
      asked.swap(asked_);
    }
    std::vector<LogPlace> places;
    for (const auto& [place, callers] : asked) places.push_back({place.first, place.second});
    const auto ends = queries_->Ends(places, patience_);
    size_t i = 0;
    for (auto& [place, callers] : asked) {
      for (auto& done : callers) {
        if (ends.ok()) {
          done((*ends)[i]);
        } else {
          done(ends.status());
        }
      }
      ++i;
    }
  }
}

}  // namespace crm
