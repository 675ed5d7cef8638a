#include "services/campaign/domain/campaign.h"

#include <gtest/gtest.h>

#include "tests/support/given_when_then.h"

namespace crm::campaign {
namespace {

constexpr TimeNs kStart = 1'700'000'000 * kSecond;
constexpr TimeNs kEnd = kStart + 1000 * kSecond;

auto Given(const std::vector<v1::CampaignEvent>& events) {
  return crm::testing::Given<CampaignDecider>(events);
}

CampaignContent Content() {
  return {.display_name = "Spring",
          .type = v1::Campaign::LOYALTY,
          .category = "A",
          .start_time = kStart,
          .end_time = kEnd,
          .segment = "segments/g1",
          .steps = {{.step = "hello", .channel = "email", .purpose = "marketing", .subject = "Hi"},
                    {.step = "again", .channel = "sms", .purpose = "marketing", .body = "Hi"}},
          .cap = {2, 7}};
}

v1::CampaignEvent Created(const CampaignContent& content) {
  return (*CampaignDecider::Decide({}, CreateCampaign{content, {}}))[0];
}

v1::CampaignEvent Started(int32_t index) {
  v1::CampaignEvent event;
  auto* started = event.mutable_step_started();
  WriteStep(Content().steps[static_cast<size_t>(index)], started->mutable_step());
  started->set_index(index);
  started->set_segment("segments/g1");
  started->mutable_cap()->set_sends(2);
  started->mutable_cap()->set_days(7);
  return event;
}

v1::CampaignEvent Ended() {
  v1::CampaignEvent event;
  event.mutable_ended();
  return event;
}

CampaignContent Without(void (*drop)(CampaignContent&)) {
  CampaignContent content = Content();
  drop(content);
  return content;
}

TEST(CampaignDecider, UnknownCampaignIsCreatedWhole) {
  const auto history = Given({Created(Content())});
  EXPECT_EQ(history.state().content, Content());
  EXPECT_EQ(history.state().state, v1::Campaign::DRAFT);
}

TEST(CampaignDecider, CreatedAgainAsItIsRecordsNothing) {
  Given({Created(Content())}).When(CreateCampaign{Content(), {}}).ThenNothing();
  Given({Created(Content()), Started(0)}).When(CreateCampaign{Content(), {}}).ThenNothing();
}

TEST(CampaignDecider, CreatedAgainWithOtherContentIsRefused) {
  CampaignContent other = Content();
  other.category = "B";
  Given({Created(Content())}).When(CreateCampaign{other, {}}).ThenRefused("CAMPAIGN_EXISTS");
  Given({Created(Content())})
      .When(CreateCampaign{Content(), ExternalKey{"cj", "8"}})
      .ThenRefused("CAMPAIGN_EXISTS");
}

TEST(CampaignDecider, UpdateChangesTheFieldsOfTheMask) {
  CampaignContent wanted;
  wanted.category = "B";
  CampaignContent after = Content();
  after.category = "B";
  v1::CampaignEvent changed;
  WriteContent(after, changed.mutable_changed()->mutable_content());
  Given({Created(Content())}).When(UpdateCampaign{wanted, {"category"}}).ThenRecorded({changed});
  Given({Created(Content())}).When(UpdateCampaign{Content(), {"category"}}).ThenNothing();
}

TEST(CampaignDecider, OnlyDraftsAreChanged) {
  const UpdateCampaign update{{}, {"category"}};
  Given({}).When(update).ThenRefused("CAMPAIGN_NOT_FOUND");
  Given({Created(Content()), Started(0)}).When(update).ThenRefused("CAMPAIGN_LAUNCHED");
  Given({Created(Content()), Ended()}).When(update).ThenRefused("CAMPAIGN_ENDED");
}

TEST(CampaignDecider, LaunchStartsTheFirstStepOnce) {
  Given({Created(Content())}).When(LaunchCampaign{kStart}).ThenRecorded({Started(0)});
  Given({Created(Content()), Started(0)}).When(LaunchCampaign{kStart}).ThenNothing();
}

TEST(CampaignDecider, LaunchNeedsSegmentStepsAndWindow) {
  const auto launch = [](const CampaignContent& content, TimeNs time) {
    return Given({Created(content)}).When(LaunchCampaign{time});
  };
  launch(Without([](auto& c) { c.segment.clear(); }), kStart)
      .ThenRefused("CAMPAIGN_WITHOUT_SEGMENT");
  launch(Without([](auto& c) { c.steps.clear(); }), kStart).ThenRefused("CAMPAIGN_WITHOUT_STEPS");
  launch(Content(), kStart - 1).ThenRefused("OUTSIDE_WINDOW");
  launch(Content(), kEnd).ThenRefused("OUTSIDE_WINDOW");
  Given({}).When(LaunchCampaign{kStart}).ThenRefused("CAMPAIGN_NOT_FOUND");
  Given({Created(Content()), Ended()}).When(LaunchCampaign{kStart}).ThenRefused("CAMPAIGN_ENDED");
}

TEST(CampaignDecider, CampaignWithoutWindowStartsAtAnyTime) {
  const CampaignContent open = Without([](auto& c) { c.start_time = c.end_time = std::nullopt; });
  Given({Created(open)}).When(LaunchCampaign{0}).ThenRecorded({Started(0)});
}

TEST(CampaignDecider, StepsStartInOrderAndOnce) {
  CampaignContent three = Content();
  three.steps.push_back({.step = "last", .channel = "email", .purpose = "marketing"});
  Given({Created(three), Started(0)}).When(StartStep{"again", kStart}).ThenRecorded({Started(1)});
  Given({Created(three), Started(0)}).When(StartStep{"hello", kEnd}).ThenNothing();
  Given({Created(three), Started(0)})
      .When(StartStep{"last", kStart})
      .ThenRefused("STEP_OUT_OF_ORDER");
  Given({Created(three), Started(0)})
      .When(StartStep{"unknown", kStart})
      .ThenRefused("STEP_NOT_FOUND");
  Given({Created(three)}).When(StartStep{"hello", kStart}).ThenRefused("CAMPAIGN_NOT_LAUNCHED");
  Given({Created(three), Started(0)}).When(StartStep{"again", kEnd}).ThenRefused("OUTSIDE_WINDOW");
  Given({Created(three), Started(0), Ended()})
      .When(StartStep{"again", kStart})
      .ThenRefused("CAMPAIGN_ENDED");
}

TEST(CampaignDecider, EndsOnce) {
  Given({}).When(EndCampaign{}).ThenRefused("CAMPAIGN_NOT_FOUND");
  Given({Created(Content())}).When(EndCampaign{}).ThenRecorded({Ended()});
  Given({Created(Content()), Started(0), Ended()}).When(EndCampaign{}).ThenNothing();
}

}  // namespace
}  // namespace crm::campaign
