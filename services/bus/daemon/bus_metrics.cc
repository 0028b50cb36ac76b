#include "services/bus/daemon/bus_metrics.h"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace concordat::bus {
namespace {

// Sessions without a name come and go: those of one role are one line.
struct Subscriptions {
  double sessions = 0;
  double lag = 0;  // The largest.
  double outstanding = 0;
  double outstanding_bytes = 0;
  // Settled singly, and so with a name.
  bool singly = false;
  double waiting = 0;
  double set_aside = 0;
  double parked = 0;
};

void CollectLog(const LogStatus& log, Samples& samples) {
  samples.Gauge("concordat_bus_log_end", "Sequence of the last durable event.",
                static_cast<double>(log.end.value));
  samples.Gauge("concordat_bus_log_bytes", "Size of the log.",
                static_cast<double>(log.bytes));
  samples.Gauge("concordat_bus_log_segments", "Its segments.", log.segments);
  samples.Gauge("concordat_bus_log_epoch", "Its epoch.", log.epoch);
  samples.Gauge("concordat_bus_log_removed_events",
                "Events of which retention left the spine.",
                static_cast<double>(log.removal.events));
  samples.Gauge("concordat_bus_read_only", "1: it takes no writes.",
                log.read_only ? 1 : 0);
}

void CollectQueues(const BusParts& parts, const DeliverySnapshot& delivery,
                   const LoopMeters& meters, Samples& samples) {
  const std::string sessions = "Open sessions of a port.";
  samples.Gauge("concordat_bus_sessions", sessions,
                static_cast<double>(parts.ingest.sessions()),
                {{"port", "ingest"}});
  samples.Gauge("concordat_bus_sessions", sessions,
                static_cast<double>(delivery.sessions), {{"port", "delivery"}});
  samples.Gauge("concordat_bus_publish_calls_waiting",
                "Calls that publish and have no answer yet.",
                static_cast<double>(parts.ingest.waiting_calls()));
  samples.Gauge("concordat_bus_blocks_out", "Blocks on their way to the disk.",
                static_cast<double>(meters.blocks_out()));
  samples.Gauge("concordat_bus_open_block_bytes",
                "What is staged for the next blocks.",
                static_cast<double>(meters.open_block_bytes()));
  samples.Gauge("concordat_bus_bulk_waiting_bytes",
                "Frames of bulk that wait for others and the alerts service.",
                static_cast<double>(meters.bulk_waiting_bytes()));
  samples.Gauge("concordat_bus_urgent_lag_seconds",
                "How far the alerts service is behind the log.",
                absl::ToDoubleSeconds(delivery.urgent_lag));
}

void CollectSubscriptions(const DeliverySnapshot& delivery, Samples& samples) {
  std::map<std::tuple<std::string, std::string, std::string>, Subscriptions>
      all;
  for (const SubscriptionInfo& info : delivery.subscriptions) {
    Subscriptions& sum = all[{info.agency, info.role, info.name}];
    sum.sessions += info.connected ? 1 : 0;
    sum.lag = std::max(sum.lag, static_cast<double>(delivery.folded.value -
                                                    info.acknowledged.value));
    sum.outstanding += static_cast<double>(info.outstanding);
    sum.outstanding_bytes += static_cast<double>(info.outstanding_bytes);
    sum.singly = info.singly;
    sum.waiting = static_cast<double>(info.waiting);
    sum.set_aside = static_cast<double>(info.set_aside);
    sum.parked = static_cast<double>(info.parked);
  }
  for (const auto& [key, sum] : all) {
    const Samples::Labels labels = {{"agency", std::get<0>(key)},
                                    {"role", std::get<1>(key)},
                                    {"name", std::get<2>(key)}};
    samples.Gauge("concordat_bus_subscription_sessions",
                  "Sessions that hold it; 0: its reader is away.", sum.sessions,
                  labels);
    samples.Gauge("concordat_bus_subscription_lag",
                  "Durable events that it has not acknowledged.", sum.lag,
                  labels);
    samples.Gauge("concordat_bus_subscription_outstanding",
                  "Views that are out and not acknowledged.", sum.outstanding,
                  labels);
    samples.Gauge("concordat_bus_subscription_outstanding_bytes",
                  "Their bytes.", sum.outstanding_bytes, labels);
    if (!sum.singly) continue;
    samples.Gauge("concordat_bus_subscription_waiting",
                  "Events that wait for another attempt or behind one.",
                  sum.waiting, labels);
    samples.Gauge("concordat_bus_subscription_set_aside",
                  "Events that are set aside.", sum.set_aside, labels);
    samples.Gauge("concordat_bus_subscription_parked",
                  "Events that are parked.", sum.parked, labels);
  }
}

// What a port did not let in, or cut. Who is refused there is told by a Closed, or by
// the connection ending: these counts are for whoever runs the hub.
void CollectCarriers(const BusParts& parts, Samples& samples) {
  const std::string cut = "Connections of a port that were cut.";
  for (const auto& [port, carrier] :
       std::initializer_list<std::pair<const char*, const ZmqCarrier*>>{
           {"ingest", &parts.ingest_port},
           {"delivery", &parts.delivery_port}}) {
    const CarrierStats stats = carrier->stats();
    samples.Counter("concordat_bus_connections_total",
                    "Connections of a port that passed its handshake.",
                    static_cast<double>(stats.connections), {{"port", port}});
    for (const auto& [reason, count] :
         std::initializer_list<std::pair<const char*, uint64_t>>{
             {"claimed-id", stats.claimed_ids},
             {"multipart", stats.multipart},
             {"silent", stats.silent},
             {"too-many", stats.too_many},
             {"unread", stats.too_much_unread}}) {
      samples.Counter("concordat_bus_cut_total", cut,
                      static_cast<double>(count),
                      {{"port", port}, {"reason", reason}});
    }
  }
  samples.Counter(
      "concordat_bus_refused_keys_total",
      "Connections by a key that is nobody's, or is revoked; two of "
      "them are the bus's own test at its start.",
      static_cast<double>(parts.ingest_port.stats().refused_keys));
}

}  // namespace

void CollectBus(const BusParts& parts, const LoopMeters& meters,
                Samples& samples) {
  const DeliverySnapshot delivery = parts.delivery.Snapshot();
  CollectLog(parts.log.Status(), samples);
  CollectQueues(parts, delivery, meters, samples);
  CollectSubscriptions(delivery, samples);
  CollectCarriers(parts, samples);
  for (const auto& [refusal, count] : parts.refusals.Totals()) {
    samples.Counter(
        "concordat_bus_refused_total", "Events, frames and sessions refused.",
        static_cast<double>(count), {{"reason", v1::Refusal_Name(refusal)}});
  }
  samples.Counter("concordat_bus_accepted_with_faults_total",
                  "Events of urgent types that were taken with faults.",
                  static_cast<double>(parts.faults.total()));
}

}  // namespace concordat::bus
