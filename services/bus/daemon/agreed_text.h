// Texts of agreements and of their ends as they come from a person, and who has
// signed them: what stands between a file and the log.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_AGREED_TEXT_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_AGREED_TEXT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "concordat/policy/v1/signing.pb.h"
#include "services/common/config/data_directory.h"

namespace concordat::bus {

struct AgreedText {
  policy::v1::Agreement agreement;
  std::string text;
  std::vector<hub::v1::PartySignature> signatures;
};

//   INVALID_ARGUMENT  too long, or not such a text: says in which line.
absl::StatusOr<policy::v1::Agreement> ParseAgreement(const std::string& text);

// The agreement, when each of its parties has signed it by a key of
// signatories.textproto in `data`. Without that file a demo or training hub takes it
// unsigned, and no other.
//   FAILED_PRECONDITION  there is no such file, and there has to be.
//   INVALID_ARGUMENT, PERMISSION_DENIED  as CheckSignatures, CheckAllSigned.
absl::StatusOr<AgreedText> ReadAgreed(
    const DataDirectory& data, const std::string& text,
    const policy::v1::SignatureFile& signatures, absl::Time now);
// The same of a policy.v1.Retirement, which one party signs: the one that it names.
// `from` is 0 for at once.
absl::StatusOr<hub::v1::AgreementRetired> ReadRetired(
    const DataDirectory& data, const std::string& text,
    const policy::v1::SignatureFile& signatures, absl::Time now);

hub::v1::AgreementAdopted AdoptedOf(const AgreedText& agreed);

// This agreement of the data directory, for a log that does not have it.
//   as ReadAgreed; names the file.
absl::StatusOr<hub::v1::AgreementAdopted> AdoptedFrom(
    const DataDirectory& data, const policy::v1::Agreement& agreement,
    absl::Time now);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_AGREED_TEXT_H_
