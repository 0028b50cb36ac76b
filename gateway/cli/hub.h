// The hub as one principal sees it: calls to any service as that principal.
//
// Threads  Any.
#ifndef CONCORDAT_GATEWAY_CLI_HUB_H_
#define CONCORDAT_GATEWAY_CLI_HUB_H_

#include <map>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/common/schemas.h"
#include "services/common/base/mutex.h"
#include "services/common/config/data_directory.h"
#include "services/common/rpc/channel.h"

namespace concordat::cli {

// For what takes a program long: it lets no call wait longer.
inline constexpr absl::Duration kLongCall = absl::Seconds(60);

class Hub {
 public:
  //   INVALID_ARGUMENT  no such profile; names those that there are.
  static absl::StatusOr<std::unique_ptr<Hub>> Open(DataDirectory data,
                                                   std::string profile);

  const DataDirectory& data() const { return data_; }
  const std::string& profile() const { return principal_.name(); }
  const bus::v1::Principal& principal() const { return principal_; }
  const gateway::Schemas& schemas() const { return *schemas_; }

  // Calls a method by its full name at `program` ("concordat-mappa").
  //   UNAVAILABLE  the program does not run, or does not answer; names it.
  absl::StatusOr<std::string> CallBytes(absl::string_view program,
                                        absl::string_view method,
                                        absl::string_view request,
                                        const CallOptions& options = {});
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(absl::string_view program,
                                absl::string_view method,
                                const Request& request,
                                const CallOptions& options = {}) {
    const auto bytes =
        CallBytes(program, method, request.SerializeAsString(), options);
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (!response.ParseFromString(*bytes)) {
      return absl::DataLossError(
          absl::StrCat(method, " answered with something else"));
    }
    return response;
  }

  // The channel to a program, kept.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelTo(
      absl::string_view program);

  // Calls a method by short or full name with JSON, and answers with JSON. A
  // command without a request id gets a random one; a `subject` of the form
  // ref:<system>:<number> is resolved.
  absl::StatusOr<std::string> CallJson(absl::string_view method,
                                       absl::string_view json,
                                       const CallOptions& options = {});

  // "p-…" as it is; "ref:<system>:<number>" by identity. <system> is chi, pnc,
  // cro, council, or the name of a system that numbers people.
  //   NOT_FOUND  nobody, or not by a link that may be used.
  absl::StatusOr<std::string> ResolveSubject(absl::string_view subject);

 private:
  Hub(DataDirectory data, bus::v1::Principal principal,
      std::unique_ptr<gateway::Schemas> schemas);

  const DataDirectory data_;
  const bus::v1::Principal principal_;
  const std::unique_ptr<gateway::Schemas> schemas_;
  Mutex mu_;
  std::map<std::string, std::shared_ptr<grpc::Channel>, std::less<>> channels_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_HUB_H_
