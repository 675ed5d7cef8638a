#include "tools/crmctl/moving/log_places.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "tools/crmctl/moving/embedded_draft.h"
#include "tools/crmctl/moving/engine_source.h"

namespace crm::crmctl {
namespace {

constexpr std::string_view kScheme = "kafka://";

class OpenedEngine final : public OpenedLog {
 public:
  OpenedEngine(std::unique_ptr<EmbeddedLogEngine> engine, EngineSource source)
      : engine_(std::move(engine)), source_(std::move(source)) {}
  LogSource& source() override { return source_; }

 private:
  const std::unique_ptr<EmbeddedLogEngine> engine_;
  EngineSource source_;
};

absl::StatusOr<std::vector<std::string>> Chosen(const std::vector<std::string>& there,
                                                const std::vector<std::string>& asked) {
  if (asked.empty()) return there;
  for (const std::string& topic : asked) {
    if (std::find(there.begin(), there.end(), topic) != there.end()) continue;
    return Error(
        absl::StatusCode::kInvalidArgument, "NOT_KNOWN",
        fmt::format("there is no topic '{}'; there are: {}", topic, fmt::join(there, ", ")));
  }
  return asked;
}

absl::StatusOr<std::unique_ptr<OpenedLog>> OpenEmbedded(const std::string& data_directory,
                                                        const std::vector<std::string>& topics) {
  EmbeddedLogOptions options;
  options.directory = data_directory + "/log";
  CRM_ASSIGN_OR_RETURN(auto engine, EmbeddedLogEngine::Open(std::move(options)));
  CRM_ASSIGN_OR_RETURN(const auto chosen, Chosen(engine->topics(), topics));
  std::vector<Log*> logs;
  for (const std::string& topic : chosen) logs.push_back(&engine->Topic(topic));
  CRM_ASSIGN_OR_RETURN(EngineSource source,
                       EngineSource::Of("the log in " + data_directory, engine->identity(), logs));
  return std::make_unique<OpenedEngine>(std::move(engine), std::move(source));
}

}  // namespace

LogAddress ParseLogAddress(const std::string& text, KafkaConnection kafka) {
  if (text.rfind(kScheme, 0) != 0) return {text, {}};
  kafka.bootstrap = text.substr(kScheme.size());
  return {"", std::move(kafka)};
}

absl::StatusOr<std::unique_ptr<OpenedLog>> OpenLog(const LogAddress& address,
                                                   const std::vector<std::string>& topics) {
  return OpenEmbedded(address.data_directory, topics);
}

std::unique_ptr<LogDraft> MakeDraft(const LogAddress& address) {
  return std::make_unique<EmbeddedDraft>(address.data_directory);
}

}  // namespace crm::crmctl
