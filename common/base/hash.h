#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace crm {

// XXH3-128 in canonical byte order, 16 bytes.
std::string Hash128(std::string_view bytes);

// Hash of the pieces it is fed, each prefixed with its length, so that pieces cannot shift into one
// another. Not thread-safe.
class PieceHasher {
 public:
  PieceHasher();
  ~PieceHasher();
  PieceHasher(const PieceHasher&) = delete;
  PieceHasher& operator=(const PieceHasher&) = delete;

  void Add(std::string_view piece);
  void Add(uint64_t number);
  // 16 bytes; more may be added afterwards.
  std::string Digest() const;

 private:
  void* state_;
};

// 32-bit murmur2 with the seed of the Java Kafka client: the same partition for the same key.
uint32_t Murmur2(std::string_view key);

// (murmur2(key) & 0x7fffffff) mod 16.
Partition PartitionOf(std::string_view key);

}  // namespace crm
