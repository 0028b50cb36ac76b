// The first half of what is asked of an event before it is accepted: may this
// principal publish it, and is it what it claims to be. PURE.
//
//   right (source, type, controller) → payload (field rules) → digest
//
// Duplicates and versions, the second half, are the log's.
#ifndef CONCORDAT_SERVICES_BUS_INGEST_JUDGE_H_
#define CONCORDAT_SERVICES_BUS_INGEST_JUDGE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/event/commitments.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

struct Verdict {
  v1::Refusal refusal = v1::REFUSAL_UNSPECIFIED;  // Passes.
  std::string detail;  // Field and rule, never a value.
  const EventType* type = nullptr;
};

// For one thread.
class Judge {
 public:
  explicit Judge(std::shared_ptr<const TypeRegistry> types)
      : types_(std::move(types)) {}

  // Call before the first event of each batch: rights are judged once for
  // neighbours of a batch that share source, type and controller.
  void StartBatch() { last_ = {}; }

  // On passing, `commitments` is the event's; `faults` takes what an urgent
  // type is forgiven.
  Verdict JudgeEvent(const v1::Principal& principal, const EventView& event,
                     Commitments& commitments,
                     std::vector<std::string>& faults);

 private:
  // Texts of the batch's dictionary are known by their address.
  struct Last {
    const char* source = nullptr;
    const char* type = nullptr;
    const char* controller = nullptr;
    Verdict verdict;
  };

  Verdict JudgeRight(const v1::Principal& principal,
                     const HeaderView& header) const;

  const std::shared_ptr<const TypeRegistry> types_;
  Last last_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_JUDGE_H_
