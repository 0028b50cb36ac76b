// The Connect protocol's bytes: unary calls, and server streams in envelopes.
// PURE. (https://connectrpc.com/docs/protocol)
//
// Threads  Functions, any.
#ifndef CONCORDAT_GATEWAY_API_CONNECT_H_
#define CONCORDAT_GATEWAY_API_CONNECT_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

enum class Codec { kJson, kProto };

// What the headers of a call say.
struct ConnectHead {
  bool streaming = false;  // Bodies are envelopes.
  Codec codec = Codec::kJson;
  std::optional<absl::Duration> timeout;  // None: none was said.
};

// "application/json", "application/proto", "application/connect+json",
// "application/connect+proto"; answers have the same.
std::string ContentTypeOf(const ConnectHead& head);
// Of a content type alone; nothing: none of those, which is 415.
std::optional<ConnectHead> ParseContentType(absl::string_view content_type);
// What a 415 says may be sent.
extern const char kAcceptPost[];

//   INVALID_ARGUMENT  another protocol version, or a time-out that is none.
//   UNIMPLEMENTED     the body is compressed.
absl::StatusOr<ConnectHead> ParseConnectHead(const ConnectHead& type,
                                             const Request& request);

// One envelope of a stream: a flag byte, the length, the message.
std::string Envelope(absl::string_view message);
// The last one: how the stream ended.
std::string EndOfStream(const absl::Status& status);

// The message of a body that must be one envelope, as a server stream's request
// is.
//   INVALID_ARGUMENT  it is not.  UNIMPLEMENTED  it is compressed.
absl::StatusOr<std::string> OpenEnvelope(absl::string_view body);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_CONNECT_H_
