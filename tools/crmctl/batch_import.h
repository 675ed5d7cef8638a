#pragma once

#include <google/rpc/status.pb.h>

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "common/base/clock.h"
#include "crm/common/v1/batch.pb.h"
#include "tools/crmctl/rpc_client.h"

namespace crm::crmctl {

// Sends commands through one of the import streams, many in flight, and sees each through: a row
// whose outcome is unknown or that was shed is sent again, over a new stream where the old one
// broke. That is safe where commands carry an external key or a request id. Two rows of one key are
// never in flight together, so the later one wins. Not thread-safe.
class BatchImport {
 public:
  struct Options {
    // "/crm.contact.v1.ContactService/ImportContacts".
    std::string method;
    int in_flight = 256;
    // Names the import; rows without a request id get one of it (crm.common.v1.BatchItem). At most
    // 100 bytes.
    std::string import_id;
    // Gives up when no row was answered for so long.
    TimeNs patience = 60 * kSecond;
  };

  struct Item {
    // What the file calls it: unique in one import.
    int64_t row = 0;
    // What the command is about.
    std::string key;
    // The serialised request of the command.
    std::string command;
  };

  struct Result {
    int64_t row = 0;
    // The serialised response of the command; empty where it failed.
    std::string response;
    absl::Status status;
  };

  // The next row, with a row number of its own; nullopt after the last.
  using Source = std::function<std::optional<Item>()>;

  BatchImport(RpcClient& client, const Clock& clock, Options options)
      : client_(client), clock_(clock), options_(options) {}

  // Runs until every row of `source` has its result, each given to `each` once. An error ends it
  // before: the server cannot be reached, refuses the stream, or answers nothing any more. Rows
  // without a result may or may not be recorded.
  absl::Status Run(const Source& source, const std::function<void(const Result&)>& each);

 private:
  class Stream;
  struct Row {
    common::v1::BatchItem request;
    std::string key;
    bool sent = false;
  };

  // Takes rows from the source as long as there is room.
  void Fill(const Source& source);
  bool complete() const { return exhausted_ && rows_.empty(); }
  bool HasReady() const { return !ready_.empty(); }
  // The next row to send; marks it as sent.
  common::v1::BatchItem* TakeReady();
  void Answered(const common::v1::BatchResult& response,
                const std::function<void(const Result&)>& each);
  void SendAgain(int64_t row);
  void Complete(int64_t row);
  // Every row without an answer is to be sent again.
  void StreamEnded();
  bool OutOfPatience() const { return clock_.Monotonic() - progress_ > options_.patience; }
  absl::Status GiveUp(const absl::Status& last) const;

  RpcClient& client_;
  const Clock& clock_;
  const Options options_;

  // Rows without a result: at most options_.in_flight.
  absl::flat_hash_map<int64_t, Row> rows_;
  // By key: rows that wait for an earlier one of the same key.
  absl::flat_hash_map<std::string, std::vector<int64_t>> keys_;
  std::set<int64_t> ready_;
  bool exhausted_ = false;
  // Monotonic: nothing is sent before.
  TimeNs paused_until_ = 0;
  TimeNs progress_ = 0;
  absl::Status last_refusal_;
};

}  // namespace crm::crmctl
