#include "tests/simulation/faulty_log.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/log/control_records.h"

namespace crm::simulation {
namespace {

constexpr TimeNs kGivenUp = 2 * kSecond;
constexpr TimeNs kLatest = 6 * kSecond;

MemoryLogOptions Options(const std::string& topic) {
  MemoryLogOptions options;
  options.topic = topic;
  options.identity = {"simulated-log", "check", 0};
  options.deliver_by_hand = true;
  return options;
}

}  // namespace

FaultyLog::FaultyLog(VirtualTime& time, uint64_t seed, const Weather& weather,
                     const std::string& topic)
    : time_(time), dice_(seed), weather_(weather), log_(Options(topic)) {
  for (auto& partition : landed_) {
    partition.push_back(GenesisRecord(log_.identity()));
    partition.back().offset = 0;
  }
}

FaultyLog::Fate FaultyLog::Draw(size_t records) {
  if (calm_) return Fate::kNormal;
  if (dice_.Chance(weather_.lands_unknown)) return Fate::kUnknown;
  if (dice_.Chance(weather_.lands_late)) return Fate::kLate;
  if (dice_.Chance(weather_.lands_twice)) return Fate::kTwice;
  if (dice_.Chance(weather_.dropped)) return Fate::kDropped;
  if (records > 1 && dice_.Chance(weather_.lands_in_parts)) return Fate::kInParts;
  if (records > 1 && dice_.Chance(weather_.lands_partly)) return Fate::kPartly;
  return Fate::kNormal;
}

TimeNs FaultyLog::InOrder(Appender& from) {
  from.not_before = std::max(from.not_before + 1, time_.now() + Short(weather_.longest_landing));
  return from.not_before - time_.now();
}

TimeNs FaultyLog::AgainAfter(Appender& from) {
  return dice_.Chance(0.5) ? InOrder(from) : dice_.Between(kMillisecond, kLatest);
}

void FaultyLog::Append(std::shared_ptr<Appender> from, Partition partition, RecordBatch records,
                       Report report) {
  auto shipment = std::make_shared<Shipment>(
      Shipment{std::move(from), partition, std::move(records), std::move(report), {}});
  const size_t count = shipment->records->size();
  const auto report_known = [this, shipment] { ReportSoon(shipment, true); };
  const auto report_unknown = [this, shipment] { ReportSoon(shipment, false); };
  Appender& appender = *shipment->from;
  switch (Draw(count)) {
    case Fate::kNormal:
      return LandAt(shipment, InOrder(appender), 0, count, report_known);
    case Fate::kUnknown:
      return LandAt(shipment, InOrder(appender), 0, count, report_unknown);
    case Fate::kTwice:
      LandAt(shipment, InOrder(appender), 0, count, report_known);
      return LandAt(std::make_shared<Shipment>(*shipment), AgainAfter(appender), 0, count, [] {});
    case Fate::kInParts: {
      const size_t cut = 1 + dice_.Below(count - 1);
      LandAt(shipment, InOrder(appender), 0, cut, [] {});
      return LandAt(shipment, InOrder(appender), cut, count, report_known);
    }
    case Fate::kPartly:
      return LandAt(shipment, InOrder(appender), 0, 1 + dice_.Below(count - 1), report_unknown);
    case Fate::kLate:
      time_.After(dice_.Between(kMillisecond, kGivenUp), report_unknown);
      return LandAt(shipment, dice_.Between(kMillisecond, kLatest), 0, count, [] {});
    case Fate::kDropped:
      return time_.After(dice_.Between(kMillisecond, kGivenUp), report_unknown);
  }
}

void FaultyLog::LandAt(const ShipmentPtr& shipment, TimeNs delay, size_t begin, size_t end,
                       std::function<void()> then) {
  time_.After(delay, [this, shipment, begin, end, then = std::move(then)] {
    if (shipment->from->dead && dice_.Chance(0.3)) return;
    Land(*shipment, begin, end);
    then();
  });
}

void FaultyLog::Land(Shipment& shipment, size_t begin, size_t end) {
  auto& partition = landed_[static_cast<size_t>(shipment.partition)];
  const auto& all = *shipment.records;
  const auto part = std::make_shared<const std::vector<Record>>(
      all.begin() + static_cast<ptrdiff_t>(begin), all.begin() + static_cast<ptrdiff_t>(end));
  const auto done = [&](absl::StatusOr<std::vector<Offset>> offsets) {
    CRM_CHECK(offsets.ok() && offsets->size() == part->size());
    for (size_t i = 0; i < offsets->size(); ++i) {
      CRM_CHECK((*offsets)[i] == static_cast<Offset>(partition.size()));
      partition.push_back((*part)[i]);
      partition.back().offset = (*offsets)[i];
      shipment.offsets.push_back((*offsets)[i]);
      if (landed) landed(shipment.partition, partition.back());
    }
  };
  CRM_CHECK(log_.Append(shipment.partition, part, done).ok());
  log_.Deliver(SIZE_MAX);
}

void FaultyLog::Inject(Partition partition, std::vector<Record> records) {
  const size_t count = records.size();
  Shipment shipment{
      nullptr, partition, std::make_shared<const std::vector<Record>>(std::move(records)), {}, {}};
  Land(shipment, 0, count);
}

void FaultyLog::ReportSoon(const ShipmentPtr& shipment, bool known) {
  std::optional<std::vector<Offset>> offsets;
  if (known) offsets = shipment->offsets;
  if (known && !calm_ && dice_.Chance(weather_.places_unknown)) {
    const bool all = dice_.Chance(0.5);
    for (Offset& offset : *offsets) offset = all || dice_.Chance(0.5) ? kNoOffset : offset;
  }
  time_.After(Short(weather_.longest_report),
              [shipment, offsets = std::move(offsets)] { shipment->report(offsets); });
}

}  // namespace crm::simulation
