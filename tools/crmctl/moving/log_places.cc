#include "tools/crmctl/moving/log_places.h"

#include <algorithm>

#include "common/base/status.h"
#include "common/log/embedded/embedded_log.h"
#include "common/log/kafka/kafka_log.h"
#include "tools/crmctl/moving/embedded_draft.h"
#include "tools/crmctl/moving/engine_source.h"
#include "tools/crmctl/moving/kafka_draft.h"

namespace crm::crmctl {
namespace {

constexpr std::string_view kScheme = "kafka://";

template <typename Engine>
class OpenedEngine final : public OpenedLog {
 public:
  OpenedEngine(std::unique_ptr<Engine> engine, EngineSource source)
      : engine_(std::move(engine)), source_(std::move(source)) {}
  LogSource& source() override { return source_; }

 private:
  const std::unique_ptr<Engine> engine_;
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

template <typename Engine>
absl::StatusOr<std::unique_ptr<OpenedLog>> Opened(std::unique_ptr<Engine> engine, std::string name,
                                                  const std::vector<std::string>& topics) {
  std::vector<Log*> logs;
  for (const std::string& topic : topics) logs.push_back(&engine->Topic(topic));
  CRM_ASSIGN_OR_RETURN(EngineSource source,
                       EngineSource::Of(std::move(name), engine->identity(), logs));
  return std::make_unique<OpenedEngine<Engine>>(std::move(engine), std::move(source));
}

absl::StatusOr<std::unique_ptr<OpenedLog>> OpenEmbedded(const std::string& data_directory,
                                                        const std::vector<std::string>& topics) {
  EmbeddedLogOptions options;
  options.directory = data_directory + "/log";
  CRM_ASSIGN_OR_RETURN(auto engine, EmbeddedLogEngine::Open(std::move(options)));
  CRM_ASSIGN_OR_RETURN(const auto chosen, Chosen(engine->topics(), topics));
  return Opened(std::move(engine), "the log in " + data_directory, chosen);
}

absl::StatusOr<std::unique_ptr<OpenedLog>> OpenKafka(const KafkaPlace& place,
                                                     const std::vector<std::string>& topics) {
  std::vector<std::string> served;
  for (const KafkaTopic& topic : place.topics) served.push_back(topic.name);
  CRM_ASSIGN_OR_RETURN(const auto chosen, Chosen(served, topics));
  KafkaLogOptions options;
  options.connection = place.connection;
  for (const KafkaTopic& topic : place.topics) {
    const bool asked = std::find(chosen.begin(), chosen.end(), topic.name) != chosen.end();
    if (asked) options.topics.push_back(topic);
  }
  CRM_ASSIGN_OR_RETURN(auto engine, KafkaLogEngine::Open(std::move(options)));
  return Opened(std::move(engine), std::string(kScheme) + place.connection.bootstrap, chosen);
}

}  // namespace

LogAddress ParseLogAddress(const std::string& text, KafkaPlace kafka) {
  if (text.rfind(kScheme, 0) != 0) return {text, {}};
  kafka.connection.bootstrap = text.substr(kScheme.size());
  return {"", std::move(kafka)};
}

absl::StatusOr<std::unique_ptr<OpenedLog>> OpenLog(const LogAddress& address,
                                                   const std::vector<std::string>& topics) {
  if (address.kafka.connection.bootstrap.empty()) {
    return OpenEmbedded(address.data_directory, topics);
  }
  return OpenKafka(address.kafka, topics);
}

std::unique_ptr<LogDraft> MakeDraft(const LogAddress& address) {
  const KafkaPlace& kafka = address.kafka;
  if (kafka.connection.bootstrap.empty()) {
    return std::make_unique<EmbeddedDraft>(address.data_directory);
  }
  return std::make_unique<KafkaDraft>(kafka);
}

}  // namespace crm::crmctl
