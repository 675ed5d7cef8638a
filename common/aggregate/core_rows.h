#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace crm {

// Keys of the core store: what commands and Get need. Written by CoreFold only.
//
//   key                                                   value
//   partition 'a' tenant 0 aggregate                      Aggregate::ToRow: version, times,
//   resource partition 'h' tenant 0 aggregate 0 version(be64)      offset(be64), then the event's
//   record value partition 'd' tenant 0 subject 0 request-id           DedupRow partition 's'
//   tenant 0 subject                        SubjectMark partition 's' empty; there are marks in
//   this partition partition 'x' offset(be64)                            DeadLetter partition 'm'
//   StorePosition (common/projection/position.h)
//
// tenant and names hold no zero byte; a request id may, and comes last.
std::string AggregateKey(Partition partition, std::string_view tenant, std::string_view aggregate);
std::string HistoryPrefix(Partition partition, std::string_view tenant, std::string_view aggregate);
std::string HistoryKey(Partition partition, std::string_view tenant, std::string_view aggregate,
                       int64_t version);
std::string DedupPrefix(Partition partition, std::string_view tenant, std::string_view subject);
std::string DedupKey(Partition partition, std::string_view tenant, std::string_view subject,
                     std::string_view request_id);
std::string MarkKey(Partition partition, std::string_view tenant, std::string_view subject);
std::string DeadLetterKey(Partition partition, Offset offset);
// First byte partition, second the family.
std::string FamilyPrefix(Partition partition, char family);

// The partition of everything that belongs to a subject. What belongs to no customer is placed by
// its command (Command::partition).
Partition PartitionOfSubject(std::string_view tenant, std::string_view subject);

}  // namespace crm
