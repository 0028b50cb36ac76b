// Which events say that another, which somebody may have had, does not hold as it
// was told.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_AMENDS_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_AMENDS_H_

#include "services/common/event/event.h"

namespace concordat {

// What some sources told of a person came by a number that is another's.
inline constexpr char kLinkCutType[] = "concordat.identity.v1.LinkCut";

// It corrects an event, takes one back, or is such a cut.
inline bool Amends(const HeaderView& header) {
  return !header.corrects.empty() || !header.retracts.empty() ||
         header.type == kLinkCutType;
}

// What an event reference names (BasicHeader).
struct EventReference {
  absl::string_view source;
  absl::string_view id;  // Empty: nothing.
};

// The event that it corrects or takes back.
inline EventReference AmendedBy(const HeaderView& header) {
  const absl::string_view reference =
      header.retracts.empty() ? header.corrects : header.retracts;
  // "<source>#<id>", or the id alone: of the same source.
  const size_t hash = reference.rfind('#');
  if (hash == absl::string_view::npos) return {header.source, reference};
  return {reference.substr(0, hash), reference.substr(hash + 1)};
}

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_AMENDS_H_
