// Listens for MLLP connections and answers their messages.
//
// Bounds    Connections are counted; one too many is closed at once. Each has
//           a thread, one frame in memory, and a limit on silence.
// Answers   In the order of the frames, each before the next is looked at.
#ifndef CONCORDAT_ADAPTERS_HL7V2_MLLP_SERVER_H_
#define CONCORDAT_ADAPTERS_HL7V2_MLLP_SERVER_H_

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "adapters/hl7v2/mllp_stream.h"
#include "adapters/hl7v2/receiver.h"
#include "services/common/base/mutex.h"

namespace concordat::hl7v2 {

struct MllpServerOptions {
  std::string address = "127.0.0.1";  // IPv4
  uint16_t port = 0;                  // 0: any.
  size_t connections_max = 64;
  absl::Duration idle_max = absl::Seconds(300);
};

class MllpServer {
 public:
  // Listens when it returns. Borrows the receiver.
  //   INVALID_ARGUMENT  no such address.  UNAVAILABLE  the port is taken.
  static absl::StatusOr<std::unique_ptr<MllpServer>> Start(
      const MllpServerOptions& options,
      std::unique_ptr<MllpStreamFactory> streams, Receiver& receiver);
  // Closes every connection; a message in hand is answered first.
  ~MllpServer();

  uint16_t port() const { return port_; }

 private:
  struct Connection {
    int fd = -1;
    bool done = false;
    std::thread thread;
  };

  MllpServer(const MllpServerOptions& options,
             std::unique_ptr<MllpStreamFactory> streams, Receiver& receiver)
      : options_(options), streams_(std::move(streams)), receiver_(receiver) {}

  absl::Status Listen();
  void AcceptAll();
  void Serve(Connection& connection);
  void Converse(MllpStream& stream);
  // Joins the threads of connections that are over.
  void Reap(bool all);

  const MllpServerOptions options_;
  const std::unique_ptr<MllpStreamFactory> streams_;
  Receiver& receiver_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread accepting_;
  Mutex mu_;
  CondVar stop_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mu_);
};

// Whether `address` is 127.0.0.0/8.
bool IsLoopback(const std::string& address);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_MLLP_SERVER_H_
