// crmctl quality, contact purge and operation, against the services over an embedded log.

#include <gmock/gmock.h>
#include <google/longrunning/operations.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <fstream>

#include "crm/contact/v1/contact_service.pb.h"
#include "tests/integration/crmctl/running_server.h"
#include "tests/support/temp_directory.h"

namespace crm::crmctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

template <typename Message>
Message FromJson(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(text, &message).ok()) << text;
  return message;
}

class UpkeepTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string file = directory_.File("people.csv");
    std::ofstream(file) << "id,name,mail\n1,Ada,ada@example.com\n2,Zoe,\n";
    const Ran ran = Crmctl(server_, {"import", "contacts", file, "--source", "shop", "--key-column",
                                     "id", "--map", "name=display_name", "--map", "mail=emails"});
    ASSERT_EQ(ran.exit_code, 0) << ran.err;
  }

  Ran Crm(std::vector<std::string> arguments) { return Crmctl(server_, std::move(arguments)); }

  TempDirectory directory_;
  RunningServer server_{directory_.File("data")};
};

TEST_F(UpkeepTest, IssuesAreOpenedResolvedAndCounted) {
  Ran ran = Crm({"quality", "open", "--key", "shop/1", "--kind", "invalid", "--field", "emails",
                 "--note", "bounces"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("invalid-emails"), HasSubstr("bounces")));
  ran = Crm({"--json", "quality", "scorecard"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const auto scorecard = FromJson<contact::v1::QualityScorecard>(ran.out);
  EXPECT_EQ(scorecard.contacts(), 2);
  EXPECT_EQ(scorecard.unreachable(), 1);
  EXPECT_EQ(scorecard.fields(4).field(), "emails");
  EXPECT_EQ(scorecard.fields(4).filled(), 1);
  EXPECT_EQ(scorecard.fields(4).doubted(), 1);
  EXPECT_THAT(Crm({"quality", "scorecard"}).out,
              AllOf(HasSubstr("display_name"), HasSubstr("unreachable"), HasSubstr("invalid")));
  ran = Crm({"quality", "resolve", "--key", "shop/1", "--issue", "invalid-emails"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  ran = Crm({"--json", "quality", "show", "--key", "shop/1"});
  EXPECT_TRUE(FromJson<contact::v1::ContactQuality>(ran.out).issues(0).has_resolve_time());
  EXPECT_NE(Crm({"quality", "resolve", "--key", "shop/1", "--issue", "none"}).exit_code, 0);
}

TEST_F(UpkeepTest, PurgeCountsAndIsListed) {
  Ran ran = Crm({"--json", "contact", "purge", "--deleted-before", "2020-01-01T00:00:00Z"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const auto operation = FromJson<google::longrunning::Operation>(ran.out);
  EXPECT_TRUE(operation.done());
  contact::v1::PurgeContactsResponse response;
  ASSERT_TRUE(operation.response().UnpackTo(&response));
  EXPECT_EQ(response.contacts(), 0);
  EXPECT_THAT(Crm({"operation", "list"}).out,
              AllOf(HasSubstr(operation.name()), HasSubstr("16 of 16")));
  EXPECT_EQ(Crm({"operation", "wait", operation.name()}).exit_code, 0);
  EXPECT_THAT(Crm({"contact", "purge", "--deleted-before", "yesterday"}).err,
              HasSubstr("--deleted-before"));
}

}  // namespace
}  // namespace crm::crmctl
