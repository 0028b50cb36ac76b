// Who is party to whose case, folded from the log by the hub's own policy: the
// events of mappa and identity, read with the right to process them.
//
// Threads  Any. The log is followed on a thread of its own.
#ifndef CONCORDAT_SERVICES_IDENTITY_RPC_CASE_PARTIES_H_
#define CONCORDAT_SERVICES_IDENTITY_RPC_CASE_PARTIES_H_

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/policy/policy.h"
#include "services/common/telemetry/log.h"

namespace concordat::identity {

class CaseParties {
 public:
  // What was true this long before the bus was lost is still told; after that
  // nothing is.
  static constexpr absl::Duration kStaleAfter = absl::Seconds(60);

  // Who acts for `arrangement` is party to everyone of whom it was notified.
  // All outlive this.
  CaseParties(BusClient& bus, std::shared_ptr<const TypeRegistry> types,
              std::string arrangement, const SteadyClock& clock,
              const Logger& log);
  ~CaseParties();  // Stop().

  // `on_erased` is called, on the thread that follows the log, for each erasure that
  // the log has, at each start for all of them again. Before Start().
  void OnErased(std::function<void(const PersonKey& person,
                                   const std::string& erasure_ref)>
                    on_erased) {
    on_erased_ = std::move(on_erased);
  }
  // Starts following the log. `on_change` is called, on the thread that does,
  // with a person whose parties may have changed, before position() says so;
  // with nobody when only the position moved. Call it once.
  void Start(std::function<void(const PersonKey&)> on_change);
  // `on_change` is not called any more once this returns.
  void Stop();

  // Is the agency party to an open case of the person? With `registered_too`
  // also: did it register the person itself?
  //   UNAVAILABLE  the log has not been read to its end, or not lately.
  absl::StatusOr<bool> IsParty(absl::string_view agency,
                               const PersonKey& person,
                               bool registered_too = false) const;
  // Whether there is a record of the person to this caller, whatever interest its
  // agency has: the lists that the lead agency set have it in. As they were last
  // known, also while the bus is away.
  //   UNAVAILABLE  the log has not been read to its end once.
  absl::StatusOr<bool> Allows(const bus::v1::Principal& caller,
                              const PersonKey& person) const;
  // The lists as far as they are about the agency. `restricted_to` empty: everybody;
  // an entry of no agency in it is for nobody.
  struct Lists {
    std::vector<AccessEntry> restricted_to;
    std::vector<AccessEntry> excluded;
  };
  //   UNAVAILABLE  as Allows.
  absl::StatusOr<Lists> ListsFor(absl::string_view agency,
                                 const PersonKey& person) const;
  // The agencies of the person's open case, for one of them or the arrangement; with
  // no lead: nothing that the agency may know of.
  struct Involved {
    std::string lead;
    std::set<std::string> parties;  // The lead among them.
  };
  //   UNAVAILABLE
  absl::StatusOr<Involved> InvolvedFor(absl::string_view agency,
                                       const PersonKey& person) const;
  // Every agency that shares an open case with this one; itself not.
  //   UNAVAILABLE
  absl::StatusOr<std::set<std::string>> PartnersOf(
      absl::string_view agency) const;

  // Everyone of whom it is so.
  //   UNAVAILABLE
  absl::StatusOr<std::vector<PersonKey>> PeopleOf(absl::string_view agency,
                                                  bool registered_too) const;

  // Everything up to here is folded.
  Sequence position() const;
  Sequence log_end() const;
  // Read to the log's end once since it was last lost, and heard from lately.
  bool current() const;

 private:
  void Run();
  // Reads until the subscription ends for good or Stop.
  void Follow(Subscription& subscription);
  void Fold(const Delivery& delivery);
  bool IsPartyNow(absl::string_view agency, const PersonPolicy& person,
                  bool registered_too) const;
  Involved InvolvedNow(absl::string_view agency,
                       const PersonPolicy& person) const;
  bool CurrentNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  BusClient& bus_;
  const std::shared_ptr<const TypeRegistry> types_;
  const std::string arrangement_;
  const SteadyClock& clock_;
  const Logger& log_;
  std::function<void(const PersonKey&, const std::string&)> on_erased_;
  std::function<void(const PersonKey&)> on_change_;  // Set by Start().

  mutable Mutex mu_;
  CondVar stopping_;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::unique_ptr<PolicyState> policy_ ABSL_GUARDED_BY(mu_);
  std::set<PersonKey> people_ ABSL_GUARDED_BY(mu_);
  Sequence position_ ABSL_GUARDED_BY(mu_);
  Sequence log_end_ ABSL_GUARDED_BY(mu_);
  bool read_to_end_ ABSL_GUARDED_BY(mu_) = false;
  bool lists_known_ ABSL_GUARDED_BY(mu_) = false;  // It was, with this policy_.
  absl::Duration heard_at_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_RPC_CASE_PARTIES_H_
