#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/contact/api/contact_service.h"
#include "tests/unit/services/contact/desk.h"

namespace crm::contact {
namespace {

using testing::Desk;
using ::testing::ElementsAre;
using testing::FaultyFields;
using Check = v1::CheckConsentResponse;

class ConsentServiceTest : public ::testing::Test {
 protected:
  static v1::GrantConsentRequest GrantRequest(const std::string& channel = "email") {
    v1::GrantConsentRequest request;
    request.mutable_contact_key()->set_source("shop");
    request.mutable_contact_key()->set_key("7");
    request.set_purpose("marketing");
    request.set_channel(channel);
    request.set_wording_version("2026-01");
    request.set_evidence("form 7");
    return request;
  }
  static v1::WithdrawConsentRequest WithdrawRequest(const std::string& channel = "email") {
    v1::WithdrawConsentRequest request;
    *request.mutable_contact_key() = GrantRequest().contact_key();
    request.set_purpose("marketing");
    request.set_channel(channel);
    return request;
  }
  static v1::CheckConsentRequest CheckRequest(const std::string& channel = "email") {
    v1::CheckConsentRequest request;
    *request.mutable_contact_key() = GrantRequest().contact_key();
    request.set_purpose("marketing");
    request.set_channel(channel);
    return request;
  }

  v1::ConsentLedger Grant(const v1::GrantConsentRequest& request) {
    return Ledger(desk_.Execute("GrantConsent", request));
  }
  v1::ConsentLedger Withdraw(const v1::WithdrawConsentRequest& request) {
    return Ledger(desk_.Execute("WithdrawConsent", request));
  }
  Check Ask(const v1::CheckConsentRequest& request, std::optional<Moment> as_of = std::nullopt) {
    const auto bytes = desk_.Ask("CheckConsent", request, as_of);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    Check response;
    EXPECT_TRUE(response.ParseFromString(bytes.value_or("")));
    return response;
  }
  static v1::ConsentLedger Ledger(const absl::StatusOr<std::string>& bytes) {
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    v1::ConsentLedger ledger;
    EXPECT_TRUE(ledger.ParseFromString(bytes.value_or("")));
    return ledger;
  }
  static std::string ContactOf(const v1::ConsentLedger& ledger) {
    return ledger.name().substr(0, ledger.name().rfind('/'));
  }

  Desk desk_;
};

TEST_F(ConsentServiceTest, ConsentOfAContactThatIsNotKnownYetIsAccepted) {
  const v1::ConsentLedger ledger = Grant(GrantRequest());
  v1::UpsertContactRequest upsert;
  *upsert.mutable_contact()->mutable_external_key() = GrantRequest().contact_key();
  v1::UpsertContactResponse born;
  ASSERT_TRUE(born.ParseFromString(*desk_.Execute("UpsertContact", upsert)));
  EXPECT_EQ(ledger.name(), born.contact().name() + "/consents");
  EXPECT_EQ(Ask(CheckRequest()).state(), Check::GRANTED);
}

TEST_F(ConsentServiceTest, ContactIsNamedByNameOrByKey) {
  const std::string contact = ContactOf(Grant(GrantRequest()));
  v1::CheckConsentRequest request = CheckRequest();
  request.clear_contact_key();
  request.set_contact(contact);
  EXPECT_EQ(Ask(request).state(), Check::GRANTED);
  v1::WithdrawConsentRequest withdrawal = WithdrawRequest();
  withdrawal.clear_contact_key();
  withdrawal.set_contact(contact);
  Withdraw(withdrawal);
  EXPECT_EQ(Ask(CheckRequest()).state(), Check::WITHDRAWN);
}

TEST_F(ConsentServiceTest, AnswerNamesTheEventItReliesOn) {
  Grant(GrantRequest("sms"));
  const v1::ConsentLedger ledger = Grant(GrantRequest());
  Withdraw(WithdrawRequest("sms"));
  const Check check = Ask(CheckRequest());
  EXPECT_EQ(check.basis().ledger(), ledger.name());
  EXPECT_EQ(check.basis().version(), 2);
  EXPECT_EQ(check.basis().recorded_time().seconds(), 3);
  EXPECT_EQ(check.basis().wording_version(), "2026-01");
  EXPECT_EQ(check.basis().read_to(), desk_.end());
  EXPECT_EQ(ledger.consents(0).channel(), "email");
  EXPECT_EQ(ledger.consents(0).version(), 2);
}

TEST_F(ConsentServiceTest, NothingIsConsentedToWithoutAGrant) {
  Grant(GrantRequest());
  const auto state = [&](const auto& change) {
    v1::CheckConsentRequest request = CheckRequest();
    change(request);
    const Check check = Ask(request);
    EXPECT_EQ(check.basis().version(), 0);
    EXPECT_FALSE(check.basis().ledger().empty());
    return check.state();
  };
  EXPECT_EQ(state([](auto& request) { request.set_purpose("service"); }), Check::NONE);
  EXPECT_EQ(state([](auto& request) { request.set_channel("sms"); }), Check::NONE);
  EXPECT_EQ(state([](auto& request) { request.set_recipient("partner"); }), Check::NONE);
  EXPECT_EQ(state([](auto& request) { request.mutable_contact_key()->set_key("8"); }), Check::NONE);
  desk_.set_tenant("u");
  EXPECT_EQ(state([](auto&) {}), Check::NONE);
}

TEST_F(ConsentServiceTest, PastAnswersStand) {
  Grant(GrantRequest());        // at 2 s, offset 0
  Withdraw(WithdrawRequest());  // 3 s, 1
  Grant(GrantRequest());        // 4 s, 2
  const auto at = [&](TimeNs time) { return Ask(CheckRequest(), Moment{.time = time}); };
  EXPECT_EQ(at(2 * kSecond - 1).state(), Check::NONE);
  EXPECT_EQ(at(2 * kSecond).state(), Check::GRANTED);
  EXPECT_EQ(at(3 * kSecond).state(), Check::WITHDRAWN);
  EXPECT_EQ(at(3 * kSecond).basis().version(), 2);
  EXPECT_EQ(at(4 * kSecond).basis().version(), 3);
  const auto below = [&](Offset offset) { return Ask(CheckRequest(), Moment{.offset = offset}); };
  EXPECT_EQ(below(0).state(), Check::NONE);
  EXPECT_EQ(below(1).state(), Check::GRANTED);
  EXPECT_EQ(below(1).basis().read_to(), 1);
  EXPECT_EQ(below(2).state(), Check::WITHDRAWN);
}

TEST_F(ConsentServiceTest, ExpiryIsJudgedAtTheMomentAskedFor) {
  v1::GrantConsentRequest request = GrantRequest();
  request.mutable_expire_time()->set_seconds(10);
  Grant(request);
  EXPECT_EQ(Ask(CheckRequest()).state(), Check::GRANTED);
  EXPECT_EQ(Ask(CheckRequest()).expire_time().seconds(), 10);
  desk_.Pass(20 * kSecond);
  const Check now = Ask(CheckRequest());
  EXPECT_EQ(now.state(), Check::EXPIRED);
  EXPECT_EQ(now.basis().version(), 1);
  EXPECT_EQ(now.use_time().seconds(), 22);
  EXPECT_EQ(Ask(CheckRequest(), Moment{.time = 9 * kSecond}).state(), Check::GRANTED);
  EXPECT_EQ(Ask(CheckRequest(), Moment{.time = 10 * kSecond}).state(), Check::EXPIRED);
  EXPECT_EQ(Ask(CheckRequest(), Moment{.offset = 1}).state(), Check::EXPIRED);
  v1::CheckConsentRequest then = CheckRequest();
  then.mutable_use_time()->set_seconds(9);
  EXPECT_EQ(Ask(then, Moment{.offset = 1}).state(), Check::GRANTED);
  EXPECT_EQ(Ask(then).state(), Check::GRANTED);
}

TEST_F(ConsentServiceTest, WithdrawalWithoutChannelTakesBackThePurpose) {
  Grant(GrantRequest("email"));
  Grant(GrantRequest("sms"));
  const v1::ConsentLedger ledger = Withdraw(WithdrawRequest(""));
  EXPECT_EQ(ledger.etag(), "4");
  for (const auto& consent : ledger.consents()) EXPECT_EQ(consent.state(), v1::Consent::WITHDRAWN);
  EXPECT_EQ(Withdraw(WithdrawRequest("")).etag(), "4");
}

TEST_F(ConsentServiceTest, DeletedContactMayWithdrawOnly) {
  const std::string contact = ContactOf(Grant(GrantRequest()));
  v1::UpsertContactRequest upsert;
  *upsert.mutable_contact()->mutable_external_key() = GrantRequest().contact_key();
  ASSERT_TRUE(desk_.Execute("UpsertContact", upsert).ok());
  v1::DeleteContactRequest remove;
  remove.set_name(contact);
  ASSERT_TRUE(desk_.Execute("DeleteContact", remove).ok());
  EXPECT_EQ(ReasonOf(desk_.Execute("GrantConsent", GrantRequest("sms")).status()),
            "CONTACT_DELETED");
  EXPECT_EQ(Withdraw(WithdrawRequest()).consents(0).state(), v1::Consent::WITHDRAWN);
  desk_.Erase(contact);
  EXPECT_EQ(ReasonOf(desk_.Execute("GrantConsent", GrantRequest()).status()), "CONTACT_ERASED");
}

TEST_F(ConsentServiceTest, UnreadableSubjectAnswersDataLoss) {
  const std::string contact = ContactOf(Grant(GrantRequest()));
  desk_.Quarantine(contact);
  EXPECT_EQ(desk_.Ask("CheckConsent", CheckRequest()).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(desk_.Ask("CheckConsent", CheckRequest(), Moment{.time = 0}).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST_F(ConsentServiceTest, AllFaultsOfAGrantAreAnsweredTogether) {
  v1::GrantConsentRequest request;
  request.set_contact("contacts/nobody");
  request.set_purpose("Marketing");
  request.set_channel("e mail");
  request.set_recipient("a\nb");
  request.set_wording_version("\x01");
  request.set_evidence("\x7f");
  request.mutable_expire_time()->set_nanos(-1);
  EXPECT_THAT(FaultyFields(desk_.Execute("GrantConsent", request).status()),
              ::testing::UnorderedElementsAre("contact", "purpose", "channel", "recipient",
                                              "wording_version", "evidence", "expire_time"));
}

TEST_F(ConsentServiceTest, ContactIsNamedExactlyOnce) {
  v1::GrantConsentRequest both = GrantRequest();
  both.set_contact("contacts/c" + std::string(26, 'a'));
  v1::GrantConsentRequest none = GrantRequest();
  none.clear_contact_key();
  for (const auto& request : {both, none}) {
    EXPECT_THAT(FaultyFields(desk_.Execute("GrantConsent", request).status()),
                ElementsAre("contact"));
  }
  v1::CheckConsentRequest check = CheckRequest();
  check.mutable_contact_key()->clear_key();
  EXPECT_THAT(FaultyFields(desk_.Ask("CheckConsent", check).status()),
              ElementsAre("contact_key.key"));
}

TEST_F(ConsentServiceTest, BadWordsAndTimesAreRefusedByField) {
  for (const char* word : {"", "1st", "-a", "a.b", "é", "A"}) {
    v1::CheckConsentRequest request = CheckRequest();
    request.set_channel(word);
    EXPECT_THAT(FaultyFields(desk_.Ask("CheckConsent", request).status()), ElementsAre("channel"));
  }
  v1::WithdrawConsentRequest withdrawal = WithdrawRequest("No");
  withdrawal.clear_purpose();
  EXPECT_THAT(FaultyFields(desk_.Execute("WithdrawConsent", withdrawal).status()),
              ElementsAre("purpose", "channel"));
  for (const int64_t seconds : {int64_t{-5}, int64_t{0}, int64_t{1} << 60}) {
    v1::GrantConsentRequest grant = GrantRequest();
    grant.mutable_expire_time()->set_seconds(seconds);
    EXPECT_THAT(FaultyFields(desk_.Execute("GrantConsent", grant).status()),
                ElementsAre("expire_time"));
  }
  v1::CheckConsentRequest check = CheckRequest();
  check.mutable_use_time()->set_seconds(int64_t{1} << 60);
  EXPECT_THAT(FaultyFields(desk_.Ask("CheckConsent", check).status()), ElementsAre("use_time"));
}

TEST_F(ConsentServiceTest, NeverIsAnExpiryToo) {
  v1::GrantConsentRequest request = GrantRequest();
  request.mutable_expire_time()->set_seconds(253'402'300'799);
  Grant(request);
  EXPECT_EQ(Ask(CheckRequest()).state(), Check::GRANTED);
  EXPECT_EQ(Grant(request).etag(), "1");
}

}  // namespace
}  // namespace crm::contact
