// Who may read what of whose case. Holds the arrangement's events and the policy
// that they and the agreements fold to; each answer is folded from just what the
// hub's own policy code gives the reader, event by event and group by group, at
// the newest policy. So nothing that is withheld from somebody can change what
// they read.
//
// What rests on a fact that was withdrawn since says so (FindToLookAgain): of facts
// of all kinds it knows who may see them, and no more.
//
// In memory, built from the log at each start: nothing of a person is kept
// outside the log.
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_MAPPA_RPC_CASE_BOOK_H_
#define CONCORDAT_SERVICES_MAPPA_RPC_CASE_BOOK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/event/type_table.h"
#include "services/common/policy/policy.h"
#include "services/common/projection/projection.h"
#include "services/mappa/domain/case_file.h"
#include "services/mappa/rpc/withdrawals.h"

namespace concordat::mappa {

class CaseBook : public ReadModel {
 public:
  // `clock` is borrowed. Where the story's time is the log's, it is not asked.
  CaseBook(std::shared_ptr<const TypeRegistry> types,
           bus::v1::Environment environment, const Clock& clock);

  // Called for each erasure once nothing of it is here, with how many events went;
  // what it answers Apply() does. Before the first Apply().
  using Confirm = std::function<absl::Status(const View& erased, uint64_t)>;
  void ConfirmWith(Confirm confirm) { confirm_ = std::move(confirm); }

  // The types that the projection subscribes to.
  static std::vector<std::string> Types();

  int version() const override { return 1; }
  std::string schema() const override { return ""; }
  absl::Status Apply(const View& view, Database& database) override;

  // Empty: nothing of the person is the reader's to see.
  CaseFile FileOf(const PersonKey& subject, const Recipient& reader) const;
  // Everyone's of whom the reader sees something.
  std::vector<CaseFile> FilesOf(const Recipient& reader) const;
  // The reference of the person's open case, whoever asks; empty: none.
  std::string OpenCaseOf(const PersonKey& subject) const;

 private:
  CaseFile Fold(const PersonKey& subject, const std::vector<View>& events,
                const Recipient& reader, uint64_t now_us) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t LogTime() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What is sealed by person of somebody who was erased, and what is known of their
  // facts. Cases stay, as the policy that follows from them does.
  uint64_t Forget(const PersonKey& subject);

  const std::shared_ptr<const TypeRegistry> types_;
  const bool story_;
  const Clock& clock_;
  Confirm confirm_;

  mutable Mutex mu_;
  PolicyState policy_ ABSL_GUARDED_BY(mu_);
  std::map<PersonKey, std::vector<View>> events_ ABSL_GUARDED_BY(mu_);
  Withdrawals withdrawals_ ABSL_GUARDED_BY(mu_);
  std::map<PersonKey, std::string> open_cases_ ABSL_GUARDED_BY(mu_);
  uint64_t accepted_us_ ABSL_GUARDED_BY(mu_) = 0;  // Of the newest event.
};

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_RPC_CASE_BOOK_H_
