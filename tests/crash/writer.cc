#include "tests/crash/writer.h"

#include <fmt/format.h>

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

bool Writer::Step(const ContactClient& client, const CallOptions& options) {
  const bool retry = pending_.has_value();
  if (!retry) pending_ = Next();
  history.retries += retry ? 1 : 0;
  const absl::Status status = Execute(client, options);
  if (OutcomeUnknown(status)) return status.code() == absl::StatusCode::kResourceExhausted;
  if (!status.ok()) Refuse(status);
  pending_.reset();
  return true;
}

std::string Writer::Unique() const {
  return fmt::format("w{}-{}", number_, count_);
}

Writer::Command Writer::Next() {
  ++count_;
  Command next;
  next.request_id = "request-" + Unique();
  const uint64_t dice = Pick(100);
  if (dice < 15 || own_.empty()) return Create(std::move(next), false);
  if (dice < 30) return Create(std::move(next), true);
  if (dice < 65) return Upsert(std::move(next));
  return Update(std::move(next), dice < 72);
}

Writer::Command Writer::Create(Command next, bool keyed) {
  next.kind = CommandRecord::Kind::kCreate;
  next.create = CreatePerson(static_cast<int64_t>(Pick(1'000'000)), next.request_id);
  if (keyed) {
    next.create.mutable_contact()->mutable_external_key()->set_source("crash");
    next.create.mutable_contact()->mutable_external_key()->set_key(Unique());
  }
  return next;
}

Writer::Command Writer::Upsert(Command next) {
  next.kind = CommandRecord::Kind::kUpsert;
  next.upsert = UpsertPerson(static_cast<int64_t>(Pick(kSharedKeys)), "shared");
  next.upsert.mutable_contact()->set_display_name(Unique());
  next.upsert.set_request_id(next.request_id);
  return next;
}

Writer::Command Writer::Update(Command next, bool stale) {
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

absl::Status Writer::Execute(const ContactClient& client, const CallOptions& options) {
  const auto itself = [](const cv::Contact& contact) -> const cv::Contact& { return contact; };
  switch (pending_->kind) {
    case CommandRecord::Kind::kCreate:
      return Try<cv::Contact>(client, options, "CreateContact", pending_->create, itself);
    case CommandRecord::Kind::kUpsert:
      return Try<cv::UpsertContactResponse>(
          client, options, "UpsertContact", pending_->upsert,
          [](const cv::UpsertContactResponse& answer) -> const cv::Contact& {
            return answer.contact();
          });
    case CommandRecord::Kind::kUpdate:
      return Try<cv::Contact>(client, options, "UpdateContact", pending_->update, itself);
  }
  return absl::OkStatus();
}

template <typename Response, typename Request, typename ContactOf>
absl::Status Writer::Try(const ContactClient& client, const CallOptions& options,
                         const char* method, const Request& request, ContactOf contact_of) {
  const SystemClock clock;
  const TimeNs sent = clock.Monotonic();
  const auto answer = client.Call<Response>(std::string("/crm.contact.v1.ContactService/") + method,
                                            request, options);
  if (note_) {
    note_({method, request.SerializeAsString(), answer.status,
           answer.ok() ? answer.response.SerializeAsString() : "", answer.position, sent,
           clock.Monotonic()});
  }
  if (!answer.ok()) return answer.status;
  const cv::Contact& contact = contact_of(answer.response);
  Acknowledge(contact);
  last_name_ = contact.name();
  last_position_ = answer.position;
  last_version_ = std::stoll(contact.etag());
  return absl::OkStatus();
}

void Writer::Acknowledge(const cv::Contact& contact) {
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

void Writer::Remember(Known known) {
  if (own_.size() < kOwnContacts) return own_.push_back(std::move(known));
  own_[Pick(own_.size())] = std::move(known);
}

void Writer::Renew(const cv::Contact& contact) {
  for (Known& known : own_) {
    if (known.name != contact.name()) continue;
    known.older_etag = known.etag;
    known.etag = contact.etag();
  }
}

void Writer::Refuse(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kAborted || !pending_->contended) {
    history.surprises.push_back(pending_->request_id + " was refused: " + status.ToString());
  }
  history.commands.push_back({.kind = pending_->kind, .request_id = pending_->request_id});
}

}  // namespace crm
