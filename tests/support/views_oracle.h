// What somebody may see, said a second time: slowly, from the whole history at each
// question, with sets of group numbers and no code of services/common/policy. What
// DESIGN 5 says is written here as it is read there.
#ifndef CONCORDAT_TESTS_SUPPORT_VIEWS_ORACLE_H_
#define CONCORDAT_TESTS_SUPPORT_VIEWS_ORACLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "concordat/policy/v1/agreement.pb.h"

namespace concordat::testing {

struct OracleGroup {
  uint32_t number = 0;
  policy::v1::Tier tier = policy::v1::TIER_UNSPECIFIED;
  policy::v1::Category category = policy::v1::CATEGORY_UNSPECIFIED;
};
struct OracleType {
  std::string name;
  bool internal = false;
  // Whoever had something of the person is told that they were erased.
  bool tells_of_erasure = false;
  std::vector<OracleGroup> groups;
};

// One thing that happened, in the order of the log.
struct OracleFact {
  enum class Kind {
    kNothing,  // That changes who sees what.
    kOpened,
    kJoined,
    kLeft,
    kClosed,
    kLevel,
    kSubmitted,
    kRegistered,
    kLead,
    kAccess,
    kErased,      // `agencies` are told.
    kRestricted,  // What `agencies` control is kept, and shown to nobody else.
    kAdopted,
    kRetired,
  };
  Kind kind = Kind::kNothing;
  int person = 0;
  std::string by;  // Controller.
  std::vector<std::string> agencies;
  std::string lead;
  uint32_t level = 0;
  std::vector<std::string> restricted_to;
  std::vector<std::string> excluded;
  policy::v1::Agreement agreement;  // Adopted; retired: its name and version.
  uint64_t from_us = 0;             // Retired.
};

struct OracleReader {
  std::string agency;
  std::string role;
  std::string principal;  // Empty: a role. "*": several who have it.
  std::optional<std::string> purpose;
  std::vector<std::string> processes;
  std::vector<std::string> headers = {};  // Of these the header alone.
};

struct OracleEvent {
  std::string type;
  std::string controller;
  std::string source_agency;
  int person = 0;  // 0: about nobody.
  bool part3 = false;
  std::string causation;    // Another event, which may be hidden. Empty: none.
  std::string correlation;  // The same.
  std::vector<std::string> faults;
  std::vector<uint32_t> opened;  // Groups whose key is there.
};

struct OracleView {
  bool shown = false;  // False: nothing, no header either.
  std::set<uint32_t> groups;
  std::set<uint32_t> committed;
  bool header_group = false;
  std::string causation;
  std::string correlation;
  std::vector<std::string> withheld;
  std::vector<std::string> faults;
};

class ViewsOracle {
 public:
  // Ascending days: name to the moment it begins.
  explicit ViewsOracle(std::map<std::string, uint64_t> days)
      : days_(std::move(days)) {}

  std::vector<OracleType> types;
  std::vector<OracleFact> history;

  // Whether an agreement loads at all.
  bool Loads(const policy::v1::Agreement& agreement) const;
  OracleView See(const OracleEvent& event, const OracleReader& reader,
                 uint64_t now_us) const;

 private:
  struct InForce {
    policy::v1::Agreement agreement;
    uint64_t until_us = 0;
  };
  const OracleType* TypeOf(const std::string& name) const;
  std::vector<InForce> NewestOf() const;
  bool ListsKeepOut(int person, const OracleReader& reader) const;
  bool IsTold(int person, const std::string& agency) const;
  bool IsRestricted(const OracleEvent& event, const std::string& agency) const;
  bool IsAudience(const policy::v1::SeeGrant& line,
                  const policy::v1::Agreement& agreement,
                  const OracleReader& reader, const OracleEvent& event) const;
  std::set<uint32_t> Give(const policy::v1::SeeGrant& line,
                          const OracleType& type) const;

  const std::map<std::string, uint64_t> days_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_VIEWS_ORACLE_H_
