#include "common/rpc/unknown_rpc.h"

#include "common/base/status.h"
#include "common/rpc/raw_bytes.h"

namespace crm {
namespace {

class UnknownRpc final : public OpenCall {
 public:
  UnknownRpc(grpc::AsyncGenericService& service, CompletionLoop& loop)
      : service_(service), loop_(loop) {
    service_.RequestCall(&call_, &stream_, loop_.queue(), loop_.queue(), &arrived_tag_);
  }
  // Already answered.
  void Drain() override {}
  void CutOff() override {}

 private:
  void Arrived(bool ok) {
    if (!ok) {
      delete this;
      return;
    }
    RequestUnknown(service_, loop_);
    loop_.Link(this);
    stream_.Finish(ToGrpcStatus(Error(absl::StatusCode::kUnimplemented, "METHOD_UNKNOWN",
                                      "no such method; reflection lists those there are")),
                   &finished_tag_);
  }

  void Finished(bool) {
    loop_.Unlink(this);
    delete this;
  }

  grpc::AsyncGenericService& service_;
  CompletionLoop& loop_;
  grpc::GenericServerContext call_;
  grpc::GenericServerAsyncReaderWriter stream_{&call_};
  MemberTag<UnknownRpc, &UnknownRpc::Arrived> arrived_tag_{this};
  MemberTag<UnknownRpc, &UnknownRpc::Finished> finished_tag_{this};
};

}  // namespace

void RequestUnknown(grpc::AsyncGenericService& service, CompletionLoop& loop) {
  if (!loop.closed()) new UnknownRpc(service, loop);
}

}  // namespace crm
