#pragma once

#include <concepts>
#include <utility>

#include "absl/status/statusor.h"

namespace crm {

// The rules of one kind of aggregate, as pure static functions: no clock, no I/O, no randomness, no
// library whose answer changes with its version. What depends on those arrives in the command or
// the event.
//
//   State             default-constructed: nothing has happened yet
//   Event, Events     protobuf message; a container of them
//   Evolve            total: any event folds onto any state; never fails, never decides. May take
//   the
//                     event's metadata as a third argument, with a default
//   Decide            one overload per command: the events to record, none when the state is
//   already as
//                     asked, or a refusal (refusal.h)
//
// Events that Decide answers with, folded by Evolve, lead to a state in which the same command
// records nothing more.
template <typename D>
concept Decider = std::default_initializable<typename D::State> &&
    std::equality_comparable<typename D::State> &&
    requires(typename D::State state, const typename D::Event& event) {
  { D::Evolve(std::move(state), event) } -> std::same_as<typename D::State>;
  typename D::Events;
};

template <typename D, typename Command>
concept Decides = Decider<D> && requires(const typename D::State& state, const Command& command) {
  { D::Decide(state, command) } -> std::same_as<absl::StatusOr<typename D::Events>>;
};

// static_assert(DeciderOf<ContactDecider, CreateContact, UpdateContact>);
template <typename D, typename... Commands>
concept DeciderOf = (Decides<D, Commands> && ...);

}  // namespace crm
