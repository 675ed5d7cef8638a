#pragma once

#include <string>

namespace crm {

// Producers of this program, seen where the client library makes them: the program is linked with
// crm_failing_producer (CMake). Thread-safe.

// How many were made so far.
int ProducersMade();

// The producer that was made last fails fatally, as librdkafka's idempotent producer may; nothing
// else is told to anybody.
void FailNewestProducer(const std::string& why);

}  // namespace crm
