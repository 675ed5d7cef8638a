#include "common/base/hash.h"

#include <xxhash.h>

#include "common/base/bytes.h"

namespace crm {
namespace {

std::string Canonical(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return {reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest)};
}

}  // namespace

std::string Hash128(std::string_view bytes) {
  return Canonical(XXH3_128bits(bytes.data(), bytes.size()));
}

PieceHasher::PieceHasher() : state_(XXH3_createState()) {
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_));
}

PieceHasher::~PieceHasher() {
  XXH3_freeState(static_cast<XXH3_state_t*>(state_));
}

void PieceHasher::Add(std::string_view piece) {
  const uint64_t size = piece.size();
  char prefix[8];
  for (int i = 0; i < 8; ++i) prefix[i] = static_cast<char>(size >> (56 - 8 * i));
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_), prefix, sizeof(prefix));
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state_), piece.data(), piece.size());
}

void PieceHasher::Add(uint64_t number) {
  std::string bytes;
  AppendBe64(&bytes, number);
  Add(bytes);
}

std::string PieceHasher::Digest() const {
  return Canonical(XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_)));
}

uint32_t Murmur2(std::string_view key) {
  constexpr uint32_t kM = 0x5bd1e995;
  const auto* data = reinterpret_cast<const unsigned char*>(key.data());
  size_t length = key.size();
  uint32_t h = 0x9747b28c ^ static_cast<uint32_t>(length);
  for (; length >= 4; data += 4, length -= 4) {
    uint32_t k = data[0] | data[1] << 8 | data[2] << 16 | static_cast<uint32_t>(data[3]) << 24;
    k *= kM;
    k ^= k >> 24;
    k *= kM;
    h = h * kM ^ k;
  }
  if (length >= 3) h ^= static_cast<uint32_t>(data[2]) << 16;
  if (length >= 2) h ^= static_cast<uint32_t>(data[1]) << 8;
  if (length >= 1) h = (h ^ data[0]) * kM;
  h ^= h >> 13;
  h *= kM;
  h ^= h >> 15;
  return h;
}

Partition PartitionOf(std::string_view key) {
  return static_cast<Partition>((Murmur2(key) & 0x7fffffff) % kPartitions);
}

}  // namespace crm
