#include "services/bus/daemon/agreed_text.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/event/codec.h"
#include "services/common/event/reference_rules.h"
#include "services/common/policy/london_day.h"
#include "services/common/policy/signing.h"

namespace concordat::bus {
namespace {

constexpr size_t kNameMax = 64;
constexpr size_t kReasonMax = 200;

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return absl::ascii_islower(static_cast<unsigned char>(c)) ||
                  absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
                  c == '-';
         });
}

absl::Status Parse(const std::string& text, absl::string_view what,
                   google::protobuf::Message* into) {
  if (text.size() > kSignedTextMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(what, ": longer than ", kSignedTextMax, " bytes"));
  }
  return ParseTextProto({std::string(what), text}, into);
}

// None: this hub takes unsigned texts.
absl::StatusOr<std::optional<policy::v1::Signatories>> LoadSignatories(
    const DataDirectory& data) {
  policy::v1::Signatories signatories;
  const absl::Status loaded =
      data.LoadSettings("signatories.textproto", &signatories);
  if (absl::IsNotFound(loaded)) {
    if (data.environment() == v1::ENVIRONMENT_DEMO ||
        data.environment() == v1::ENVIRONMENT_TRAINING) {
      return std::optional<policy::v1::Signatories>();
    }
    return absl::FailedPreconditionError(
        "signatories.textproto is missing: nobody can sign an agreement here");
  }
  absl::Status status = loaded;
  if (status.ok()) status = CheckSignatories(signatories);
  if (!status.ok()) return status;
  return std::optional(std::move(signatories));
}

uint64_t Micros(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixMicros(time)));
}

}  // namespace

absl::StatusOr<policy::v1::Agreement> ParseAgreement(const std::string& text) {
  policy::v1::Agreement agreement;
  const absl::Status parsed = Parse(text, "agreement", &agreement);
  if (!parsed.ok()) return parsed;
  if (!IsName(agreement.name())) {
    return absl::InvalidArgumentError(
        "name: 1 to 64 of small letters, digits and hyphens");
  }
  return agreement;
}

absl::StatusOr<AgreedText> ReadAgreed(
    const DataDirectory& data, const std::string& text,
    const policy::v1::SignatureFile& signatures, absl::Time now) {
  auto agreement = ParseAgreement(text);
  if (!agreement.ok()) return agreement.status();
  AgreedText agreed{*std::move(agreement), text, {}};
  const auto signatories = LoadSignatories(data);
  if (!signatories.ok()) return signatories.status();
  if (!signatories->has_value()) return agreed;
  if (signatures.signatures().empty()) {
    return absl::PermissionDeniedError(absl::StrCat(
        "agreement ", agreed.agreement.name(), ": nobody has signed it"));
  }
  auto checked = CheckSignatures(SignedText::kAgreement, text, signatures,
                                 **signatories, Micros(now));
  if (!checked.ok()) return checked.status();
  const absl::Status all = CheckAllSigned(agreed.agreement.parties(), *checked);
  if (!all.ok()) return all;
  agreed.signatures = *std::move(checked);
  return agreed;
}

absl::StatusOr<hub::v1::AgreementRetired> ReadRetired(
    const DataDirectory& data, const std::string& text,
    const policy::v1::SignatureFile& signatures, absl::Time now) {
  policy::v1::Retirement retirement;
  absl::Status status = Parse(text, "retirement", &retirement);
  if (!status.ok()) return status;
  hub::v1::AgreementRetired retired;
  retired.set_name(retirement.name());
  retired.set_version(retirement.version());
  retired.set_party(retirement.party());
  retired.set_reason(retirement.reason());
  retired.set_text(text);
  if (!retirement.from().empty()) {
    const auto from = StartOfDay(retirement.from(), 0, "from");
    if (!from.ok()) return from.status();
    retired.set_from(*from);
  }
  if (retirement.reason().empty() || retirement.reason().size() > kReasonMax ||
      !IsPrintable(retirement.reason()) ||
      !BrokenReferenceRule(retirement.reason()).empty()) {
    return absl::InvalidArgumentError(
        "reason: 1 to 200 printable bytes that look like no number or address");
  }
  const auto signatories = LoadSignatories(data);
  if (!signatories.ok()) return signatories.status();
  if (!signatories->has_value()) return retired;
  auto checked = CheckSignatures(SignedText::kRetirement, text, signatures,
                                 **signatories, Micros(now));
  if (!checked.ok()) return checked.status();
  google::protobuf::RepeatedPtrField<std::string> party;
  *party.Add() = retirement.party();
  status = CheckAllSigned(party, *checked);
  if (!status.ok()) return status;
  retired.mutable_signatures()->Assign(checked->begin(), checked->end());
  return retired;
}

hub::v1::AgreementAdopted AdoptedOf(const AgreedText& agreed) {
  hub::v1::AgreementAdopted adopted;
  adopted.set_name(agreed.agreement.name());
  adopted.set_version(agreed.agreement.version());
  adopted.set_agreement(agreed.agreement.SerializeAsString());
  if (agreed.signatures.empty()) return adopted;
  adopted.set_text(agreed.text);
  adopted.mutable_signatures()->Assign(agreed.signatures.begin(),
                                       agreed.signatures.end());
  return adopted;
}

absl::StatusOr<hub::v1::AgreementAdopted> AdoptedFrom(
    const DataDirectory& data, const policy::v1::Agreement& agreement,
    absl::Time now) {
  const auto files = data.LoadAgreementTexts();
  if (!files.ok()) return files.status();
  const std::string wanted = agreement.SerializeAsString();
  for (const SignedTextFile& file : *files) {
    const auto parsed = ParseAgreement(file.file.text);
    if (!parsed.ok() || parsed->SerializeAsString() != wanted) continue;
    policy::v1::SignatureFile signatures;
    if (!file.signatures.text.empty()) {
      const absl::Status read = ParseTextProto(file.signatures, &signatures);
      if (!read.ok()) return read;
    }
    const auto agreed = ReadAgreed(data, file.file.text, signatures, now);
    if (agreed.ok()) return AdoptedOf(*agreed);
    return absl::Status(
        agreed.status().code(),
        absl::StrCat(file.file.path, ": ", agreed.status().message()));
  }
  return absl::NotFoundError(
      absl::StrCat("agreement ", agreement.name(), " is in no file"));
}

}  // namespace concordat::bus
