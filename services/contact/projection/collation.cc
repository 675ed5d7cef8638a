#include "services/contact/projection/collation.h"

#include <unicode/coll.h>

#include <algorithm>
#include <vector>

#include "common/base/check.h"

namespace crm::contact {
namespace {

constexpr int32_t kMaxBytes = 256;

// Lives as long as the process; its const members may be used by many threads at once.
const icu::Collator& Root() {
  static const icu::Collator* const collator = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Collator* root = icu::Collator::createInstance(icu::Locale::getRoot(), error);
    CRM_CHECK(U_SUCCESS(error));
    return root;
  }();
  return *collator;
}

}  // namespace

std::string CollationKey(std::string_view text) {
  const auto unicode = icu::UnicodeString::fromUTF8(
      icu::StringPiece(text.data(), static_cast<int32_t>(text.size())));
  if (unicode.isEmpty()) return "";
  std::vector<uint8_t> key(kMaxBytes);
  int32_t size = Root().getSortKey(unicode, key.data(), kMaxBytes);
  if (size > kMaxBytes) {
    key.resize(size);
    size = Root().getSortKey(unicode, key.data(), size);
  }
  // The key ends with a zero byte and holds no other.
  const int32_t kept = std::clamp(size - 1, 0, kMaxBytes);
  return std::string(key.begin(), key.begin() + kept);
}

int CompareCollated(std::string_view a, std::string_view b) {
  UErrorCode error = U_ZERO_ERROR;
  const auto piece = [](std::string_view text) {
    return icu::StringPiece(text.data(), static_cast<int32_t>(text.size()));
  };
  const UCollationResult result = Root().compareUTF8(piece(a), piece(b), error);
  CRM_CHECK(U_SUCCESS(error));
  return result;
}

int CollationVersion() {
  UVersionInfo version;
  Root().getVersion(version);
  return version[0] << 16 | version[1] << 8 | version[2];
}

}  // namespace crm::contact
