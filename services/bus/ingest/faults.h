#ifndef CONCORDAT_SERVICES_BUS_INGEST_FAULTS_H_
#define CONCORDAT_SERVICES_BUS_INGEST_FAULTS_H_

#include <cstdint>
#include <list>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/common/base/ids.h"
#include "services/common/base/mutex.h"

namespace concordat::bus {

// An event of an urgent type that was accepted in spite of these faults.
struct FaultyEvent {
  Sequence sequence;
  std::string source;
  std::string type;
  std::vector<std::string> faults;  // Field and rule, never a value.
};

// Those since the start, counted by source and type, for the operator. Holds
// the kKept pairs seen last. Thread-safe.
class Faults {
 public:
  static constexpr size_t kKept = 1000;

  struct Count {
    FaultyEvent last;
    uint64_t count = 0;
  };

  void Add(FaultyEvent event);
  // The newest first.
  std::vector<Count> List() const;
  uint64_t total() const;

 private:
  mutable Mutex mu_;
  std::list<Count> counts_ ABSL_GUARDED_BY(mu_);
  uint64_t total_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_INGEST_FAULTS_H_
