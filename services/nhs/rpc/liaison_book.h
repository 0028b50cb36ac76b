// What a board's liaison officer has decided and stated so far: sharing decisions
// and the detention status of restricted patients. The service follows the bus as
// its board, so there is nobody else's in it.
//
// In memory, built from the log at each start: nothing of a person is kept
// outside the log.
//
// It follows who may see a person's record, too (mappa.v1.AccessRestricted, which its
// service processes), and tells nobody whom those lists keep out.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_NHS_RPC_LIAISON_BOOK_H_
#define CONCORDAT_SERVICES_NHS_RPC_LIAISON_BOOK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "concordat/nhs/v1/service.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"
#include "services/common/projection/projection.h"

namespace concordat::nhs {

class LiaisonBook : public ReadModel {
 public:
  // `zone` is the board's: a decision holds to the end of its last day there.
  LiaisonBook(absl::TimeZone zone, std::shared_ptr<const TypeRegistry> types)
      : zone_(zone), policy_(std::move(types)) {}

  // The types that the projection subscribes to.
  static std::vector<std::string> Types();

  int version() const override { return 1; }
  std::string schema() const override { return ""; }
  absl::Status Apply(const View& view, Database& database) override;

  // Oldest first; of `subject`, or of everybody when it is empty; of whom there is a
  // record to `reader`.
  std::vector<v1::SharingDecision> Decisions(const std::string& subject,
                                             absl::Time at,
                                             const Recipient& reader) const;
  std::vector<v1::Detention> Detentions(const std::string& subject,
                                        const Recipient& reader) const;

 private:
  // Somebody who was erased.
  void Forget(const std::string& subject) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  bool IsShown(const std::string& wanted, const std::string& subject,
               const Recipient& reader) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::TimeZone zone_;
  mutable Mutex mu_;
  PolicyState policy_ ABSL_GUARDED_BY(mu_);  // Of the lists alone.
  // By reference, and in the order of decision.
  std::map<std::string, size_t> by_ref_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::SharingDecision> decisions_ ABSL_GUARDED_BY(mu_);
  // By the reference of the detention.
  std::map<std::string, v1::Detention> detentions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_RPC_LIAISON_BOOK_H_
