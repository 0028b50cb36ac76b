#include "services/bus/delivery/event_filter.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr size_t kEntryBytesMax = 256;

}  // namespace

bool GlobCovers(absl::string_view pattern, absl::string_view text) {
  const size_t star = pattern.find('*');
  if (star == absl::string_view::npos) return pattern == text;
  if (!absl::StartsWith(text, pattern.substr(0, star))) return false;
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // What stands between two stars goes where it fits first.
  for (size_t next = pattern.find('*'); next != absl::string_view::npos;
       next = pattern.find('*')) {
    const size_t at = text.find(pattern.substr(0, next));
    if (at == absl::string_view::npos) return false;
    text.remove_prefix(at + next);
    pattern.remove_prefix(next + 1);
  }
  return absl::EndsWith(text, pattern);
}

absl::StatusOr<EventFilter> EventFilter::Of(const v1::Filter& filter) {
  if (filter.types_size() + filter.agencies_size() + filter.persons_size() +
          filter.streams_size() >
      kEntriesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: more than ", kEntriesMax, " entries"));
  }
  EventFilter made;
  for (const auto& [from, to] : {std::pair{&filter.types(), &made.types_},
                                 {&filter.agencies(), &made.agencies_},
                                 {&filter.streams(), &made.streams_}}) {
    for (const std::string& entry : *from) {
      if (entry.empty() || entry.size() > kEntryBytesMax) {
        return absl::InvalidArgumentError(absl::StrCat(
            "filter: an entry is 1 to ", kEntryBytesMax, " bytes"));
      }
      to->insert(entry);
    }
  }
  for (const std::string& entry : filter.persons()) {
    const auto person = PersonKey::Parse(entry);
    if (!person.ok()) {
      return absl::InvalidArgumentError("filter: persons: not a person key");
    }
    made.persons_.insert(*person);
  }
  made.is_everything_ = made.types_.empty() && made.agencies_.empty() &&
                        made.persons_.empty() && made.streams_.empty();
  return made;
}

bool EventFilter::WantsType(absl::string_view type) const {
  if (types_.empty()) return true;
  const auto known = known_types_.find(type);
  if (known != known_types_.end()) return known->second;
  const bool wants = std::any_of(
      types_.begin(), types_.end(),
      [&](const auto& pattern) { return GlobCovers(pattern, type); });
  known_types_.emplace(type, wants);
  return wants;
}

absl::string_view EventFilter::Refuses(const HeaderView& header) const {
  const auto has = [](const auto& list, absl::string_view text) {
    return list.empty() ||
           list.contains(std::string_view(text.data(), text.size()));
  };
  if (!WantsType(header.type)) return "types";
  if (!has(agencies_, header.controller)) return "agencies";
  if (!persons_.empty() && !persons_.contains(header.subject)) return "persons";
  if (!has(streams_, header.stream)) return "streams";
  return "";
}

}  // namespace concordat::bus
