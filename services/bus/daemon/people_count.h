#ifndef CONCORDAT_SERVICES_BUS_DAEMON_PEOPLE_COUNT_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_PEOPLE_COUNT_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "services/common/base/ids.h"

namespace concordat::bus {

// How many different people: exact up to 1,024, then by HyperLogLog with 4,096
// registers, whose standard error is 1.6%. For one thread.
// Bounds  8 KiB, whoever many are added.
class PeopleCount {
 public:
  static constexpr size_t kExactMax = 1024;

  void Add(const PersonKey& person);
  uint64_t count() const;

 private:
  static constexpr int kIndexBits = 12;

  void AddHash(uint64_t hash);

  absl::flat_hash_set<uint64_t> exact_;  // Hashes, until there are too many.
  std::vector<uint8_t> registers_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_PEOPLE_COUNT_H_
