#include "common/base/random.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstring>

#include "common/base/bytes.h"
#include "common/base/check.h"

namespace crm {

uint64_t Random::Next64() {
  uint64_t value;
  Fill(&value, sizeof(value));
  return value;
}

std::string Random::Uuid() {
  char raw[16];
  Fill(raw, sizeof(raw));
  return Hex({raw, sizeof(raw)});
}

void SystemRandom::Fill(void* out, size_t size) {
  // Drawn in blocks: a call of the generator costs more than the bytes. What was handed out is
  // wiped.
  thread_local struct {
    unsigned char bytes[1024];
    size_t used = sizeof(bytes);
  } block;
  if (size > sizeof(block.bytes)) {
    CRM_CHECK(RAND_bytes(static_cast<unsigned char*>(out), static_cast<int>(size)) == 1);
    return;
  }
  if (sizeof(block.bytes) - block.used < size) {
    CRM_CHECK(RAND_bytes(block.bytes, sizeof(block.bytes)) == 1);
    block.used = 0;
  }
  std::memcpy(out, block.bytes + block.used, size);
  OPENSSL_cleanse(block.bytes + block.used, size);
  block.used += size;
}

// splitmix64 (Steele, Lea, Flood 2014).
void SeededRandom::Fill(void* out, size_t size) {
  auto* bytes = static_cast<char*>(out);
  while (size > 0) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    const size_t n = size < sizeof(z) ? size : sizeof(z);
    std::memcpy(bytes, &z, n);
    bytes += n;
    size -= n;
  }
}

}  // namespace crm
