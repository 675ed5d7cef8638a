#include "common/log/kafka/group_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/log/kafka/topic_settings.h"

namespace crm {
namespace {

constexpr int kPollMilliseconds = 100;
constexpr TimeNs kCommitEvery = 5 * kSecond;
// Makes the name of the group whose offsets show how far partitions are folded.
constexpr std::string_view kProgressSuffix = "-folded";

KafkaSettings GroupSettings(const GroupHintsOptions& options) {
  const TimeNs session = options.session_timeout / kMillisecond;
  return {{"group.id", options.group},
          {"group.instance.id", options.connection.client_id},
          {"partition.assignment.strategy", "range"},
          {"session.timeout.ms", std::to_string(session)},
          {"heartbeat.interval.ms", std::to_string(std::clamp<TimeNs>(session / 5, 100, 3'000))},
          {"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"auto.offset.reset", "latest"},
          // Nothing is read; what slips through before a partition is paused is little.
          {"queued.min.messages", "1"},
          {"queued.max.messages.kbytes", "1"},
          {"fetch.message.max.bytes", "1"}};
}

class GroupHints final : public OwnershipHints {
 public:
  explicit GroupHints(GroupHintsOptions options) : options_(std::move(options)) {
    read_to_.fill(kNoOffset);
  }
  ~GroupHints() override { Stop(); }

  void Start(OnChange changed, std::function<void()> replaced) override {
    changed_ = std::move(changed);
    replaced_ = std::move(replaced);
    thread_ = std::thread([this] { Run(); });
  }

  std::vector<std::string> Peers(TimeNs patience) override;

  void Folded(Partition partition, Offset read_to) override {
    MutexLock lock(mutex_);
    read_to_[static_cast<size_t>(partition)] = read_to;
  }

  void Stop() override {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void Run();
  absl::Status Join();
  void Serve(rd_kafka_event_t& event);
  void Assign(rd_kafka_topic_partition_list_t* partitions);
  void Fenced();
  void Leave();
  void Commit(bool wait);

  const GroupHintsOptions options_;
  OnChange changed_;
  std::function<void()> replaced_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;

  mutable Mutex mutex_;
  std::array<Offset, kPartitions> read_to_;
  // Only the thread's.
  std::unique_ptr<KafkaClient> client_;
  std::unique_ptr<KafkaClient> progress_;
  KafkaPtr<rd_kafka_queue_t> queue_;
  Mine mine_ = {};
  std::array<Offset, kPartitions> committed_ = {};
  // When another member took the name last; nothing where none did.
  std::optional<TimeNs> fenced_at_;
  bool fenced_ = false;
  bool replaced_told_ = false;
};

absl::Status GroupHints::Join() {
  CRM_ASSIGN_OR_RETURN(client_, KafkaClient::Make(RD_KAFKA_CONSUMER, options_.connection,
                                                  GroupSettings(options_), options_.note));
  CRM_ASSIGN_OR_RETURN(
      progress_, KafkaClient::Make(RD_KAFKA_CONSUMER, options_.connection,
                                   {{"group.id", options_.group + std::string(kProgressSuffix)},
                                    {"enable.auto.commit", "false"}},
                                   options_.note));
  rd_kafka_poll_set_consumer(client_->get());
  queue_.reset(rd_kafka_queue_get_consumer(client_->get()));
  const KafkaPtr<rd_kafka_topic_partition_list_t> topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), options_.topic.c_str(), RD_KAFKA_PARTITION_UA);
  const auto error = rd_kafka_subscribe(client_->get(), topics.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return KafkaError(error, "join the group");
  return absl::OkStatus();
}

void GroupHints::Run() {
  if (const absl::Status joined = Join(); !joined.ok()) {
    if (options_.note) options_.note(std::string(joined.message()));
    return;
  }
  const SystemClock clock;
  TimeNs commit_at = clock.Monotonic() + kCommitEvery;
  while (!stop_) {
    KafkaPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(queue_.get(), kPollMilliseconds));
    if (event != nullptr) Serve(*event);
    // It belongs to the client, which may go now.
    event.reset();
    if (fenced_ && !replaced_told_) Fenced();
    if (queue_ == nullptr) return;
    if (clock.Monotonic() < commit_at) continue;
    Commit(false);
    commit_at = clock.Monotonic() + kCommitEvery;
  }
  Commit(true);
  Leave();
}

void GroupHints::Serve(rd_kafka_event_t& event) {
  if (rd_kafka_event_type(&event) == RD_KAFKA_EVENT_REBALANCE) {
    if (rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
      Assign(rd_kafka_event_topic_partition_list(&event));
    } else {
      // Nothing is given up before it is known who gets it.
      rd_kafka_assign(client_->get(), nullptr);
    }
    return;
  }
  if (rd_kafka_event_type(&event) != RD_KAFKA_EVENT_ERROR || replaced_told_) return;
  char why[512];
  fenced_ =
      rd_kafka_fatal_error(client_->get(), why, sizeof why) == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

// Another member took the name: another process, or an earlier request to join of our own that a
// broker answered late (after it stood still). So the name is taken back once. A process that lives
// is driven out by that, and takes it back in turn; who loses it twice within a session, the older
// of the two, has met one and leaves.
void GroupHints::Fenced() {
  fenced_ = false;
  const TimeNs now = SystemClock().Monotonic();
  if (fenced_at_.has_value() && now - *fenced_at_ < options_.session_timeout) {
    replaced_told_ = true;
    return replaced_();
  }
  fenced_at_ = now;
  if (options_.note) {
    options_.note(fmt::format("kafka: another member of group {} took the name {}; joining again",
                              options_.group, options_.connection.client_id));
  }
  Leave();
  if (const absl::Status joined = Join(); !joined.ok() && options_.note) {
    options_.note(std::string(joined.message()));
  }
}

void GroupHints::Leave() {
  progress_.reset();
  queue_.reset();
  client_.reset();
}

void GroupHints::Assign(rd_kafka_topic_partition_list_t* partitions) {
  rd_kafka_assign(client_->get(), partitions);
  rd_kafka_pause_partitions(client_->get(), partitions);
  Mine mine = {};
  for (int i = 0; i < partitions->cnt; ++i) {
    const auto& assigned = partitions->elems[i];
    // A topic that was given more partitions, or another member's subscription, is not our matter.
    if (assigned.partition < 0 || assigned.partition >= kPartitions) continue;
    if (assigned.topic == options_.topic) mine[static_cast<size_t>(assigned.partition)] = true;
  }
  mine_ = mine;
  changed_(mine);
}

// Only for tools that show the lag of consumers. By a client that is no member: a commit that the
// client library repeats after the member has joined anew is answered as if another process had
// taken the member's name (seen with 2.0.2 whenever a coordinator dies or a process stands still).
void GroupHints::Commit(bool wait) {
  const KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(kPartitions));
  {
    MutexLock lock(mutex_);
    for (Partition p = 0; p < kPartitions; ++p) {
      const auto i = static_cast<size_t>(p);
      if (!mine_[i] || read_to_[i] == kNoOffset || read_to_[i] == committed_[i]) continue;
      rd_kafka_topic_partition_list_add(list.get(), options_.topic.c_str(), p)->offset =
          read_to_[i];
      committed_[i] = read_to_[i];
    }
  }
  if (list->cnt > 0) rd_kafka_commit(progress_->get(), list.get(), wait ? 0 : 1);
  // What it had to say of earlier ones.
  const KafkaPtr<rd_kafka_queue_t> said(rd_kafka_queue_get_main(progress_->get()));
  while (KafkaPtr<rd_kafka_event_t>(rd_kafka_queue_poll(said.get(), 0)) != nullptr) continue;
}

std::vector<std::string> GroupHints::Peers(TimeNs patience) {
  std::vector<std::string> peers;
  const auto asking = KafkaClient::Make(RD_KAFKA_CONSUMER, options_.connection, {}, options_.note);
  if (!asking.ok()) return peers;
  rd_kafka_t* const client = (*asking)->get();
  {
    const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(client));
    const KafkaPtr<rd_kafka_AdminOptions_t> admin(
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS));
    char why[256];
    const TimeNs milliseconds = std::max<TimeNs>(1, patience / kMillisecond);
    rd_kafka_AdminOptions_set_request_timeout(admin.get(), static_cast<int>(milliseconds), why,
                                              sizeof why);
    const char* groups[] = {options_.group.c_str()};
    rd_kafka_DescribeConsumerGroups(client, groups, 1, admin.get(), queue.get());
    const auto event = WaitForAnswer(queue.get(), patience);
    if (event == nullptr || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return peers;
    }
    size_t count = 0;
    const auto** described = rd_kafka_DescribeConsumerGroups_result_groups(
        rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
    for (size_t g = 0; g < count; ++g) {
      for (size_t m = 0; m < rd_kafka_ConsumerGroupDescription_member_count(described[g]); ++m) {
        const auto* member = rd_kafka_ConsumerGroupDescription_member(described[g], m);
        const char* name = rd_kafka_MemberDescription_group_instance_id(member);
        if (name != nullptr && name != options_.connection.client_id) peers.push_back(name);
      }
    }
  }
  return peers;
}

}  // namespace

std::unique_ptr<OwnershipHints> MakeGroupHints(GroupHintsOptions options) {
  return std::make_unique<GroupHints>(std::move(options));
}

}  // namespace crm
