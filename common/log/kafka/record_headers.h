#pragma once

#include <google/protobuf/message.h>
#include <librdkafka/rdkafka.h>

#include <string>

#include "common/log/kafka/kafka_client.h"
#include "common/log/record.h"

namespace crm {

// How a Record lies in a Kafka record: key (null where empty) and value as they are, the rest in
// headers, integers in ASCII decimals.
//
//   crm-kind   event | own | release | genesis | epoch
//              foreign: keeps the offset of a record of somebody else's in a copied log; the value
//              is RecordKind::kForeign's
//   crm-fence  event: always; control records: where not 0
//   crm-seq    the same
//   crm-last   "1" on the last event of a command, else absent
//
// Events whose content is known are CloudEvents 1.0 besides (binary mode of its Kafka binding):
// ce_specversion, ce_id (EventId), ce_type (full name of the event's message), ce_source
// ("/crm/<service>/<tenant>"), ce_time (recorded), ce_subject (the aggregate's name), content-type,
// and traceparent where there is one. Readers of the log need none of them.

// Renders headers for the records of one topic. Thread-safe.
class RecordHeaders {
 public:
  // `record`: the topic's record message, or null: then no CloudEvents headers.
  RecordHeaders(const std::string& topic, const google::protobuf::Message* record);

  KafkaPtr<rd_kafka_headers_t> Render(int64_t epoch, Partition partition,
                                      const Record& record) const;

 private:
  void AddCloudEvent(int64_t epoch, Partition partition, const Record& record,
                     rd_kafka_headers_t* headers) const;

  // "/crm/contact/".
  std::string source_;
  const google::protobuf::Descriptor* const descriptor_;
};

// The record a message holds. RecordKind::kForeign, value "REASON: sentence", where it is not one
// of ours: NO_HEADERS, UNKNOWN_KIND, BAD_HEADER, KEY_ELSEWHERE, BAD_CONTROL.
Record RecordOf(const rd_kafka_message_t& message);

// Whether an event with this key may lie in the partition: the key is empty, or "tenant/subject"
// and hashes to it.
bool KeyBelongs(std::string_view key, Partition partition);

}  // namespace crm
