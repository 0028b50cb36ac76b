// Who of those that had a fact knows that it was corrected, taken back or cut: from
// the access log of what was delivered, acknowledged and opened, from the places of
// durable subscriptions, and from what agencies have said.
//
// Had it    To whom the original was delivered, under each name of each role; whose
//           place is past it and who is shown it; who opened the person between the
//           two and is shown it or had it delivered.
// Knows     Whoever acknowledged the correction, or whose place is past it while it is
//           shown to them; opened the person since; or said so (AcceptCorrection).
// Left      Whom nothing of the correction is shown any more, or ever: no agreement
//           gives it now, so that the hub does not deliver it. They are told that
//           there is one, and by who controls it what it says.
//
// Threads   One at a time.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_REGISTER_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_REGISTER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/log/event_log.h"
#include "services/bus/oversight/correction_book.h"
#include "services/bus/oversight/person_lists.h"
#include "services/common/config/principal_registry.h"
#include "services/common/rpc/access_log.h"

namespace concordat::bus {

class CorrectionRegister {
 public:
  static constexpr size_t kListMax = 1000;

  // All outlive this. `fold` is this one's alone.
  CorrectionRegister(EventLog& log, std::shared_ptr<const TypeRegistry> types,
                     const AccessStore& store, PolicyFold fold,
                     PersonLists& lists)
      : log_(log),
        store_(store),
        fold_(std::move(fold)),
        lists_(lists),
        book_(log, std::move(types)) {}

  // Who asks, and what it is asked with.
  struct Question {
    Recipient to;
    // An operator or a co-ordinator: of every agency.
    bool of_all = false;
    const PrincipalRegistry* registry = nullptr;
    std::vector<SubscriptionInfo> subscriptions = {};
  };

  // The newest first, of those whose lists let who asks.  DATA_LOSS, UNAVAILABLE  log or access log cannot be read.
  absl::StatusOr<std::vector<v1::Correction>> List(const Question& question);
  // The correction at that position, or the newest of what is at it.
  //   NOT_FOUND  none that may be asked about; the same words if there is one.
  struct Found {
    v1::Correction correction;
    CorrectionBook::Entry entry;
    // The whole of it is told: by whoever controls it, or for all.
    bool whole = false;
  };
  absl::StatusOr<Found> Find(const Question& question, Sequence at);

 private:
  absl::Status CatchUp();
  absl::StatusOr<std::vector<v1::Correction>> Fill(
      const std::vector<const CorrectionBook::Entry*>& entries,
      const Question& question);
  static bool MayKnowAll(const Question& question,
                         const CorrectionBook::Entry& entry) {
    return question.of_all || entry.controller == question.to.agency;
  }

  EventLog& log_;
  const AccessStore& store_;
  PolicyFold fold_;
  PersonLists& lists_;
  CorrectionBook book_;
};

// Id of the CorrectionAccepted for an agency.
std::string AcceptanceId(Sequence correction, absl::string_view agency);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_REGISTER_H_
