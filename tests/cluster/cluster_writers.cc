#include "tests/cluster/cluster_writers.h"

#include "tests/support/eventually.h"

namespace crm {
namespace {

constexpr TimeNs kPatience = 30 * kSecond;
constexpr TimeNs kImpatience = kSecond;
constexpr int kOnePatientOf = 6;
constexpr uint64_t kOneReadOf = 8;
// Between two tries at a command.
constexpr TimeNs kRest = 10 * kMillisecond;

}  // namespace

void RunRecord::Add(RunRecord other) {
  std::move(other.histories.begin(), other.histories.end(), std::back_inserter(histories));
  std::move(other.attempts.begin(), other.attempts.end(), std::back_inserter(attempts));
  std::move(other.reads.begin(), other.reads.end(), std::back_inserter(reads));
}

struct ClusterWriters::Hand {
  Hand(int number, uint64_t seed)
      : random(seed),
        options{{}, number % kOnePatientOf == 0 ? kPatience : kImpatience},
        writer(number, seed, [this](Attempt attempt) { attempts.push_back(std::move(attempt)); }) {}

  std::mt19937_64 random;
  const CallOptions options;
  std::vector<Attempt> attempts;
  std::vector<TokenRead> reads;
  Writer writer;
  std::thread thread;
};

ClusterWriters::ClusterWriters(const Callers& callers, int count, uint64_t seed)
    : callers_(callers), running_(count) {
  for (int i = 0; i < count; ++i) {
    hands_.push_back(std::make_unique<Hand>(i, seed * 1000 + static_cast<uint64_t>(i)));
  }
  for (const auto& hand : hands_) {
    hand->thread = std::thread([this, h = hand.get()] { Run(*h); });
  }
}

ClusterWriters::~ClusterWriters() {
  {
    MutexLock lock(mutex_);
    over_ = true;
    changed_.NotifyAll();
  }
  for (const auto& hand : hands_) {
    if (hand->thread.joinable()) hand->thread.join();
  }
}

void ClusterWriters::Run(Hand& hand) {
  Writer& writer = hand.writer;
  while (!drain_ || writer.pending()) {
    const Callers::Client client = callers_.Pick(hand.random());
    const size_t before = writer.history.commands.size();
    if (client == nullptr || !writer.Step(*client, hand.options)) {
      if (!Rest()) break;
      continue;
    }
    if (writer.history.commands.size() == before) continue;
    ++answered_;
    if (hand.random() % kOneReadOf == 0) ReadBack(hand);
    MutexLock lock(mutex_);
    if (over_) break;
  }
  --running_;
}

// One that no replica can answer in time is no read; that reads do go on is another test's.
void ClusterWriters::ReadBack(Hand& hand) {
  const Callers::Client client = callers_.Pick(hand.random());
  const Writer& writer = hand.writer;
  if (client == nullptr || writer.last_name().empty()) return;
  const CallOptions options{{{"crm-min-position", writer.last_position()}}, kImpatience};
  const auto read = client->Get(writer.last_name(), options);
  if (!read.ok()) return;
  hand.reads.push_back({writer.last_name(), writer.last_position(), writer.last_version(),
                        std::stoll(read.response.etag()), read.response.SerializeAsString()});
}

bool ClusterWriters::Rest() {
  MutexLock lock(mutex_);
  changed_.WaitFor(lock, kRest, [this] { return over_; });
  return !over_;
}

bool ClusterWriters::WaitForAnswers(int64_t count, TimeNs wait) const {
  const int64_t target = answered_ + count;
  return Eventually(wait, [&] { return answered_ >= target; });
}

bool ClusterWriters::Drain(TimeNs wait) {
  drain_ = true;
  const bool drained = Eventually(wait, [this] { return running_ == 0; });
  {
    MutexLock lock(mutex_);
    over_ = true;
    changed_.NotifyAll();
  }
  for (const auto& hand : hands_) hand->thread.join();
  return drained;
}

RunRecord ClusterWriters::TakeRecord() {
  RunRecord record;
  for (const auto& hand : hands_) {
    record.Add(
        {{std::move(hand->writer.history)}, std::move(hand->attempts), std::move(hand->reads)});
  }
  return record;
}

}  // namespace crm
