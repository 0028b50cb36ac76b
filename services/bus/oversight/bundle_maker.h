#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_BUNDLE_MAKER_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_BUNDLE_MAKER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "concordat/access/v1/bundle.pb.h"
#include "services/bus/delivery/view_builder.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/log/chain_log.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/spine_log.h"
#include "services/bus/oversight/who_knew.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/event/codec.h"
#include "services/common/rpc/access_tree.h"

namespace concordat::bus {

// Makes evidence bundles (services/common/bundle/bundle.h) of what was known then.
//
// Threads  One at a time. Reads the access log from the first record that is cited.
class BundleMaker {
 public:
  // All outlive it; `spines` and `chains` are `log`.
  BundleMaker(const EventLog& log, const SpineLog& spines,
              const ChainLog& chains, const LogTree& tree,
              std::shared_ptr<const TypeRegistry> types,
              const AccessStore& store, AccessTree& access,
              const Ed25519Signer& signer)
      : log_(log),
        spines_(spines),
        chains_(chains),
        tree_(tree),
        views_(std::move(types)),
        store_(store),
        access_(access),
        signer_(signer) {}

  //   UNAVAILABLE  nothing is signed of the log yet: try again in a second.
  //   FAILED_PRECONDITION  the tree signs no more, and why.
  //   DATA_LOSS
  absl::StatusOr<std::string> Make(const KnownThen& known);

 private:
  absl::Status AddEvents(const KnownThen& known, uint64_t size,
                         access::v1::Bundle& bundle);
  // Who signed each event of the report, or that nobody did.
  absl::Status AddSignatures(const KnownThen& known,
                             access::v1::WhoKnewReport& report) const;
  absl::Status AddRecords(access::v1::Bundle& bundle);
  absl::StatusOr<std::string> LeafOf(Sequence sequence) const;

  const EventLog& log_;
  const SpineLog& spines_;
  const ChainLog& chains_;
  const LogTree& tree_;
  ViewBuilder views_;
  ViewEncoder encoder_;
  const AccessStore& store_;
  AccessTree& access_;
  const Ed25519Signer& signer_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_BUNDLE_MAKER_H_
