// concordat verify FILE: needs the file and public keys, and no hub.
#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/cli/command.h"
#include "gateway/cli/documents/access_extract.h"
#include "gateway/cli/json.h"
#include "gateway/cli/keys/key_files.h"
#include "gateway/cli/who_knew_page.h"
#include "services/common/bundle/bundle.h"

namespace concordat::cli {
namespace {

constexpr char kLogKey[] = "keys/log-signing.pub";

absl::Status NotVerified(const absl::Status& why) {
  return absl::Status(why.code() == absl::StatusCode::kInvalidArgument
                          ? absl::StatusCode::kDataLoss
                          : why.code(),
                      absl::StrCat("NOT VERIFIED: ", why.message()));
}

// Of a s.62 extract (concordat documents access --proof).
absl::Status VerifyExtract(const std::string& bytes, const BundleKeys& keys,
                           bool as_json) {
  const auto checked = CheckExtract(bytes, keys);
  if (!checked.ok()) return NotVerified(checked.status());
  if (as_json) {
    std::printf("%s\n", ToJson(checked->extract).c_str());
    return absl::OkStatus();
  }
  std::printf(
      "VERIFIED: an extract that %s asked for at %s\n  %llu rows of access "
      "logs and %llu of the log of events are in their trees\n",
      checked->extract.made_by().c_str(),
      IsoTime(checked->extract.made()).c_str(),
      static_cast<unsigned long long>(checked->rows),
      static_cast<unsigned long long>(checked->events));
  for (const std::string& limit : checked->limits) {
    std::printf("  %s\n", limit.c_str());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunVerify(const std::vector<std::string>& arguments) {
  CommandLine line(
      "verify FILE [--keys KEYS]",
      "Checks an evidence bundle of `concordat who-knew`, or the proof of a "
      "s.62\n"
      "extract of `concordat documents access`, without the hub: that\n"
      "the log's key signed it, that its events and its access records are in\n"
      "the trees that were signed, and that the report is what they say. KEYS "
      "has\n"
      "the log's public key, 64 hexadecimal digits, and verifier keys of "
      "witnesses,\n"
      "a line each; default: keys/log-signing.pub of the data directory.");
  std::string keys_path;
  std::string html;
  line.flags().AddString("keys", "The public keys to believe.", &keys_path);
  line.flags().AddString("html", "Writes the report's page into this file.",
                         &html);
  const auto go = line.Parse(arguments, 1, 1);
  if (!go.ok() || !*go) return go.status();
  if (keys_path.empty()) {
    const auto data = line.OpenData();
    if (!data.ok()) return data.status();
    keys_path = data->PathOf(kLogKey);
  }
  const auto text = ReadWholeFile(keys_path);
  if (!text.ok()) return text.status();
  const auto keys = ParseBundleKeys(*text);
  if (!keys.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(keys_path, ": ", keys.status().message()));
  }
  const std::string& path = line.words()[0];
  const auto bytes = ReadWholeFile(path);
  if (!bytes.ok()) return bytes.status();
  if (IsExtract(*bytes)) {
    if (!html.empty()) {
      return absl::InvalidArgumentError("--html is of a bundle");
    }
    return VerifyExtract(*bytes, *keys, line.json());
  }
  const auto checked = CheckBundle(*bytes, *keys);
  if (!checked.ok()) return NotVerified(checked.status());
  const access::v1::Bundle& bundle = checked->bundle;
  if (!html.empty()) {
    const absl::Status written =
        ReplaceFile(html, WhoKnewPage(bundle.report()), kPrivateFile);
    if (!written.ok()) return written;
  }
  if (line.json()) {
    std::printf("%s\n", ToJson(bundle.report()).c_str());
    return absl::OkStatus();
  }
  std::printf(
      "VERIFIED: %s\n  %d events and %d access records are in the trees that "
      "were signed\n  checkpoint of %llu events%s%s\n",
      checked->checkpoint.origin.c_str(), bundle.events_size(),
      bundle.records_size(),
      static_cast<unsigned long long>(checked->checkpoint.size),
      checked->witnesses.empty() ? "" : ", signed also by ",
      absl::StrJoin(checked->witnesses, ", ").c_str());
  for (const std::string& limit : checked->limits) {
    std::printf("  %s\n", limit.c_str());
  }
  std::printf("%s", WhoKnewText(bundle.report()).c_str());
  return absl::OkStatus();
}

}  // namespace concordat::cli
