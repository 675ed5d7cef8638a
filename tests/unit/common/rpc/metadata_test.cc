#include <gtest/gtest.h>

#include "common/base/status.h"
#include "common/rpc/call_metadata.h"
#include "common/rpc/error_details.h"

namespace crm {
namespace {

struct Read {
  absl::Status status;
  CallContext context;
};

Read ReadAll(const std::vector<std::pair<std::string, std::string>>& pairs) {
  Read out;
  out.context.caller.tenant = "left over";
  out.context.min_positions = {"left over"};
  MetadataReader reader(&out.context);
  for (const auto& [key, value] : pairs) reader.Add(key, value);
  out.status = reader.Finish();
  return out;
}

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(CallMetadata, DefaultsWhereNothingIsSent) {
  const Read read = ReadAll({{"user-agent", "x"}});
  ASSERT_TRUE(read.status.ok());
  EXPECT_EQ(read.context.caller.tenant, "default");
  EXPECT_FALSE(read.context.strong);
  EXPECT_TRUE(read.context.min_positions.empty());
  EXPECT_TRUE(read.context.caller.traceparent.empty());
}

TEST(CallMetadata, IsReadInFull) {
  const Read read = ReadAll({{"crm-tenant", "acme-1"},
                             {"crm-actor", "employee:ada"},
                             {"crm-on-behalf-of", "grace"},
                             {"crm-correlation", "c-1"},
                             {"crm-min-position", "a"},
                             {"crm-min-position", "b"},
                             {"crm-consistency", "strong"},
                             {"traceparent", kTrace}});
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_EQ(read.context.caller.tenant, "acme-1");
  EXPECT_EQ(read.context.caller.actor.kind(), common::v1::Actor::EMPLOYEE);
  EXPECT_EQ(read.context.caller.actor.principal(), "ada");
  EXPECT_EQ(read.context.caller.actor.on_behalf_of(), "grace");
  EXPECT_EQ(read.context.caller.correlation_id, "c-1");
  EXPECT_EQ(read.context.min_positions, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(read.context.strong);
  EXPECT_EQ(read.context.caller.traceparent, kTrace);
}

TEST(CallMetadata, IsRenderedAsItIsRead) {
  const Read read = ReadAll({{"crm-tenant", "acme-1"},
                             {"crm-actor", "partner:J\xc3\xb6rg:1"},
                             {"crm-on-behalf-of", "grace"},
                             {"crm-correlation", "c-1"},
                             {"crm-min-position", "a"},
                             {"crm-min-position", "b"},
                             {"crm-consistency", "strong"},
                             {"crm-forwarded", "1"},
                             {"traceparent", kTrace}});
  ASSERT_TRUE(read.status.ok()) << read.status;
  EXPECT_TRUE(read.context.forwarded);
  const MetadataPairs pairs = MetadataOf(read.context);
  for (const auto& [key, value] : pairs) {
    // What gRPC carries under a key of this kind.
    const bool ascii = value.find('\xc3') == std::string::npos;
    EXPECT_EQ(key.ends_with("-bin"), !ascii) << key;
  }
  const Read again = ReadAll(pairs);
  ASSERT_TRUE(again.status.ok()) << again.status;
  EXPECT_EQ(MetadataOf(again.context), pairs);
  EXPECT_EQ(again.context.caller.actor.principal(), "J\xc3\xb6rg:1");
  EXPECT_EQ(again.context.caller.actor.kind(), common::v1::Actor::PARTNER);
  EXPECT_EQ(again.context.min_positions, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(again.context.strong);
  EXPECT_TRUE(again.context.forwarded);
  EXPECT_EQ(again.context.caller.traceparent, kTrace);
}

TEST(CallMetadata, AMarkOfForwardingIsNotKeptForTheNextCall) {
  CallContext context;
  context.forwarded = true;
  MetadataReader reader(&context);
  EXPECT_TRUE(reader.Finish().ok());
  EXPECT_FALSE(context.forwarded);
}

TEST(CallMetadata, FaultsNameTheKeyNotTheValue) {
  const std::vector<std::pair<std::string, std::string>> faults = {
      {"crm-tenant", ""},
      {"crm-tenant", "Acme"},
      {"crm-tenant", "1a"},
      {"crm-tenant", "a/b"},
      {"crm-tenant", std::string(64, 'a')},
      {"crm-actor", ""},
      {"crm-actor", "robot:r2d2"},
      {"crm-actor", "employee:"},
      {"crm-actor", "a\xff"},
      {"crm-on-behalf-of", "a\nb"},
      {"crm-correlation", std::string(257, 'c')},
      {"crm-consistency", "Strong"},
      {"crm-consistency", ""}};
  for (const auto& fault : faults) {
    const Read read = ReadAll({fault});
    EXPECT_EQ(read.status.code(), absl::StatusCode::kInvalidArgument) << fault.first;
    EXPECT_EQ(read.status.message().substr(0, 9 + fault.first.size()), "metadata " + fault.first);
    if (fault.second.size() > 3) {
      EXPECT_EQ(std::string(read.status.message()).find(": " + fault.second), std::string::npos);
    }
  }
}

TEST(CallMetadata, SingleValuesMayNotRepeat) {
  for (const char* key : {"crm-tenant", "crm-actor", "crm-correlation", "crm-on-behalf-of"}) {
    EXPECT_FALSE(ReadAll({{key, "a"}, {key, "a"}}).status.ok()) << key;
  }
  EXPECT_FALSE(ReadAll({{"crm-consistency", "strong"}, {"crm-consistency", "strong"}}).status.ok());
  std::vector<std::pair<std::string, std::string>> many(17, {"crm-min-position", "p"});
  EXPECT_FALSE(ReadAll(many).status.ok());
}

TEST(CallMetadata, AllFaultsAtOnce) {
  const Read read = ReadAll({{"crm-tenant", "A"}, {"crm-consistency", "x"}, {"crm-actor", ""}});
  EXPECT_NE(std::string(read.status.message()).find("2 more"), std::string::npos);
}

TEST(CallMetadata, BadTraceparentIsIgnored) {
  const std::string good = kTrace;
  for (const std::string& bad : std::vector<std::string>{
           std::string("x"), good.substr(1), good + "0", "ff" + good.substr(2), good + "-extra",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"}) {
    const Read read = ReadAll({{"traceparent", bad}});
    EXPECT_TRUE(read.status.ok()) << bad;
    EXPECT_TRUE(read.context.caller.traceparent.empty()) << bad;
  }
  EXPECT_TRUE(IsTraceparent("01" + good.substr(2) + "-extra"));
}

TEST(ErrorDetails, SurviveTheWayThere) {
  const absl::Status error = RetryLater(absl::StatusCode::kUnavailable, "BEHIND", "wait", 250);
  const absl::Status back = DecodeError(static_cast<int>(error.code()),
                                        std::string(error.message()), EncodeErrorDetails(error));
  EXPECT_EQ(back, error);
}

TEST(ErrorDetails, LongMessagesAreCutAtACharacter) {
  std::string text;
  while (text.size() < 2000) text += "\xe2\x82\xac";
  const std::string message = ErrorMessage(absl::InternalError(text));
  EXPECT_EQ(message, text.substr(0, 510));
}

TEST(ErrorDetails, GarbageFromAServerIsLeftOut) {
  const absl::Status back = DecodeError(5, "gone", "\xff\xff\xff");
  EXPECT_EQ(back.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(back), "");
}

}  // namespace
}  // namespace crm
