// Where people act on what an edge keeps: looks, and takes an act from the wish
// to its place in the log. What a message means only its adapter knows: it says
// so through ItemRules.
//
// Threads  Any; a call may wait.
#ifndef CONCORDAT_ADAPTERS_CORE_ITEM_DESK_H_
#define CONCORDAT_ADAPTERS_CORE_ITEM_DESK_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/core/edge_events.h"
#include "adapters/core/edge_store.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"

namespace concordat::edge {

// "PID-5 patient name" and what stands there.
struct KeptField {
  std::string name;
  std::string value;
};

// What an adapter knows of its own messages. Any thread.
class ItemRules {
 public:
  virtual ~ItemRules() = default;
  // What is kept of a message, field by field.
  virtual std::vector<KeptField> Show(const KeptItem& item) const = 0;
  // Whether it can be let out at all: the service, of the code list service-code,
  // that the decision has to be about.  As Release().
  virtual absl::StatusOr<std::string> PreviewRelease(
      const KeptItem& item) const = 0;
  // What letting it out under that decision publishes. The same item gives the
  // same events.
  //   FAILED_PRECONDITION  nothing; says why.
  //   UNAVAILABLE          it cannot be known now.
  virtual absl::StatusOr<std::vector<v1::MadeEvent>> Release(
      const KeptItem& item, absl::string_view decision_ref) const = 0;
  // Whether something comes of judging it again.  As Release().
  virtual absl::Status Replay(const KeptItem& item) const = 0;
  // Waits until the log is read up to there. False: not in time.
  virtual bool AwaitPosition(Sequence position,
                             absl::Duration timeout) const = 0;
};

struct Looked {
  KeptItem item;
  std::vector<KeptField> fields;
};

struct Taken {
  KeptItem item;  // As it is now. No content.
  Act act;
  bool duplicate = false;
};

class ItemDesk {
 public:
  static constexpr absl::Duration kWait = absl::Seconds(3);

  // An act without a time happens at that of `log_clock`; `clock` is the real
  // one. Borrows all.
  ItemDesk(EdgeStore& store, const ItemRules& rules, const EdgeEvents& events,
           const Clock& clock, const Clock& log_clock)
      : store_(store),
        rules_(rules),
        events_(events),
        clock_(clock),
        log_clock_(log_clock) {}

  // `wish` names item, by, on_behalf_of. It is on stable storage when the
  // content is given; the bus hears of it soon.
  //   NOT_FOUND  no such item.  RESOURCE_EXHAUSTED, UNAVAILABLE
  absl::StatusOr<Looked> Look(Act wish);

  // The service of the code list service-code that a sharing decision has to be
  // about for the item to be released.
  //   NOT_FOUND, FAILED_PRECONDITION (it cannot be: why), UNAVAILABLE
  absl::StatusOr<std::string> PreviewRelease(uint64_t item) const;

  // Whether something would come of judging the item again now.
  //   NOT_FOUND, FAILED_PRECONDITION, UNAVAILABLE
  absl::Status PreviewReplay(uint64_t item) const;

  // Of what items an act may be: others are not there for it.
  enum class Reach { kAll, kRefused };

  // `wish` names item, kind, request_id, by, reason and what else the kind
  // needs. Errors as EdgeService has them.
  absl::StatusOr<Taken> Take(Act wish, Sequence min_position,
                             Reach reach = Reach::kAll);

 private:
  absl::StatusOr<std::string> CheckRelease(const KeptItem& item) const;
  absl::Status CheckReplay(const KeptItem& item) const;
  absl::Status Prepare(Act& wish, Sequence min_position, Reach reach) const;
  absl::StatusOr<Taken> Answer(uint64_t act, const KeptItem& before,
                               bool duplicate) const;

  EdgeStore& store_;
  const ItemRules& rules_;
  const EdgeEvents& events_;
  const Clock& clock_;
  const Clock& log_clock_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_ITEM_DESK_H_
