#include "tests/crash/writers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/status.h"
#include "tests/support/server_test.h"

namespace crm {
namespace {

namespace cv = contact::v1;

constexpr int kSharedKeys = 48;
constexpr size_t kOwnContacts = 32;

bool OutcomeUnknown(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kDeadlineExceeded ||
         status.code() == absl::StatusCode::kResourceExhausted;
}

}  // namespace

class Writers::Writer {
 public:
  Writer(int number, uint64_t seed) : number_(number), random_(seed) {}

  // False: the server went away, or is to be left.
  bool Step(const ContactClient& client) {
    const bool retry = pending_.has_value();
    if (!retry) pending_ = Next();
    history.retries += retry ? 1 : 0;
    const absl::Status status = Execute(client);
    if (OutcomeUnknown(status)) return status.code() == absl::StatusCode::kResourceExhausted;
    if (!status.ok()) Refuse(status);
    pending_.reset();
    return true;
  }

  bool pending() const { return pending_.has_value(); }

  WriterHistory history;

 private:
  struct Command {
    CommandRecord::Kind kind;
    std::string request_id;
    cv::CreateContactRequest create;
    cv::UpsertContactRequest upsert;
    cv::UpdateContactRequest update;
    bool contended = false;
  };
  struct Known {
    std::string name;
    std::string etag;
    std::string older_etag;
  };

  uint64_t Pick(uint64_t below) { return random_() % below; }

  std::string Unique() const { return fmt::format("w{}-{}", number_, count_); }

  Command Next() {
    ++count_;
    Command next;
    next.request_id = "request-" + Unique();
    const uint64_t dice = Pick(100);
    if (dice < 15 || own_.empty()) return Create(std::move(next), false);
    if (dice < 30) return Create(std::move(next), true);
    if (dice < 65) return Upsert(std::move(next));
    return Update(std::move(next), dice < 72);
  }

  Command Create(Command next, bool keyed) {
    next.kind = CommandRecord::Kind::kCreate;
    next.create = CreatePerson(static_cast<int64_t>(Pick(1'000'000)), next.request_id);
    if (keyed) {
      next.create.mutable_contact()->mutable_external_key()->set_source("crash");
      next.create.mutable_contact()->mutable_external_key()->set_key(Unique());
    }
    return next;
  }

  Command Upsert(Command next) {
    next.kind = CommandRecord::Kind::kUpsert;
    next.upsert = UpsertPerson(static_cast<int64_t>(Pick(kSharedKeys)), "shared");
    next.upsert.mutable_contact()->set_display_name(Unique());
    next.upsert.set_request_id(next.request_id);
    return next;
  }

  Command Update(Command next, bool stale) {
    next.kind = CommandRecord::Kind::kUpdate;
    const Known& known = own_[Pick(own_.size())];
    stale = stale && !known.older_etag.empty();
    next.contended = stale;
    next.update.mutable_contact()->set_name(known.name);
    next.update.mutable_contact()->set_etag(stale ? known.older_etag : known.etag);
    next.update.mutable_contact()->set_display_name(Unique());
    next.update.set_request_id(next.request_id);
    return next;
  }

  absl::Status Execute(const ContactClient& client) {
    switch (pending_->kind) {
      case CommandRecord::Kind::kCreate: {
        const auto answer = client.Create(pending_->create);
        if (answer.ok()) Acknowledge(answer.response);
        return answer.status;
      }
      case CommandRecord::Kind::kUpsert: {
        const auto answer = client.Upsert(pending_->upsert);
        if (answer.ok()) Acknowledge(answer.response.contact());
        return answer.status;
      }
      case CommandRecord::Kind::kUpdate: {
        const auto answer = client.Update(pending_->update);
        if (answer.ok()) Acknowledge(answer.response);
        return answer.status;
      }
    }
    return absl::OkStatus();
  }

  void Acknowledge(const cv::Contact& contact) {
    CommandRecord record{.kind = pending_->kind,
                         .request_id = pending_->request_id,
                         .acknowledged = true,
                         .name = contact.name(),
                         .version = std::stoll(contact.etag()),
                         .contact = contact.SerializeAsString()};
    if (record.kind == CommandRecord::Kind::kCreate) {
      record.request = pending_->create.SerializeAsString();
      if (record.version != 1) history.surprises.push_back("a create answered a later version");
      Remember({contact.name(), contact.etag(), ""});
    }
    if (record.kind == CommandRecord::Kind::kUpdate) Renew(contact);
    if (pending_->contended) history.surprises.push_back("a stale etag was accepted");
    history.commands.push_back(std::move(record));
  }

  void Remember(Known known) {
    if (own_.size() < kOwnContacts) return own_.push_back(std::move(known));
    own_[Pick(own_.size())] = std::move(known);
  }

  void Renew(const cv::Contact& contact) {
    for (Known& known : own_) {
      if (known.name != contact.name()) continue;
      known.older_etag = known.etag;
      known.etag = contact.etag();
    }
  }

  void Refuse(const absl::Status& status) {
    if (status.code() != absl::StatusCode::kAborted || !pending_->contended) {
      history.surprises.push_back(pending_->request_id + " was refused: " + status.ToString());
    }
    history.commands.push_back({.kind = pending_->kind, .request_id = pending_->request_id});
  }

  const int number_;
  std::mt19937_64 random_;
  int64_t count_ = 0;
  std::optional<Command> pending_;
  std::vector<Known> own_;
};

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
