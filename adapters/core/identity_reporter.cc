#include "adapters/core/identity_reporter.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/identity/v1/service.pb.h"

namespace concordat::edge {
namespace {

constexpr char kService[] = "concordat.identity.v1.IdentityService/";
constexpr absl::Duration kTimeout = absl::Seconds(5);

void Head(absl::string_view request_id, uint64_t at_us,
          hub::v1::Command& command) {
  command.set_request_id(std::string(request_id));
  command.set_time(at_us);
}

}  // namespace

absl::Status IdentityReporter::Tell(const char* method,
                                    const std::string& request) {
  if (channel_ == nullptr) {
    auto channel = open_();
    if (!channel.ok()) {
      return absl::UnavailableError(channel.status().message());
    }
    channel_ = *std::move(channel);
  }
  const auto told = GenericCall(channel_, absl::StrCat(kService, method),
                                request, {.timeout = kTimeout});
  // It may have come back at another port.
  if (absl::IsUnavailable(told.status())) channel_.reset();
  return told.status();
}

absl::Status IdentityReporter::OfferAddress(absl::string_view request_id,
                                            uint64_t at_us,
                                            const PersonKey& subject,
                                            std::string address) {
  identity::v1::OfferAddressRequest request;
  Head(request_id, at_us, *request.mutable_command());
  request.set_subject(subject.ToString());
  request.mutable_address()->set_text(std::move(address));
  return Tell("OfferAddress", request.SerializeAsString());
}

absl::Status IdentityReporter::OpenReview(
    absl::string_view request_id, uint64_t at_us, std::string kind,
    const PersonKey& subject,
    const std::vector<PersonIdentifier>& identifiers) {
  identity::v1::OpenReviewRequest request;
  Head(request_id, at_us, *request.mutable_command());
  request.set_kind(std::move(kind));
  request.set_subject(subject.ToString());
  for (const PersonIdentifier& identifier : identifiers) {
    identity::v1::Identifier& given = *request.add_identifiers();
    given.set_scheme(identifier.scheme);
    given.set_value(identifier.value);
    given.set_authority(identifier.system);
  }
  return Tell("OpenReview", request.SerializeAsString());
}

}  // namespace concordat::edge
