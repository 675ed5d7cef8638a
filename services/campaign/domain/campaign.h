#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "crm/campaign/v1/campaign_events.pb.h"

namespace crm::campaign {

// Reasons of refusals.
inline constexpr std::string_view kCampaignNotFound = "CAMPAIGN_NOT_FOUND";
inline constexpr std::string_view kCampaignExists = "CAMPAIGN_EXISTS";
inline constexpr std::string_view kCampaignLaunched = "CAMPAIGN_LAUNCHED";
inline constexpr std::string_view kCampaignNotLaunched = "CAMPAIGN_NOT_LAUNCHED";
inline constexpr std::string_view kCampaignEnded = "CAMPAIGN_ENDED";
inline constexpr std::string_view kCampaignWithoutSegment = "CAMPAIGN_WITHOUT_SEGMENT";
inline constexpr std::string_view kCampaignWithoutSteps = "CAMPAIGN_WITHOUT_STEPS";
inline constexpr std::string_view kOutsideWindow = "OUTSIDE_WINDOW";
inline constexpr std::string_view kStepNotFound = "STEP_NOT_FOUND";
inline constexpr std::string_view kStepOutOfOrder = "STEP_OUT_OF_ORDER";

struct Step {
  std::string step;
  std::string channel;
  std::string purpose;
  std::string subject;
  std::string body;
  bool operator==(const Step&) const = default;
};

// At most `sends` within `days`, over all campaigns. 0 sends: no cap.
struct FrequencyCap {
  int32_t sends = 0;
  int32_t days = 0;
  bool operator==(const FrequencyCap&) const = default;
};

struct ExternalKey {
  std::string source;
  std::string key;
  bool operator==(const ExternalKey&) const = default;
};

// What callers may change of a draft. The fields mean what they mean in crm.campaign.v1.Campaign.
struct CampaignContent {
  std::string display_name;
  v1::Campaign::Type type = v1::Campaign::TYPE_UNSPECIFIED;
  std::string category;
  std::optional<TimeNs> start_time;
  std::optional<TimeNs> end_time;
  std::string segment;
  std::vector<Step> steps;
  FrequencyCap cap;
  bool operator==(const CampaignContent&) const = default;
};

// Calls visit(name in the API, member of CampaignContent) for every field, always in this order.
template <typename Visit>
void ForEachField(Visit&& visit) {
  visit("display_name", &CampaignContent::display_name);
  visit("type", &CampaignContent::type);
  visit("category", &CampaignContent::category);
  visit("start_time", &CampaignContent::start_time);
  visit("end_time", &CampaignContent::end_time);
  visit("segment", &CampaignContent::segment);
  visit("steps", &CampaignContent::steps);
  visit("cap", &CampaignContent::cap);
}

// Names of fields of CampaignContent; a name that is none of them selects nothing.
using CampaignMask = std::vector<std::string>;

// What the rules need to know of one campaign. Only Evolve builds it.
struct Campaign {
  // STATE_UNSPECIFIED until CampaignCreated.
  v1::Campaign::State state = v1::Campaign::STATE_UNSPECIFIED;
  // Set at birth, then immutable.
  std::optional<ExternalKey> external_key;
  CampaignContent content;
  // Steps are started in order: these are the first so many.
  int32_t steps_started = 0;
  bool operator==(const Campaign&) const = default;
};

struct CreateCampaign {
  CampaignContent content;
  std::optional<ExternalKey> external_key;
};

// The fields of `mask` become those of `content`.
struct UpdateCampaign {
  CampaignContent content;
  CampaignMask mask;
};

// Starts the first step, at `time`.
struct LaunchCampaign {
  TimeNs time = 0;
};

// Starts the step of this name, which is the next one, at `time`.
struct StartStep {
  std::string step;
  TimeNs time = 0;
};

struct EndCampaign {};

struct CampaignDecider {
  using State = Campaign;
  using Event = v1::CampaignEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State campaign, const Event& event);

  //            unknown             draft                  running             ended
  //   Create   created             nothing where it is    as draft            as draft
  //                                as asked, else
  //                                CAMPAIGN_EXISTS
  //   Update   CAMPAIGN_NOT_FOUND  changed                CAMPAIGN_LAUNCHED   CAMPAIGN_ENDED
  //   Launch   CAMPAIGN_NOT_FOUND  first step started     nothing             CAMPAIGN_ENDED
  //   Start    CAMPAIGN_NOT_FOUND  CAMPAIGN_NOT_LAUNCHED  next step started;  CAMPAIGN_ENDED
  //                                                       nothing for an
  //                                                       earlier one
  //   End      CAMPAIGN_NOT_FOUND  ended                  ended               nothing
  //
  // A step is started only within the campaign's window [start_time, end_time) (OUTSIDE_WINDOW), to
  // a segment (CAMPAIGN_WITHOUT_SEGMENT), in the order of steps (STEP_OUT_OF_ORDER,
  // STEP_NOT_FOUND, CAMPAIGN_WITHOUT_STEPS).
  static absl::StatusOr<Events> Decide(const State& campaign, const CreateCampaign& command);
  static absl::StatusOr<Events> Decide(const State& campaign, const UpdateCampaign& command);
  static absl::StatusOr<Events> Decide(const State& campaign, const LaunchCampaign& command);
  static absl::StatusOr<Events> Decide(const State& campaign, const StartStep& command);
  static absl::StatusOr<Events> Decide(const State& campaign, const EndCampaign& command);
};

// Between the structs and the messages that carry them.
Step ReadStep(const v1::Step& message);
void WriteStep(const Step& step, v1::Step* message);
CampaignContent ReadContent(const v1::Campaign& message);
void WriteContent(const CampaignContent& content, v1::Campaign* message);
std::optional<ExternalKey> ReadExternalKey(const v1::Campaign& message);
void WriteExternalKey(const std::optional<ExternalKey>& key, v1::Campaign* message);

}  // namespace crm::campaign
