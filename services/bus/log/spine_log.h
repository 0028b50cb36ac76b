#ifndef CONCORDAT_SERVICES_BUS_LOG_SPINE_LOG_H_
#define CONCORDAT_SERVICES_BUS_LOG_SPINE_LOG_H_

#include <cstddef>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/ids.h"

namespace concordat::bus {

// The spines of the log's events as they stand in its blocks: what a tree is
// built over. Retention takes none away.
//
// Threads  Any.
class SpineLog {
 public:
  virtual ~SpineLog() = default;

  using Visit = std::function<absl::Status(absl::string_view spine)>;
  // Those of the durable events after `after`, in order: of whole blocks, at
  // least one and else of about `bytes_max`. Returns the last one's sequence;
  // `after` when there is none. An error of `visit` ends it.
  //   DATA_LOSS, UNAVAILABLE
  virtual absl::StatusOr<Sequence> ForEachSpine(Sequence after,
                                                size_t bytes_max,
                                                const Visit& visit) const = 0;
  // The same for who follows closely: of blocks that were just written, as this
  // process wrote them, if it still has them. What is to be compared with the
  // disk is read by ForEachSpine().
  virtual absl::StatusOr<Sequence> FollowSpines(Sequence after,
                                                size_t bytes_max,
                                                const Visit& visit) const {
    return ForEachSpine(after, bytes_max, visit);
  }
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_SPINE_LOG_H_
