#include "common/base/timestamp.h"
#include "services/campaign/domain/campaign.h"

namespace crm::campaign {

Step ReadStep(const v1::Step& message) {
  return {.step = message.step(),
          .channel = message.channel(),
          .purpose = message.purpose(),
          .subject = message.subject(),
          .body = message.body()};
}

void WriteStep(const Step& step, v1::Step* message) {
  message->set_step(step.step);
  message->set_channel(step.channel);
  message->set_purpose(step.purpose);
  message->set_subject(step.subject);
  message->set_body(step.body);
}

CampaignContent ReadContent(const v1::Campaign& message) {
  CampaignContent content{.display_name = message.display_name(),
                          .type = message.type(),
                          .category = message.category(),
                          .segment = message.segment(),
                          .cap = {message.cap().sends(), message.cap().days()}};
  if (message.has_start_time()) content.start_time = ToTimeNs(message.start_time());
  if (message.has_end_time()) content.end_time = ToTimeNs(message.end_time());
  for (const auto& step : message.steps()) content.steps.push_back(ReadStep(step));
  return content;
}

void WriteContent(const CampaignContent& content, v1::Campaign* message) {
  message->set_display_name(content.display_name);
  message->set_type(content.type);
  message->set_category(content.category);
  message->set_segment(content.segment);
  if (content.start_time) SetTimestamp(*content.start_time, message->mutable_start_time());
  if (content.end_time) SetTimestamp(*content.end_time, message->mutable_end_time());
  for (const Step& step : content.steps) WriteStep(step, message->add_steps());
  if (content.cap == FrequencyCap{}) return;
  message->mutable_cap()->set_sends(content.cap.sends);
  message->mutable_cap()->set_days(content.cap.days);
}

std::optional<ExternalKey> ReadExternalKey(const v1::Campaign& message) {
  if (!message.has_external_key()) return std::nullopt;
  return ExternalKey{message.external_key().source(), message.external_key().key()};
}

void WriteExternalKey(const std::optional<ExternalKey>& key, v1::Campaign* message) {
  if (!key) return;
  message->mutable_external_key()->set_source(key->source);
  message->mutable_external_key()->set_key(key->key);
}

}  // namespace crm::campaign
