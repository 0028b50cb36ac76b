// A connected socket, in the clear or under mutual TLS 1.3, as the listener
// needs it: blocking, with a limit on each wait.
#ifndef CONCORDAT_ADAPTERS_HL7V2_MLLP_STREAM_H_
#define CONCORDAT_ADAPTERS_HL7V2_MLLP_STREAM_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace concordat::hl7v2 {

class MllpStream {
 public:
  virtual ~MllpStream() = default;
  // Some bytes into `buffer`, at least one; 0: closed, failed, or silent for
  // too long.
  virtual size_t Read(char* buffer, size_t count) = 0;
  // False: not all of it was sent.
  virtual bool Write(absl::string_view bytes) = 0;
};

// Who may connect, and as whom the listener answers. PEM texts.
struct MllpTlsOptions {
  std::string ca;
  std::string certificate;
  std::string private_key;
  // What the peer's certificate URI must begin with, e.g.
  // "spiffe://demo.concordat/nhs-tayside/".
  std::string peer_uri_prefix;
};

// Makes streams of accepted sockets. Threads: any.
class MllpStreamFactory {
 public:
  virtual ~MllpStreamFactory() = default;
  // Null: the handshake failed. `fd` stays the caller's.
  virtual std::unique_ptr<MllpStream> Make(int fd) = 0;
};

std::unique_ptr<MllpStreamFactory> NewClearStreams();
// The process must ignore SIGPIPE, as StartUp sees to: OpenSSL writes with
// write().
//   INVALID_ARGUMENT  not PEM, or certificate and key do not belong together.
absl::StatusOr<std::unique_ptr<MllpStreamFactory>> NewTlsStreams(
    const MllpTlsOptions& options);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_MLLP_STREAM_H_
