#pragma once

#include <map>
#include <memory>
#include <string>

#include "common/base/mutex.h"
#include "tests/support/contact_client.h"

namespace crm {

// Connections to the replicas of a service, by name; one that is down keeps its last address, as a
// caller's list of addresses would. Thread-safe.
class Callers {
 public:
  using Client = std::shared_ptr<const ContactClient>;

  void Put(const std::string& replica, const std::string& address) {
    auto client = std::make_shared<const ContactClient>(address);
    MutexLock lock(mutex_);
    clients_[replica] = std::move(client);
  }
  void Remove(const std::string& replica) {
    MutexLock lock(mutex_);
    clients_.erase(replica);
  }
  // The connection to the (number mod replicas)th of them; null where there is none.
  Client Pick(uint64_t number) const {
    MutexLock lock(mutex_);
    if (clients_.empty()) return nullptr;
    return std::next(clients_.begin(), static_cast<int64_t>(number % clients_.size()))->second;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, Client> clients_;
};

}  // namespace crm
