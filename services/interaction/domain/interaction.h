#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "crm/interaction/v1/interaction_events.pb.h"
#include "services/interaction/domain/fact.h"

namespace crm::interaction {

// Reason of refusals.
inline constexpr std::string_view kInteractionErased = "INTERACTION_ERASED";

// What took place. The fields mean what they mean in crm.interaction.v1.Interaction; `summary` and
// `participants` are personal.
struct InteractionContent {
  std::string channel;
  v1::Interaction::Direction direction = v1::Interaction::DIRECTION_UNSPECIFIED;
  Instant occurred_time;
  std::string summary;
  std::vector<std::string> participants;
  bool operator==(const InteractionContent&) const = default;
};

// What the rules need to know of one interaction. Only Evolve builds it.
struct Interaction {
  Lifecycle lifecycle = Lifecycle::kUnknown;
  InteractionContent content;
  // Set at birth, then immutable.
  std::optional<ExternalKey> external_key;
  bool operator==(const Interaction&) const = default;
};

struct LogInteraction {
  InteractionContent content;
  std::optional<ExternalKey> external_key;
};

// The erasure law: folding a history without its personal parts and then SubjectErased gives the
// same state as folding the whole history and then SubjectErased. Channel, direction and time are
// kept: they belong to a pseudonym then.
struct InteractionDecider {
  using State = Interaction;
  using Event = v1::InteractionEvent;
  using Events = absl::InlinedVector<Event, 1>;

  static State Evolve(State interaction, const Event& event);

  //          unknown    recorded                            erased
  //   Log    logged     corrected; nothing, if as logged    INTERACTION_ERASED
  static absl::StatusOr<Events> Decide(const State& interaction, const LogInteraction& command);
};

// `Message` is v1::Interaction, v1::InteractionLogged or v1::InteractionCorrected.
template <typename Message>
void WriteOthers(const InteractionContent& content, Message* message) {
  message->set_channel(content.channel);
  message->set_direction(content.direction);
  WriteInstant(content.occurred_time, message->mutable_occurred_time());
}

template <typename Message>
void ReadOthers(const Message& message, InteractionContent* content) {
  content->channel = message.channel();
  content->direction = message.direction();
  content->occurred_time = ReadInstant(message.occurred_time());
}

// `Message` is v1::Interaction or v1::InteractionPersonal.
template <typename Message>
void WritePersonal(const InteractionContent& content, Message* message) {
  message->set_summary(content.summary);
  for (const std::string& one : content.participants) message->add_participants(one);
}

template <typename Message>
void ReadPersonal(const Message& message, InteractionContent* content) {
  content->summary = message.summary();
  content->participants = {message.participants().begin(), message.participants().end()};
}

}  // namespace crm::interaction
