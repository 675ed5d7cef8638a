#include "services/campaign/projection/campaigns_by_time.h"

#include "common/base/bytes.h"
#include "common/base/timestamp.h"
#include "crm/campaign/v1/campaign_events.pb.h"
#include "services/campaign/projection/campaign_aggregate.h"
#include "services/campaign/projection/row_keys.h"

namespace crm::campaign {
namespace {

constexpr char kInOrder = 't';
constexpr size_t kTimeBytes = 8;

class ByTimeFold final : public Fold {
 public:
  ByTimeFold(Partition partition, Rows& rows) : partition_(partition), rows_(rows) {}

  absl::Status Apply(std::span<const Event> command) override {
    for (const Event& event : command) {
      if (event.aggregate_field != CampaignAggregate::kRecordField) continue;
      if (event.metadata->aggregate_version() == 1) Enter(*event.metadata);
    }
    return absl::OkStatus();
  }

  // The list leaves out what cannot be read when it is asked.
  absl::Status Unreadable(std::string_view, std::string_view, Offset,
                          const absl::Status&) override {
    return absl::OkStatus();
  }

  absl::Status Flush() override { return absl::OkStatus(); }

 private:
  void Enter(const common::v1::EventMetadata& metadata) {
    std::string key = CampaignsByTime::ListPrefix(partition_, metadata.tenant());
    AppendBe64(&key, static_cast<uint64_t>(ToTimeNs(metadata.recorded_time())));
    rows_.Put(key.append(LastIdOf(metadata.aggregate())), "");
  }

  const Partition partition_;
  Rows& rows_;
};

}  // namespace

std::unique_ptr<Fold> CampaignsByTime::Begin(Partition partition, Rows& rows) const {
  return std::make_unique<ByTimeFold>(partition, rows);
}

// The order of creation is all that these rows say.
std::string CampaignsByTime::BusinessLine(std::string_view, std::string_view) const {
  return "";
}

std::string CampaignsByTime::ListPrefix(Partition partition, std::string_view tenant) {
  return TenantKey(partition, kInOrder, tenant, "");
}

std::string CampaignsByTime::NameAt(std::string_view place) {
  return std::string("campaigns/").append(place.substr(kTimeBytes));
}

}  // namespace crm::campaign
