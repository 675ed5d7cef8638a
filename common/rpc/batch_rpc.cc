#include "common/rpc/batch_rpc.h"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <utility>

#include "common/base/status.h"
#include "common/rpc/batch_item.h"
#include "common/rpc/call_metadata.h"
#include "common/rpc/error_details.h"
#include "common/rpc/raw_bytes.h"
#include "crm/common/v1/batch.pb.h"

namespace crm {
namespace {

constexpr TimeNs kNoDeadline = std::numeric_limits<TimeNs>::max();
// Kept of one stream before they are merged.
constexpr size_t kMaxPositions = 1024;

std::string ResultBytes(int64_t row, absl::StatusOr<Answer>* answer) {
  common::v1::BatchResult result;
  result.set_row(row);
  if (answer->ok()) {
    result.set_result(std::move((*answer)->response));
  } else {
    result.mutable_error()->ParseFromString(EncodeErrorDetails(answer->status()));
  }
  return result.SerializeAsString();
}

absl::Status MalformedItem() {
  return Error(absl::StatusCode::kInvalidArgument, "REQUEST_MALFORMED",
               "the item is not a sound message with a row and a command");
}

// Number of the request id in the method's commands; 0 where they have none.
int RequestIdField(const RawMethod& method) {
  const auto* item = method.service.descriptor()->method(method.index)->input_type();
  const auto* command = item->FindFieldByName("command");
  if (command == nullptr || command->message_type() == nullptr) return 0;
  const auto* request_id = command->message_type()->FindFieldByName("request_id");
  return request_id == nullptr ? 0 : request_id->number();
}

// One stream. The loop refers to it until its last completion, each item that is being worked on as
// long as it is held. Reading, writing and what is open is decided in one place, Advance, under the
// mutex.
//
// Invariants:
//  1. outstanding_ = items read whose result is not written yet; at most the window: who does not
//     read the results is not read from.
//  2. One Write, one Read and one Finish at a time, no Write after Finish.
class BatchRpc final : public OpenCall, public std::enable_shared_from_this<BatchRpc> {
 public:
  BatchRpc(const RawMethod& method, std::shared_ptr<ServerCore> core, const UnaryHandler& handler,
           CompletionLoop& loop)
      : method_(method),
        core_(std::move(core)),
        handler_(handler),
        loop_(loop),
        request_id_field_(RequestIdField(method)) {}

  void Request(std::shared_ptr<BatchRpc> self);
  // From any thread, once an item.
  void Answer(int64_t row, absl::StatusOr<crm::Answer> answer);

  void Drain() override;
  void CutOff() override;

 private:
  class Item;

  void Arrived(bool ok);
  void Refuse(const absl::Status& why);
  void ReadDone(bool ok);
  void Wrote(bool ok);
  void Finished(bool) { Completed(); }
  void Done(bool);
  void Completed();
  void Accept(grpc::Slice bytes);
  void Cover(std::string position);
  std::string CoveredPosition() const;
  void Advance();
  void WriteNext();
  void Finish();
  absl::Status Outcome() const;
  TimeNs ItemDeadline() const;

  const RawMethod method_;
  const std::shared_ptr<ServerCore> core_;
  const UnaryHandler& handler_;
  CompletionLoop& loop_;
  const int request_id_field_;
  // Of the loop; dropped with the last completion.
  std::shared_ptr<BatchRpc> self_;
  CallContext context_;
  std::optional<grpc::ServerContext> call_{std::in_place};
  std::optional<grpc::ServerAsyncReaderWriter<RawBytes, grpc::ByteBuffer>> stream_{&*call_};
  grpc::ByteBuffer buffer_;
  TimeNs arrived_ = 0;
  bool admitted_ = false;
  // Of the items read so far: the last one named. Read one at a time.
  std::string import_id_;

  Mutex mutex_;
  // Finished, done, and a read where one is under way when the stream finishes.
  int completions_left_ = 2;
  absl::Status refusal_;
  std::deque<std::string> results_;
  int outstanding_ = 0;
  bool reading_ = false;
  bool writing_ = false;
  // No item follows: the client has said so, or the server stops.
  bool ended_ = false;
  bool stopping_ = false;
  // Nobody reads the results any more.
  bool broken_ = false;
  bool finishing_ = false;
  // Of the answers so far; merged now and then, as that takes longer than keeping them.
  std::vector<std::string> positions_;

  MemberTag<BatchRpc, &BatchRpc::Arrived> arrived_tag_{this};
  MemberTag<BatchRpc, &BatchRpc::ReadDone> read_tag_{this};
  MemberTag<BatchRpc, &BatchRpc::Wrote> wrote_tag_{this};
  MemberTag<BatchRpc, &BatchRpc::Finished> finished_tag_{this};
  MemberTag<BatchRpc, &BatchRpc::Done> done_tag_{this};
};

// An item as a call of its own.
class BatchRpc::Item final : public UnaryCall {
 public:
  // The view is taken of the slice in its last place: small slices hold their bytes themselves.
  Item(std::shared_ptr<BatchRpc> batch, grpc::Slice bytes)
      : batch_(std::move(batch)), bytes_(std::move(bytes)), view_(ReadBatchItem(View(bytes_))) {
    if (!view_.import_id.empty()) batch_->import_id_ = view_.import_id;
    NameRequest(&view_, batch_->import_id_, batch_->request_id_field_);
  }
  ~Item() override {
    if (answered_) return;
    Finish(Error(absl::StatusCode::kInternal, "CALL_DROPPED",
                 "the item was dropped without an answer; this is a fault of the server"));
  }

  // OK, or why the item is no command.
  absl::Status Check() const {
    if (!view_.sound) return MalformedItem();
    if (batch_->import_id_.size() <= kMaxImportId) return absl::OkStatus();
    return InvalidField("import_id", fmt::format("must have at most {} bytes", kMaxImportId));
  }
  // Of an item that was not admitted.
  void Refuse(absl::Status why) {
    answered_ = true;
    batch_->Answer(view_.row, std::move(why));
  }
  void Admit() {
    context_ = batch_->context_;
    context_.deadline = batch_->ItemDeadline();
  }

  const CallContext& context() const override { return context_; }
  std::string_view request() const override {
    return view_.joined.empty() ? view_.command : view_.joined;
  }
  void Finish(absl::StatusOr<crm::Answer> answer) override {
    if (std::exchange(answered_, true)) return;
    batch_->core_->admission.LeaveCall();
    batch_->Answer(view_.row, std::move(answer));
  }

 private:
  const std::shared_ptr<BatchRpc> batch_;
  const grpc::Slice bytes_;
  BatchItemView view_;
  CallContext context_;
  bool answered_ = false;
};

void BatchRpc::Request(std::shared_ptr<BatchRpc> self) {
  self_ = std::move(self);
  call_->AsyncNotifyWhenDone(&done_tag_);
  method_.service.RequestBatch(method_.index, &*call_, &*stream_, loop_, &arrived_tag_);
}

void BatchRpc::Arrived(bool ok) {
  if (!ok) {
    self_.reset();
    return;
  }
  RequestBatches(method_, core_, handler_, loop_);
  loop_.Link(this);
  arrived_ = core_->clock.Monotonic();
  if (core_->observer != nullptr) core_->observer->Started(method_.service_name, method_.name);
  const auto verdict = core_->batch_admission.EnterStream();
  admitted_ = verdict == Admission::Verdict::kAccepted;
  if (!admitted_) return Refuse(Refusal(verdict, "streams", *core_));
  auto read = ReadContext(*call_, core_->clock, kNoDeadline, &context_);
  if (!read.ok()) return Refuse(read);
  MutexLock lock(mutex_);
  Advance();
}

void BatchRpc::Refuse(const absl::Status& why) {
  MutexLock lock(mutex_);
  refusal_ = why;
  ended_ = true;
  Advance();
}

void BatchRpc::ReadDone(bool ok) {
  grpc::Slice bytes = ok ? SingleSlice(&buffer_) : grpc::Slice();
  MutexLock lock(mutex_);
  reading_ = false;
  if (finishing_) {
    lock.Unlock();
    return Completed();
  }
  if (!ok) {
    ended_ = true;
    return Advance();
  }
  ++outstanding_;
  lock.Unlock();
  Accept(std::move(bytes));
  MutexLock again(mutex_);
  Advance();
}

void BatchRpc::Accept(grpc::Slice bytes) {
  auto item = std::make_unique<Item>(shared_from_this(), std::move(bytes));
  if (absl::Status fault = item->Check(); !fault.ok()) return item->Refuse(std::move(fault));
  const auto verdict = core_->admission.EnterCall();
  if (verdict != Admission::Verdict::kAccepted) {
    return item->Refuse(Refusal(verdict, "items", *core_));
  }
  item->Admit();
  handler_(std::move(item));
}

void BatchRpc::Answer(int64_t row, absl::StatusOr<crm::Answer> answer) {
  std::string bytes = ResultBytes(row, &answer);
  MutexLock lock(mutex_);
  if (answer.ok()) Cover(std::move(answer->position));
  if (broken_ || finishing_) {
    --outstanding_;
  } else {
    results_.push_back(std::move(bytes));
  }
  Advance();
}

void BatchRpc::Cover(std::string position) {
  if (position.empty() || (!positions_.empty() && position == positions_.back())) return;
  positions_.push_back(std::move(position));
  if (positions_.size() == kMaxPositions) positions_ = {CoveredPosition()};
}

std::string BatchRpc::CoveredPosition() const {
  const auto& merge = core_->options.merge_positions;
  return merge ? merge(positions_) : positions_.back();
}

void BatchRpc::Advance() {
  if (finishing_) return;
  if (broken_) {
    outstanding_ -= static_cast<int>(results_.size());
    results_.clear();
  }
  if (!writing_ && !results_.empty()) WriteNext();
  if (!reading_ && !ended_ && !broken_ && outstanding_ < core_->options.batch_window) {
    reading_ = true;
    stream_->Read(&buffer_, &read_tag_);
  }
  // What is still being worked on when nobody waits for it is not waited for.
  if (!writing_ && (broken_ || (ended_ && outstanding_ == 0))) Finish();
}

void BatchRpc::WriteNext() {
  writing_ = true;
  RawBytes result{std::move(results_.front())};
  results_.pop_front();
  grpc::WriteOptions options;
  if (!results_.empty()) options.set_buffer_hint();
  stream_->Write(result, options, &wrote_tag_);
}

void BatchRpc::Wrote(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  --outstanding_;
  if (!ok) broken_ = true;
  Advance();
}

absl::Status BatchRpc::Outcome() const {
  if (!refusal_.ok()) return refusal_;
  if (stopping_) {
    return Error(absl::StatusCode::kUnavailable, "SERVER_STOPPING",
                 "the server is stopping; send the items without a result again, with the same "
                 "request ids");
  }
  if (broken_) return Error(absl::StatusCode::kCancelled, "CANCELLED", "the stream was cancelled");
  return absl::OkStatus();
}

void BatchRpc::Finish() {
  finishing_ = true;
  if (reading_) ++completions_left_;
  const absl::Status status = Outcome();
  if (core_->observer != nullptr) {
    core_->observer->Handled(method_.service_name, method_.name, status.code(),
                             core_->clock.Monotonic() - arrived_);
  }
  const std::string position = positions_.empty() ? "" : CoveredPosition();
  if (!position.empty()) call_->AddTrailingMetadata(kPositionKey, position);
  stream_->Finish(ToGrpcStatus(status), &finished_tag_);
}

TimeNs BatchRpc::ItemDeadline() const {
  return std::min(context_.deadline, core_->clock.Monotonic() + core_->options.default_deadline);
}

void BatchRpc::Drain() {
  MutexLock lock(mutex_);
  if (ended_) return;
  ended_ = true;
  stopping_ = true;
  Advance();
}

void BatchRpc::CutOff() {
  MutexLock lock(mutex_);
  if (finishing_) return;
  stopping_ = true;
  broken_ = true;
  call_->TryCancel();
  Advance();
}

void BatchRpc::Done(bool) {
  {
    MutexLock lock(mutex_);
    if (call_->IsCancelled()) broken_ = true;
    Advance();
  }
  Completed();
}

void BatchRpc::Completed() {
  {
    // Also waits for a thread that is just leaving Advance.
    MutexLock lock(mutex_);
    if (--completions_left_ > 0) return;
  }
  if (admitted_) core_->batch_admission.LeaveStream();
  // Items may hold this object for longer than the server lives.
  stream_.reset();
  call_.reset();
  loop_.Unlink(this);
  self_.reset();
}

}  // namespace

void RequestBatches(const RawMethod& method, const std::shared_ptr<ServerCore>& core,
                    const UnaryHandler& handler, CompletionLoop& loop) {
  if (loop.closed()) return;
  auto rpc = std::make_shared<BatchRpc>(method, core, handler, loop);
  rpc->Request(rpc);
}

}  // namespace crm
