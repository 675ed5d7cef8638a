#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crm::contact {

// The E.164 form of a phone number as people write it, or nothing where it is none. `region` (ISO
// 3166-1 alpha-2, may be empty) is where a number without a country code is dialled. Accepted is
// every number whose length is possible in its country, as assignments change more often than the
// metadata here. A number with an extension is refused, since E.164 has no place for it.
// Idempotent. Thread-safe.
std::optional<std::string> NormalisePhone(std::string_view text, std::string_view region);

}  // namespace crm::contact
