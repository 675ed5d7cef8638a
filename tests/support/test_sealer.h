#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/projection/sealing.h"

namespace crm::testing {

// A cipher for tests: bytes in the log differ from the plain ones and from subject to subject, keys
// can be destroyed, and what was sealed under another key does not open. The same content is sealed
// to the same bytes. No secrecy at all. Not thread-safe.
class TestSealer final : public Sealer {
 public:
  absl::StatusOr<common::v1::Sealed> Seal(std::string_view tenant, std::string_view subject,
                                          const common::v1::SealedContent& content) override {
    common::v1::Sealed sealed;
    sealed.set_key_id(KeyId(tenant, subject));
    sealed.set_bytes(Mix(sealed.key_id(), "+" + content.SerializeAsString()));
    return sealed;
  }

  absl::StatusOr<Opened> Open(std::string_view tenant, std::string_view subject,
                              const common::v1::Sealed& sealed) override {
    const std::string key = KeyId(tenant, subject);
    Opened opened;
    if (key == sealed.key_id() && destroyed_.contains(key)) {
      opened.outcome = Opened::Outcome::kShredded;
      return opened;
    }
    const std::string plain = Mix(key, sealed.bytes());
    if (lost_.contains(key) || key != sealed.key_id() || plain.empty() || plain[0] != '+' ||
        !opened.content.ParseFromString(plain.substr(1))) {
      return Error(absl::StatusCode::kDataLoss, "SEALED_UNREADABLE",
                   "a sealed part cannot be opened without its key");
    }
    return opened;
  }

  // Provably: what was sealed reads as shredded.
  void Destroy(std::string_view tenant, std::string_view subject) {
    destroyed_.insert(KeyId(tenant, subject));
  }
  // Without a trace: what was sealed cannot be read.
  void Lose(std::string_view tenant, std::string_view subject) {
    lost_.insert(KeyId(tenant, subject));
  }

 private:
  static std::string KeyId(std::string_view tenant, std::string_view subject) {
    return "key of " + std::string(tenant) + "/" + std::string(subject);
  }
  static std::string Mix(const std::string& key, std::string bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(bytes[i] ^ key[i % key.size()] ^ 0x5a);
    }
    return bytes;
  }

  std::set<std::string> destroyed_;
  std::set<std::string> lost_;
};

}  // namespace crm::testing
