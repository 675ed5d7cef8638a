#include "common/telemetry/log.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/mutex.h"
#include "tests/support/test_seed.h"

namespace crm {
namespace {

google::protobuf::Struct Parse(const std::string& line) {
  google::protobuf::Struct out;
  const auto status = google::protobuf::util::JsonStringToMessage(line, &out);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << line;
  return out;
}

class LogTest : public ::testing::Test {
 protected:
  ManualClock clock_{1'700'000'000 * kSecond + 123'456'789};
  std::vector<std::string> lines_;
  Mutex mutex_;
  Logger logger_{clock_, LogLevel::kInfo, [this](const std::string& line) {
                   MutexLock lock(mutex_);
                   lines_.push_back(line);
                 }};
};

TEST_F(LogTest, OneObjectALineWithItsFieldsInOrder) {
  logger_.Info("started", {{"port", 8081}, {"ratio", 0.5}, {"ok", true}, {"engine", "embedded"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_EQ(lines_[0],
            "{\"ts\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"info\",\"msg\":\"started\","
            "\"port\":8081,\"ratio\":0.5,\"ok\":true,\"engine\":\"embedded\"}\n");
}

TEST_F(LogTest, LevelsBelowAreSilent) {
  logger_.Debug("no");
  logger_.Warning("yes");
  logger_.SetLevel(LogLevel::kError);
  logger_.Warning("no");
  logger_.Error("yes");
  EXPECT_EQ(lines_.size(), 2u);
  EXPECT_EQ(LogLevelOf("warning"), LogLevel::kWarning);
  EXPECT_EQ(LogLevelOf("nonsense"), LogLevel::kInfo);
}

TEST_F(LogTest, AnyBytesMakeSoundJson) {
  std::mt19937 random(TestSeed());
  for (int i = 0; i < 2000; ++i) {
    std::string text(random() % 20, ' ');
    for (char& c : text) c = static_cast<char>(random());
    logger_.Info(text, {{text, text}});
    const std::string& line = lines_.back();
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_TRUE(IsUtf8(line));
    if (text.empty()) continue;
    const auto parsed = Parse(line);
    if (!IsUtf8(text)) continue;
    EXPECT_EQ(parsed.fields().at("msg").string_value(), text);
  }
}

TEST_F(LogTest, NumbersWithoutAJsonFormAreNull) {
  logger_.Info("x", {{"a", std::numeric_limits<double>::infinity()}, {"b", std::nan("")}});
  EXPECT_NE(lines_[0].find("\"a\":null,\"b\":null"), std::string::npos);
}

TEST_F(LogTest, ThreadsDoNotMixLines) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) logger_.Info("line", {{"i", i}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(lines_.size(), 2000u);
}

}  // namespace
}  // namespace crm
