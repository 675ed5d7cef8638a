#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/base/ids.h"
#include "common/telemetry/metric_names.h"

namespace crm {

// One series each. Cheap enough for hot paths; thread-safe; live as long as their Metrics.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void Add(double amount = 1) = 0;
};
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void Set(double value) = 0;
};
// Of seconds.
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void Observe(TimeNs duration) = 0;
};

using MetricLabels = std::map<std::string, std::string>;

// The metrics of a process. Series are looked up once, when what counts is built, never a call. The
// same name and labels give the same series. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  Counter& CounterOf(const metric::Name& name, const MetricLabels& labels);
  Gauge& GaugeOf(const metric::Name& name, const MetricLabels& labels);
  // Buckets from 100 µs to 30 s.
  Histogram& HistogramOf(const metric::Name& name, const MetricLabels& labels);

  // Runs before every rendering: the place to set gauges of what is known elsewhere. `refresh` must
  // stay valid as long as the Metrics are rendered.
  void BeforeRender(std::function<void()> refresh);
  // Prometheus text format.
  std::string Render();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crm
