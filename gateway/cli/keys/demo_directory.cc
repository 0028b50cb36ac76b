#include "gateway/cli/keys/demo_directory.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/cli/keys/certificate_authority.h"
#include "gateway/cli/keys/key_files.h"
#include "gateway/cli/keys/signing_keys.h"
#include "google/protobuf/text_format.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/certificate_key.h"
#include "services/common/evidence/note.h"

namespace concordat::cli {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kPublic = kPublicFile;
constexpr mode_t kPrivate = kPrivateFile;
// The bus has a certificate and keys, and is no principal: it publishes nothing.
constexpr absl::string_view kBus = "bus";
constexpr absl::string_view kOperator = "concordat-operator";
// Of whoever signs for a party in the demo.
constexpr char kDemoOffice[] = "demo";

absl::StatusOr<std::string> ReadFile(const fs::path& path) {
  return ReadWholeFile(path.string());
}

absl::Status WriteFile(const fs::path& path, absl::string_view text,
                       mode_t mode) {
  return WriteNewFile(path.string(), text, mode);
}

std::string RandomHex(Random& random) {
  std::array<uint8_t, 32> bytes;
  random.Fill(bytes.data(), bytes.size());
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

class Maker {
 public:
  Maker(const DemoDirectoryOptions& options, fs::path into, const Clock& clock,
        Random& random)
      : options_(options),
        share_(options.share),
        into_(std::move(into)),
        clock_(clock),
        random_(random) {}

  absl::Status Make() {
    fs::create_directories(into_ / "keys");
    fs::permissions(into_, fs::perms::owner_all);
    fs::permissions(into_ / "keys", fs::perms::owner_all);
    fs::create_directories(into_ / "run");
    using Step = absl::Status (Maker::*)();
    for (const Step step :
         {&Maker::ReadRegistry, &Maker::WriteCertificates,
          &Maker::WriteCurveKeys, &Maker::WriteSecrets, &Maker::WriteRegistry,
          &Maker::CopyData, &Maker::SignAgreements}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status ReadRegistry() {
    const fs::path path = options_.registry.empty()
                              ? share_ / "demo" / "registry.textproto"
                              : fs::path(options_.registry);
    auto text = ReadFile(path);
    if (!text.ok()) return text.status();
    auto status = ParseTextProto({path.string(), *text}, &registry_);
    if (!status.ok()) return status;
    for (bus::v1::Principal& principal : *registry_.mutable_principals()) {
      principal.set_certificate_uri(CertificateUri(
          registry_.environment(), principal.agency(), principal.system()));
    }
    return absl::OkStatus();
  }

  // And says which key it is for.
  absl::StatusOr<std::string> WriteCertificate(
      const CertificateAuthority& authority, const std::string& name,
      absl::string_view uri) {
    const auto issued = authority.Issue(name, uri);
    if (!issued.ok()) return issued.status();
    auto status =
        WriteKey(absl::StrCat(name, ".crt.pem"), issued->certificate, kPublic);
    if (status.ok()) {
      status = WriteKey(absl::StrCat(name, ".key.pem"), issued->private_key,
                        kPrivate);
    }
    if (!status.ok()) return status;
    return CertificateKeyOfPem(issued->certificate);
  }

  absl::Status WriteAuthority(const CertificateAuthority& authority) {
    const fs::path folder = into_ / kAuthorityFolder;
    fs::create_directories(folder);
    fs::permissions(folder, fs::perms::owner_all);
    const auto key = authority.private_key();
    if (!key.ok()) return key.status();
    auto status = WriteFile(folder / kAuthorityCertificate,
                            authority.certificate(), kPublic);
    if (!status.ok()) return status;
    return WriteFile(folder / kAuthorityKey, *key, kPrivate);
  }

  // The authority's own key stands apart: who is enrolled later has a certificate of
  // it. A live hub's is not on the hub's disk (operators.md).
  absl::Status WriteCertificates() {
    const auto authority =
        CertificateAuthority::Make("Concordat demo authority", clock_.Now());
    if (!authority.ok()) return authority.status();
    auto status = WriteKey("ca.crt.pem", (*authority)->certificate(), kPublic);
    if (!status.ok()) return status;
    status = WriteAuthority(**authority);
    if (!status.ok()) return status;
    for (bus::v1::Principal& principal : *registry_.mutable_principals()) {
      auto key = WriteCertificate(**authority, principal.name(),
                                  principal.certificate_uri());
      if (!key.ok()) return key.status();
      principal.set_certificate_key(*std::move(key));
    }
    return WriteCertificate(
               **authority, std::string(kBus),
               CertificateUri(registry_.environment(), kOperator, kBus))
        .status();
  }

  absl::Status WriteCurveKeys() {
    for (bus::v1::Principal& principal : *registry_.mutable_principals()) {
      if (SpeaksForOthers(principal)) continue;  // Never on the bus itself.
      const auto keys = MakeCurveKeys();
      if (!keys.ok()) return keys.status();
      principal.set_curve_public_key(keys->public_key);
      auto status = WriteCurvePair(principal.name(), *keys);
      if (!status.ok()) return status;
    }
    const auto keys = MakeCurveKeys();
    if (!keys.ok()) return keys.status();
    auto status = WriteCurvePair(kBus, *keys);
    if (!status.ok()) return status;
    return WriteKey("bus.curve.pub", absl::StrCat(keys->public_key, "\n"),
                    kPublic);
  }

  absl::Status WriteCurvePair(absl::string_view name,
                              const CurveKeyPair& keys) {
    return WriteKey(absl::StrCat(name, ".curve"), TextOf(keys), kPrivate);
  }

  // One for each principal; a service's under its short name too.
  absl::Status WriteSecrets() {
    std::set<std::string> names;
    for (const bus::v1::Principal& principal : registry_.principals()) {
      names.insert(principal.name());
      names.insert(
          std::string(absl::StripPrefix(principal.name(), "service-")));
    }
    std::map<std::string, std::string> secrets;
    for (const std::string& name : names) {
      secrets[name] = RandomHex(random_);
      auto status = WriteKey(absl::StrCat(name, ".secret"),
                             absl::StrCat(secrets[name], "\n"), kPrivate);
      if (!status.ok()) return status;
    }
    for (bus::v1::Principal& principal : *registry_.mutable_principals()) {
      if (SpeaksForOthers(principal)) continue;
      auto status = RegisterEvidenceKeys(
          absl::HexStringToBytes(secrets[principal.name()]), principal);
      if (!status.ok()) return status;
    }
    auto status = WriteLogSigningKey();
    if (!status.ok()) return status;
    // In the form that the bus reads (services/bus/log/wrapping_keys.h).
    return WriteKey(
        "wrapping.key",
        absl::StrCat("concordat wrapping keys 1\n1 ", RandomHex(random_), "\n"),
        kPrivate);
  }

  // What the principal signs with is made from its secret.
  absl::Status RegisterEvidenceKeys(const std::string& secret,
                                    bus::v1::Principal& principal) {
    principal.add_signing_keys(
        SigningKeyText(ProducerSigner(secret).public_key()));
    const auto witness = MakeVerifier(
        WitnessName(registry_.environment(), principal.name()),
        NoteKeyType::kCosignature, WitnessSigner(secret).public_key());
    if (!witness.ok()) return witness.status();
    principal.set_witness_key(witness->ToString());
    return absl::OkStatus();
  }

  absl::Status WriteLogSigningKey() {
    Ed25519Seed seed;
    random_.Fill(seed.data(), seed.size());
    const auto hex = [](const auto& bytes) {
      return absl::StrCat(
          absl::BytesToHexString(absl::string_view(
              reinterpret_cast<const char*>(bytes.data()), bytes.size())),
          "\n");
    };
    auto status =
        WriteKey(absl::StrCat(kLogSigningKey, ".secret"), hex(seed), kPrivate);
    if (!status.ok()) return status;
    return WriteKey(absl::StrCat(kLogSigningKey, ".pub"),
                    hex(Ed25519Signer(seed).public_key()), kPublic);
  }

  absl::Status WriteRegistry() {
    auto checked = PrincipalRegistry::Build(registry_);
    if (!checked.ok()) return checked.status();
    std::string text;
    google::protobuf::TextFormat::PrintToString(registry_, &text);
    auto status = WriteFile(into_ / "registry.textproto", text, kPublic);
    if (!status.ok()) return status;
    return WriteFile(into_ / "environment", "demo\n", kPublic);
  }

  absl::Status CopyData() {
    const auto types = ReadFile(options_.types);
    if (!types.ok()) return types.status();
    auto status = WriteFile(into_ / "types.binpb", *types, kPublic);
    if (!status.ok()) return status;
    std::string ports;
    if (!options_.any_port) {
      auto text = ReadFile(share_ / "demo" / "ports");
      if (!text.ok()) return text.status();
      ports = *std::move(text);
    }
    status = WriteFile(into_ / "ports", ports, kPublic);
    if (!status.ok()) return status;
    for (const auto& [from, to] :
         {std::pair{share_ / "config" / "codes", "codes"},
          {share_ / "config" / "assessments", "assessments"},
          {options_.agreements.empty() ? share_ / "agreements"
                                       : fs::path(options_.agreements),
           "agreements"},
          {share_ / "rules", "rules"},
          {share_ / "config" / "feeds", "feeds"},
          {share_ / "config" / "casefile", "casefile"},
          {share_ / "calendars", "calendars"},
          {share_ / "clocks", "clocks"},
          {share_ / "config" / "legal", "legal"},
          {share_ / "config" / "roles", "roles"},
          {share_ / "config" / "holders", "holders"},
          {share_ / "config" / "notifier", "notifier"},
          {share_ / "config" / "access", "access"},
          {share_ / "config" / "adapters", "adapters"},
          {share_ / "config" / "gateway", "doors"}}) {
      status = CopyFolder(from, into_ / to);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  // Each party has a key, and has signed what names it. What is no agreement is the
  // bus's to refuse.
  absl::Status SignAgreements() {
    std::map<std::string, Ed25519Signer> signers;
    policy::v1::Signatories signatories;
    // Each gets a file beside it.
    const std::vector<fs::directory_entry> entries(
        fs::directory_iterator(into_ / "agreements"), {});
    for (const fs::directory_entry& entry : entries) {
      const auto text = ReadFile(entry.path());
      if (!text.ok()) return text.status();
      policy::v1::Agreement agreement;
      if (!ParseTextProto({entry.path().string(), *text}, &agreement).ok()) {
        continue;
      }
      for (const std::string& party : agreement.parties()) {
        if (signers.count(party) == 0) {
          const std::string key = NewSigningKey(random_);
          const auto signer = SignerOf(key);
          if (!signer.ok()) return signer.status();
          auto status =
              WriteKey(absl::StrCat("sign-", party, ".key"), key, kPrivate);
          if (!status.ok()) return status;
          signers.emplace(party, *signer);
          policy::v1::Signatory& signatory = *signatories.add_signatories();
          signatory.set_party(party);
          signatory.set_office(kDemoOffice);
          signatory.set_public_key(PublicKeyOf(*signer));
        }
        const auto file =
            SignFile(SignedText::kAgreement, entry.path().string(),
                     signers.at(party), party, kDemoOffice);
        if (!file.ok()) return file.status();
      }
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(signatories, &text);
    return WriteFile(into_ / "signatories.textproto", text, kPublic);
  }

  static absl::Status CopyFolder(const fs::path& from, const fs::path& to) {
    fs::create_directories(to);
    if (!fs::is_directory(from)) return absl::OkStatus();
    for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
      if (entry.path().extension() != ".textproto") continue;
      const auto text = ReadFile(entry.path());
      if (!text.ok()) return text.status();
      auto status = WriteFile(to / entry.path().filename(), *text, kPublic);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status WriteKey(const std::string& name, absl::string_view text,
                        mode_t mode) {
    return WriteFile(into_ / "keys" / name, text, mode);
  }

  const DemoDirectoryOptions& options_;
  const fs::path share_;
  const fs::path into_;
  const Clock& clock_;
  Random& random_;
  bus::v1::Registry registry_;
};

}  // namespace

absl::StatusOr<std::string> MakeCurvePair(const std::string& path) {
  const auto keys = MakeCurveKeys();
  if (!keys.ok()) return keys.status();
  absl::Status status = WriteFile(path, TextOf(*keys), kPrivate);
  if (status.ok()) {
    status =
        WriteFile(path + ".pub", absl::StrCat(keys->public_key, "\n"), kPublic);
  }
  if (!status.ok()) return status;
  return keys->public_key;
}

absl::Status MakeDemoDirectory(const DemoDirectoryOptions& options,
                               const Clock& clock, Random& random) {
  std::error_code error;
  const fs::path data = fs::absolute(options.data, error).lexically_normal();
  if (fs::exists(data, error) && !fs::is_empty(data, error)) {
    return absl::AlreadyExistsError(absl::StrCat(
        data.string(), " is there and not empty; nothing was changed"));
  }
  fs::path draft = data;
  if (!draft.has_filename()) draft = draft.parent_path();
  const fs::path finished = draft;
  draft += absl::StrCat(".new-", getpid());
  fs::create_directories(draft, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make ", draft.string(), ": ", error.message()));
  }
  absl::Status status = Maker(options, draft, clock, random).Make();
  if (status.ok() && std::rename(draft.c_str(), finished.c_str()) != 0) {
    status = absl::UnavailableError(
        absl::StrCat("cannot make ", finished.string(), ": ", strerror(errno)));
  }
  if (!status.ok()) fs::remove_all(draft, error);
  return status;
}

}  // namespace concordat::cli
