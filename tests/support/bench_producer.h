#ifndef CONCORDAT_TESTS_SUPPORT_BENCH_PRODUCER_H_
#define CONCORDAT_TESTS_SUPPORT_BENCH_PRODUCER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/message_lite.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"

namespace concordat::testing {

// Ends the program when it is not OK, saying why.
void Check(const absl::Status& status);
template <typename T>
T Value(absl::StatusOr<T> value) {
  Check(value.status());
  return *std::move(value);
}

// The value that a share `q` of `values`, of which there is one at least, does not
// exceed. Sorts them.
double Quantile(std::vector<double>& values, double q);

// Lets so much time pass.
void Pause(absl::Duration duration);

// The n-th person of a bench.
PersonKey BenchPerson(uint64_t n);

// One connection that publishes as a principal, with a bound on what has no answer
// yet. A refusal, or no answer for a minute, ends the program.
//
// Threads  One.
class Producer {
 public:
  // Everything outlives it.
  Producer(const DataDirectory& data, const PrincipalRegistry& registry,
           const std::string& principal, const TypeRegistry& types,
           Random& random);
  // Waits for what has no answer.
  ~Producer();

  void Publish(const PersonKey& person, const std::string& stream,
               const google::protobuf::MessageLite& message);

 private:
  const bus::v1::Principal self_;
  const TypeRegistry& types_;
  Random& random_;
  UuidV7 ids_;
  uint64_t time_us_;
  Mutex mu_;
  CondVar answered_;
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  std::unique_ptr<ZmqBusClient> client_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_BENCH_PRODUCER_H_
