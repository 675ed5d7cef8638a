#include "common/storage/file_checksum.h"

#include <xxhash.h>

#include <string>

namespace crm {
namespace {

class Xxh3Generator final : public rocksdb::FileChecksumGenerator {
 public:
  Xxh3Generator() : state_(XXH3_createState()) { XXH3_128bits_reset(state_); }
  ~Xxh3Generator() override { XXH3_freeState(state_); }
  Xxh3Generator(const Xxh3Generator&) = delete;
  Xxh3Generator& operator=(const Xxh3Generator&) = delete;

  void Update(const char* data, size_t size) override { XXH3_128bits_update(state_, data, size); }
  void Finalize() override {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_));
    checksum_.assign(reinterpret_cast<const char*>(canonical.digest), sizeof(canonical.digest));
  }
  std::string GetChecksum() const override { return checksum_; }
  const char* Name() const override { return "XXH3-128"; }

 private:
  XXH3_state_t* const state_;
  std::string checksum_;
};

class Xxh3Factory final : public rocksdb::FileChecksumGenFactory {
 public:
  // An empty name asks for whatever the factory makes; another one for a checksum it does not.
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    auto generator = std::make_unique<Xxh3Generator>();
    const std::string& wanted = context.requested_checksum_func_name;
    if (!wanted.empty() && wanted != generator->Name()) return nullptr;
    return generator;
  }
  const char* Name() const override { return "XXH3-128 factory"; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> FileChecksumFactory() {
  static const auto* const factory =
      new std::shared_ptr<rocksdb::FileChecksumGenFactory>(std::make_shared<Xxh3Factory>());
  return *factory;
}

}  // namespace crm
