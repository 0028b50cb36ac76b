// Counters, gauges and histograms of one process, for Prometheus to read on a
// loopback port. Label values come from short fixed sets, never from data.
//
// Threads  Any. What Counter(), Gauge() and Histogram() return lives as long as
//          the Metrics; look it up once and keep it on a hot path.
#ifndef CONCORDAT_SERVICES_COMMON_TELEMETRY_METRICS_H_
#define CONCORDAT_SERVICES_COMMON_TELEMETRY_METRICS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace prometheus {
class Exposer;
}

namespace concordat {

class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

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

  // Serves http://127.0.0.1:<port>/metrics. Call at most once.
  //   UNAVAILABLE  the port is taken.
  absl::Status Listen(uint16_t port);

  // What Listen() serves.
  std::string Text() const;

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_TELEMETRY_METRICS_H_
