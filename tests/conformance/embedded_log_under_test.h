#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "common/base/check.h"
#include "common/base/random.h"
#include "common/log/embedded/embedded_log.h"

// An embedded log as the tests open it, and a hand on its files.
namespace crm {

inline constexpr char kTopic[] = "crm.test.events";
inline constexpr char kOtherTopic[] = "crm.other.events";

inline Random& TestRandom() {
  static SystemRandom random;
  return random;
}

inline EmbeddedLogOptions OptionsFor(const std::string& directory, AppendBounds bounds = {}) {
  return {.directory = directory,
          .topics = {kTopic},
          .secret_check = "secret-check",
          .random = &TestRandom(),
          .bounds = bounds};
}

inline std::unique_ptr<EmbeddedLogEngine> OpenOrDie(EmbeddedLogOptions options) {
  auto engine = EmbeddedLogEngine::Open(std::move(options));
  EXPECT_TRUE(engine.ok()) << engine.status();
  CRM_CHECK(engine.ok());
  return std::move(engine).value();
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// The directory as a kill -9 at this moment would leave it.
inline void CopyLog(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

inline std::string NewestFile(const std::string& directory, const std::string& extension) {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator(directory + "/db")) {
    if (entry.path().extension() == extension) newest = std::max(newest, entry.path().string());
  }
  return newest;
}

inline std::string ManifestOf(const std::string& directory) {
  const std::string current = ReadFile(directory + "/db/CURRENT");
  return directory + "/db/" + current.substr(0, current.find('\n'));
}

}  // namespace crm
