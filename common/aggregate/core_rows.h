#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.h"

namespace crm {

// Keys of the core store: what commands and Get need. Written by CoreState only. Each starts with
// the partition and a letter:
//
//   key                                        value
//   'a' tenant 0 aggregate                     Aggregate::ToRow: version, times, birth, resource
//   'h' tenant 0 subject 0 'd' request-id      DedupRow; of a birth in the row of its state
//   'h' tenant 0 aggregate 0 'v' version(be64) offset(be64), then the event's record value
//   's' tenant 0 subject                       SubjectMark
//   's'                                        empty; there are marks in this partition
//   'x' offset(be64)                           DeadLetter
//   'm'                                        StorePosition (common/projection/position.h)
//
// tenant and names hold no zero byte; a request id may, and comes last. What a command adds to
// history and what tells its repeats lie side by side, as the store finds the place of a row much
// faster right after its neighbour's. States lie by themselves, so that lists and reads of states
// pass over nothing else.
std::string AggregateKey(Partition partition, std::string_view tenant, std::string_view aggregate);
std::string HistoryPrefix(Partition partition, std::string_view tenant, std::string_view aggregate);
std::string HistoryKey(Partition partition, std::string_view tenant, std::string_view aggregate,
                       int64_t version);
std::string DedupPrefix(Partition partition, std::string_view tenant, std::string_view subject);
std::string DedupKey(Partition partition, std::string_view tenant, std::string_view subject,
                     std::string_view request_id);
std::string MarkKey(Partition partition, std::string_view tenant, std::string_view subject);
// Of a row whose key HistoryKey gave.
bool IsHistoryKey(std::string_view key);
std::string DeadLetterKey(Partition partition, Offset offset);
// First byte partition, second the family.
std::string FamilyPrefix(Partition partition, char family);

// The partition of everything that belongs to a subject. What belongs to no customer is placed by
// its command (Command::partition).
Partition PartitionOfSubject(std::string_view tenant, std::string_view subject);

}  // namespace crm
