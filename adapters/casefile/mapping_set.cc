#include "adapters/casefile/mapping_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::casefile {

absl::StatusOr<MappingSet> MappingSet::Build(
    const std::vector<edge::v1::CaseFileMapping>& protos,
    const std::vector<std::string>& names,
    std::shared_ptr<const TypeRegistry> types, const absl::TimeZone& zone) {
  MappingSet set;
  set.names_ = names;
  for (const edge::v1::CaseFileMapping& proto : protos) {
    if (std::find(names.begin(), names.end(), proto.name()) == names.end()) {
      continue;  // Another edge's.
    }
    auto mapping = Mapping::Build(proto, types, zone);
    if (!mapping.ok()) return mapping.status();
    set.versions_[proto.name()].push_back(*std::move(mapping));
  }
  for (const std::string& name : names) {
    auto& versions = set.versions_[name];
    if (versions.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no mapping ", name));
    }
    std::sort(versions.begin(), versions.end(),
              [](const auto& a, const auto& b) {
                return a->proto().version() > b->proto().version();
              });
    const auto twice = std::adjacent_find(
        versions.begin(), versions.end(), [](const auto& a, const auto& b) {
          return a->proto().version() == b->proto().version();
        });
    if (twice != versions.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("mapping ", name, " version ",
                       (*twice)->proto().version(), " is there twice"));
    }
  }
  return set;
}

std::shared_ptr<const Mapping> MappingSet::InForce(const std::string& name,
                                                   absl::CivilDay day) const {
  const auto versions = versions_.find(name);
  if (versions == versions_.end()) return nullptr;
  for (const auto& mapping : versions->second) {
    if (mapping->effective() <= day) return mapping;
  }
  return nullptr;
}

absl::StatusOr<std::optional<FileMapping>> MappingSet::Find(
    absl::string_view file, absl::CivilDay today) const {
  std::optional<FileMapping> found;
  bool named = false;
  for (size_t order = 0; order < names_.size(); ++order) {
    for (const auto& version : versions_.at(names_[order])) {
      const auto match = version->Match(file);
      if (!match.has_value()) continue;
      named = true;
      const absl::CivilDay day = match->day.value_or(today);
      if (InForce(names_[order], day) != version) continue;
      if (found.has_value()) {
        return absl::FailedPreconditionError(
            absl::StrCat("both ", found->mapping->name(), " and ",
                         names_[order], " would take it"));
      }
      found = FileMapping{version, *match, day, order};
    }
  }
  if (named && !found.has_value()) {
    return absl::FailedPreconditionError(
        "no version of its mapping is in force on its day");
  }
  return found;
}

std::map<std::string, std::set<std::string>> MappingSet::Feeds() const {
  std::map<std::string, std::set<std::string>> feeds;
  for (const auto& [name, versions] : versions_) {
    const std::string& feed = versions.front()->proto().feed();
    if (!feed.empty()) feeds[feed].insert(name);
  }
  return feeds;
}

}  // namespace concordat::casefile
