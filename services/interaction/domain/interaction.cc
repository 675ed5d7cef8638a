#include "services/interaction/domain/interaction.h"

#include <utility>

#include "common/decider/decider.h"
#include "common/decider/refusal.h"

namespace crm::interaction {

static_assert(DeciderOf<InteractionDecider, LogInteraction>);

namespace {

using Events = InteractionDecider::Events;
using v1::InteractionEvent;

absl::Status IsErased() {
  return Refused(kInteractionErased,
                 "the customer was erased; the interaction takes no more corrections");
}

Events One(InteractionEvent event) {
  Events events;
  events.push_back(std::move(event));
  return events;
}

// The personal part is always set, so that its presence tells nothing.
template <typename Message>
void Write(const InteractionContent& content, const std::optional<ExternalKey>& key,
           Message* message) {
  WriteOthers(content, message);
  WritePersonal(content, message->mutable_plain());
  WriteExternalKey(key, message->mutable_plain());
}

// A destroyed personal part reads as empty fields.
template <typename Message>
InteractionContent Read(const Message& message) {
  InteractionContent content;
  ReadOthers(message, &content);
  ReadPersonal(message.plain(), &content);
  return content;
}

Events Logged(const LogInteraction& command) {
  InteractionEvent event;
  Write(command.content, command.external_key, event.mutable_logged());
  return One(std::move(event));
}

Events Corrected(const Interaction& interaction, const LogInteraction& command) {
  InteractionEvent event;
  auto* corrected = event.mutable_corrected();
  Write(command.content, interaction.external_key, corrected);
  WriteInstant(interaction.content.occurred_time, corrected->mutable_previous_occurred_time());
  return One(std::move(event));
}

Interaction Born(const v1::InteractionLogged& event) {
  return {.lifecycle = Lifecycle::kRecorded,
          .content = Read(event),
          .external_key = ReadExternalKey(event.plain())};
}

Interaction Changed(Interaction interaction, const v1::InteractionCorrected& event) {
  interaction.content = Read(event);
  return interaction;
}

Interaction Erased(Interaction interaction) {
  interaction.lifecycle = Lifecycle::kErased;
  interaction.external_key.reset();
  interaction.content.summary.clear();
  interaction.content.participants.clear();
  return interaction;
}

}  // namespace

Interaction InteractionDecider::Evolve(Interaction interaction, const InteractionEvent& event) {
  if (interaction.lifecycle == Lifecycle::kErased) return interaction;
  switch (event.event_case()) {
    case InteractionEvent::kLogged:
      return Born(event.logged());
    case InteractionEvent::kCorrected:
      if (interaction.lifecycle == Lifecycle::kUnknown) return interaction;
      return Changed(std::move(interaction), event.corrected());
    case InteractionEvent::kErased:
      return Erased(std::move(interaction));
    case InteractionEvent::EVENT_NOT_SET:
      return interaction;
  }
  return interaction;
}

absl::StatusOr<Events> InteractionDecider::Decide(const Interaction& interaction,
                                                  const LogInteraction& command) {
  if (interaction.lifecycle == Lifecycle::kErased) return IsErased();
  if (interaction.lifecycle == Lifecycle::kUnknown) return Logged(command);
  if (interaction.content == command.content) return Events();
  return Corrected(interaction, command);
}

}  // namespace crm::interaction
