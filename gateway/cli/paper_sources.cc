#include "gateway/cli/paper_sources.h"

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/keys/key_files.h"
#include "services/common/base/system_clock.h"
#include "services/common/rpc/tls.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;

constexpr char kRetention[] = "retention.textproto";
constexpr char kPersonViews[] = "person-view";
constexpr char kAdapterRole[] = "adapter";
constexpr size_t kPartBytes = 65536;
constexpr const char* kLocks[] = {"gateway/console/package-lock.json",
                                  "tests/package-lock.json"};

// <build>/bin/concordat has <build>/concordat-documented.binpb beside it.
std::string BinFolder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error)
      .parent_path()
      .string();
}

template <typename Message>
absl::StatusOr<std::vector<Message>> Parse(
    absl::StatusOr<std::vector<TextFile>> files) {
  if (!files.ok()) return files.status();
  std::vector<Message> messages;
  for (const TextFile& file : *files) {
    const absl::Status parsed = ParseTextProto(file, &messages.emplace_back());
    if (!parsed.ok()) return parsed;
  }
  return messages;
}

// The newest that is in force; none is no error: what it would say is then missing.
absl::StatusOr<policy::v1::LegalReference> LoadLegal(const DataDirectory& data,
                                                     absl::CivilDay today) {
  policy::v1::LegalReference newest;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(data.PathOf("legal"), error)) {
    if (entry.path().extension() != ".textproto") continue;
    const auto text = ReadWholeFile(entry.path().string());
    if (!text.ok()) return text.status();
    policy::v1::LegalReference each;
    const absl::Status parsed =
        ParseTextProto({entry.path().string(), *text}, &each);
    if (!parsed.ok()) return parsed;
    absl::CivilDay from;
    if (!absl::ParseCivilTime(each.effective(), &from)) {
      return absl::InvalidArgumentError(
          absl::StrCat(entry.path().string(), ": effective is not a day"));
    }
    if (from <= today && each.version() > newest.version()) newest = each;
  }
  return newest;
}

absl::StatusOr<std::shared_ptr<const gateway::Schemas>> LoadSchemas(
    const Hub& hub, const std::string& documented) {
  const std::string path =
      documented.empty()
          ? absl::StrCat(BinFolder(), "/../concordat-documented.binpb")
          : documented;
  auto bytes = ReadWholeFile(path);
  // Without it, without what the schemas' authors wrote.
  if (!bytes.ok() && documented.empty()) bytes = hub.data().LoadTypes();
  if (!bytes.ok()) return bytes.status();
  auto schemas = gateway::Schemas::Build(*bytes);
  if (!schemas.ok()) return schemas.status();
  return std::shared_ptr<const gateway::Schemas>(*std::move(schemas));
}

absl::Status LoadAgreements(Hub& hub, Sources& sources) {
  const auto list = hub.Call<bus::v1::ListAgreementsResponse>(
      "concordat-bus", "concordat.bus.v1.BusService/ListAgreements",
      bus::v1::ListAgreementsRequest());
  if (!list.ok()) return list.status();
  for (const auto& each : list->agreements()) {
    sources.agreements.push_back(
        {each.agreement(),
         each.in_force(),
         {each.signed_by().begin(), each.signed_by().end()},
         each.retired_by(),
         each.retired_because()});
  }
  return absl::OkStatus();
}

absl::Status LoadRetention(const DataDirectory& data, Sources& sources) {
  bus::v1::RetentionPolicy policy;
  const absl::Status loaded = data.LoadSettings(kRetention, &policy);
  if (absl::IsNotFound(loaded)) return absl::OkStatus();
  if (loaded.ok()) sources.retention = policy;
  return loaded;
}

//   UNAVAILABLE  it does not run, or ends with an error.
absl::StatusOr<std::string> OutputOf(const std::string& command) {
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return absl::UnavailableError(command);
  std::string text;
  std::string part(kPartBytes, '\0');
  for (size_t n; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
    text.append(part.data(), n);
  }
  if (pclose(pipe) != 0) return absl::UnavailableError(command);
  return text;
}

// What the adapter itself says that it reads.
absl::StatusOr<edge::v1::FieldInventory> AskAdapter(const DataDirectory& data,
                                                    const std::string& edge) {
  const auto quoted = [](const std::string& word) {
    return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
  };
  const std::string command = absl::StrCat(
      quoted(BinFolder() + "/concordat-adapter"), " --data ",
      quoted(data.path()), " --edge ", quoted(edge), " --inventory");
  const auto text = OutputOf(command);
  if (!text.ok()) {
    return absl::UnavailableError(
        absl::StrCat("concordat-adapter does not say what ", edge, " reads"));
  }
  edge::v1::FieldInventory inventory;
  const absl::Status parsed =
      ParseTextProto({"concordat-adapter --inventory", *text}, &inventory);
  if (!parsed.ok()) return parsed;
  return inventory;
}

// Versions of what is installed on this machine; none where it has no dpkg.
std::map<std::string, std::string> InstalledPackages() {
  std::map<std::string, std::string> versions;
  const auto text =
      OutputOf("dpkg-query -W -f='${Package}\\t${Version}\\n' 2>/dev/null");
  if (!text.ok()) return versions;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, '\t');
    if (parts.size() == 2) versions[parts[0]] = parts[1];
  }
  return versions;
}

absl::Status AddDebian(const std::string& checkout, SecurityParts& parts) {
  const auto text = ReadWholeFile(checkout + "/deploy/packages.txt");
  if (!text.ok()) return text.status();
  const std::map<std::string, std::string> versions = InstalledPackages();
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    if (line.empty() || line.front() == '#') continue;
    const auto found = versions.find(std::string(line));
    parts.components.push_back(
        {std::string(line),
         found == versions.end() ? "not installed here" : found->second,
         "Debian package", ""});
  }
  return absl::OkStatus();
}

std::string TextIn(const json::object& object, const char* key) {
  const json::value* const value = object.if_contains(key);
  return value != nullptr && value->is_string()
             ? std::string(value->get_string().c_str())
             : "";
}

// {"packages": {"node_modules/x": {"version": …, "integrity": …}, …}}
absl::Status AddNpm(const std::string& checkout, const char* lock,
                    SecurityParts& parts) {
  const auto text = ReadWholeFile(absl::StrCat(checkout, "/", lock));
  if (!text.ok()) return text.status();
  boost::system::error_code error;
  const json::value root = json::parse(*text, error);
  const json::value* const packages =
      error || !root.is_object() ? nullptr
                                 : root.get_object().if_contains("packages");
  if (packages == nullptr || !packages->is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(lock, ": no packages"));
  }
  for (const auto& [path, value] : packages->get_object()) {
    absl::string_view name(path.data(), path.size());
    if (!absl::ConsumePrefix(&name, "node_modules/") || !value.is_object()) {
      continue;
    }
    parts.components.push_back({std::string(name),
                                TextIn(value.get_object(), "version"),
                                absl::StrCat("npm, by ", lock),
                                TextIn(value.get_object(), "integrity")});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Sources> LoadSources(Hub& hub, const std::string& documented) {
  const SystemClock clock;
  const DataDirectory& data = hub.data();
  Sources sources;
  sources.made = clock.Now();
  const auto zone = LondonTime();
  if (!zone.ok()) return zone.status();
  sources.zone = *zone;
  sources.environment = std::string(EnvironmentName(data.environment()));
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  sources.registry = (*registry)->proto();
  const auto codes = data.LoadCodeLists();
  if (!codes.ok()) return codes.status();
  for (const policy::v1::CodeList& list : *codes) {
    if (list.name() != kPersonViews) continue;
    sources.person_views.assign(list.codes().begin(), list.codes().end());
  }
  const auto types = data.LoadTypes();
  if (!types.ok()) return types.status();
  auto table = TypeRegistry::Build(*types, *codes);
  if (!table.ok()) return table.status();
  sources.types = *std::move(table);
  auto schemas = LoadSchemas(hub, documented);
  if (!schemas.ok()) return schemas.status();
  sources.schemas = *std::move(schemas);
  auto legal = LoadLegal(data, absl::ToCivilDay(sources.made, sources.zone));
  if (!legal.ok()) return legal.status();
  sources.legal = *std::move(legal);
  auto feeds = Parse<hub::v1::Feed>(data.LoadFeeds());
  if (!feeds.ok()) return feeds.status();
  sources.feeds = *std::move(feeds);
  absl::Status status = LoadRetention(data, sources);
  if (status.ok()) status = LoadAgreements(hub, sources);
  if (!status.ok()) return status;
  return sources;
}

absl::Status LoadRules(Hub& hub, Sources& sources) {
  auto list = hub.Call<alerts::v1::ListRulesResponse>(
      "concordat-alerts", "concordat.alerts.v1.AlertsService/ListRules",
      alerts::v1::ListRulesRequest());
  if (!list.ok()) return list.status();
  sources.rules = *std::move(list);
  auto of_folder = Parse<alerts::v1::Rule>(hub.data().LoadRules());
  if (of_folder.ok()) {
    sources.folder_rules = *std::move(of_folder);
  } else if (!sources.rules.has_waiting()) {
    // It has changed since the alerts service looked, which would say why.
    sources.rules.mutable_waiting()->set_what(absl::StrCat(
        "the folder's rules cannot be read: ", of_folder.status().message()));
  }
  return absl::OkStatus();
}

absl::Status LoadInventories(const DataDirectory& data, Sources& sources) {
  for (const bus::v1::Principal& each : sources.registry.principals()) {
    if (each.role() != kAdapterRole) continue;
    auto inventory = AskAdapter(data, each.name());
    if (!inventory.ok()) return inventory.status();
    sources.inventories.push_back(*std::move(inventory));
  }
  return absl::OkStatus();
}

absl::StatusOr<SecurityParts> LoadSecurityParts(const DataDirectory& data) {
  SecurityParts parts;
  const std::string checkout = CheckoutPath();
  absl::Status status = AddDebian(checkout, parts);
  for (const char* lock : kLocks) {
    if (status.ok()) status = AddNpm(checkout, lock, parts);
  }
  if (!status.ok()) return status;
  auto page = ReadWholeFile(checkout + "/deploy/docs/threat-model.md");
  if (!page.ok()) return page.status();
  parts.threat_model = *std::move(page);
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  for (const bus::v1::Principal& each : (*registry)->proto().principals()) {
    const auto pem = ReadWholeFile(
        data.PathOf(absl::StrCat("keys/", each.name(), ".crt.pem")));
    // An agency's own is not on the hub's disk.
    if (!pem.ok()) continue;
    const auto end = EndOfCertificate(*pem);
    if (!end.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "keys/", each.name(), ".crt.pem: ", end.status().message()));
    }
    parts.certificates.push_back({each.name(), each.certificate_uri(), *end});
  }
  return parts;
}

}  // namespace concordat::cli
