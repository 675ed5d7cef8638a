#include "services/contact/domain/quality.h"

#include <gtest/gtest.h>

#include "tests/unit/services/contact/quality.h"

namespace crm::contact {
namespace {

using testing::DrawQuality;
using testing::FoldQuality;
using testing::Missing;
using testing::OpenedEvent;
using testing::QualityErased;
using testing::ResolvedEvent;

auto Given(const std::vector<v1::QualityEvent>& events) {
  return crm::testing::Given<QualityDecider>(events);
}

// As Given, with the times at which events were recorded.
absl::StatusOr<QualityDecider::Events> When(const std::vector<v1::QualityEvent>& events,
                                            const auto& command) {
  return QualityDecider::Decide(FoldQuality(events), command);
}

std::string ReasonWhen(const std::vector<v1::QualityEvent>& events, const auto& command) {
  return ReasonOf(When(events, command).status());
}

std::vector<v1::QualityEvent> Opened(size_t issues) {
  std::vector<v1::QualityEvent> events;
  for (size_t i = 0; i < issues; ++i) events.push_back(OpenedEvent(Missing(std::to_string(i))));
  return events;
}

TEST(QualityDecider, OpeningCarriesWhatTheCallerNamed) {
  const v1::DataQualityIssueOpened opened = OpenedEvent(Missing("emails", "asked twice")).opened();
  EXPECT_EQ(opened.issue(), "missing-emails");
  EXPECT_EQ(opened.kind(), v1::QualityIssue::MISSING);
  EXPECT_EQ(opened.field(), "emails");
  EXPECT_EQ(opened.plain().note(), "asked twice");
  EXPECT_TRUE(OpenedEvent(Missing("emails")).opened().has_plain());
}

TEST(QualityDecider, AnIssueIsOpenedOnce) {
  Given({OpenedEvent(Missing("emails"))}).When(Missing("emails", "again")).ThenNothing();
}

TEST(QualityDecider, AnIssueIsResolvedOnceAndOpenedAgain) {
  const auto opened = OpenedEvent(Missing("emails"));
  const auto resolved = ResolvedEvent("missing-emails", "called");
  Given({opened})
      .When(ResolveIssue{.issue = "missing-emails", .note = "called"})
      .ThenRecorded({resolved});
  const auto again = When({opened, resolved}, ResolveIssue{.issue = "missing-emails"});
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->empty());
  const auto reopened = When({opened, resolved}, Missing("emails"));
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ(reopened->size(), 1u);
}

TEST(QualityDecider, WhatWasNeverOpenIsNotFound) {
  Given({}).When(ResolveIssue{.issue = "missing-emails"}).ThenRefused("QUALITY_ISSUE_NOT_FOUND");
}

TEST(QualityDecider, NoteOfTheResolutionTakesThePlaceOfTheIssues) {
  const auto opened = OpenedEvent(Missing("emails", "asked"));
  const auto kept = FoldQuality({opened, ResolvedEvent("missing-emails")});
  EXPECT_EQ(kept.issues.at("missing-emails").note, "asked");
  EXPECT_EQ(kept.issues.at("missing-emails").open_time, 1 * kSecond);
  EXPECT_EQ(kept.issues.at("missing-emails").resolve_time, 2 * kSecond);
  const auto replaced = FoldQuality({opened, ResolvedEvent("missing-emails", "called")});
  EXPECT_EQ(replaced.issues.at("missing-emails").note, "called");
}

TEST(QualityDecider, DeletedContactOpensNoneButResolves) {
  OpenIssue open = Missing("emails");
  open.contact = Existence::kDeleted;
  Given({}).When(open).ThenRefused("CONTACT_DELETED");
  Given({OpenedEvent(Missing("emails"))})
      .When(ResolveIssue{.issue = "missing-emails", .note = "", .contact = Existence::kDeleted})
      .ThenRecorded({ResolvedEvent("missing-emails")});
}

TEST(QualityDecider, ErasedContactRefusesEverything) {
  EXPECT_EQ(ReasonWhen({QualityErased()}, Missing("emails")), "CONTACT_ERASED");
  EXPECT_EQ(ReasonWhen({QualityErased()}, ResolveIssue{.issue = "a"}), "CONTACT_ERASED");
  OpenIssue open = Missing("emails");
  open.contact = Existence::kErased;
  EXPECT_EQ(ReasonWhen({}, open), "CONTACT_ERASED");
  const ResolveIssue resolve{.issue = "a", .note = "", .contact = Existence::kErased};
  EXPECT_EQ(ReasonWhen({}, resolve), "CONTACT_ERASED");
}

TEST(QualityDecider, FullOfOpenIssuesItTakesNoMore) {
  auto events = Opened(kMaxQualityIssues);
  EXPECT_EQ(ReasonWhen(events, Missing("emails")), "QUALITY_ISSUES_FULL");
  events.pop_back();
  EXPECT_TRUE(When(events, Missing("emails")).ok());
}

TEST(QualityDecider, WhatWasResolvedFirstIsForgottenForANewIssue) {
  auto events = Opened(kMaxQualityIssues);
  events.push_back(ResolvedEvent("missing-7"));
  events.push_back(ResolvedEvent("missing-3"));
  EXPECT_TRUE(When(events, Missing("emails")).ok());
  events.push_back(OpenedEvent(Missing("emails")));
  const ContactQuality quality = FoldQuality(events);
  EXPECT_EQ(quality.issues.size(), kMaxQualityIssues);
  EXPECT_FALSE(quality.issues.contains("missing-7"));
  EXPECT_TRUE(quality.issues.contains("missing-3"));
  EXPECT_TRUE(quality.issues.contains("missing-emails"));
}

TEST(QualityDeciderProperty, ErasureLawAndBound) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    SCOPED_TRACE(seed);
    DrawQuality draw(seed);
    std::vector<v1::QualityEvent> plain, shredded;
    for (int i = draw.Below(20); i > 0; --i) {
      plain.push_back(draw.AnEvent());
      shredded.push_back(testing::Shredded(plain.back()));
    }
    plain.push_back(QualityErased());
    shredded.push_back(QualityErased());
    const ContactQuality left = FoldQuality(plain);
    EXPECT_EQ(left, FoldQuality(shredded));
    for (const auto& [id, issue] : left.issues) {
      EXPECT_FALSE(issue.open());
      EXPECT_EQ(issue.note, "");
    }
  }
}

}  // namespace
}  // namespace crm::contact
