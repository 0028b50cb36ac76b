#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_BUNDLE_MAKER_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_BUNDLE_MAKER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "concordat/access/v1/bundle.pb.h"
#include "services/bus/delivery/view_builder.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/log/spine_log.h"
#include "services/bus/oversight/who_knew.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/event/codec.h"

namespace concordat::bus {

// Makes evidence bundles (services/common/bundle/bundle.h) of what was known then.
//
// Threads  One at a time. Reads the whole access log, and of it keeps 64 bytes a
//          record while it works.
class BundleMaker {
 public:
  // All outlive it; `spines` is `log`.
  BundleMaker(const EventLog& log, const SpineLog& spines, const LogTree& tree,
              std::shared_ptr<const TypeRegistry> types,
              const AccessStore& store, const Ed25519Signer& signer)
      : log_(log),
        spines_(spines),
        tree_(tree),
        views_(std::move(types)),
        store_(store),
        signer_(signer) {}

  //   UNAVAILABLE  nothing is signed of the log yet: try again in a second.
  //   FAILED_PRECONDITION  the tree signs no more, and why.
  //   DATA_LOSS
  absl::StatusOr<std::string> Make(const KnownThen& known);

 private:
  absl::Status AddEvents(const KnownThen& known, uint64_t size,
                         access::v1::Bundle& bundle);
  absl::Status AddRecords(access::v1::Bundle& bundle);
  absl::StatusOr<std::string> LeafOf(Sequence sequence) const;

  const EventLog& log_;
  const SpineLog& spines_;
  const LogTree& tree_;
  ViewBuilder views_;
  ViewEncoder encoder_;
  const AccessStore& store_;
  const Ed25519Signer& signer_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_BUNDLE_MAKER_H_
