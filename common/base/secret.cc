#include "common/base/secret.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/status.h"

namespace crm {
namespace {

constexpr int kNonceBytes = 12;
constexpr int kTagBytes = 16;

const unsigned char* Raw(std::string_view s) {
  return reinterpret_cast<const unsigned char*>(s.data());
}
unsigned char* Raw(std::string& s) {
  return reinterpret_cast<unsigned char*>(s.data());
}

// Contexts keyed once per thread: setting a key up costs more than using it.
class KeyedContexts {
 public:
  static KeyedContexts& OfThread() {
    thread_local KeyedContexts contexts;
    return contexts;
  }

  // Ready for the next message under `key`.
  EVP_MAC_CTX* Mac(const std::string& key) {
    if (mac_key_ != key) {
      mac_key_ = key;
      const OwnedMac algorithm(EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
      mac_.reset(EVP_MAC_CTX_new(algorithm.get()));
      char digest[] = "SHA256";
      const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                       OSSL_PARAM_construct_end()};
      CRM_CHECK(EVP_MAC_init(mac_.get(), Raw(key), key.size(), parameters) == 1);
      return mac_.get();
    }
    CRM_CHECK(EVP_MAC_init(mac_.get(), nullptr, 0, nullptr) == 1);
    return mac_.get();
  }

  // Keyed; each message brings its nonce.
  EVP_CIPHER_CTX* Encrypt(const std::string& key) {
    if (encrypt_key_ != key) {
      encrypt_key_ = key;
      CRM_CHECK(EVP_EncryptInit_ex(encrypt_.get(), EVP_aes_256_gcm(), nullptr, Raw(key), nullptr) ==
                1);
    }
    return encrypt_.get();
  }
  EVP_CIPHER_CTX* Decrypt(const std::string& key) {
    if (decrypt_key_ != key) {
      decrypt_key_ = key;
      CRM_CHECK(EVP_DecryptInit_ex(decrypt_.get(), EVP_aes_256_gcm(), nullptr, Raw(key), nullptr) ==
                1);
    }
    return decrypt_.get();
  }

 private:
  using OwnedMac = std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)>;
  using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

  std::string mac_key_, encrypt_key_, decrypt_key_;
  std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> mac_{nullptr, EVP_MAC_CTX_free};
  CipherContext encrypt_{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  CipherContext decrypt_{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
};

absl::Status BadToken() {
  return Error(absl::StatusCode::kInvalidArgument, "TOKEN_INVALID",
               "the token was not made by this deployment, or was changed");
}

bool AllHex(std::string_view text) {
  for (const char c : text) {
    if (!std::isxdigit(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

std::string FromHex(std::string_view hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

absl::Status FileError(const std::string& path, const char* what) {
  return Error(absl::StatusCode::kFailedPrecondition, "SECRET_FILE",
               std::string(what) + " the secret file " + path + ": " + std::strerror(errno));
}

bool WriteDurably(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool ok =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
  close(fd);
  return ok;
}

bool SyncDirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = fsync(fd) == 0;
  close(fd);
  return ok;
}

// Complete or not there, and never in another's place: a crash leaves no half of a secret, and of
// two processes that start at once one fails.
absl::Status WriteSecretFile(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new-" + std::to_string(getpid());
  if (!WriteDurably(draft, text)) return FileError(path, "cannot write");
  const bool linked = link(draft.c_str(), path.c_str()) == 0;
  absl::Status status = linked ? absl::OkStatus() : FileError(path, "cannot create");
  unlink(draft.c_str());
  if (linked && !SyncDirectoryOf(path)) status = FileError(path, "cannot sync the directory of");
  return status;
}

}  // namespace

Secret::Secret(std::string key) : key_(std::move(key)) {
  token_key_ = Mac("crm token key", {});
}

absl::StatusOr<Secret> Secret::FromBytes(std::string key) {
  if (key.size() < kMinBytes) {
    return Error(absl::StatusCode::kFailedPrecondition, "SECRET_TOO_SHORT",
                 "the secret needs at least 32 bytes (64 hex digits); bring the secret file back "
                 "from the backup");
  }
  return Secret(std::move(key));
}

absl::StatusOr<Secret> Secret::FromFile(const std::string& path, Random* random) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    if (random == nullptr) {
      return Error(absl::StatusCode::kNotFound, "SECRET_FILE",
                   "cannot read the secret file " + path +
                       ": the log beside it was made with it; bring it back from the backup");
    }
    std::string key(kMinBytes, '\0');
    random->Fill(key.data(), key.size());
    CRM_RETURN_IF_ERROR(WriteSecretFile(path, Hex(key) + "\n"));
    return FromBytes(std::move(key));
  }
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::string trimmed = text;
  while (!trimmed.empty() && std::isspace(static_cast<unsigned char>(trimmed.back()))) {
    trimmed.pop_back();
  }
  if (trimmed.size() >= 2 * kMinBytes && trimmed.size() % 2 == 0 && AllHex(trimmed)) {
    return FromBytes(FromHex(trimmed));
  }
  return FromBytes(std::move(text));
}

std::string Secret::Mac(std::string_view label,
                        std::initializer_list<std::string_view> parts) const {
  std::string message;
  AppendSized(&message, label);
  for (const std::string_view part : parts) AppendSized(&message, part);
  std::string mac(32, '\0');
  size_t size = 0;
  EVP_MAC_CTX* context = KeyedContexts::OfThread().Mac(key_);
  CRM_CHECK(EVP_MAC_update(context, Raw(message), message.size()) == 1);
  CRM_CHECK(EVP_MAC_final(context, Raw(mac), &size, mac.size()) == 1 && size == mac.size());
  return mac;
}

std::string Secret::DeriveId(char kind, std::string_view label,
                             std::initializer_list<std::string_view> parts) const {
  return kind + Base32(std::string_view(Mac(label, parts)).substr(0, 16));
}

std::string Secret::CheckValue() const {
  return Mac("crm secret check", {}).substr(0, 16);
}

std::string Secret::SealToken(std::string_view purpose, std::string_view content,
                              Random& random) const {
  std::string out(kNonceBytes + content.size() + kTagBytes, '\0');
  random.Fill(out.data(), kNonceBytes);
  EVP_CIPHER_CTX* context = KeyedContexts::OfThread().Encrypt(token_key_);
  int size = 0;
  CRM_CHECK(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, Raw(out)) == 1);
  CRM_CHECK(EVP_EncryptUpdate(context, nullptr, &size, Raw(purpose), purpose.size()) == 1);
  CRM_CHECK(
      EVP_EncryptUpdate(context, Raw(out) + kNonceBytes, &size, Raw(content), content.size()) == 1);
  CRM_CHECK(EVP_EncryptFinal_ex(context, Raw(out) + kNonceBytes + size, &size) == 1);
  CRM_CHECK(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagBytes,
                                Raw(out) + out.size() - kTagBytes) == 1);
  return Base64Url(out);
}

absl::StatusOr<std::string> Secret::OpenToken(std::string_view purpose,
                                              std::string_view token) const {
  std::string sealed;
  if (!Base64UrlDecode(token, &sealed) || sealed.size() < kNonceBytes + kTagBytes) {
    return BadToken();
  }
  std::string content(sealed.size() - kNonceBytes - kTagBytes, '\0');
  EVP_CIPHER_CTX* context = KeyedContexts::OfThread().Decrypt(token_key_);
  int size = 0;
  const bool ok = EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, Raw(sealed)) == 1 &&
                  EVP_DecryptUpdate(context, nullptr, &size, Raw(purpose), purpose.size()) == 1 &&
                  EVP_DecryptUpdate(context, Raw(content), &size, Raw(sealed) + kNonceBytes,
                                    content.size()) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, kTagBytes,
                                      Raw(sealed) + sealed.size() - kTagBytes) == 1 &&
                  EVP_DecryptFinal_ex(context, Raw(content) + content.size(), &size) == 1;
  if (!ok) return BadToken();
  return content;
}

}  // namespace crm
