// The tables of identity reviews, and of people who turned out to be one. What
// a review holds of a person is sealed. No decisions; a transaction is its
// caller's.
//
// Threads  One at a time.
// Errors   Those of Database; DATA_LOSS: a column does not open.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_REVIEW_TABLES_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_REVIEW_TABLES_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/random.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/domain/review.h"
#include "services/identity/store/column_sealer.h"

namespace concordat::identity {

class ReviewTables {
 public:
  // Borrows both.
  ReviewTables(Database& db, absl::string_view secret, Random& random)
      : db_(db), sealer_(secret, random) {}

  // Its number.
  absl::StatusOr<int64_t> Add(const Review& review);
  absl::StatusOr<std::optional<Review>> Find(int64_t number);
  // Oldest first.
  absl::StatusOr<std::vector<Review>> All(bool with_decided);
  absl::Status Propose(int64_t number, absl::string_view by,
                       const std::vector<std::string>& sources);
  absl::Status Decide(const Review& decided);
  // Somebody holds that one of the person's links is wrong, undecided.
  absl::StatusOr<bool> IsInDoubt(const PersonKey& person);

  // `person` is `survivor` from now on, and whoever was `person` so far.
  absl::Status Merge(const PersonKey& person, const PersonKey& survivor,
                     int64_t review);
  // The key that goes on for this one; mostly itself.
  absl::StatusOr<PersonKey> SurvivorOf(const PersonKey& person);
  // Keys that this one goes on for.
  absl::StatusOr<std::vector<PersonKey>> MergedInto(const PersonKey& survivor);

 private:
  absl::StatusOr<std::vector<Review>> Read(
      const std::string& where, std::initializer_list<SqlValue> values);

  Database& db_;
  ColumnSealer sealer_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_REVIEW_TABLES_H_
