#include "services/common/config/data_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"

namespace concordat {
namespace {

constexpr char kMaintenanceFile[] = "run/maintenance.textproto";

class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(const std::string& path) : path_(path) {}
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (!text_.empty()) return;
    // Lines and columns count from 0; -1 is the file as a whole.
    text_ = line < 0 ? absl::StrCat(path_, ": ", message)
                     : absl::StrCat(path_, ":", line + 1, ":", column + 1, ": ",
                                    message);
  }
  const std::string& text() const { return text_; }

 private:
  const std::string& path_;
  std::string text_;
};

std::string Errno(absl::string_view what, absl::string_view path) {
  return absl::StrCat(path, ": ", what, ": ",
                      std::generic_category().message(errno));
}

// A reader sees the old one or the new one, whole.
absl::Status ReplaceFile(const std::string& path, absl::string_view text) {
  const std::string draft = absl::StrCat(path, ".new");
  std::ofstream out(draft, std::ios::trunc);
  out << text;
  out.close();
  if (out.fail() || std::rename(draft.c_str(), path.c_str()) != 0) {
    return absl::FailedPreconditionError(Errno("cannot write", path));
  }
  return absl::OkStatus();
}

// "name=value" lines; the value of `name`, or none.
absl::StatusOr<std::string> FindLine(absl::string_view text,
                                     absl::string_view path,
                                     absl::string_view name) {
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits('=', 1));
    if (parts.second.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ":", number, ": not of the form name=value"));
    }
    if (parts.first == name) return std::string(parts.second);
  }
  return absl::NotFoundError(absl::StrCat(path, ": no line ", name, "=…"));
}

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)),
                   std::istreambuf_iterator<char>());
  if (!in.is_open() || in.bad()) {
    return absl::NotFoundError(Errno("cannot read", path));
  }
  return text;
}

}  // namespace

absl::StatusOr<TlsCredentials> ReadAgain(const TlsCredentials& tls) {
  if (tls.certificate_path.empty()) return tls;
  TlsCredentials now = tls;
  for (const auto& [path, text] :
       {std::pair(&tls.ca_path, &now.ca),
        std::pair(&tls.certificate_path, &now.certificate),
        std::pair(&tls.private_key_path, &now.private_key)}) {
    auto read = ReadWhole(*path);
    if (!read.ok()) return read.status();
    *text = *std::move(read);
  }
  return now;
}

absl::Status ParseTextProto(const TextFile& file,
                            google::protobuf::Message* into) {
  FirstError error(file.path);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  if (parser.ParseFromString(file.text, into)) return absl::OkStatus();
  return absl::InvalidArgumentError(error.text());
}

absl::StatusOr<DataDirectory> DataDirectory::Open(std::string path) {
  DataDirectory directory(std::move(path), bus::v1::ENVIRONMENT_UNSPECIFIED);
  const auto word = directory.Read("environment");
  if (!word.ok()) {
    return absl::Status(
        word.status().code(),
        absl::StrCat(directory.path_,
                     " is not a data directory: ", word.status().message()));
  }
  const auto environment = ParseEnvironment(absl::StripAsciiWhitespace(*word));
  if (!environment.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        directory.PathOf("environment"), ": ", environment.status().message()));
  }
  directory.environment_ = *environment;
  return directory;
}

std::string DataDirectory::PathOf(absl::string_view relative) const {
  return absl::StrCat(path_, "/", relative);
}

absl::StatusOr<std::string> DataDirectory::Read(
    absl::string_view relative) const {
  return ReadWhole(PathOf(relative));
}

absl::StatusOr<std::vector<TextFile>> DataDirectory::ReadTextProtos(
    absl::string_view folder) const {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator it(PathOf(folder), error), end;
       !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (absl::EndsWith(name, ".textproto")) names.push_back(std::move(name));
  }
  if (error) {
    return absl::NotFoundError(
        absl::StrCat(PathOf(folder), ": cannot read: ", error.message()));
  }
  std::sort(names.begin(), names.end());
  std::vector<TextFile> files;
  for (const std::string& name : names) {
    const std::string relative = absl::StrCat(folder, "/", name);
    auto text = Read(relative);
    if (!text.ok()) return text.status();
    files.push_back({PathOf(relative), *std::move(text)});
  }
  return files;
}

absl::StatusOr<std::shared_ptr<const PrincipalRegistry>>
DataDirectory::LoadRegistry(absl::Time now) const {
  auto text = Read("registry.textproto");
  if (!text.ok()) return text.status();
  const std::string path = PathOf("registry.textproto");
  bus::v1::Registry proto;
  const absl::Status parsed = ParseTextProto({path, *text}, &proto);
  if (!parsed.ok()) return parsed;
  if (proto.environment() != environment_) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the registry is of environment ",
                     EnvironmentName(proto.environment()), ", this is ",
                     EnvironmentName(environment_)));
  }
  auto registry = PrincipalRegistry::Build(std::move(proto), now);
  if (!registry.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": ", registry.status().message()));
  }
  return registry;
}

absl::StatusOr<std::string> DataDirectory::LoadTypes() const {
  return Read("types.binpb");
}

template <typename Message>
absl::StatusOr<std::vector<Message>> DataDirectory::ReadMessages(
    absl::string_view folder) const {
  const auto files = ReadTextProtos(folder);
  if (!files.ok()) return files.status();
  if (files->empty()) {
    return absl::NotFoundError(absl::StrCat(PathOf(folder), ": empty"));
  }
  std::vector<Message> messages;
  for (const TextFile& file : *files) {
    const absl::Status parsed = ParseTextProto(file, &messages.emplace_back());
    if (!parsed.ok()) return parsed;
  }
  return messages;
}

absl::StatusOr<std::vector<policy::v1::CodeList>> DataDirectory::LoadCodeLists()
    const {
  return ReadMessages<policy::v1::CodeList>("codes");
}

absl::StatusOr<std::vector<policy::v1::Calendar>> DataDirectory::LoadCalendars()
    const {
  return ReadMessages<policy::v1::Calendar>("calendars");
}

absl::StatusOr<std::vector<policy::v1::LimitClocks>> DataDirectory::LoadClocks()
    const {
  return ReadMessages<policy::v1::LimitClocks>("clocks");
}

absl::StatusOr<std::vector<identity::v1::RolesDefined>>
DataDirectory::LoadRoles() const {
  return ReadMessages<identity::v1::RolesDefined>("roles");
}

absl::StatusOr<std::vector<identity::v1::RoleHolders>>
DataDirectory::LoadHolders() const {
  return ReadMessages<identity::v1::RoleHolders>("holders");
}

absl::StatusOr<std::vector<policy::v1::Agreement>>
DataDirectory::LoadAgreements() const {
  const auto files = ReadTextProtos("agreements");
  if (!files.ok()) return files.status();
  std::vector<policy::v1::Agreement> agreements;
  for (const TextFile& file : *files) {
    const absl::Status parsed =
        ParseTextProto(file, &agreements.emplace_back());
    if (!parsed.ok()) return parsed;
  }
  return agreements;
}

absl::StatusOr<std::vector<SignedTextFile>> DataDirectory::LoadAgreementTexts()
    const {
  auto files = ReadTextProtos("agreements");
  if (!files.ok()) return files.status();
  std::vector<SignedTextFile> found;
  for (TextFile& file : *files) {
    const std::string relative = absl::StrCat(
        "agreements/", std::filesystem::path(file.path).filename().string(),
        ".sig");
    auto signatures = Read(relative);
    if (!signatures.ok() && !absl::IsNotFound(signatures.status())) {
      return signatures.status();
    }
    found.push_back(
        {std::move(file),
         {PathOf(relative), signatures.ok() ? *std::move(signatures) : ""}});
  }
  return found;
}

absl::Status DataDirectory::WriteAgreement(absl::string_view name,
                                           absl::string_view text,
                                           absl::string_view signatures) const {
  const std::string path =
      PathOf(absl::StrCat("agreements/", name, ".textproto"));
  // The signatures first: beside a text that the log has they are not asked for.
  const std::string beside = absl::StrCat(path, ".sig");
  if (signatures.empty()) {
    unlink(beside.c_str());
  } else if (absl::Status s = ReplaceFile(beside, signatures); !s.ok()) {
    return s;
  }
  return ReplaceFile(path, text);
}

absl::StatusOr<std::vector<TextFile>> DataDirectory::LoadRules() const {
  return ReadTextProtos("rules");
}

absl::StatusOr<std::vector<TextFile>> DataDirectory::LoadFeeds() const {
  return ReadTextProtos("feeds");
}

absl::StatusOr<std::vector<TextFile>> DataDirectory::LoadAssessmentTools()
    const {
  return ReadTextProtos("assessments");
}

absl::StatusOr<std::vector<TextFile>> DataDirectory::LoadCaseFileMappings()
    const {
  return ReadTextProtos("casefile");
}

absl::Status DataDirectory::LoadSettings(
    absl::string_view relative, google::protobuf::Message* into) const {
  const absl::StatusOr<std::string> text = Read(relative);
  if (!text.ok()) return text.status();
  return ParseTextProto({PathOf(relative), *text}, into);
}

absl::StatusOr<TlsCredentials> DataDirectory::LoadTls(
    absl::string_view principal) const {
  return ReadAgain({"", "", "", PathOf("keys/ca.crt.pem"),
                    PathOf(absl::StrCat("keys/", principal, ".crt.pem")),
                    PathOf(absl::StrCat("keys/", principal, ".key.pem"))});
}

absl::StatusOr<CurveKeyPair> DataDirectory::LoadCurveKeys(
    absl::string_view principal) const {
  const std::string relative = absl::StrCat("keys/", principal, ".curve");
  const auto text = Read(relative);
  if (!text.ok()) return text.status();
  const std::vector<std::string> lines =
      absl::StrSplit(*text, absl::ByAnyChar("\r\n"), absl::SkipWhitespace());
  if (lines.size() != 2 || !CurveKeyFromZ85(lines[0]).ok() ||
      !CurveKeyFromZ85(lines[1]).ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        PathOf(relative), ": not two lines of Z85, public and secret"));
  }
  return CurveKeyPair{lines[0], lines[1]};
}

absl::StatusOr<std::string> DataDirectory::LoadBusPublicKey() const {
  const auto text = Read("keys/bus.curve.pub");
  if (!text.ok()) return text.status();
  std::string key(absl::StripAsciiWhitespace(*text));
  if (!CurveKeyFromZ85(key).ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(PathOf("keys/bus.curve.pub"), ": not a key in Z85"));
  }
  return key;
}

absl::StatusOr<std::string> DataDirectory::LoadSecret(
    absl::string_view name) const {
  const std::string relative = absl::StrCat("keys/", name, ".secret");
  const auto text = Read(relative);
  if (!text.ok()) return text.status();
  const absl::string_view hex = absl::StripAsciiWhitespace(*text);
  if (hex.size() != 64 || !std::all_of(hex.begin(), hex.end(), [](char c) {
        return absl::ascii_isxdigit(static_cast<unsigned char>(c));
      })) {
    return absl::InvalidArgumentError(
        absl::StrCat(PathOf(relative), ": not 64 hex digits"));
  }
  return absl::HexStringToBytes(hex);
}

absl::StatusOr<std::string> DataDirectory::StateFolder(
    absl::string_view name) const {
  const std::string path = PathOf(name);
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(Errno("cannot make", path));
  }
  return path;
}

absl::StatusOr<uint16_t> DataDirectory::Port(absl::string_view program,
                                             absl::string_view listener) const {
  const auto text = Read("ports");
  if (!text.ok()) return uint16_t{0};
  const std::string name = absl::StrCat(program, ".", listener);
  const auto value = FindLine(*text, PathOf("ports"), name);
  if (absl::IsNotFound(value.status())) return uint16_t{0};
  if (!value.ok()) return value.status();
  uint32_t port = 0;
  if (!absl::SimpleAtoi(*value, &port) || port > UINT16_MAX) {
    return absl::InvalidArgumentError(absl::StrCat(
        PathOf("ports"), ": ", name, ": a port is from 0 to 65535"));
  }
  return static_cast<uint16_t>(port);
}

absl::Status DataDirectory::WriteRunFile(absl::string_view name,
                                         absl::string_view text) const {
  const auto folder = StateFolder("run");
  if (!folder.ok()) return folder.status();
  return ReplaceFile(absl::StrCat(*folder, "/", name), text);
}

absl::Status DataDirectory::WriteAddresses(
    absl::string_view program,
    const std::vector<std::pair<std::string, std::string>>& addresses) const {
  std::string text;
  for (const auto& [name, endpoint] : addresses) {
    absl::StrAppend(&text, name, "=", endpoint, "\n");
  }
  return WriteRunFile(absl::StrCat(program, ".addr"), text);
}

void DataDirectory::ForgetAddresses(absl::string_view program) const {
  unlink(PathOf(absl::StrCat("run/", program, ".addr")).c_str());
}

absl::Status DataDirectory::WriteMaintenance(
    const std::optional<hub::v1::Maintenance>& maintenance) const {
  if (maintenance.has_value()) {
    std::string text;
    google::protobuf::TextFormat::PrintToString(*maintenance, &text);
    return WriteRunFile(absl::StripPrefix(kMaintenanceFile, "run/"), text);
  }
  const std::string path = PathOf(kMaintenanceFile);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return absl::FailedPreconditionError(Errno("cannot remove", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<hub::v1::Maintenance>>
DataDirectory::ReadMaintenance() const {
  const auto text = Read(kMaintenanceFile);
  if (!text.ok()) return std::optional<hub::v1::Maintenance>();
  hub::v1::Maintenance maintenance;
  const absl::Status parsed =
      ParseTextProto({PathOf(kMaintenanceFile), *text}, &maintenance);
  if (!parsed.ok()) return parsed;
  return std::optional<hub::v1::Maintenance>(std::move(maintenance));
}

absl::StatusOr<std::string> DataDirectory::LoadPostgresConnection() const {
  const absl::StatusOr<std::string> text = Read("keys/postgres.conninfo");
  if (!text.ok()) return text.status();
  return std::string(absl::StripAsciiWhitespace(*text));
}

absl::StatusOr<std::string> DataDirectory::ReadAddress(
    absl::string_view program, absl::string_view listener) const {
  const std::string relative = absl::StrCat("run/", program, ".addr");
  const auto text = Read(relative);
  if (!text.ok()) return text.status();
  return FindLine(*text, PathOf(relative), listener);
}

absl::StatusOr<std::string> DataDirectory::ReadBusAddresses(
    absl::string_view listener, absl::string_view key) const {
  constexpr char kBus[] = "concordat-bus";
  const auto second = ReadAddress(kBus, "curve2");
  const bool is_second = second.ok() && *second == key;
  const std::string name = absl::StrCat(listener, is_second ? "2" : "");
  absl::StatusOr<std::string> here = ReadAddress(kBus, name);
  const std::string relative = absl::StrCat(kBus, ".elsewhere");
  const auto text = Read(relative);
  if (!text.ok()) return here;
  absl::StatusOr<std::string> elsewhere =
      FindLine(*text, PathOf(relative), name);
  if (!elsewhere.ok() || !here.ok()) return here.ok() ? here : elsewhere;
  return absl::StrCat(*here, ",", *elsewhere);
}

absl::StatusOr<std::string> DataDirectory::WaitForAddress(
    absl::string_view program, absl::string_view listener,
    absl::Duration timeout) const {
  const auto folder = StateFolder("run");
  if (!folder.ok()) return folder.status();
  const int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (watch < 0 || inotify_add_watch(watch, folder->c_str(),
                                     IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
    const std::string why = Errno("cannot watch", *folder);
    if (watch >= 0) close(watch);
    return absl::FailedPreconditionError(why);
  }
  const auto until =
      std::chrono::steady_clock::now() +
      absl::ToChronoMilliseconds(std::min(timeout, absl::Hours(24)));
  // Looked at after the watch is set, so nothing can slip between.
  absl::StatusOr<std::string> address = ReadAddress(program, listener);
  while (!address.ok()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) {
      address = absl::DeadlineExceededError(absl::StrCat(
          program, " does not listen: ", address.status().message()));
      break;
    }
    pollfd ready = {watch, POLLIN, 0};
    poll(&ready, 1, static_cast<int>(left.count()));
    std::array<char, 4096> events;
    while (read(watch, events.data(), events.size()) > 0) {
    }
    address = ReadAddress(program, listener);
  }
  close(watch);
  return address;
}

}  // namespace concordat
