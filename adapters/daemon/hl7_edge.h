// One HL7 v2 edge, wired: listener, spool, cohort, decisions, worker.
#ifndef CONCORDAT_ADAPTERS_DAEMON_HL7_EDGE_H_
#define CONCORDAT_ADAPTERS_DAEMON_HL7_EDGE_H_

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "adapters/core/cohort.h"
#include "adapters/core/cohort_feed.h"
#include "adapters/core/decision_feed.h"
#include "adapters/core/edge_events.h"
#include "adapters/core/edge_store.h"
#include "adapters/core/erasure_feed.h"
#include "adapters/core/feed_heartbeat.h"
#include "adapters/core/identity_reporter.h"
#include "adapters/core/item_desk.h"
#include "adapters/core/sharing_decisions.h"
#include "adapters/core/spool_worker.h"
#include "adapters/hl7v2/hl7_item_rules.h"
#include "adapters/hl7v2/mapping.h"
#include "adapters/hl7v2/mllp_server.h"
#include "adapters/hl7v2/receiver.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/edge/v1/hl7.pb.h"
#include "concordat/edge/v1/service.pb.h"
#include "concordat/hub/v1/status.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/storage/storage.h"
#include "services/common/telemetry/log.h"

namespace concordat::edge {

// Who this edge is and what it stands on. Everything borrowed outlives it.
struct Hl7EdgeParts {
  bus::v1::Principal principal;
  v1::Hl7Edge settings;
  std::string secret;  // 32 bytes; every key of the edge comes from it.
  hl7v2::MllpTlsOptions tls;
  uint16_t mllp_port = 0;  // 0: any.
  CohortFeed::OpenIdentity open_identity;
  std::shared_ptr<const TypeRegistry> types;
  Directory* directory = nullptr;
  BusClient* bus = nullptr;
  const Clock* clock = nullptr;
  const Clock* log_clock = nullptr;  // When people act on items.
  Random* random = nullptr;
  const Logger* log = nullptr;
};

class Hl7EdgeProcess {
 public:
  // Everything runs when it returns.
  //   INVALID_ARGUMENT  the settings; in the clear on another address than
  //                     loopback.  UNAVAILABLE  the port.  DATA_LOSS  the spool.
  static absl::StatusOr<std::unique_ptr<Hl7EdgeProcess>> Start(
      Hl7EdgeParts parts);
  ~Hl7EdgeProcess();

  uint16_t mllp_port() const { return server_->port(); }
  EdgeStore& store() { return *store_; }
  const EdgeStore& store() const { return *store_; }
  const Cohort& cohort() const { return cohort_; }
  // For the people of the agency. It lives as long as this.
  ItemDesk& desk() { return *desk_; }
  // When the listener last had a message.
  void FillCounts(v1::Counts& counts) const;
  // Position: folded by cohort and decisions; 0 while messages wait, so that
  // who waits for their effects does. log_end counts what was published.
  void FillStatus(hub::v1::GetStatusResponse* status) const;

 private:
  Hl7EdgeProcess(Hl7EdgeParts parts, hl7v2::Mapping mapping);
  absl::Status StartParts();
  Judgement JudgeMessage(const WaitingMessage& message);
  absl::Status TellIdentity(const WaitingMessage& message,
                            const hl7v2::Outcome& outcome);

  const Hl7EdgeParts parts_;
  const hl7v2::Mapping mapping_;
  Cohort cohort_;
  SharingDecisions decisions_;
  const EdgeEvents events_;
  const hl7v2::Hl7ItemRules rules_;
  IdentityReporter identity_;
  // In the order in which they start; they end the other way round.
  std::unique_ptr<EdgeStore> store_;
  std::unique_ptr<ItemDesk> desk_;
  std::unique_ptr<CohortFeed> cohort_feed_;
  std::unique_ptr<DecisionFeed> decision_feed_;
  std::unique_ptr<ErasureFeed> erasure_feed_;
  std::unique_ptr<SpoolWorker> worker_;
  std::thread worker_thread_;
  std::unique_ptr<hl7v2::Receiver> receiver_;
  std::unique_ptr<FeedHeartbeat> heartbeat_;  // Null: of no feed.
  std::unique_ptr<hl7v2::MllpServer> server_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_DAEMON_HL7_EDGE_H_
