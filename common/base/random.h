#pragma once

#include <cstdint>
#include <string>

namespace crm {

// Source of random bytes; injected. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void Fill(void* out, size_t size) = 0;

  uint64_t Next64();
  // 32 hex digits.
  std::string Uuid();
};

// From the operating system's generator; made in main.cc only.
class SystemRandom final : public Random {
 public:
  void Fill(void* out, size_t size) override;
};

// The same sequence for the same seed. Not thread-safe.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}
  void Fill(void* out, size_t size) override;

 private:
  uint64_t state_;
};

}  // namespace crm
