// Signatures of the demo's parties, by the keys that its data directory has.
#ifndef CONCORDAT_TESTS_INTEGRATION_BUS_SIGNED_TEXT_H_
#define CONCORDAT_TESTS_INTEGRATION_BUS_SIGNED_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/agreements.pb.h"
#include "gateway/cli/keys/signing_keys.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/config/data_directory.h"
#include "services/common/policy/signing.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {

inline policy::v1::SignatureFile SignedBy(
    const DataDirectory& data, SignedText what, const std::string& text,
    const std::vector<std::string>& parties) {
  policy::v1::SignatureFile file = SignatureFileFor(text);
  for (const std::string& party : parties) {
    const auto signer = cli::ReadSigningKey(
        data.PathOf(absl::StrCat("keys/sign-", party, ".key")));
    EXPECT_THAT(signer, IsOk());
    *file.add_signatures() = SignText(what, text, *signer, party, "demo");
  }
  return file;
}

// To adopt an agreement of two parties, in this version, that shares nothing and keeps
// what they told for so many months.
inline bus::v1::AdoptAgreementRequest KeepingFor(const DataDirectory& data,
                                                 const std::string& name,
                                                 int version, int months) {
  bus::v1::AdoptAgreementRequest request;
  request.set_text(absl::StrCat(
      "name: \"", name, "\" version: ", version,
      " parties: \"police-scotland\" parties: \"nhs-tayside\" valid_from: "
      "\"2025-10-01\" valid_to: \"2030-12-31\" retention { "
      "months_after_case: ",
      months, " months_after_event: ", months, " }\n"));
  *request.mutable_signatures() =
      SignedBy(data, SignedText::kAgreement, request.text(),
               {"police-scotland", "nhs-tayside"});
  return request;
}

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_INTEGRATION_BUS_SIGNED_TEXT_H_
