#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/base/random.h"

namespace crm {

// The deployment's HMAC secret. Ids of contacts, payload checks and tokens derive from it, so it is
// backed up with the log and never rotates. Immutable, thread-safe.
class Secret {
 public:
  static constexpr size_t kMinBytes = 32;

  // `key` has at least kMinBytes bytes.
  static absl::StatusOr<Secret> FromBytes(std::string key);
  // Reads a file of 64 or more hex digits or of 32 or more raw bytes. With `random`, a missing file
  // is made (mode 0600, synced) from it; without, a missing file is NOT_FOUND.
  static absl::StatusOr<Secret> FromFile(const std::string& path, Random* random);

  // HMAC-SHA256 over a domain label and length-prefixed parts; 32 bytes.
  std::string Mac(std::string_view label, std::initializer_list<std::string_view> parts) const;

  // One letter for the kind, then 26 characters of lower-case base32 (128 bits).
  std::string DeriveId(char kind, std::string_view label,
                       std::initializer_list<std::string_view> parts) const;

  // Stands in the log; tells a wrong secret at start. 16 bytes.
  std::string CheckValue() const;

  // AES-256-GCM under a key derived from the secret, base64url. `purpose` is authenticated.
  std::string SealToken(std::string_view purpose, std::string_view content, Random& random) const;
  // INVALID_ARGUMENT (TOKEN_INVALID) for anything SealToken did not make for this purpose.
  absl::StatusOr<std::string> OpenToken(std::string_view purpose, std::string_view token) const;

 private:
  explicit Secret(std::string key);
  std::string key_;
  std::string token_key_;
};

}  // namespace crm
