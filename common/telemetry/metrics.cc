#include "common/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "common/base/mutex.h"

namespace crm {
namespace {

const prometheus::Histogram::BucketBoundaries& Buckets() {
  static const auto* const kBuckets = new prometheus::Histogram::BucketBoundaries{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
      0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    30};
  return *kBuckets;
}

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
  void Add(double amount) override { counter_.Increment(amount); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void Set(double value) override { gauge_.Set(value); }

 private:
  prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void Observe(TimeNs duration) override {
    histogram_.Observe(static_cast<double>(duration) / static_cast<double>(kSecond));
  }

 private:
  prometheus::Histogram& histogram_;
};

template <typename Series>
using SeriesMap = std::map<std::pair<std::string, MetricLabels>, std::unique_ptr<Series>>;

}  // namespace

struct Metrics::State {
  template <typename Series, typename Make>
  Series& Find(SeriesMap<Series>& map, const metric::Name& name, const MetricLabels& labels,
               Make make) {
    MutexLock lock(mutex);
    auto& series = map[{name.name, labels}];
    if (series == nullptr) series = make();
    return *series;
  }

  prometheus::Registry registry;
  Mutex mutex;
  SeriesMap<Counter> counters;
  SeriesMap<Gauge> gauges;
  SeriesMap<Histogram> histograms;
  std::vector<std::function<void()>> refreshes;
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::CounterOf(const metric::Name& name, const MetricLabels& labels) {
  return state_->Find(state_->counters, name, labels, [&] {
    auto& family =
        prometheus::BuildCounter().Name(name.name).Help(name.help).Register(state_->registry);
    return std::make_unique<PrometheusCounter>(family.Add(labels));
  });
}

Gauge& Metrics::GaugeOf(const metric::Name& name, const MetricLabels& labels) {
  return state_->Find(state_->gauges, name, labels, [&] {
    auto& family =
        prometheus::BuildGauge().Name(name.name).Help(name.help).Register(state_->registry);
    return std::make_unique<PrometheusGauge>(family.Add(labels));
  });
}

Histogram& Metrics::HistogramOf(const metric::Name& name, const MetricLabels& labels) {
  return state_->Find(state_->histograms, name, labels, [&] {
    auto& family =
        prometheus::BuildHistogram().Name(name.name).Help(name.help).Register(state_->registry);
    return std::make_unique<PrometheusHistogram>(family.Add(labels, Buckets()));
  });
}

void Metrics::BeforeRender(std::function<void()> refresh) {
  MutexLock lock(state_->mutex);
  state_->refreshes.push_back(std::move(refresh));
}

std::string Metrics::Render() {
  std::vector<std::function<void()>> refreshes;
  {
    MutexLock lock(state_->mutex);
    refreshes = state_->refreshes;
  }
  for (const auto& refresh : refreshes) refresh();
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace crm
