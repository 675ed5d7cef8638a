#include "tools/crmctl/batch_import.h"

#include <fmt/format.h>
#include <google/rpc/error_details.pb.h>
#include <grpcpp/alarm.h>
#include <grpcpp/generic/generic_stub.h>

#include <algorithm>

#include "common/base/status.h"
#include "common/rpc/error_details.h"

namespace crm::crmctl {
namespace {

using common::v1::BatchItem;
using common::v1::BatchResult;

constexpr char kRetryInfo[] = "type.googleapis.com/google.rpc.RetryInfo";
constexpr TimeNs kFirstBackOff = 100 * kMillisecond;
constexpr TimeNs kLongestBackOff = 5 * kSecond;

// The outcome is unknown, or the row was shed.
bool WorthAnotherTry(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnavailable ||
         status.code() == absl::StatusCode::kResourceExhausted ||
         status.code() == absl::StatusCode::kDeadlineExceeded;
}

// A stream may also end with what the transport says of a connection that is gone.
bool WorthAnotherStream(const absl::Status& status) {
  if (status.ok() || WorthAnotherTry(status)) return true;
  const bool of_transport = ReasonOf(status).empty();
  return status.code() == absl::StatusCode::kCancelled ||
         (of_transport && (status.code() == absl::StatusCode::kUnknown ||
                           status.code() == absl::StatusCode::kInternal));
}

TimeNs RetryDelay(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryInfo);
  google::rpc::RetryInfo info;
  if (!payload || !info.ParseFromString(std::string(*payload))) return kFirstBackOff;
  const TimeNs delay = info.retry_delay().seconds() * kSecond + info.retry_delay().nanos();
  return std::clamp<TimeNs>(delay, kMillisecond, kLongestBackOff);
}

}  // namespace

// One stream from its start to its end. What is under way on it has one tag each.
class BatchImport::Stream {
 public:
  Stream(BatchImport& import, const Source& source, const std::function<void(const Result&)>& each)
      : import_(import),
        source_(source),
        each_(each),
        context_(import.client_.NewContext()),
        stub_(import.client_.ChannelOf(import.options_.method)),
        call_(stub_.PrepareCall(context_.get(), import_.options_.method, &queue_)) {}

  // OK: the server ended it, or everything is answered.
  absl::Status Run();
  // The server took the stream.
  bool answered() const { return answered_; }

 private:
  enum Tag : intptr_t { kStart = 1, kWrite, kRead, kAlarm, kFinish };
  static void* TagOf(Tag tag) { return reinterpret_cast<void*>(tag); }

  void On(Tag tag, bool ok);
  void Send();
  void Read();
  void ReadDone(bool ok);
  void End();
  void PauseUntil(TimeNs when);

  BatchImport& import_;
  const Source& source_;
  const std::function<void(const Result&)>& each_;
  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::ClientContext> context_;
  grpc::GenericStub stub_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  grpc::ByteBuffer incoming_;
  grpc::Status status_;
  grpc::Alarm alarm_;
  bool alarm_set_ = false;
  bool writing_ = true;
  bool no_more_writes_ = false;
  bool reading_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  bool answered_ = false;
  bool named_ = false;
};

absl::Status BatchImport::Stream::Run() {
  call_->StartCall(TagOf(kStart));
  while (!(finished_ && !writing_ && !reading_)) {
    void* tag = nullptr;
    bool ok = false;
    const auto next = queue_.AsyncNext(&tag, &ok, FromNow(kSecond));
    if (next == grpc::CompletionQueue::GOT_EVENT) {
      On(static_cast<Tag>(reinterpret_cast<intptr_t>(tag)), ok);
    } else if (import_.OutOfPatience()) {
      context_->TryCancel();
    }
  }
  alarm_.Cancel();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
  return import_.client_.ToStatus(status_, *context_);
}

void BatchImport::Stream::On(Tag tag, bool ok) {
  if (tag == kFinish) finished_ = true;
  if (tag == kAlarm) alarm_set_ = false;
  if (tag == kRead) return ReadDone(ok);
  if (tag == kStart || tag == kWrite) {
    writing_ = false;
    if (!ok) no_more_writes_ = true;
    if (tag == kStart) return ok ? Read() : End();
  }
  Send();
}

void BatchImport::Stream::Read() {
  reading_ = true;
  call_->Read(&incoming_, TagOf(kRead));
  Send();
}

void BatchImport::Stream::ReadDone(bool ok) {
  reading_ = false;
  if (!ok) return End();
  answered_ = true;
  BatchResult response;
  if (!FromBuffer(&incoming_, &response)) {
    context_->TryCancel();
    return End();
  }
  import_.Answered(response, each_);
  if (import_.OutOfPatience()) context_->TryCancel();
  Read();
}

void BatchImport::Stream::End() {
  if (std::exchange(finishing_, true)) return;
  no_more_writes_ = true;
  call_->Finish(&status_, TagOf(kFinish));
}

void BatchImport::Stream::Send() {
  if (writing_ || no_more_writes_) return;
  import_.Fill(source_);
  if (import_.complete()) {
    writing_ = no_more_writes_ = true;
    return call_->WritesDone(TagOf(kWrite));
  }
  if (import_.paused_until_ > import_.clock_.Monotonic()) {
    return PauseUntil(import_.paused_until_);
  }
  BatchItem* request = import_.TakeReady();
  if (request == nullptr) return;
  // The server remembers it for the rest of the stream.
  if (!std::exchange(named_, true)) request->set_import_id(import_.options_.import_id);
  writing_ = true;
  grpc::WriteOptions options;
  // Another follows at once.
  if (import_.HasReady()) options.set_buffer_hint();
  call_->Write(ToBuffer(*request), options, TagOf(kWrite));
}

void BatchImport::Stream::PauseUntil(TimeNs when) {
  if (std::exchange(alarm_set_, true)) return;
  alarm_.Set(&queue_, FromNow(when - import_.clock_.Monotonic()), TagOf(kAlarm));
}

absl::Status BatchImport::Run(const Source& source,
                              const std::function<void(const Result&)>& each) {
  progress_ = clock_.Monotonic();
  bool ever_connected = false;
  TimeNs back_off = kFirstBackOff;
  Fill(source);
  while (!complete()) {
    Stream stream(*this, source, each);
    absl::Status status = stream.Run();
    StreamEnded();
    if (complete()) break;
    if (!WorthAnotherStream(status)) return status;
    if (stream.answered()) back_off = kFirstBackOff;
    ever_connected = ever_connected || stream.answered();
    if (!ever_connected && ReasonOf(status) == "SERVER_UNREACHABLE") return status;
    if (OutOfPatience()) return GiveUp(last_refusal_.ok() ? status : last_refusal_);
    Pause(back_off);
    back_off = std::min(2 * back_off, kLongestBackOff);
  }
  return absl::OkStatus();
}

absl::Status BatchImport::GiveUp(const absl::Status& last) const {
  return Error(
      absl::StatusCode::kUnavailable, "IMPORT_STALLED",
      fmt::format("no row was answered for {} s; the server's last word: {}. Run the same "
                  "command again once it serves: what is in already changes nothing",
                  options_.patience / kSecond, last.ok() ? "none" : std::string(last.message())));
}

void BatchImport::Fill(const Source& source) {
  while (!exhausted_ && rows_.size() < static_cast<size_t>(options_.in_flight)) {
    std::optional<Item> item = source();
    if (!item) {
      exhausted_ = true;
      return;
    }
    const int64_t number = item->row;
    Row& row = rows_[number];
    row.request.set_row(number);
    row.request.set_command(std::move(item->command));
    row.key = std::move(item->key);
    const auto [waiting, first] = keys_.try_emplace(row.key);
    if (first) {
      ready_.insert(number);
    } else {
      waiting->second.push_back(number);
    }
  }
}

BatchItem* BatchImport::TakeReady() {
  if (ready_.empty()) return nullptr;
  Row& row = rows_.at(*ready_.begin());
  ready_.erase(ready_.begin());
  row.sent = true;
  return &row.request;
}

void BatchImport::Answered(const BatchResult& response,
                           const std::function<void(const Result&)>& each) {
  const auto row = rows_.find(response.row());
  if (row == rows_.end() || !row->second.sent) return;
  Result result;
  result.row = response.row();
  result.response = response.result();
  if (response.has_error()) {
    const google::rpc::Status& error = response.error();
    result.status = DecodeError(error.code(), error.message(), error.SerializeAsString());
  }
  if (WorthAnotherTry(result.status)) {
    last_refusal_ = result.status;
    paused_until_ = clock_.Monotonic() + RetryDelay(result.status);
    return SendAgain(response.row());
  }
  progress_ = clock_.Monotonic();
  last_refusal_ = absl::OkStatus();
  Complete(response.row());
  each(result);
}

void BatchImport::SendAgain(int64_t row) {
  rows_.at(row).sent = false;
  ready_.insert(row);
}

void BatchImport::Complete(int64_t row) {
  const auto key = keys_.find(rows_.at(row).key);
  rows_.erase(row);
  if (key->second.empty()) {
    keys_.erase(key);
    return;
  }
  ready_.insert(key->second.front());
  key->second.erase(key->second.begin());
}

void BatchImport::StreamEnded() {
  for (auto& [number, row] : rows_) {
    if (row.sent) SendAgain(number);
  }
}

}  // namespace crm::crmctl
