#include "services/bus/oversight/moment.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 4u << 20;
constexpr absl::string_view kFeedSilent = "concordat.hub.v1.FeedSilent";
constexpr absl::string_view kFeedReceived = "concordat.hub.v1.FeedReceived";
constexpr absl::string_view kEventsLost = "concordat.hub.v1.EventsLost";

// Which feeds are silent as the log goes on.
class Silence {
 public:
  void Look(const StoredEvent& event) {
    const std::string message = MessageOf(event);
    if (event.header.type == kFeedSilent) {
      hub::v1::FeedSilent silent;
      if (!silent.ParseFromString(message)) return;
      access::v1::CouldNotKnow& row = silent_[silent.feed()];
      row.set_what("feed silent");
      row.set_from(silent.complete_to());
      row.set_words(absl::StrCat(
          silent.title(), " (", silent.contact_agency(),
          ") was silent: what it had to tell after this time was not here"));
      due_[silent.feed()] = silent.due();
    } else if (event.header.type == kFeedReceived) {
      hub::v1::FeedReceived received;
      if (!received.ParseFromString(message)) return;
      if (received.complete_to() >= due_[received.feed()]) {
        silent_.erase(received.feed());
      }
    } else if (event.header.type == kEventsLost) {
      hub::v1::EventsLost lost;
      if (!lost.ParseFromString(message)) return;
      access::v1::CouldNotKnow& row = lost_.emplace_back();
      row.set_what("events lost");
      row.set_from(lost.lost_from());
      row.set_to(event.accepted_us);
      row.set_words(
          "the log was restored or cut: what was accepted between is not in "
          "it");
    }
  }
  std::vector<access::v1::CouldNotKnow> Take() {
    std::vector<access::v1::CouldNotKnow> rows = std::move(lost_);
    for (auto& [feed, row] : silent_) rows.push_back(std::move(row));
    return rows;
  }

 private:
  std::map<std::string, access::v1::CouldNotKnow> silent_;
  std::map<std::string, uint64_t> due_;
  std::vector<access::v1::CouldNotKnow> lost_;
};

}  // namespace

absl::StatusOr<Moment> ReadMoment(const EventLog& log,
                                  std::shared_ptr<const TypeRegistry> types,
                                  uint64_t at_us) {
  Sequence end = log.Status().end;
  if (at_us != 0) {
    const auto last = LastBefore(log, at_us + 1, {0}, end);
    if (!last.ok()) return last.status();
    end = *last;
  }
  if (end.value == 0) {
    return absl::NotFoundError("nothing had been accepted by then");
  }
  Moment moment{{0}, at_us, PolicyState(types), {}};
  Silence silence;
  uint64_t accepted_us = 0;
  while (moment.position < end) {
    const auto block = log.Read(moment.position, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) {
      return absl::DataLossError(
          absl::StrCat("no event ", moment.position.value + 1));
    }
    for (const StoredEvent& event : (*block)->events) {
      if (event.sequence > end) break;
      const EventType* const type = types->Find(event.header.type);
      if (type != nullptr &&
          type->policy().effect() != policy::v1::EFFECT_UNSPECIFIED) {
        const auto applied =
            moment.policy.Apply(event.header, MessageOf(event));
        if (!applied.ok()) {
          return absl::DataLossError(absl::StrCat("event ",
                                                  event.sequence.value, ": ",
                                                  applied.status().message()));
        }
      } else if (event.header.subject.empty()) {
        silence.Look(event);
      }
      moment.position = event.sequence;
      accepted_us = event.accepted_us;
    }
  }
  if (at_us == 0) moment.at_us = accepted_us;
  moment.could_not_know = silence.Take();
  return moment;
}

}  // namespace concordat::bus
