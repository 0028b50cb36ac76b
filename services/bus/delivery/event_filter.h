// What of the events that it may see a subscription asks for. PURE; one thread.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_EVENT_FILTER_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_EVENT_FILTER_H_

#include <set>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/ids.h"
#include "services/common/event/event.h"

namespace concordat::bus {

// "*" in `pattern` stands for any characters, none too.
bool GlobCovers(absl::string_view pattern, absl::string_view text);

class EventFilter {
 public:
  // Entries in all, each at most 256 bytes.
  static constexpr int kEntriesMax = 1024;

  EventFilter() = default;  // Everything.
  //   INVALID_ARGUMENT  more than that, or not a person key; names it.
  static absl::StatusOr<EventFilter> Of(const v1::Filter& filter);

  bool Wants(const HeaderView& header) const {
    return is_everything_ || WantsSome(header);
  }
  bool WantsType(absl::string_view type) const;
  // The list by which it does not want it: "types", "agencies" …; empty: it does.
  absl::string_view Refuses(const HeaderView& header) const;
  bool is_everything() const { return is_everything_; }
  // It asks by what an envelope does not show.
  bool by_subject() const { return !persons_.empty() || !streams_.empty(); }

  const std::set<std::string, std::less<>>& types() const { return types_; }
  const std::set<std::string, std::less<>>& agencies() const {
    return agencies_;
  }
  const std::set<PersonKey>& persons() const { return persons_; }

  friend bool operator==(const EventFilter& a, const EventFilter& b) {
    return a.types_ == b.types_ && a.agencies_ == b.agencies_ &&
           a.persons_ == b.persons_ && a.streams_ == b.streams_;
  }

 private:
  bool WantsSome(const HeaderView& header) const {
    return Refuses(header).empty();
  }

  bool is_everything_ = true;
  std::set<std::string, std::less<>> types_;  // Patterns.
  std::set<std::string, std::less<>> agencies_;
  std::set<PersonKey> persons_;
  std::set<std::string, std::less<>> streams_;
  // There are a few hundred types, and each event has one.
  mutable absl::flat_hash_map<std::string, bool> known_types_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_EVENT_FILTER_H_
