#include "adapters/daemon/inventory.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/hl7v2/facts.h"
#include "concordat/edge/v1/casefile.pb.h"
#include "concordat/edge/v1/hl7.pb.h"
#include "services/common/config/settings.h"

namespace concordat::edge {
namespace {

// What leaves the edge, of the fields that are read.
const std::map<std::string, std::string>& WhatHl7Becomes() {
  static const auto& becomes = *new std::map<std::string, std::string>{
      {"MSH-7", "time of the event"},
      {"MSH-9", "which event it is"},
      {"PID-3",
       "whom it is about: compared with the cohort, then a person key"},
      {"PID-11", "to identity alone, of somebody managed here"},
      {"MRG-1", "to identity alone, as a question for two people"},
      {"SCH-1", "appointment_ref"},
      {"AIS-3", "service_code"}};
  return becomes;
}

absl::Status AddHl7(const DataDirectory& data, const std::string& name,
                    v1::FieldInventory& inventory) {
  v1::Hl7Edge settings;
  const absl::Status loaded =
      LoadCheckedSettings(data, absl::StrCat("adapters/", name, ".textproto"),
                          &settings, WhenAbsent::kError);
  if (!loaded.ok()) return loaded;
  inventory.set_held_days_max(settings.held_days_max());
  v1::InventorySource& source = *inventory.add_sources();
  source.set_name("HL7 v2 messages");
  for (const hl7v2::InventoryEntry& each : hl7v2::InventoryEntries()) {
    v1::InventoryItem& item = *source.add_items();
    item.set_where(absl::StrCat(each.segment, "-", each.number));
    item.set_what(each.words);
    const auto becomes = WhatHl7Becomes().find(item.where());
    if (becomes != WhatHl7Becomes().end()) item.set_becomes(becomes->second);
  }
  source.add_types("concordat.nhs.v1.AppointmentMissed");
  source.add_types("concordat.nhs.v1.AppointmentAttended");
  return absl::OkStatus();
}

// Columns in the order in which they are first named, with what each is for.
class Columns {
 public:
  void Add(const std::string& column, const std::string& what,
           const std::string& becomes) {
    if (column.empty()) return;
    Entry* entry = nullptr;
    for (Entry& each : entries_) {
      if (each.column == column) entry = &each;
    }
    if (entry == nullptr) entry = &entries_.emplace_back(Entry{column, {}, {}});
    AddOnce(what, entry->what);
    if (!becomes.empty()) AddOnce(becomes, entry->becomes);
  }
  void AddMoment(const v1::MomentColumn& moment, const std::string& what,
                 const std::string& becomes) {
    Add(moment.column(), what, becomes);
    Add(moment.time_column(), what, becomes);
  }
  void PutInto(v1::InventorySource& source) const {
    for (const Entry& each : entries_) {
      v1::InventoryItem& item = *source.add_items();
      item.set_where(each.column);
      item.set_what(absl::StrJoin(each.what, "; "));
      item.set_becomes(absl::StrJoin(each.becomes, "; "));
    }
  }

 private:
  struct Entry {
    std::string column;
    std::vector<std::string> what;
    std::vector<std::string> becomes;
  };
  static void AddOnce(const std::string& text, std::vector<std::string>& all) {
    if (std::find(all.begin(), all.end(), text) == all.end()) {
      all.push_back(text);
    }
  }
  std::vector<Entry> entries_;
};

void AddMapping(const v1::CaseFileMapping& mapping,
                v1::FieldInventory& inventory) {
  v1::InventorySource& source = *inventory.add_sources();
  source.set_name(absl::StrCat("files of the mapping ", mapping.name()));
  source.set_version(mapping.version());
  source.set_effective(mapping.effective());
  source.set_authority(mapping.authority());
  Columns columns;
  columns.Add(mapping.person().column(), "whom the row is about",
              "compared with the cohort, then a person key");
  for (const std::string& key : mapping.key()) {
    columns.Add(key, "names the row", "");
  }
  columns.AddMoment(mapping.amended(), "when the row was changed", "");
  std::set<std::string> types;
  for (const v1::RowRule& rule : mapping.rows()) {
    for (const v1::ColumnValues& when : rule.when()) {
      columns.Add(when.column(), "decides what the row is", "");
    }
    if (!rule.type().empty()) types.insert(rule.type());
    columns.AddMoment(rule.time(), "when it happened", "time of the event");
    columns.Add(rule.stream_column(), "the record's reference",
                "name of the record");
    for (const v1::FieldFrom& field : rule.fields()) {
      columns.Add(field.column(), "read for the event", field.field());
    }
  }
  columns.PutInto(source);
  source.mutable_types()->Assign(types.begin(), types.end());
}

absl::Status AddCaseFiles(const DataDirectory& data, const std::string& name,
                          v1::FieldInventory& inventory) {
  v1::CaseFileEdge settings;
  const absl::Status loaded =
      LoadCheckedSettings(data, absl::StrCat("adapters/", name, ".textproto"),
                          &settings, WhenAbsent::kError);
  if (!loaded.ok()) return loaded;
  const auto files = data.LoadCaseFileMappings();
  if (!files.ok()) return files.status();
  for (const TextFile& file : *files) {
    v1::CaseFileMapping mapping;
    const absl::Status parsed = ParseTextProto(file, &mapping);
    if (!parsed.ok()) return parsed;
    const auto& used = settings.mappings();
    if (std::find(used.begin(), used.end(), mapping.name()) != used.end()) {
      AddMapping(mapping, inventory);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::FieldInventory> InventoryOfEdge(const DataDirectory& data,
                                                   const std::string& name,
                                                   bool hl7) {
  const auto registry = data.LoadRegistry();
  if (!registry.ok()) return registry.status();
  const bus::v1::Principal* const self = (*registry)->FindByName(name);
  if (self == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("registry: there is no principal ", name));
  }
  v1::FieldInventory inventory;
  inventory.set_edge(name);
  inventory.set_agency(self->agency());
  const absl::Status added =
      hl7 ? AddHl7(data, name, inventory) : AddCaseFiles(data, name, inventory);
  if (!added.ok()) return added;
  return inventory;
}

}  // namespace concordat::edge
