// concordat documents schedule|processing|dpia|fields
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/keys/key_files.h"
#include "services/common/base/system_clock.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {
namespace {

constexpr char kRetention[] = "retention.textproto";
constexpr char kAdapterRole[] = "adapter";
constexpr size_t kPartBytes = 65536;

struct Options {
  std::string out;
  std::string documented;
};

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
    const Hub& hub, const Options& options) {
  const std::string path =
      options.documented.empty()
          ? absl::StrCat(BinFolder(), "/../concordat-documented.binpb")
          : options.documented;
  auto bytes = ReadWholeFile(path);
  // Without it, without what the schemas' authors wrote.
  if (!bytes.ok() && options.documented.empty()) bytes = hub.data().LoadTypes();
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

// What the adapter itself says that it reads.
absl::StatusOr<edge::v1::FieldInventory> AskAdapter(const DataDirectory& data,
                                                    const std::string& edge) {
  const auto quoted = [](const std::string& word) {
    return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
  };
  const std::string command = absl::StrCat(
      quoted(BinFolder() + "/concordat-adapter"), " --data ",
      quoted(data.path()), " --edge ", quoted(edge), " --inventory");
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return absl::UnavailableError("no concordat-adapter");
  std::string text;
  std::string part(kPartBytes, '\0');
  for (size_t n; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
    text.append(part.data(), n);
  }
  if (pclose(pipe) != 0) {
    return absl::UnavailableError(
        absl::StrCat("concordat-adapter does not say what ", edge, " reads"));
  }
  edge::v1::FieldInventory inventory;
  const absl::Status parsed =
      ParseTextProto({"concordat-adapter --inventory", text}, &inventory);
  if (!parsed.ok()) return parsed;
  return inventory;
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

absl::StatusOr<Sources> Load(Hub& hub, const Options& options) {
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
  const auto types = data.LoadTypes();
  if (!types.ok()) return types.status();
  auto table = TypeRegistry::Build(*types, *codes);
  if (!table.ok()) return table.status();
  sources.types = *std::move(table);
  auto schemas = LoadSchemas(hub, options);
  if (!schemas.ok()) return schemas.status();
  sources.schemas = *std::move(schemas);
  auto legal = LoadLegal(data, absl::ToCivilDay(sources.made, sources.zone));
  if (!legal.ok()) return legal.status();
  sources.legal = *std::move(legal);
  auto feeds = Parse<hub::v1::Feed>(data.LoadFeeds());
  if (!feeds.ok()) return feeds.status();
  sources.feeds = *std::move(feeds);
  auto rules = Parse<alerts::v1::Rule>(data.LoadRules());
  if (!rules.ok()) return rules.status();
  sources.rules = *std::move(rules);
  absl::Status status = LoadRetention(data, sources);
  if (status.ok()) status = LoadAgreements(hub, sources);
  if (!status.ok()) return status;
  return sources;
}

absl::StatusOr<Document> Make(const std::string& kind, const std::string& of,
                              const Sources& sources) {
  if (kind == "schedule") return ScheduleOf(sources, of);
  if (kind == "processing") return ProcessingOf(sources, of);
  if (kind == "dpia") return ImpactOf(sources, of);
  if (kind == "fields") return FieldsOf(sources, of);
  return absl::InvalidArgumentError(
      absl::StrCat("documents ", kind, "? see --help"));
}

}  // namespace

absl::Status RunDocuments(const std::vector<std::string>& arguments) {
  CommandLine line(
      "documents schedule AGREEMENT | processing AGENCY | dpia AGENCY | fields "
      "EDGE",
      "Papers made from the hub's data, never written by hand: a page of HTML "
      "that\nprints, or JSON; dated, with the versions of what they are made "
      "from.\n"
      "schedule    of an agreement: parties, purposes, gateways, every data "
      "item,\n"
      "            frequency, security, retention, review, signatories\n"
      "processing  what the hub can fill of an agency's record of processing\n"
      "dpia        inputs to an agency's impact assessment\n"
      "fields      what an edge reads of its source, field by field\n"
      "deploy/docs/inspector.md has the questions that each answers.");
  Options options;
  line.set_default_profile("admin");
  line.flags().AddString("out", "Writes it into this file.", &options.out);
  line.flags().AddString("documented",
                         "The schemas with their comments, a descriptor set; "
                         "default: of this build.",
                         &options.documented);
  const auto go = line.Parse(arguments, 2, 2);
  if (!go.ok() || !*go) return go.status();
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  auto sources = Load(**hub, options);
  if (!sources.ok()) return sources.status();
  const std::string& kind = line.words()[0];
  if (kind == "fields") {
    const absl::Status asked = LoadInventories((*hub)->data(), *sources);
    if (!asked.ok()) return asked;
  }
  const auto document = Make(kind, line.words()[1], *sources);
  if (!document.ok()) return document.status();
  const std::string text =
      line.json() ? ToJson(*document) + "\n" : ToHtml(*document);
  if (!options.out.empty()) {
    return ReplaceFile(options.out, text, kPublicFile);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return absl::OkStatus();
}

}  // namespace concordat::cli
