// concordat keys request|approve|install|revoke|authority
#include "gateway/cli/enrol.h"

#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "concordat/bus/v1/approval.pb.h"
#include "gateway/cli/approvals.h"
#include "gateway/cli/command.h"
#include "gateway/cli/json.h"
#include "gateway/cli/keys/certificate_authority.h"
#include "gateway/cli/keys/enrolment.h"
#include "gateway/cli/keys/key_files.h"
#include "google/protobuf/text_format.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"

namespace concordat::cli {
namespace {

constexpr char kRegistry[] = "registry.textproto";
constexpr char kEnrolment[] = "enrolment";

struct Options {
  std::string environment = "live";
  std::string agency, system, role, title;
  bool renew = false;
  std::string fingerprint, rights, authority, certificate, host;
  std::string why, approval;
};

void Tell(const CommandLine& line, const std::string& path,
          const std::string& fingerprint, const char* what_next) {
  if (line.json()) {
    std::printf("{\"file\":%s,\"fingerprint\":%s}\n", JsonQuote(path).c_str(),
                JsonQuote(fingerprint).c_str());
    return;
  }
  std::printf("made %s\nfingerprint %s\n%s", path.c_str(), fingerprint.c_str(),
              what_next);
}

// Who it is to the hub, as the answer to its first request said.
absl::Status FillFrom(const CommandLine& line, Options& options) {
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto registry = data->LoadRegistry();
  if (!registry.ok()) return registry.status();
  const bus::v1::Principal* const own =
      (*registry)->FindByName(line.words()[1]);
  if (own == nullptr) {
    return absl::NotFoundError(absl::StrCat(data->path(), " has no principal ",
                                            line.words()[1], " to renew"));
  }
  options.environment = std::string(EnvironmentName(data->environment()));
  options.agency = own->agency();
  options.system = own->system();
  options.role = own->role();
  return absl::OkStatus();
}

absl::Status Request(const CommandLine& line, Options options) {
  if (options.renew) {
    const absl::Status filled = FillFrom(line, options);
    if (!filled.ok()) return filled;
  }
  bus::v1::EnrolmentRequest wanted;
  wanted.set_environment(options.environment);
  wanted.set_name(line.words()[1]);
  wanted.set_agency(options.agency);
  wanted.set_system(options.system);
  wanted.set_role(options.role);
  wanted.set_display_name(options.title);
  wanted.set_renews(options.renew);
  SystemRandom random;
  const auto path = MakeEnrolmentRequest(line.data_path(), wanted, random);
  if (!path.ok()) return path.status();
  const auto text = ReadWholeFile(*path);
  if (!text.ok()) return text.status();
  Tell(line, *path, FingerprintOf(*text),
       "Send the file to the hub, and read the fingerprint to its operator by "
       "telephone.\nThe keys stay here.\n");
  return absl::OkStatus();
}

// From the folder of an authority, or made by the operator's own.
absl::StatusOr<std::string> CertificateFor(const Enrolment& enrolment,
                                           const DataDirectory& data,
                                           const Options& options,
                                           absl::Time now) {
  const auto trusted = ReadWholeFile(data.PathOf("keys/ca.crt.pem"));
  if (!trusted.ok()) return trusted.status();
  const std::string& request = enrolment.request.certificate_request();
  const std::string& uri = enrolment.principal.certificate_uri();
  absl::StatusOr<std::string> certificate;
  if (!options.certificate.empty()) {
    certificate = ReadWholeFile(options.certificate);
  } else {
    const std::string folder = options.authority.empty()
                                   ? data.PathOf(kAuthorityFolder)
                                   : options.authority;
    const auto own =
        ReadWholeFile(absl::StrCat(folder, "/", kAuthorityCertificate));
    if (!own.ok()) return own.status();
    const auto key = ReadWholeFile(absl::StrCat(folder, "/", kAuthorityKey));
    if (!key.ok()) return key.status();
    const auto authority = CertificateAuthority::Load(*own, *key, now);
    if (!authority.ok()) return authority.status();
    certificate =
        (*authority)->IssueTo(request, enrolment.principal.name(), uri);
  }
  if (!certificate.ok()) return certificate.status();
  const absl::Status good =
      CheckCertificate(*certificate, request, uri, *trusted, now);
  if (!good.ok()) return good;
  return certificate;
}

absl::StatusOr<bus::v1::Principal> RightsOf(const std::string& path) {
  bus::v1::Principal rights;
  if (path.empty()) return rights;
  const auto text = ReadWholeFile(path);
  if (!text.ok()) return text.status();
  const absl::Status parsed = ParseTextProto({path, *text}, &rights);
  if (!parsed.ok()) return parsed;
  return rights;
}

absl::Status WriteAnswer(const CommandLine& line, const Options& options,
                         const DataDirectory& data, const Enrolment& enrolment,
                         std::string certificate) {
  const std::string path =
      absl::StrCat(absl::StripSuffix(line.words()[1], ".request"), ".answer");
  std::string text;
  const absl::Status written = EditFile(
      data.PathOf(kRegistry), kPublicFile,
      [&](const std::string& before) -> absl::StatusOr<std::string> {
        auto with = AddToRegistry(before, enrolment);
        if (!with.ok()) return with;
        const auto answer = AnswerTo(enrolment, std::move(certificate), data,
                                     options.host, options.approval);
        if (!answer.ok()) return answer.status();
        google::protobuf::TextFormat::PrintToString(*answer, &text);
        const absl::Status told = ReplaceFile(path, text, kPublicFile);
        if (!told.ok()) return told;
        return with;
      });
  if (!written.ok()) return written;
  Tell(line, path, FingerprintOf(text),
       "It stands in the registry. Send the file to the agency, and read the "
       "fingerprint\nto it by telephone.\n");
  return absl::OkStatus();
}

absl::Status Approve(const CommandLine& line, const Options& options) {
  const SystemClock clock;
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto text = ReadWholeFile(line.words()[1]);
  if (!text.ok()) return text.status();
  const absl::Status same = CheckFingerprint(*text, options.fingerprint);
  if (!same.ok()) return same;
  const auto rights = RightsOf(options.rights);
  if (!rights.ok()) return rights.status();
  const auto registry = data->LoadRegistry();
  if (!registry.ok()) return registry.status();
  const auto enrolment =
      PlanEnrolment(*text, *rights, (*registry)->proto(),
                    absl::ToCivilDay(clock.Now(), absl::UTCTimeZone()));
  if (!enrolment.ok()) return enrolment.status();
  // What cannot be done is not agreed to.
  const auto certificate =
      CertificateFor(*enrolment, *data, options, clock.Now());
  if (!certificate.ok()) return certificate.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  bus::v1::AgreeRequest request;
  request.set_kind(kEnrolment);
  request.set_what(enrolment->what);
  request.set_digest(enrolment->digest.data(), enrolment->digest.size());
  request.set_count(1);
  request.set_why(options.why);
  request.set_approval(options.approval);
  const auto agreed = (*hub)->Call<bus::v1::AgreeResponse>(
      "concordat-bus", "concordat.bus.v1.ApprovalService/Agree", request);
  if (!agreed.ok()) return agreed.status();
  if (agreed->has_asked()) {
    if (line.json()) {
      std::printf("%s\n", ToJson(*agreed).c_str());
    } else {
      PrintAsked(agreed->asked());
    }
    return absl::OkStatus();
  }
  return WriteAnswer(line, options, *data, *enrolment, *certificate);
}

absl::Status Install(const CommandLine& line, const Options& options) {
  const auto text = ReadWholeFile(line.words()[1]);
  if (!text.ok()) return text.status();
  const absl::Status same = CheckFingerprint(*text, options.fingerprint);
  if (!same.ok()) return same;
  const absl::Status installed = InstallAnswer(line.data_path(), *text);
  if (!installed.ok()) return installed;
  if (!line.json()) std::printf("installed in %s\n", line.data_path().c_str());
  return absl::OkStatus();
}

absl::Status Revoke(const CommandLine& line) {
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const absl::Status written = EditFile(
      data->PathOf(kRegistry), kPublicFile, [&](const std::string& before) {
        return RevokeInRegistry(before, line.words()[1]);
      });
  if (!written.ok()) return written;
  if (!line.json()) {
    std::printf(
        "%s is revoked: every program of the hub reads it within 200 ms, and "
        "ends\nwhat it has open. To let it in again: keys request --renew\n",
        line.words()[1].c_str());
  }
  return absl::OkStatus();
}

absl::Status MakeAuthority(const CommandLine& line) {
  const SystemClock clock;
  const std::string& folder = line.words()[1];
  const auto authority =
      CertificateAuthority::Make("Concordat authority", clock.Now());
  if (!authority.ok()) return authority.status();
  const auto key = (*authority)->private_key();
  if (!key.ok()) return key.status();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  absl::Status status = WriteNewFile(absl::StrCat(folder, "/", kAuthorityKey),
                                     *key, kPrivateFile);
  if (status.ok()) {
    status = WriteNewFile(absl::StrCat(folder, "/", kAuthorityCertificate),
                          (*authority)->certificate(), kPublicFile);
  }
  return status;
}

void AddFlags(CommandLine& line, Options& options) {
  Flags& flags = line.flags();
  flags.AddString("environment", "With request: live, shadow, training, demo.",
                  &options.environment);
  flags.AddString("agency", "With request.", &options.agency);
  flags.AddString("system", "With request: its name there, \"rms\".",
                  &options.system);
  flags.AddString("role", "With request: what it acts as.", &options.role);
  flags.AddString("title", "With request: what people call it.",
                  &options.title);
  flags.AddBool("renew", "With request: keys that follow those in use.",
                &options.renew);
  flags.AddString("fingerprint",
                  "With approve and install: as it was read out by telephone.",
                  &options.fingerprint);
  flags.AddString("rights",
                  "With approve: a file, bus.v1.Principal without names and "
                  "keys: what it may publish.",
                  &options.rights);
  flags.AddString("authority",
                  "With approve: the folder of the authority; default "
                  "authority/ of the data directory.",
                  &options.authority);
  flags.AddString("certificate",
                  "With approve: the certificate, made by another authority "
                  "that keys/ca.crt.pem names.",
                  &options.certificate);
  flags.AddString("host",
                  "With approve: what agencies reach the hub by, instead of "
                  "127.0.0.1.",
                  &options.host);
  flags.AddString("why", "With approve: in a few words, for the record.",
                  &options.why);
  AddApproveFlag(line, &options.approval);
}

}  // namespace

bool IsEnrolment(const std::string& word) {
  return word == "request" || word == "approve" || word == "install" ||
         word == "revoke" || word == "authority";
}

absl::Status RunEnrolment(const std::vector<std::string>& arguments) {
  CommandLine line(
      "keys request NAME | approve FILE | install FILE | revoke NAME | "
      "authority FOLDER",
      "request    at the agency: makes keys in its data directory, which stay "
      "there, and\n"
      "           NAME.request\n"
      "approve    at the hub, by two people: what the request asks for, with "
      "--why; then,\n"
      "           by another with --approve, a certificate, the entry in the "
      "registry, and\n"
      "           NAME.answer\n"
      "install    at the agency: puts the answer into its data directory; its "
      "programs can\n"
      "           connect\n"
      "revoke     at the hub: NAME is out within a second, on open connections "
      "too\n"
      "authority  makes an authority for certificates in a new folder\n"
      "deploy/docs/operators.md, Enrolment.");
  Options options;
  AddFlags(line, options);
  line.set_default_profile("admin");
  const auto go = line.Parse(arguments, 2, 2);
  if (!go.ok() || !*go) return go.status();
  const std::string& what = line.words()[0];
  if (what == "request") return Request(line, options);
  if (what == "approve") return Approve(line, options);
  if (what == "install") return Install(line, options);
  if (what == "revoke") return Revoke(line);
  return MakeAuthority(line);
}

}  // namespace concordat::cli
