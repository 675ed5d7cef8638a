#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <vector>

#include "common/log/append_queue.h"

namespace crm {

// How to reach the brokers. Secrets come from files only.
struct KafkaConnection {
  // "host:port,host:port".
  std::string bootstrap;
  // Names this client to the brokers: the instance's name.
  std::string client_id = "crm";
  // PEM. TLS is on where `tls` says so; without a CA file the system's certificates count. Client
  // certificate and key: both or none.
  bool tls = false;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  // "", "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512".
  std::string sasl_mechanism;
  std::string sasl_username;
  // Its first line is the password.
  std::string sasl_password_file;
  // Told each line of the client library, warnings and worse, which may be many a second. Empty:
  // the note is. Thread-safe.
  std::function<void(const std::string&)> alarm;
};

struct KafkaTopic {
  std::string name;
  // The topic's record message: what CloudEvents headers are rendered from.
  const google::protobuf::Message* record = nullptr;
};

struct KafkaLogOptions {
  KafkaConnection connection;
  std::vector<KafkaTopic> topics;
  // Secret::CheckValue(). Empty only for tools that read.
  std::string secret_check;
  // Over all topics: appended and not delivered yet.
  AppendBounds bounds;
  // For the latest records, which tails read from memory, and for what is fetched ahead.
  size_t memory_bytes = 128 << 20;
  // Without an answer of the brokers by then an append's outcome is unknown.
  TimeNs delivery_timeout = 10 * kSecond;
  // After which a silent member of the group loses its partitions; the broker sets the limits (6 s
  // to 30 min by default).
  TimeNs session_timeout = 10 * kSecond;
  // Told in a sentence what the engine does by itself. May be empty; thread-safe.
  std::function<void(const std::string&)> note;
};

}  // namespace crm
