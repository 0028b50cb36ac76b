// The first half of what is asked of an event before it is accepted: may this
// principal publish it, and is it what it claims to be. PURE.
//
//   right (source, type, controller) → agreement (purpose, gateway) →
//   payload (field rules) → digest
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
#include "services/common/policy/policy.h"

namespace concordat::bus {

// Of what the bus itself publishes.
inline constexpr char kHubSource[] = "urn:concordat:hub:bus";

struct Verdict {
  v1::Refusal refusal = v1::REFUSAL_UNSPECIFIED;  // Passes.
  std::string detail;  // Field and rule, never a value.
  const EventType* type = nullptr;
};

// For one thread.
class Judge {
 public:
  explicit Judge(std::shared_ptr<const TypeRegistry> types)
      : types_(std::move(types)), agreements_(Agreements::None(types_)) {}

  // The agreements of the durable log from now on; none before.
  void UseAgreements(std::shared_ptr<const Agreements> agreements) {
    agreements_ = std::move(agreements);
  }

  // Call before the first event of each batch: rights are judged once for
  // neighbours of a batch that share what they are judged by.
  void StartBatch(uint64_t now_us) {
    last_ = {};
    now_us_ = now_us;
  }

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
    const char* purpose = nullptr;
    const char* gateway = nullptr;
    Verdict right;
    Verdict agreement;

    bool IsOf(const HeaderView& header) const {
      return source == header.source.data() && type == header.type.data() &&
             controller == header.controller.data() &&
             purpose == header.purpose.data() &&
             gateway == header.gateway.data();
    }
  };

  Verdict JudgeRight(const v1::Principal& principal,
                     const HeaderView& header) const;
  Verdict JudgeAgreement(const v1::Principal& principal,
                         const HeaderView& header) const;

  const std::shared_ptr<const TypeRegistry> types_;
  std::shared_ptr<const Agreements> agreements_;
  uint64_t now_us_ = 0;
  Last last_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_JUDGE_H_
