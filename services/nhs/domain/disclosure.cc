#include "services/nhs/domain/disclosure.h"

#include "absl/status/status.h"

namespace concordat::nhs {

Decision DecideDisclosure(const std::vector<View>& history,
                          const v1::RiskInformationDisclosed& command,
                          absl::string_view gateway, absl::CivilDay day) {
  if (!history.empty()) {
    return absl::AlreadyExistsError("disclosure_ref: is taken");
  }
  if (gateway.empty()) {
    return absl::InvalidArgumentError(
        "command.gateway: say which law lets it be told");
  }
  absl::CivilDay expires;
  if (!absl::ParseCivilTime(command.expires_on(), &expires) || expires <= day) {
    return absl::InvalidArgumentError(
        "disclosure.expires_on: needs a date after that of the disclosure");
  }
  return std::vector<ProposedEvent>{Propose(command)};
}

}  // namespace concordat::nhs
