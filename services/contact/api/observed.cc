#include "services/contact/api/observed.h"

#include "common/base/timestamp.h"

namespace crm::contact {

std::optional<TimeNs> ReadObserveTime(const google::protobuf::Timestamp& time, TimeNs now,
                                      FieldFaults& faults) {
  const bool valid = IsTimestamp(time);
  const TimeNs observed = valid ? ToTimeNs(time) : 0;
  if (!valid) faults.Add("observe_time", "must lie in the years 1 to 9999, with nanos below 10^9");
  if (valid && observed > now + kObserveSkew) {
    faults.Add("observe_time", "must not lie in the future; a minute is allowed for");
  }
  // Commands have no other word for "not said" than 0.
  return observed == 0 ? 1 : observed;
}

}  // namespace crm::contact
