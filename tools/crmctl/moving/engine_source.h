#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tools/crmctl/moving/log_contents.h"

namespace crm::crmctl {

// The records of [from, to) of one partition of an engine's log.
absl::Status ReadThrough(Log& log, Partition partition, Offset from, Offset to,
                         const LogContents::Each& each);

// What lies in an engine's topics at the moment this is made; what comes later is not part of it.
class EngineSource final : public LogSource {
 public:
  // The engine's topics outlive this.
  static absl::StatusOr<EngineSource> Of(std::string name, LogIdentity identity,
                                         const std::vector<Log*>& logs);

  std::string name() const override { return name_; }
  const LogIdentity& identity() const override { return identity_; }
  std::vector<std::string> topics() const override;
  absl::StatusOr<Offset> End(const LogPlace& place) override;
  absl::Status Read(const LogPlace& place, Offset from, Offset to, const Each& each) override;

 private:
  struct Topic {
    Log* log;
    std::array<Offset, kPartitions> ends;
  };

  EngineSource(std::string name, LogIdentity identity)
      : name_(std::move(name)), identity_(std::move(identity)) {}

  std::string name_;
  LogIdentity identity_;
  std::map<std::string, Topic> topics_;
};

}  // namespace crm::crmctl
