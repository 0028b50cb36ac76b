#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/cli/keys/enrolment.h"
#include "gateway/cli/keys/enrolment_parts.h"
#include "gateway/cli/keys/key_files.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/crypto/certificate_key.h"
#include "services/common/evidence/note.h"

// The agency's side.
namespace concordat::cli {
namespace {

namespace fs = std::filesystem;
using bus::v1::EnrolmentAnswer;
using bus::v1::EnrolmentRequest;
using bus::v1::Principal;
using bus::v1::Registry;

constexpr size_t kSecretBytes = 32;
constexpr char kNext[] = ".next";

std::string KeyPath(const std::string& data, const std::string& name,
                    absl::string_view ending) {
  return absl::StrCat(data, "/keys/", name, ending);
}

// The folder and its word of environment, made or as they are.
absl::Status PrepareFolder(const std::string& data,
                           const std::string& environment) {
  const auto word = ParseEnvironment(environment);
  if (!word.ok()) return word.status();
  std::error_code error;
  for (const char* part : {"", "/keys", "/run"}) {
    fs::create_directories(data + part, error);
    if (!error) fs::permissions(data + part, fs::perms::owner_all, error);
    if (error) {
      return absl::UnavailableError(
          absl::StrCat("cannot make ", data, part, ": ", error.message()));
    }
  }
  const std::string path = data + "/environment";
  const auto there = ReadWholeFile(path);
  if (!there.ok()) {
    return WriteNewFile(path, environment + "\n", kPublicFile);
  }
  if (absl::StripAsciiWhitespace(*there) == environment) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(data, " is of the environment ",
                   absl::StripAsciiWhitespace(*there), ", not ", environment));
}

absl::StatusOr<EnrolmentAnswer> ParseAnswer(absl::string_view text) {
  EnrolmentAnswer answer;
  const absl::Status parsed =
      ParseTextProto({"the answer", std::string(text)}, &answer);
  if (!parsed.ok()) return parsed;
  const auto checked = PrincipalRegistry::Build(answer.registry());
  if (!checked.ok()) return checked.status();
  if ((*checked)->FindByName(answer.name()) == nullptr) {
    return absl::InvalidArgumentError("the answer is about nobody");
  }
  const auto key = CurveKeyFromZ85(answer.bus_public_key());
  if (!key.ok()) return key.status();
  for (const auto& each : answer.addresses()) {
    // They become names of files, and lines.
    const auto bad = [](char c) {
      return !absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '-';
    };
    if (each.program().empty() || each.listener().empty() ||
        std::any_of(each.program().begin(), each.program().end(), bad) ||
        std::any_of(each.listener().begin(), each.listener().end(), bad) ||
        absl::StrContains(each.endpoint(), '\n')) {
      return absl::InvalidArgumentError("the answer: a malformed address");
    }
  }
  return answer;
}

// The keys that this answer is for: those that were made last.
absl::StatusOr<std::string> EndingOfKeys(const std::string& data,
                                         const EnrolmentAnswer& answer) {
  const Principal* const own = Find(answer.registry(), answer.name());
  const std::string public_key = own == nullptr ? "" : own->curve_public_key();
  bool some = false;
  for (const char* ending : {kNext, ""}) {
    const auto pair = ReadWholeFile(
        KeyPath(data, answer.name(), absl::StrCat(".curve", ending)));
    const auto key = ReadWholeFile(
        KeyPath(data, answer.name(), absl::StrCat(".key.pem", ending)));
    if (!pair.ok() || !key.ok()) continue;
    some = true;
    if (absl::StartsWith(*pair, public_key + "\n") &&
        CheckKeyOf(answer.certificate(), *key).ok()) {
      return std::string(ending);
    }
  }
  if (some) {
    return absl::InvalidArgumentError(
        "the answer is for other keys than those made here");
  }
  return absl::NotFoundError(
      absl::StrCat("there are no keys of ", answer.name(), " in ", data,
                   "; `concordat keys request` makes them"));
}

// What was there of others stays.
absl::StatusOr<std::string> MergedRegistry(const std::string& path,
                                           const EnrolmentAnswer& answer) {
  const auto there = ReadWholeFile(path);
  Registry registry = answer.registry();
  if (there.ok()) {
    const auto before = ParseRegistry(*there);
    if (!before.ok()) return before.status();
    for (const Principal& each : before->principals()) {
      if (Find(registry, each.name()) == nullptr) {
        *registry.add_principals() = each;
      }
    }
  }
  const auto checked = PrincipalRegistry::Build(registry);
  if (!checked.ok()) return checked.status();
  return TextOf(registry);
}

absl::Status InstallAddresses(const std::string& data,
                              const EnrolmentAnswer& answer) {
  std::map<std::string, std::string> files;
  for (const auto& each : answer.addresses()) {
    absl::StrAppend(&files[each.program()], each.listener(), "=",
                    each.endpoint(), "\n");
  }
  for (const auto& [program, text] : files) {
    const absl::Status written = ReplaceFile(
        absl::StrCat(data, "/run/", program, ".addr"), text, kPublicFile);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

absl::Status InstallKeys(const std::string& data, const std::string& name,
                         const std::string& ending,
                         const std::string& certificate) {
  const auto path = [&](absl::string_view kind) {
    return KeyPath(data, name, kind);
  };
  if (!ending.empty()) {
    for (const char* kind : {".key.pem", ".curve"}) {
      const auto text = ReadWholeFile(path(absl::StrCat(kind, ending)));
      if (!text.ok()) return text.status();
      const absl::Status written = ReplaceFile(path(kind), *text, kPrivateFile);
      if (!written.ok()) return written;
    }
  }
  const absl::Status written =
      ReplaceFile(path(".crt.pem"), certificate, kPublicFile);
  if (!written.ok() || ending.empty()) return written;
  std::error_code error;
  for (const char* kind : {".key.pem", ".curve"}) {
    fs::remove(path(absl::StrCat(kind, ending)), error);
  }
  return absl::OkStatus();
}

// Its secret, made if it is not there, and the public halves of what is made of it.
absl::Status AddEvidenceKeys(const std::string& data, Random& random,
                             EnrolmentRequest& request) {
  const std::string path = KeyPath(data, request.name(), ".secret");
  std::error_code error;
  if (!fs::exists(path, error)) {
    std::array<uint8_t, kSecretBytes> bytes;
    random.Fill(bytes.data(), bytes.size());
    const std::string hex = absl::BytesToHexString(absl::string_view(
        reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    const absl::Status written = WriteNewFile(path, hex + "\n", kPrivateFile);
    if (!written.ok()) return written;
  }
  const auto environment = ParseEnvironment(request.environment());
  if (!environment.ok()) return environment.status();
  const auto folder = DataDirectory::Open(data);
  if (!folder.ok()) return folder.status();
  const auto secret = folder->LoadSecret(request.name());
  if (!secret.ok()) return secret.status();
  request.set_signing_key(SigningKeyText(ProducerSigner(*secret).public_key()));
  const auto witness = MakeVerifier(WitnessName(*environment, request.name()),
                                    NoteKeyType::kCosignature,
                                    WitnessSigner(*secret).public_key());
  if (!witness.ok()) return witness.status();
  request.set_witness_key(witness->ToString());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> MakeEnrolmentRequest(const std::string& data,
                                                 const EnrolmentRequest& wanted,
                                                 Random& random) {
  EnrolmentRequest request = wanted;
  const auto curve = MakeCurveKeys();
  if (!curve.ok()) return curve.status();
  request.set_curve_public_key(curve->public_key);
  const auto checked = CheckedPrincipal(request);
  if (!checked.ok()) return checked.status();
  const auto made = MakeCertificateRequest(request.name());
  if (!made.ok()) return made.status();
  request.set_certificate_request(made->request);
  absl::Status status = PrepareFolder(data, request.environment());
  if (!status.ok()) return status;
  const std::string ending = request.renews() ? kNext : "";
  std::error_code error;
  const bool has_keys =
      fs::exists(KeyPath(data, request.name(), ".key.pem"), error);
  if (request.renews() && !has_keys) {
    return absl::NotFoundError(
        absl::StrCat("there are no keys of ", request.name(), " in ", data));
  }
  if (!request.renews() && has_keys) {
    return absl::AlreadyExistsError(
        absl::StrCat(data, " has keys of ", request.name(),
                     "; --renew makes those that follow them"));
  }
  if (request.renews()) {
    const auto in_use =
        ReadWholeFile(KeyPath(data, request.name(), ".crt.pem"));
    if (!in_use.ok()) return in_use.status();
    auto key = CertificateKeyOfPem(*in_use);
    if (!key.ok()) return key.status();
    request.set_certificate_key_in_use(*std::move(key));
  }
  const auto put = [&](absl::string_view kind, const std::string& text) {
    return ReplaceFile(
        KeyPath(data, request.name(), absl::StrCat(kind, ending)), text,
        kPrivateFile);
  };
  status = put(".key.pem", made->private_key);
  if (status.ok()) status = put(".curve", TextOf(*curve));
  if (status.ok()) status = AddEvidenceKeys(data, random, request);
  const std::string path = absl::StrCat(data, "/", request.name(), ".request");
  if (status.ok()) status = ReplaceFile(path, TextOf(request), kPublicFile);
  if (!status.ok()) return status;
  return path;
}

absl::Status InstallAnswer(const std::string& data,
                           absl::string_view answer_text) {
  const auto answer = ParseAnswer(answer_text);
  if (!answer.ok()) return answer.status();
  const auto ending = EndingOfKeys(data, *answer);
  if (!ending.ok()) return ending.status();
  absl::Status status = PrepareFolder(data, answer->environment());
  if (!status.ok()) return status;
  const std::string registry_path = data + "/registry.textproto";
  const auto registry = MergedRegistry(registry_path, *answer);
  if (!registry.ok()) return registry.status();
  status = InstallKeys(data, answer->name(), *ending, answer->certificate());
  for (const auto& [path, text] :
       {std::pair(data + "/keys/ca.crt.pem", answer->authority()),
        {data + "/keys/bus.curve.pub", answer->bus_public_key() + "\n"},
        {data + "/types.binpb", answer->types()},
        {absl::StrCat(data, "/keys/", kLogSigningKey, ".pub"),
         answer->log_key()},
        {registry_path, *registry}}) {
    if (status.ok() && !text.empty()) {
      status = ReplaceFile(path, text, kPublicFile);
    }
  }
  if (!status.ok()) return status;
  return InstallAddresses(data, *answer);
}

}  // namespace concordat::cli
