// What a board's liaison officer has decided and stated so far: sharing decisions
// and the detention status of restricted patients. The service follows the bus as
// its board, so there is nobody else's in it.
//
// In memory, built from the log at each start: nothing of a person is kept
// outside the log.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_NHS_RPC_LIAISON_BOOK_H_
#define CONCORDAT_SERVICES_NHS_RPC_LIAISON_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "concordat/nhs/v1/service.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/projection/projection.h"

namespace concordat::nhs {

class LiaisonBook : public ReadModel {
 public:
  // `zone` is the board's: a decision holds to the end of its last day there.
  explicit LiaisonBook(absl::TimeZone zone) : zone_(zone) {}

  // The types that the projection subscribes to.
  static std::vector<std::string> Types();

  int version() const override { return 1; }
  std::string schema() const override { return ""; }
  absl::Status Apply(const View& view, Database& database) override;

  // Oldest first; of `subject`, or of everybody when it is empty.
  std::vector<v1::SharingDecision> Decisions(const std::string& subject,
                                             absl::Time at) const;
  std::vector<v1::Detention> Detentions(const std::string& subject) const;

 private:
  // Somebody who was erased.
  void Forget(const std::string& subject) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const absl::TimeZone zone_;
  mutable Mutex mu_;
  // By reference, and in the order of decision.
  std::map<std::string, size_t> by_ref_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::SharingDecision> decisions_ ABSL_GUARDED_BY(mu_);
  // By the reference of the detention.
  std::map<std::string, v1::Detention> detentions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::nhs

#endif  // CONCORDAT_SERVICES_NHS_RPC_LIAISON_BOOK_H_
