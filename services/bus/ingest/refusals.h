#ifndef CONCORDAT_SERVICES_BUS_INGEST_REFUSALS_H_
#define CONCORDAT_SERVICES_BUS_INGEST_REFUSALS_H_

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// What was refused, counted by principal and reason, for the operator. Details
// name fields and rules, never values. Holds the kKept pairs seen last.
// Thread-safe.
class Refusals {
 public:
  static constexpr size_t kKept = 1000;

  struct Count {
    std::string principal;
    v1::Refusal refusal = v1::REFUSAL_UNSPECIFIED;
    uint64_t count = 0;
    std::string last_detail;
  };

  void Add(absl::string_view principal, v1::Refusal refusal,
           absl::string_view detail);
  // The newest first.
  std::vector<Count> List() const;
  // Since the start, of every principal.
  std::map<v1::Refusal, uint64_t> Totals() const;

 private:
  using Key = std::pair<std::string, int>;

  mutable Mutex mu_;
  std::map<v1::Refusal, uint64_t> totals_ ABSL_GUARDED_BY(mu_);
  std::list<Count> counts_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<Key, std::list<Count>::iterator> by_key_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_REFUSALS_H_
