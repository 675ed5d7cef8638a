#include "services/analytics/projection/score_run_aggregate.h"

#include <string>

#include "common/base/timestamp.h"

namespace crm::analytics {

ScoreRun ScoreRunAggregate::Load(const v1::ScoreRun& resource) {
  ScoreRun run{resource};
  run.run.clear_name();
  run.run.clear_etag();
  run.run.clear_create_time();
  run.run.clear_update_time();
  return run;
}

v1::ScoreRun ScoreRunAggregate::Store(const ScoreRun& run, const AggregateInfo& info) {
  v1::ScoreRun resource = run.run;
  resource.set_name(info.name);
  resource.set_etag(std::to_string(info.version));
  SetTimestamp(info.create_time, resource.mutable_create_time());
  SetTimestamp(info.update_time, resource.mutable_update_time());
  return resource;
}

}  // namespace crm::analytics
