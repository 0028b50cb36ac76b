#ifndef CONCORDAT_SERVICES_BUS_LOG_CHAIN_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_CHAIN_LOG_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/ids.h"

namespace concordat::bus {

// A link of a producer's chain as a block holds it: record kind 4 (FORMAT.md).
struct StoredLink {
  // Who had that key when it came, and of which agency.
  std::string principal;
  std::string agency;
  v1::ChainSigned link;
};
std::string EncodeLink(const StoredLink& link);
//   DATA_LOSS  not a link.
absl::StatusOr<StoredLink> DecodeLink(absl::string_view bytes);

// Where links of producers' chains are kept, beside the events.
class ChainLog {
 public:
  virtual ~ChainLog() = default;

  // The next block has it, and there is one: with the next TakeStaged(). A log
  // that takes no writes takes none of these either. The core's thread.
  virtual void StageLink(const StoredLink& link) = 0;

  // The first link that names the event and that `accept` takes; it came after the
  // event. Nothing: there is none in the `bytes_max` of blocks from the event's
  // on. Any thread.
  //   OUT_OF_RANGE  no such event.  DATA_LOSS, UNAVAILABLE, UNIMPLEMENTED
  virtual absl::StatusOr<std::optional<StoredLink>> FindLink(
      Sequence sequence, size_t bytes_max,
      const std::function<bool(const StoredLink&)>& accept) const = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_CHAIN_LOG_H_
