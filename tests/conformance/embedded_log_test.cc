#include "common/log/embedded/embedded_log.h"

#include <crm/common/v1/log_control.pb.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>

#include "common/base/status.h"
#include "common/log/topic_feed.h"
#include "tests/conformance/log_suite.h"
#include "tests/support/temp_directory.h"

namespace crm {
namespace {

namespace fs = std::filesystem;

constexpr char kTopic[] = "crm.test.events";
constexpr char kOtherTopic[] = "crm.other.events";

Random& TestRandom() {
  static SystemRandom random;
  return random;
}

EmbeddedLogOptions OptionsFor(const std::string& directory, AppendBounds bounds = {}) {
  return {.directory = directory,
          .topics = {kTopic},
          .secret_check = "secret-check",
          .random = &TestRandom(),
          .bounds = bounds};
}

std::unique_ptr<EmbeddedLogEngine> OpenOrDie(EmbeddedLogOptions options) {
  auto engine = EmbeddedLogEngine::Open(std::move(options));
  EXPECT_TRUE(engine.ok()) << engine.status();
  CRM_CHECK(engine.ok());
  return std::move(engine).value();
}

struct EmbeddedEngine {
  static constexpr bool kDurable = true;

  explicit EmbeddedEngine(AppendBounds append_bounds = {})
      : bounds(append_bounds), engine(OpenOrDie(OptionsFor(directory.path(), bounds))) {}
  Log& log() { return engine->Topic(kTopic); }
  void Reopen() {
    engine.reset();
    engine = OpenOrDie(OptionsFor(directory.path(), bounds));
  }

  TempDirectory directory;
  AppendBounds bounds;
  std::unique_ptr<EmbeddedLogEngine> engine;
};

// Tails read from the files, for nothing recent fits into memory.
struct EmbeddedEngineFromFiles : EmbeddedEngine {
  explicit EmbeddedEngineFromFiles(AppendBounds append_bounds = {})
      : EmbeddedEngine(append_bounds) {
    Reopen();
  }
  void Reopen() {
    engine.reset();
    EmbeddedLogOptions options = OptionsFor(directory.path(), bounds);
    options.memory_bytes = 1;
    engine = OpenOrDie(std::move(options));
  }
};

using EmbeddedEngines = ::testing::Types<EmbeddedEngine, EmbeddedEngineFromFiles>;
INSTANTIATE_TYPED_TEST_SUITE_P(Embedded, LogSuite, EmbeddedEngines);

}  // namespace
}  // namespace crm
