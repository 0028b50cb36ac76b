// The mappings of one edge, in all their versions.
//
// Threads  Immutable once built.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_MAPPING_SET_H_
#define CONCORDAT_ADAPTERS_CASEFILE_MAPPING_SET_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "adapters/casefile/mapping.h"

namespace concordat::casefile {

// Which mapping takes a file, and what its name says.
struct FileMapping {
  std::shared_ptr<const Mapping> mapping;
  FileName file;
  absl::CivilDay day;  // Of the name, else `today`.
  size_t order = 0;    // Of the mapping among the edge's.
};

class MappingSet {
 public:
  // `names` are the mappings that the edge uses, in the order in which files of
  // one day are taken.
  //   INVALID_ARGUMENT  a mapping is wrong, a version is there twice, or a name
  //                     has no mapping.
  static absl::StatusOr<MappingSet> Build(
      const std::vector<edge::v1::CaseFileMapping>& protos,
      const std::vector<std::string>& names,
      std::shared_ptr<const TypeRegistry> types, const absl::TimeZone& zone);

  // Nothing: no mapping has files of such a name. `today` stands in for a date.
  //   FAILED_PRECONDITION  two mappings would take it, or none of its versions
  //                        is in force on its day.
  absl::StatusOr<std::optional<FileMapping>> Find(absl::string_view file,
                                                  absl::CivilDay today) const;

  // In force on that day; null: none.
  std::shared_ptr<const Mapping> InForce(const std::string& name,
                                         absl::CivilDay day) const;

  // Mappings of each feed.
  std::map<std::string, std::set<std::string>> Feeds() const;

 private:
  MappingSet() = default;

  std::vector<std::string> names_;
  // By name; newest version first.
  std::map<std::string, std::vector<std::shared_ptr<const Mapping>>> versions_;
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_MAPPING_SET_H_
