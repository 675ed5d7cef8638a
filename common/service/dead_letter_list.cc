#include "common/service/dead_letter_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/aggregate/dead_letters.h"
#include "common/base/status.h"

namespace crm {
namespace {

using namespace admin::v1;  // NOLINT: this file is about nothing else

constexpr int kDefaultPage = 100;
constexpr int kLargestPage = 1000;

struct Place {
  Partition partition = 0;
  Offset offset = 0;
};

// "partition.offset" of the first letter of the page.
absl::StatusOr<Place> PlaceOf(const std::string& token) {
  Place place;
  if (token.empty()) return place;
  const char* const end = token.data() + token.size();
  const auto partition = std::from_chars(token.data(), end, place.partition);
  if (partition.ec == std::errc() && partition.ptr != end && *partition.ptr == '.') {
    const auto offset = std::from_chars(partition.ptr + 1, end, place.offset);
    if (offset.ec == std::errc() && offset.ptr == end && place.partition >= 0 &&
        place.partition < kPartitions && place.offset >= 0) {
      return place;
    }
  }
  return InvalidField("page_token", "is none that an earlier page gave");
}

void Add(Partition partition, const common::v1::DeadLetter& letter,
         ListDeadLettersResponse* response) {
  DeadLetterEntry* entry = response->add_dead_letters();
  entry->set_partition(partition);
  entry->set_offset(letter.offset());
  entry->set_tenant(letter.tenant());
  entry->set_subject(letter.subject());
  entry->set_reason(letter.reason());
  entry->set_foreign(letter.foreign());
}

}  // namespace

absl::StatusOr<ListDeadLettersResponse> ReadDeadLetters(const RowReader& core,
                                                        const ListDeadLettersRequest& request) {
  if (request.page_size() < 0) return InvalidField("page_size", "must not be negative");
  const int size =
      request.page_size() == 0 ? kDefaultPage : std::min(request.page_size(), kLargestPage);
  CRM_ASSIGN_OR_RETURN(const Place from, PlaceOf(request.page_token()));
  ListDeadLettersResponse response;
  CRM_RETURN_IF_ERROR(VisitDeadLettersFrom(
      core, from.partition, from.offset, [&](Partition p, const common::v1::DeadLetter& letter) {
        if (response.dead_letters_size() == size) {
          response.set_next_page_token(fmt::format("{}.{}", p, letter.offset()));
          return false;
        }
        Add(p, letter, &response);
        return true;
      }));
  return response;
}

}  // namespace crm
