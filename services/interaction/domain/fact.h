#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

#include "google/protobuf/timestamp.pb.h"

// What the facts about a customer have in common.
namespace crm::interaction {

// A moment of the years 1 to 9999 in UTC, to the nanosecond; seconds since 1970.
struct Instant {
  int64_t seconds = 0;
  int32_t nanos = 0;
  auto operator<=>(const Instant&) const = default;
};

inline Instant ReadInstant(const google::protobuf::Timestamp& time) {
  return {time.seconds(), time.nanos()};
}

inline void WriteInstant(const Instant& instant, google::protobuf::Timestamp* time) {
  time->set_seconds(instant.seconds);
  time->set_nanos(instant.nanos);
}

struct ExternalKey {
  std::string source;
  std::string key;
  bool operator==(const ExternalKey&) const = default;
};

// `Message` has an `external_key`.
template <typename Message>
std::optional<ExternalKey> ReadExternalKey(const Message& message) {
  if (!message.has_external_key()) return std::nullopt;
  return ExternalKey{message.external_key().source(), message.external_key().key()};
}

template <typename Message>
void WriteExternalKey(const std::optional<ExternalKey>& key, Message* message) {
  if (!key) return;
  message->mutable_external_key()->set_source(key->source);
  message->mutable_external_key()->set_key(key->key);
}

// kErased for good: what could identify the person is gone, and no event changes the fact any more.
enum class Lifecycle : uint8_t { kUnknown, kRecorded, kErased };

}  // namespace crm::interaction
