#include "services/common/telemetry/metrics.h"

#include <exception>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "prometheus/collectable.h"
#include "prometheus/exposer.h"
#include "prometheus/text_serializer.h"
#include "services/common/base/mutex.h"

namespace concordat {
namespace {

prometheus::ClientMetric WithLabels(const Samples::Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels)
    metric.label.push_back({name, value});
  return metric;
}

}  // namespace

prometheus::MetricFamily& Samples::Family(const std::string& name,
                                          const std::string& help) {
  prometheus::MetricFamily& family = families_[name];
  family.name = name;
  family.help = help;
  return family;
}

void Samples::Counter(const std::string& name, const std::string& help,
                      double value, const Labels& labels) {
  prometheus::MetricFamily& family = Family(name, help);
  family.type = prometheus::MetricType::Counter;
  family.metric.push_back(WithLabels(labels));
  family.metric.back().counter.value = value;
}

void Samples::Gauge(const std::string& name, const std::string& help,
                    double value, const Labels& labels) {
  prometheus::MetricFamily& family = Family(name, help);
  family.type = prometheus::MetricType::Gauge;
  family.metric.push_back(WithLabels(labels));
  family.metric.back().gauge.value = value;
}

// Everybody that is asked at a scrape.
class Metrics::Asked : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    Samples samples;
    {
      MutexLock lock(mu_);
      for (const auto& [number, collect] : collectors_) collect(samples);
    }
    std::vector<prometheus::MetricFamily> families;
    for (auto& [name, family] : samples.families_) {
      families.push_back(std::move(family));
    }
    return families;
  }
  uint64_t Add(std::function<void(Samples&)> collect) {
    MutexLock lock(mu_);
    collectors_.emplace(++last_, std::move(collect));
    return last_;
  }
  void Remove(uint64_t number) {
    MutexLock lock(mu_);
    collectors_.erase(number);
  }

 private:
  mutable Mutex mu_;
  uint64_t last_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<uint64_t, std::function<void(Samples&)>> collectors_
      ABSL_GUARDED_BY(mu_);
};

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      asked_(std::make_shared<Asked>()) {}

Metrics::~Metrics() = default;

prometheus::Counter& Metrics::Counter(const std::string& name,
                                      const std::string& help,
                                      const Labels& labels) {
  return prometheus::BuildCounter()
      .Name(name)
      .Help(help)
      .Register(*registry_)
      .Add(labels);
}

prometheus::Gauge& Metrics::Gauge(const std::string& name,
                                  const std::string& help,
                                  const Labels& labels) {
  return prometheus::BuildGauge()
      .Name(name)
      .Help(help)
      .Register(*registry_)
      .Add(labels);
}

prometheus::Histogram& Metrics::Seconds(const std::string& name,
                                        const std::string& help,
                                        const Labels& labels) {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Register(*registry_)
      .Add(labels, prometheus::Histogram::BucketBoundaries{
                       0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                       0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30});
}

std::unique_ptr<Metrics::Collector> Metrics::OnCollect(
    std::function<void(Samples&)> collect) {
  class Registered : public Collector {
   public:
    Registered(std::shared_ptr<Asked> asked, uint64_t number)
        : asked_(std::move(asked)), number_(number) {}
    ~Registered() override { asked_->Remove(number_); }

   private:
    const std::shared_ptr<Asked> asked_;
    const uint64_t number_;
  };
  const uint64_t number = asked_->Add(std::move(collect));
  return std::make_unique<Registered>(asked_, number);
}

absl::StatusOr<std::string> Metrics::Listen(uint16_t port) {
  // The server underneath throws.
  try {
    exposer_ = std::make_unique<prometheus::Exposer>(
        absl::StrCat("127.0.0.1:", port), 1);
    exposer_->RegisterCollectable(registry_);
    exposer_->RegisterCollectable(asked_);
    return absl::StrCat("127.0.0.1:", exposer_->GetListeningPorts().at(0));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat(
        "cannot serve metrics on 127.0.0.1:", port, ": ", error.what()));
  }
}

std::string Metrics::Text() const {
  std::vector<prometheus::MetricFamily> all = registry_->Collect();
  std::vector<prometheus::MetricFamily> asked = asked_->Collect();
  all.insert(all.end(), std::make_move_iterator(asked.begin()),
             std::make_move_iterator(asked.end()));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace concordat
