#include "services/bus/oversight/arrival.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/policy/london_day.h"

namespace concordat::bus {
namespace {

using Standing = Settlement::Standing;

class Steps {
 public:
  Steps(const StoredEvent& event, const v1::ExplainViewResponse& view,
        const ArrivalState& state, v1::Arrival& arrival)
      : event_(event), view_(view), state_(state), arrival_(arrival) {}

  void LookAtEvent() {
    if (event_.erased) {
      Add("event", true,
          absl::StrCat("the person was erased on ",
                       DayInWords(event_.removed_us),
                       ": nothing of it goes out"),
          "concordat.hub.v1.PersonErased");
    } else if (event_.removed_us != 0) {
      Add("event", true,
          absl::StrCat("its content was removed on ",
                       DayInWords(event_.removed_us),
                       ", when its period was over: nothing of it goes out"),
          "retention.textproto");
    } else {
      Add("event", false, "it is in the log, whole", "");
    }
  }

  void LookAtView() {
    if (!view_.because().empty()) {
      return Add("agreement", !view_.seen(), view_.because(), "");
    }
    // The line that gives it; when none does, the nearest: one that is to this
    // agency and role.
    const v1::ExplainedLine* line = nullptr;
    for (const v1::ExplainedLine& each : view_.lines()) {
      const bool is_nearer = line == nullptr ||
                             (each.applies() && !line->applies()) ||
                             (!line->applies() &&
                              absl::StartsWith(line->because(), "it is not ") &&
                              !absl::StartsWith(each.because(), "it is not "));
      if (is_nearer) line = &each;
    }
    if (line == nullptr) {
      return Add("agreement", !view_.seen(), "no agreement has this type", "");
    }
    Add("agreement", !view_.seen(), line->because(),
        absl::StrCat(line->agreement(), " version ", line->version(), ", ",
                     line->line()));
  }

  void LookAtSubscription() {
    if (!state_.exists) {
      return Add("subscription", true,
                 arrival_.name().empty()
                     ? "the role has no durable subscription: it is sent what "
                       "it reads while it is connected"
                     : "there is no subscription of this name",
                 "");
    }
    if (!state_.stopped_because.empty()) {
      Add("subscription", true, state_.stopped_because, "");
    }
    if (!state_.connected) {
      return Add("subscription", true, "nobody is connected under it", "");
    }
    if (!state_.refused_by.empty()) {
      Add("filter", true,
          absl::StrCat("its filter lists ", state_.refused_by,
                       ", and none of them is this event's"),
          absl::StrCat("Subscribe.filter.", state_.refused_by));
    }
  }

  void LookAtSettling() {
    const Settlement::StandsAt& at = state_.stands;
    switch (at.standing) {
      case Standing::kSetAside:
        return Add(
            "set aside", true,
            absl::StrCat("it was set aside after ", at.row.attempts,
                         " attempts; the last failed with: ", at.row.reason),
            "DeliverySettings.attempts");
      case Standing::kParked:
        return Add("parked", true,
                   "an operator has parked it: people have it delivered again",
                   "");
      case Standing::kDelayed:
        return Add(
            "another attempt", true,
            absl::StrCat(at.row.attempts, " attempts failed, the last with: ",
                         at.row.reason, "; the next one follows"),
            "DeliverySettings.backoff_max_ms");
      case Standing::kBehindKey:
        return Add("ordering key", true,
                   absl::StrCat("it waits for ", at.behind.value,
                                ", which is before it in its stream or of its "
                                "person and is not done with"),
                   "");
      case Standing::kOut:
        return Add("sent", true,
                   "it is out to a member, who has not settled it", "");
      case Standing::kReady:
      case Standing::kNotOffered:
      case Standing::kDone:
        return;
    }
  }

  void LookAtPlace() {
    if (state_.paused) {
      Add("paused", true, "an operator has paused the subscription",
          "concordat.hub.v1.SubscriptionActed");
    }
    const uint64_t at = event_.sequence.value;
    arrival_.set_behind(state_.end.value -
                        std::min(state_.end, state_.acknowledged).value);
    if (at > state_.acknowledged.value) {
      arrival_.set_before_event(at - state_.acknowledged.value);
    }
    const bool waits = state_.stands.standing == Standing::kReady ||
                       (event_.sequence > state_.sent &&
                        state_.stands.standing == Standing::kNotOffered);
    if (!waits) return;
    if (state_.without_credit) {
      Add("credit", true,
          "as much is out as it gave credit for, and it acknowledges nothing",
          "Subscribe.credit_events, credit_bytes");
    }
    Add("place", true,
        absl::StrCat("it lags: its place is ", state_.acknowledged.value, ", ",
                     at - std::min(at, state_.acknowledged.value),
                     " before the event and ", arrival_.behind(),
                     " before the log's end"),
        "");
  }

 private:
  void Add(const char* what, bool keeps, std::string because,
           std::string line) {
    v1::ArrivalStep& step = *arrival_.add_steps();
    step.set_what(what);
    step.set_keeps(keeps);
    step.set_because(std::move(because));
    step.set_line(std::move(line));
  }

  const StoredEvent& event_;
  const v1::ExplainViewResponse& view_;
  const ArrivalState& state_;
  v1::Arrival& arrival_;
};

// When the records of it and its place say different things, the records count.
void Conclude(const ArrivalState& state, Sequence sequence,
              v1::Arrival& arrival) {
  if (arrival.acknowledged_time() != 0) {
    arrival.set_arrived(true);
    arrival.set_because(absl::StrCat("it was sent, and acknowledged on ",
                                     DayInWords(arrival.acknowledged_time())));
    return;
  }
  const auto keeps =
      std::find_if(arrival.steps().begin(), arrival.steps().end(),
                   [](const v1::ArrivalStep& step) { return step.keeps(); });
  if (keeps != arrival.steps().end()) {
    arrival.set_because(keeps->because());
  } else if (arrival.sent_time() != 0) {
    arrival.set_because("it was sent, and is not acknowledged");
  } else if (sequence <= state.acknowledged ||
             state.stands.standing == Standing::kDone) {
    arrival.set_because(
        "its place is past it, and it was not sent: the subscription began "
        "after it, or it was not shown then");
  } else {
    arrival.set_because("it is sent next");
  }
}

}  // namespace

v1::Arrival ArrivalInWords(const std::string& name, const StoredEvent& event,
                           const v1::ExplainViewResponse& view,
                           const ArrivalState& state, const SentTimes& times) {
  v1::Arrival arrival;
  arrival.set_name(name);
  arrival.set_sent_time(times.sent_us);
  arrival.set_acknowledged_time(times.acknowledged_us);
  Steps steps(event, view, state, arrival);
  steps.LookAtEvent();
  steps.LookAtView();
  steps.LookAtSubscription();
  steps.LookAtSettling();
  if (state.exists) steps.LookAtPlace();
  Conclude(state, event.sequence, arrival);
  return arrival;
}

absl::StatusOr<std::map<std::string, SentTimes>> SentTimesOf(
    const AccessStore& store, const std::string& agency,
    const std::string& role, Sequence sequence) {
  std::map<std::string, SentTimes> times;
  // By session, the deliveries that it was in.
  std::map<uint64_t, std::map<uint64_t, SentTimes*>> out;
  const auto take = [&](const access::v1::Record& record) {
    if (record.has_began()) return out.clear();
    if (record.has_ended()) {
      out.erase(record.ended().session());
    } else if (record.has_delivered()) {
      const access::v1::Delivered& delivered = record.delivered();
      if (delivered.agency() != agency || delivered.role() != role) return;
      uint64_t delivery = delivered.first_delivery();
      for (const access::v1::Run& run : delivered.runs()) {
        if (sequence.value >= run.first() &&
            sequence.value < run.first() + run.count()) {
          SentTimes& of = times[delivered.name()];
          if (of.sent_us == 0) of.sent_us = record.log_time();
          out[delivered.session()][delivery + (sequence.value - run.first())] =
              &of;
        }
        delivery += run.count();
      }
    } else if (record.has_acknowledged()) {
      const access::v1::Acknowledged& acknowledged = record.acknowledged();
      const auto of_session = out.find(acknowledged.session());
      if (of_session == out.end()) return;
      const auto& singly = acknowledged.deliveries();
      for (const auto& [delivery, of] : of_session->second) {
        const bool is_in =
            delivery <= acknowledged.through_delivery() ||
            std::find(singly.begin(), singly.end(), delivery) != singly.end();
        if (is_in && of->acknowledged_us == 0) {
          of->acknowledged_us = record.log_time();
        }
      }
    }
  };
  const absl::Status read = store.Read(
      0, [&](uint64_t, const access::v1::Record& record, absl::string_view) {
        take(record);
        return absl::OkStatus();
      });
  if (!read.ok()) return read;
  return times;
}

}  // namespace concordat::bus
