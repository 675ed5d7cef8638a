#include "tests/conformance/failing_producer.h"

#include <librdkafka/rdkafka.h>

#include "common/base/check.h"
#include "common/base/mutex.h"

namespace {

struct Seen {
  crm::Mutex mutex;
  rd_kafka_t* newest = nullptr;
  int made = 0;
};

Seen& Producers() {
  static Seen seen;
  return seen;
}

}  // namespace

// The linker puts it in the place of rd_kafka_new (--wrap).
extern "C" rd_kafka_t* __real_rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t* conf, char* why,
                                           size_t size);
extern "C" rd_kafka_t* __wrap_rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t* conf, char* why,
                                           size_t size) {
  rd_kafka_t* const made = __real_rd_kafka_new(type, conf, why, size);
  if (made != nullptr && type == RD_KAFKA_PRODUCER) {
    crm::MutexLock lock(Producers().mutex);
    Producers().newest = made;
    ++Producers().made;
  }
  return made;
}

namespace crm {

int ProducersMade() {
  MutexLock lock(Producers().mutex);
  return Producers().made;
}

void FailNewestProducer(const std::string& why) {
  MutexLock lock(Producers().mutex);
  CRM_CHECK(Producers().newest != nullptr);
  rd_kafka_test_fatal_error(Producers().newest, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                            why.c_str());
}

}  // namespace crm
