#include "gateway/cli/agreement_life.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/agreements.pb.h"
#include "gateway/cli/json.h"
#include "gateway/cli/keys/signing_keys.h"
#include "services/common/base/system_random.h"
#include "services/common/policy/london_day.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.AgreementService/";
// A year of a large area's log.
constexpr absl::Duration kTrialMax = absl::Minutes(10);

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::move(text).str();
}

// The file of signatures beside it, if there is one.
absl::Status ReadSigned(const std::string& path, std::string* text,
                        policy::v1::SignatureFile* signatures, bool* found) {
  const auto read = ReadText(path);
  if (!read.ok()) return read.status();
  *text = *read;
  const std::string beside = absl::StrCat(path, ".sig");
  const auto written = ReadText(beside);
  *found = written.ok();
  if (!written.ok()) return absl::OkStatus();
  return ParseTextProto({beside, *written}, signatures);
}

std::string Method(absl::string_view name) {
  return absl::StrCat(kService, name);
}

// What the text is, if `party` may sign it: an agreement of which it is a party, or
// an early end that is its own, which is a file of another form.
absl::StatusOr<SignedText> WhatToSign(const std::string& path,
                                      const std::string& text,
                                      const std::string& party) {
  const auto not_its = [&](const std::string& parties) {
    return absl::InvalidArgumentError(
        absl::StrCat("--party ", party, "? ", path, " is of ", parties));
  };
  policy::v1::Retirement retirement;
  if (ParseTextProto({path, text}, &retirement).ok()) {
    if (retirement.party() != party) return not_its(retirement.party());
    return SignedText::kRetirement;
  }
  policy::v1::Agreement agreement;
  const absl::Status parsed = ParseTextProto({path, text}, &agreement);
  if (!parsed.ok()) return parsed;
  const auto& parties = agreement.parties();
  if (std::find(parties.begin(), parties.end(), party) == parties.end()) {
    return not_its(absl::StrJoin(parties, ", "));
  }
  return SignedText::kAgreement;
}

}  // namespace

absl::Status NewKey(const std::string& path) {
  SystemRandom random;
  const std::string text = NewSigningKey(random);
  const auto signer = SignerOf(text);
  if (!signer.ok()) return signer.status();
  const std::string public_key = PublicKeyOf(*signer);
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written = file >= 0 && write(file, text.data(), text.size()) ==
                                        static_cast<ssize_t>(text.size());
  if (file >= 0 && (fsync(file) != 0 || close(file) != 0 || !written)) {
    return absl::UnavailableError(absl::StrCat("cannot write ", path));
  }
  if (file < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot make ", path, ": it is there, or may not be"));
  }
  std::printf("%s\n", public_key.c_str());
  std::fprintf(
      stderr,
      "The key is in %s and nowhere else. Put this into "
      "signatories.textproto:\n"
      "signatories { party: \"…\" office: \"…\" public_key: \"%s\" }\n",
      path.c_str(), public_key.c_str());
  return absl::OkStatus();
}

absl::Status Sign(const std::string& path, const LifeFlags& flags) {
  if (flags.key.empty() || flags.party.empty()) {
    return absl::InvalidArgumentError(
        "sign FILE --key KEYFILE --party PARTY [--office OFFICE]");
  }
  const auto signer = ReadSigningKey(flags.key);
  if (!signer.ok()) return signer.status();
  const auto text = ReadText(path);
  if (!text.ok()) return text.status();
  const auto what = WhatToSign(path, *text, flags.party);
  if (!what.ok()) return what.status();
  const auto file = SignFile(*what, path, *signer, flags.party, flags.office);
  if (!file.ok()) return file.status();
  std::printf("%s.sig: signed by %s\n", path.c_str(),
              absl::StrJoin(file->signatures(), ", ",
                            [](std::string* out, const auto& each) {
                              absl::StrAppend(out, each.party());
                            })
                  .c_str());
  return absl::OkStatus();
}

absl::Status Adopt(Hub& hub, const std::string& path, const LifeFlags& flags,
                   bool as_json) {
  bus::v1::AdoptAgreementRequest request;
  bool is_signed = false;
  const absl::Status read = ReadSigned(
      path, request.mutable_text(), request.mutable_signatures(), &is_signed);
  if (!read.ok()) return read;
  if (!is_signed) request.clear_signatures();
  request.set_check_only(flags.check);
  const auto answer = hub.Call<bus::v1::AdoptAgreementResponse>(
      kProgram, Method("AdoptAgreement"), request);
  if (!answer.ok()) return answer.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*answer).c_str());
    return absl::OkStatus();
  }
  std::printf("%s version %u %s%s%s\n", answer->name().c_str(),
              answer->version(),
              answer->duplicate() ? "was adopted before"
              : flags.check       ? "may be adopted"
                                  : "is adopted",
              answer->signed_by().empty() ? ", unsigned" : ", signed by ",
              absl::StrJoin(answer->signed_by(), ", ").c_str());
  return absl::OkStatus();
}

absl::Status Retire(Hub& hub, const std::string& path, bool as_json) {
  bus::v1::RetireAgreementRequest request;
  bool is_signed = false;
  const absl::Status read = ReadSigned(
      path, request.mutable_text(), request.mutable_signatures(), &is_signed);
  if (!read.ok()) return read;
  const auto answer = hub.Call<bus::v1::RetireAgreementResponse>(
      kProgram, Method("RetireAgreement"), request);
  if (!answer.ok()) return answer.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*answer).c_str());
    return absl::OkStatus();
  }
  std::printf("%s version %u is over from %s\n", answer->name().c_str(),
              answer->version(), LocalMoment(answer->from()).c_str());
  return absl::OkStatus();
}

absl::Status Diff(Hub& hub, const std::vector<std::string>& paths,
                  bool as_json) {
  bus::v1::DiffAgreementRequest request;
  const auto candidate = ReadText(paths.back());
  if (!candidate.ok()) return candidate.status();
  request.set_candidate(*candidate);
  if (paths.size() > 1) {
    const auto base = ReadText(paths.front());
    if (!base.ok()) return base.status();
    request.set_base(*base);
  }
  const auto answer = hub.Call<bus::v1::DiffAgreementResponse>(
      kProgram, Method("DiffAgreement"), request);
  if (!answer.ok()) return answer.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*answer).c_str());
    return absl::OkStatus();
  }
  std::printf("%s: %s to version %u\n", answer->name().c_str(),
              answer->from_version() == 0
                  ? "nothing"
                  : absl::StrCat("version ", answer->from_version()).c_str(),
              answer->to_version());
  for (const std::string& words : answer->terms()) {
    std::printf("  %s\n", words.c_str());
  }
  for (const bus::v1::AgreementChange& change : answer->changes()) {
    std::printf("  %s (%s), %s %s:\n", change.agency().c_str(),
                change.role().c_str(), change.type().c_str(),
                change.audience().c_str());
    if (!change.more().empty()) {
      std::printf("      sees more: %s\n",
                  absl::StrJoin(change.more(), ", ").c_str());
    }
    if (!change.less().empty()) {
      std::printf("      sees less: %s\n",
                  absl::StrJoin(change.less(), ", ").c_str());
    }
  }
  if (answer->terms().empty() && answer->changes().empty()) {
    std::printf("  nothing changes\n");
  }
  return absl::OkStatus();
}

absl::Status Try(Hub& hub, const std::string& path, const LifeFlags& flags,
                 bool as_json) {
  bus::v1::SimulateAgreementRequest request;
  const auto candidate = ReadText(path);
  if (!candidate.ok()) return candidate.status();
  request.set_candidate(*candidate);
  if (!flags.from.empty()) {
    const auto from = StartOfDay(flags.from, 0, "--from");
    if (!from.ok()) return from.status();
    request.set_from(*from);
  }
  if (!flags.to.empty()) {
    const auto to = StartOfDay(flags.to, 1, "--to");
    if (!to.ok()) return to.status();
    request.set_to(*to);
  }
  CallOptions options;
  options.timeout = kTrialMax;
  const auto answer = hub.Call<bus::v1::SimulateAgreementResponse>(
      kProgram, Method("SimulateAgreement"), request, options);
  if (!answer.ok()) return answer.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*answer).c_str());
    return absl::OkStatus();
  }
  std::printf("%s version %u on %llu events (%llu to %llu):\n",
              answer->name().c_str(), answer->to_version(),
              static_cast<unsigned long long>(answer->events()),
              static_cast<unsigned long long>(answer->first()),
              static_cast<unsigned long long>(answer->last()));
  if (answer->changes().empty()) {
    std::printf("  nobody would see more or less\n");
    return absl::OkStatus();
  }
  std::printf("  %-22s %-22s %-44s %8s %8s %8s %8s\n", "agency", "role", "type",
              "shown", "people", "hidden", "people");
  for (const bus::v1::SimulatedChange& change : answer->changes()) {
    std::printf("  %-22s %-22s %-44s %8llu %8llu %8llu %8llu\n",
                change.agency().c_str(), change.role().c_str(),
                change.type().c_str(),
                static_cast<unsigned long long>(change.newly_shown()),
                static_cast<unsigned long long>(change.shown_people()),
                static_cast<unsigned long long>(change.newly_hidden()),
                static_cast<unsigned long long>(change.hidden_people()));
  }
  return absl::OkStatus();
}

}  // namespace concordat::cli
