#pragma once

#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/contact_client.h"

namespace crm {

// One command as its writer saw it end.
struct CommandRecord {
  enum class Kind { kCreate, kUpsert, kUpdate };
  Kind kind = Kind::kCreate;
  std::string request_id;
  // False: refused for good, so that nothing of it may be recorded.
  bool acknowledged = false;
  // The answered contact.
  std::string name;
  int64_t version = 0;
  std::string contact;
  // A create's request, for repeats.
  std::string request;
};

// What one writer did.
struct WriterHistory {
  std::vector<CommandRecord> commands;
  // Answers that no correct server gives.
  std::vector<std::string> surprises;
  int64_t retries = 0;
};

// One try at a command, for those who judge call by call.
struct Attempt {
  // Short name of the RPC.
  std::string method;
  std::string request;
  absl::Status status;
  // Where it is OK: the response, and the position that came with it.
  std::string response;
  std::string position;
  // Monotonic.
  TimeNs sent = 0;
  TimeNs answered = 0;
};

// Makes up commands and carries them out, one after the other: creates with and without an external
// key, upserts on keys that all writers share, updates with current and stale etags. One whose
// outcome stayed unknown is repeated with the same request id until it is known. One thread.
class Writer {
 public:
  // `note` hears of every attempt; may be empty.
  Writer(int number, uint64_t seed, std::function<void(Attempt)> note = nullptr)
      : number_(number), random_(seed), note_(std::move(note)) {}

  // One attempt. False: the server went away, or is to be left; the command is still pending.
  bool Step(const ContactClient& client, const CallOptions& options = {});

  // A command was begun whose outcome is not known.
  bool pending() const { return pending_.has_value(); }
  // A contact of its own, with the position that the last answer about it came with; empty while
  // there is none.
  const std::string& last_name() const { return last_name_; }
  const std::string& last_position() const { return last_position_; }
  int64_t last_version() const { return last_version_; }

  WriterHistory history;

 private:
  struct Command {
    CommandRecord::Kind kind;
    std::string request_id;
    contact::v1::CreateContactRequest create;
    contact::v1::UpsertContactRequest upsert;
    contact::v1::UpdateContactRequest update;
    bool contended = false;
  };
  struct Known {
    std::string name;
    std::string etag;
    std::string older_etag;
  };

  uint64_t Pick(uint64_t below) { return random_() % below; }
  std::string Unique() const;
  Command Next();
  Command Create(Command next, bool keyed);
  Command Upsert(Command next);
  Command Update(Command next, bool stale);
  absl::Status Execute(const ContactClient& client, const CallOptions& options);
  template <typename Response, typename Request, typename ContactOf>
  absl::Status Try(const ContactClient& client, const CallOptions& options, const char* method,
                   const Request& request, ContactOf contact_of);
  void Acknowledge(const contact::v1::Contact& contact);
  void Remember(Known known);
  void Renew(const contact::v1::Contact& contact);
  void Refuse(const absl::Status& status);

  const int number_;
  std::mt19937_64 random_;
  const std::function<void(Attempt)> note_;
  int64_t count_ = 0;
  std::optional<Command> pending_;
  std::vector<Known> own_;
  std::string last_name_;
  std::string last_position_;
  int64_t last_version_ = 0;
};

}  // namespace crm
