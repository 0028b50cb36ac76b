// The people whose open case this edge's agency is a party to, as identity
// tells it. Kept in memory alone, and there by keyed tokens: no number of
// anybody stands in it, and nothing of it on a disk.
//
// Threads  Any method, any thread.
#ifndef CONCORDAT_ADAPTERS_CORE_COHORT_H_
#define CONCORDAT_ADAPTERS_CORE_COHORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/base/clock.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"
#include "services/common/crypto/sha256.h"
#include "services/common/policy/policy.h"

namespace concordat::edge {

// After this much silence nobody knows who belongs to it.
inline constexpr absl::Duration kCohortSilenceMax = absl::Seconds(60);

struct PersonIdentifier {
  std::string scheme;  // chi, local
  std::string value;
  std::string system;  // Of a local number, else empty.
};

struct CohortAnswer {
  enum class Kind {
    kUnknown,  // Never complete, or silent for too long: wait.
    kOutside,
    kMember,
    kSeveral,  // The identifiers are of different people.
  };
  Kind kind = Kind::kUnknown;
  PersonKey subject;  // Of kMember; of kSeveral the first one's.
};

class Cohort {
 public:
  // `key` makes the tokens. The clock is the real one, whatever the story says.
  Cohort(absl::string_view key, const Clock& clock);

  CohortAnswer Find(const std::vector<PersonIdentifier>& identifiers) const;
  bool fresh() const;
  // The log position that it is folded to.
  Sequence position() const;
  size_t people() const;
  // Whether there is a record of the person to somebody of the edge's own agency: the
  // lists that identity told, also once the person has left. Before the first list
  // nobody knows, and there is none.
  bool Allows(const PersonKey& subject, const Recipient& to) const;
  // When Complete() was last called.
  absl::Time heard() const;

  // What the stream says. A list begins anew with each connection, and counts
  // from its completion on; until then the last one does.
  void Begin();
  void Join(const PersonKey& subject,
            const std::vector<PersonIdentifier>& identifiers);
  // Of who may see the person's record; counts at once.
  void SetLists(const PersonKey& subject,
                std::vector<AccessEntry> restricted_to,
                std::vector<AccessEntry> excluded);
  void Leave(const PersonKey& subject);
  // The list is out, or a heartbeat came.
  void Complete(Sequence position);

 private:
  using Token = Sha256Hash;
  struct List {
    absl::flat_hash_map<Token, PersonKey> people;
    absl::flat_hash_map<PersonKey, std::vector<Token>> tokens;
  };

  static void Forget(const PersonKey& subject, List& list);
  Token TokenOf(const PersonIdentifier& identifier) const;
  bool FreshLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  List& Growing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const HmacSha256 key_;
  const Clock& clock_;
  mutable Mutex mu_;
  List current_ ABSL_GUARDED_BY(mu_);
  List coming_ ABSL_GUARDED_BY(mu_);
  bool beginning_ ABSL_GUARDED_BY(mu_) = true;
  // Of those who have any.
  absl::flat_hash_map<PersonKey, PersonPolicy> lists_ ABSL_GUARDED_BY(mu_);
  absl::Time heard_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  Sequence position_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_COHORT_H_
