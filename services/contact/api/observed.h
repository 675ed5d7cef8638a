#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <optional>
#include <string>

#include "common/base/status.h"
#include "services/contact/api/normalise.h"

namespace crm::contact {

// How far clocks of callers may be ahead of ours.
inline constexpr TimeNs kObserveSkew = 60 * kSecond;

// A faulty time is a fault of "observe_time": one that is none, or more than kObserveSkew after
// `now`.
std::optional<TimeNs> ReadObserveTime(const google::protobuf::Timestamp& time, TimeNs now,
                                      FieldFaults& faults);

// Where and when the request's values were observed. `Request` has a source and an observe_time.
template <typename Request>
Observed ReadObserved(const Request& request, TimeNs now, const ContactOptions& options,
                      FieldFaults& faults) {
  Observed observed{.source = request.source(), .time = {}, .rule = options.survivorship};
  if (request.has_observe_time()) {
    observed.time = ReadObserveTime(request.observe_time(), now, faults);
  }
  CheckSource("source", request.source(), faults);
  return observed;
}

}  // namespace crm::contact
