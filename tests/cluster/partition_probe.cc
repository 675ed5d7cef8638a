#include "tests/cluster/partition_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "common/aggregate/core_rows.h"
#include "common/base/random.h"
#include "common/service/service_definition.h"
#include "tests/support/eventually.h"

namespace crm {
namespace {

namespace cv = contact::v1;

constexpr char kTenant[] = "default";
constexpr char kSource[] = "probe";
// Shorter than what is measured, longer than an answer takes.
const CallOptions kShort{{}, 500 * kMillisecond};

}  // namespace

struct PartitionProbe::Result {
  TimeNs accepted = 0;
  WriterHistory history;
  std::vector<Attempt> attempts;
};

PartitionProbe::PartitionProbe(const Secret& secret) {
  SystemRandom random;
  const NameMaker names(secret, random, "contact");
  for (int64_t number = 0; std::count(keys_.begin(), keys_.end(), "") > 0; ++number) {
    const std::string key = fmt::format("p{}", number);
    const std::string name = names.FromExternalKey("contacts", 'c', kTenant, kSource, key);
    const auto at = static_cast<size_t>(PartitionOfSubject(kTenant, name));
    keys_[at] = key;
    names_[at] = name;
  }
}

std::set<Partition> PartitionProbe::All() {
  std::set<Partition> all;
  for (Partition p = 0; p < kPartitions; ++p) all.insert(p);
  return all;
}

cv::UpsertContactRequest PartitionProbe::Request(Partition partition) {
  cv::UpsertContactRequest request;
  request.set_request_id(fmt::format("probe-{}", ++requests_));
  auto* contact = request.mutable_contact();
  contact->set_kind(cv::Contact::PERSON);
  contact->set_display_name(fmt::format("Probe {}", requests_));
  contact->mutable_external_key()->set_source(kSource);
  contact->mutable_external_key()->set_key(keys_[static_cast<size_t>(partition)]);
  return request;
}

TimeNs PartitionProbe::WaitUntilAccepted(const Callers& callers,
                                         const std::set<Partition>& partitions, TimeNs wait) {
  std::vector<Result> results(partitions.size());
  std::vector<std::thread> threads;
  for (const Partition partition : partitions) {
    const size_t at = threads.size();
    threads.emplace_back([&callers, &results, request = Request(partition), at, wait] {
      results[at] = TryUntilAccepted(callers, request, wait);
    });
  }
  for (std::thread& thread : threads) thread.join();
  TimeNs last = 0;
  bool all = true;
  for (Result& result : results) {
    all = all && result.accepted != 0;
    last = std::max(last, result.accepted);
    record_.Add({{std::move(result.history)}, std::move(result.attempts), {}});
  }
  return all ? last : 0;
}

PartitionProbe::Result PartitionProbe::TryUntilAccepted(const Callers& callers,
                                                        const cv::UpsertContactRequest& request,
                                                        TimeNs wait) {
  const SystemClock clock;
  Result result;
  uint64_t turn = 0;
  Eventually(wait, [&] {
    const Callers::Client client = callers.Pick(turn++);
    if (client == nullptr) return false;
    const TimeNs sent = clock.Monotonic();
    const auto answer = client->Upsert(request, kShort);
    const TimeNs answered = clock.Monotonic();
    result.attempts.push_back({"UpsertContact", request.SerializeAsString(), answer.status,
                               answer.ok() ? answer.response.SerializeAsString() : "",
                               answer.position, sent, answered});
    if (!answer.ok()) return false;
    result.accepted = answered;
    const cv::Contact& contact = answer.response.contact();
    result.history.commands.push_back({.kind = CommandRecord::Kind::kUpsert,
                                       .request_id = request.request_id(),
                                       .acknowledged = true,
                                       .name = contact.name(),
                                       .version = std::stoll(contact.etag()),
                                       .contact = contact.SerializeAsString()});
    return true;
  });
  return result;
}

}  // namespace crm
