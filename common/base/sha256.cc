#include "common/base/sha256.h"

#include <openssl/evp.h>

#include "common/base/bytes.h"
#include "common/base/check.h"

namespace crm {

std::string Sha256Hex(std::string_view bytes) {
  std::string digest(32, '\0');
  unsigned length = 0;
  CRM_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                       &length, EVP_sha256(), nullptr) == 1);
  CRM_CHECK(length == digest.size());
  return Hex(digest);
}

}  // namespace crm
