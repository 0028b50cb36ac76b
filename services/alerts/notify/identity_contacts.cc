#include "services/alerts/notify/identity_contacts.h"

#include <utility>

#include "concordat/identity/v1/service.pb.h"
#include "services/common/rpc/channel.h"

namespace concordat::alerts {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(5);
constexpr char kMethod[] = "concordat.identity.v1.IdentityService/Contact";

}  // namespace

ContactSource IdentityContacts(const DataDirectory& data,
                               std::string principal) {
  return [&data, principal = std::move(principal)](
             const RoleName& role) -> absl::StatusOr<std::optional<Contact>> {
    // Each time anew: after a restart it listens elsewhere.
    const auto channel =
        OpenChannel(data, "concordat-identity", principal, kTimeout);
    if (!channel.ok())
      return absl::UnavailableError(channel.status().message());
    identity::v1::ContactRequest request;
    request.set_agency(role.agency);
    request.set_role(role.role);
    CallOptions options;
    options.timeout = kTimeout;
    const auto bytes =
        GenericCall(*channel, kMethod, request.SerializeAsString(), options);
    if (absl::IsNotFound(bytes.status())) return std::nullopt;
    if (!bytes.ok()) return absl::UnavailableError(bytes.status().message());
    identity::v1::ContactResponse response;
    if (!response.ParseFromString(*bytes)) {
      return absl::UnavailableError("identity's answer cannot be read");
    }
    return Contact{response.channel(), response.address()};
  };
}

}  // namespace concordat::alerts
