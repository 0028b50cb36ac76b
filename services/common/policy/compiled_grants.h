// What an agreement compiles to. Internal to services/common/policy.
#ifndef CONCORDAT_SERVICES_COMMON_POLICY_COMPILED_GRANTS_H_
#define CONCORDAT_SERVICES_COMMON_POLICY_COMPILED_GRANTS_H_

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/common/config/principal_registry.h"
#include "services/common/policy/policy.h"

namespace concordat {

template <typename List>
bool IsIn(absl::string_view value, const List& list) {
  return std::any_of(list.begin(), list.end(), [value](const auto& each) {
    return value == absl::string_view(each);
  });
}

inline bool IsCovered(absl::string_view type,
                      const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [type](const std::string& pattern) {
                       return TypePatternCovers(pattern, type);
                     });
}
inline bool Processes(const Recipient& to, absl::string_view type) {
  return IsCovered(type, to.process_types);
}
// Asked after Processes(): what has both is sent whole.
inline bool IsSentTheHeader(const Recipient& to, absl::string_view type) {
  return IsCovered(type, to.header_types);
}

inline bool Owns(const HeaderView& header, absl::string_view agency) {
  return !agency.empty() && (header.controller == agency ||
                             AgencyOfSource(header.source) == agency);
}

// What its controller told of the person is kept, and shown to nobody else.
inline bool IsRestricted(const HeaderView& header, const Recipient& to,
                         const PersonPolicy& person) {
  return !person.restricted_controllers.empty() &&
         person.restricted_controllers.contains(
             std::string(header.controller)) &&
         !Owns(header, to.agency);
}

// Shown by nothing but a line that names it and the recorded exception.
inline bool BeatsEverything(policy::v1::Category category) {
  return category == policy::v1::CATEGORY_GENDER_HISTORY ||
         category == policy::v1::CATEGORY_PROTECTED_PERSON;
}

// "of persons that it registered"
absl::string_view AudienceInWords(policy::v1::Audience audience);

// An agreement and when it is in force.
struct Agreements::Term {
  policy::v1::Agreement agreement;
  std::vector<std::string> signed_by;
  std::optional<EarlyEnd> early_end;
  uint64_t from_us = 0;
  uint64_t until_us = 0;  // Exclusive.

  bool InForce(uint64_t now_us) const {
    return now_us >= from_us && now_us < until_us;
  }
  bool HasParty(absl::string_view agency) const {
    return IsOf(agreement, agency);
  }
};

// One grant of one type to one agency.
struct Agreements::Rule {
  const Term* term = nullptr;
  int line = 0;  // Of the agreement's `see`.
  const policy::v1::SeeGrant* grant = nullptr;
  std::string to;
  bool to_arrangement = false;
  GroupMask mask = 0;
  policy::v1::Audience audience = policy::v1::AUDIENCE_UNSPECIFIED;

  bool IsTo(const Recipient& recipient) const {
    return to == recipient.agency && IsForRole(recipient.role) &&
           IsForPurpose(recipient);
  }
  bool IsForRole(absl::string_view role) const {
    return IsIn(role, grant->roles());
  }
  bool IsForPurpose(const Recipient& recipient) const {
    return !recipient.purpose.has_value() ||
           IsIn(*recipient.purpose, term->agreement.purposes());
  }
  bool Covers(bus::v1::Regime regime) const {
    return regime != bus::v1::REGIME_PART3 || grant->part3() ||
           audience == policy::v1::AUDIENCE_OWN;
  }
  bool IsParty(const PersonPolicy& person) const {
    return to_arrangement ? person.arrangement_party || person.case_open
                          : person.case_open && person.parties.count(to) > 0;
  }
  bool IsAtLevel(const PersonPolicy& person) const {
    return grant->level_max() == 0 || (person.level >= grant->level_min() &&
                                       person.level <= grant->level_max());
  }
  // Of audiences that are about a person.
  bool Includes(const PersonPolicy& person) const {
    switch (audience) {
      case policy::v1::AUDIENCE_PARTY:
        return IsParty(person) && IsAtLevel(person);
      case policy::v1::AUDIENCE_LEAD:
        return person.lead == to;
      case policy::v1::AUDIENCE_REGISTERED:
        return person.registered_by.count(to) > 0;
      default:
        return false;
    }
  }
  bool IncludesEvent(const HeaderView& header,
                     const PersonPolicy& person) const {
    switch (audience) {
      case policy::v1::AUDIENCE_OWN:
        return Owns(header, to);
      case policy::v1::AUDIENCE_NOBODY:
        return header.subject.empty();
      default:
        return !header.subject.empty() && Includes(person);
    }
  }
};

struct Agreements::TypeRules {
  GroupMask processed = 0;  // What a hub service that processes the type sees.
  bool internal = false;
  // PersonErased, which whoever had something of the person is told.
  bool tells_of_erasure = false;
  std::vector<Rule> rules;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_POLICY_COMPILED_GRANTS_H_
