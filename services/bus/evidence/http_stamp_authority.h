#ifndef CONCORDAT_SERVICES_BUS_EVIDENCE_HTTP_STAMP_AUTHORITY_H_
#define CONCORDAT_SERVICES_BUS_EVIDENCE_HTTP_STAMP_AUTHORITY_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/bus/evidence/stamp_keeper.h"

namespace concordat::bus {

// An authority by HTTP (RFC 3161, section 3.4), in the clear: what it answers is
// signed, and what it is sent is a hash.
class HttpStampAuthority : public StampAuthority {
 public:
  //   INVALID_ARGUMENT  not http://host[:port]/path.
  static absl::StatusOr<HttpStampAuthority> Make(absl::string_view url,
                                                 absl::Duration patience);

  absl::StatusOr<std::string> Ask(absl::string_view request) override;

 private:
  HttpStampAuthority(std::string host, std::string port, std::string target,
                     absl::Duration patience)
      : host_(std::move(host)),
        port_(std::move(port)),
        target_(std::move(target)),
        patience_(patience) {}

  std::string host_;
  std::string port_;
  std::string target_;
  absl::Duration patience_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_EVIDENCE_HTTP_STAMP_AUTHORITY_H_
