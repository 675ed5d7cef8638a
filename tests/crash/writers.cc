#include "tests/crash/writers.h"

#include <limits>

namespace crm {

Writers::Writers(int count, uint64_t seed) {
  for (int i = 0; i < count; ++i) {
    writers_.push_back(std::make_unique<Writer>(i, seed * 1000 + static_cast<uint64_t>(i)));
  }
  for (const auto& writer : writers_) {
    threads_.emplace_back([this, w = writer.get()] { Run(*w); });
  }
}

Writers::~Writers() {
  {
    MutexLock lock(mutex_);
    over_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void Writers::Run(Writer& writer) {
  for (int64_t done = 0;;) {
    std::string address;
    {
      MutexLock lock(mutex_);
      changed_.Wait(lock, [&] { return over_ || round_ > done; });
      if (over_) return;
      done = round_;
      address = address_;
    }
    const ContactClient client(address);
    const auto before = [&] { return writer.history.commands.size(); };
    for (size_t count = before(); (!drain_ || writer.pending()) && writer.Step(client);) {
      if (before() == count) continue;
      count = before();
      if (++acknowledged_ != target_) continue;
      MutexLock lock(mutex_);
      changed_.NotifyAll();
    }
    MutexLock lock(mutex_);
    if (--running_ == 0) changed_.NotifyAll();
  }
}

void Writers::Begin(const std::string& address) {
  MutexLock lock(mutex_);
  address_ = address;
  target_ = std::numeric_limits<int64_t>::max();
  drain_ = false;
  running_ = static_cast<int>(writers_.size());
  ++round_;
  changed_.NotifyAll();
}

void Writers::WaitForAcknowledged(int64_t count, TimeNs wait) {
  MutexLock lock(mutex_);
  target_ = acknowledged_ + count;
  changed_.WaitFor(lock, wait, [&] { return acknowledged_ >= target_ || running_ == 0; });
}

void Writers::End(bool drain) {
  drain_ = drain;
  MutexLock lock(mutex_);
  changed_.Wait(lock, [&] { return running_ == 0; });
}

std::vector<WriterHistory> Writers::TakeHistories() {
  std::vector<WriterHistory> histories;
  for (const auto& writer : writers_) histories.push_back(std::move(writer->history));
  return histories;
}

}  // namespace crm
