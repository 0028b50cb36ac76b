// Counters, gauges and histograms of one process, for Prometheus to read on a
// loopback port. Label values come from short fixed sets, never from data.
//
// Threads  Any. What Counter(), Gauge() and Histogram() return lives as long as
//          the Metrics; look it up once and keep it on a hot path.
#ifndef CONCORDAT_SERVICES_COMMON_TELEMETRY_METRICS_H_
#define CONCORDAT_SERVICES_COMMON_TELEMETRY_METRICS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/metric_family.h"
#include "prometheus/registry.h"

namespace prometheus {
class Exposer;
}

namespace concordat {

// What a part of the program says of itself when it is asked.
class Samples {
 public:
  using Labels = std::map<std::string, std::string>;

  // The same name has the same help each time. A counter never falls.
  void Counter(const std::string& name, const std::string& help, double value,
               const Labels& labels = {});
  void Gauge(const std::string& name, const std::string& help, double value,
             const Labels& labels = {});

 private:
  friend class Metrics;
  prometheus::MetricFamily& Family(const std::string& name,
                                   const std::string& help);
  std::map<std::string, prometheus::MetricFamily> families_;
};

class Metrics {
 public:
  using Labels = Samples::Labels;
  // Asked while it lives; its end waits for a question that is under way.
  class Collector {
   public:
    virtual ~Collector() = default;
  };

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The same name and labels give the same metric.
  prometheus::Counter& Counter(const std::string& name, const std::string& help,
                               const Labels& labels = {});
  prometheus::Gauge& Gauge(const std::string& name, const std::string& help,
                           const Labels& labels = {});
  // Of durations in seconds, 50 µs to 30 s.
  prometheus::Histogram& Seconds(const std::string& name,
                                 const std::string& help,
                                 const Labels& labels = {});

  // Asks `collect` at each scrape, for what would be too dear to count as it
  // happens, or stands somewhere already. One at a time, on the scraper's thread.
  [[nodiscard]] std::unique_ptr<Collector> OnCollect(
      std::function<void(Samples&)> collect);

  // Serves http://127.0.0.1:<port>/metrics, 0: on any port, and returns where:
  // "127.0.0.1:9403". Call at most once.
  //   UNAVAILABLE  the port is taken.
  absl::StatusOr<std::string> Listen(uint16_t port);

  // What Listen() serves.
  std::string Text() const;

 private:
  class Asked;
  std::shared_ptr<prometheus::Registry> registry_;
  std::shared_ptr<Asked> asked_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_TELEMETRY_METRICS_H_
