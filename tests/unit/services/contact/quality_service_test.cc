#include <gtest/gtest.h>

#include "services/contact/api/contact_service.h"
#include "tests/unit/services/contact/desk.h"

namespace crm::contact {
namespace {

using testing::Desk;
using testing::FaultyFields;

class QualityServiceTest : public ::testing::Test {
 protected:
  static v1::OpenQualityIssueRequest Open(v1::QualityIssue::Kind kind, std::string field) {
    v1::OpenQualityIssueRequest request;
    request.mutable_contact_key()->set_source("shop");
    request.mutable_contact_key()->set_key("7");
    request.set_kind(kind);
    request.set_field(std::move(field));
    return request;
  }

  absl::StatusOr<v1::ContactQuality> Execute(std::string_view method,
                                             const google::protobuf::Message& request) {
    const auto bytes = desk_.Execute(method, request);
    if (!bytes.ok()) return bytes.status();
    v1::ContactQuality quality;
    EXPECT_TRUE(quality.ParseFromString(*bytes));
    return quality;
  }

  std::string Contact() const {
    return desk_.names().FromExternalKey("contacts", 'c', "t", "shop", "7");
  }

  void Create() {
    v1::UpsertContactRequest request;
    request.mutable_contact()->mutable_external_key()->set_source("shop");
    request.mutable_contact()->mutable_external_key()->set_key("7");
    request.mutable_contact()->set_display_name("Ada");
    ASSERT_TRUE(desk_.Execute("UpsertContact", request).ok());
  }

  void Declare(const std::string& id) {
    v1::UpdateTenantRequest request;
    auto* field = request.mutable_tenant()->add_custom_fields();
    field->set_id(id);
    field->set_type(v1::CustomField::TEXT);
    ASSERT_TRUE(desk_.Execute("UpdateTenant", request).ok());
  }

  v1::QualityScorecard Scorecard() {
    v1::QualityScorecard scorecard;
    EXPECT_TRUE(scorecard.ParseFromString(
        desk_.Ask("GetQualityScorecard", v1::GetQualityScorecardRequest()).value_or("")));
    return scorecard;
  }

  Desk desk_;
};

TEST_F(QualityServiceTest, IssueWithoutAnIdIsNamedByKindAndField) {
  auto quality = Execute("OpenQualityIssue", Open(v1::QualityIssue::MISSING, "emails"));
  ASSERT_TRUE(quality.ok()) << quality.status();
  EXPECT_EQ(quality->name(), Contact() + "/quality");
  ASSERT_EQ(quality->issues_size(), 1);
  EXPECT_EQ(quality->issues(0).issue(), "missing-emails");
  quality = Execute("OpenQualityIssue", Open(v1::QualityIssue::STALE, ""));
  ASSERT_TRUE(quality.ok());
  EXPECT_EQ(quality->issues(1).issue(), "stale");
}

TEST_F(QualityServiceTest, ResolveShowsWhenAndKeepsTheIssue) {
  ASSERT_TRUE(Execute("OpenQualityIssue", Open(v1::QualityIssue::MISSING, "emails")).ok());
  v1::ResolveQualityIssueRequest request;
  request.set_contact(Contact());
  request.set_issue("missing-emails");
  request.set_note("called");
  const auto quality = Execute("ResolveQualityIssue", request);
  ASSERT_TRUE(quality.ok()) << quality.status();
  ASSERT_EQ(quality->issues_size(), 1);
  EXPECT_EQ(quality->issues(0).note(), "called");
  EXPECT_TRUE(quality->issues(0).has_resolve_time());
  request.set_issue("other");
  EXPECT_EQ(Execute("ResolveQualityIssue", request).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(QualityServiceTest, FaultsAreNamedTogether) {
  v1::OpenQualityIssueRequest request = Open(v1::QualityIssue::KIND_UNSPECIFIED, "shoe_size");
  request.set_issue("Not An Id");
  request.set_note("a\x01");
  auto fields = FaultyFields(Execute("OpenQualityIssue", request).status());
  std::sort(fields.begin(), fields.end());
  EXPECT_EQ(fields, (std::vector<std::string>{"field", "issue", "kind", "note"}));
  request = Open(v1::QualityIssue::STALE, "");
  request.clear_contact_key();
  EXPECT_EQ(FaultyFields(Execute("OpenQualityIssue", request).status()),
            std::vector<std::string>{"contact"});
}

TEST_F(QualityServiceTest, DeclaredFieldsCanBeDoubtedOthersNot) {
  const auto about = Open(v1::QualityIssue::MISSING, "custom_fields.age");
  EXPECT_EQ(FaultyFields(Execute("OpenQualityIssue", about).status()),
            std::vector<std::string>{"field"});
  Declare("age");
  EXPECT_TRUE(Execute("OpenQualityIssue", about).ok());
  EXPECT_GT(desk_.last_settings_version(), 0);
}

TEST_F(QualityServiceTest, DeletedContactsTakeNoNewIssues) {
  Create();
  v1::DeleteContactRequest request;
  request.set_name(Contact());
  ASSERT_TRUE(desk_.Execute("DeleteContact", request).ok());
  EXPECT_EQ(ReasonOf(Execute("OpenQualityIssue", Open(v1::QualityIssue::STALE, "")).status()),
            "CONTACT_DELETED");
}

TEST_F(QualityServiceTest, ScorecardHasEveryFieldInOrder) {
  Create();
  Declare("age");
  ASSERT_TRUE(Execute("OpenQualityIssue", Open(v1::QualityIssue::MISSING, "emails")).ok());
  const v1::QualityScorecard scorecard = Scorecard();
  EXPECT_EQ(scorecard.contacts(), 1);
  EXPECT_EQ(scorecard.unreachable(), 1);
  ASSERT_EQ(scorecard.fields_size(), 14);
  EXPECT_EQ(scorecard.fields(0).field(), "kind");
  EXPECT_EQ(scorecard.fields(0).filled(), 1);
  EXPECT_EQ(scorecard.fields(4).field(), "emails");
  EXPECT_EQ(scorecard.fields(4).filled(), 0);
  EXPECT_EQ(scorecard.fields(4).doubted(), 1);
  EXPECT_EQ(scorecard.fields(13).field(), "custom_fields.age");
  ASSERT_EQ(scorecard.open_issues_size(), 1);
  EXPECT_EQ(scorecard.open_issues(0).kind(), v1::QualityIssue::MISSING);
  ASSERT_EQ(scorecard.last_observed_size(), 1);
  EXPECT_EQ(scorecard.last_observed(0).month(), "1970-01");
}

TEST_F(QualityServiceTest, ScorecardIsTheTenantsOwn) {
  Create();
  desk_.set_tenant("other");
  EXPECT_EQ(Scorecard().contacts(), 0);
}

}  // namespace
}  // namespace crm::contact
