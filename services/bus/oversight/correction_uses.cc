#include "services/bus/oversight/correction_uses.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/event/amends.h"

namespace concordat::bus {
namespace {

namespace json = boost::json;

constexpr absl::string_view kAlertTypes = "concordat.alerts.v1.Alert";
constexpr absl::string_view kMeetingHeld = "concordat.mappa.v1.MeetingHeld";
constexpr absl::string_view kLevelChanged = "concordat.mappa.v1.LevelChanged";

std::string RefOf(const HeaderView& header) {
  return absl::StrCat(header.source, "#", header.id);
}

// Of a message by its type's JSON: the bus links no domain message. One whose
// content was destroyed has no fields.
class Fields {
 public:
  Fields(const StoredEvent& event, const TypeRegistry& types) {
    const auto text = types.ToJson(event.header.type, MessageOf(event));
    boost::system::error_code error;
    if (text.ok()) parsed_ = json::parse(*text, error);
  }

  std::string Text(const char* name) const {
    const json::value* const value = Find(name);
    if (value == nullptr) return "";
    return value->is_string() ? std::string(value->as_string().c_str())
                              : json::serialize(*value);
  }
  std::vector<std::string> List(const char* name) const {
    std::vector<std::string> list;
    const json::value* const value = Find(name);
    if (value == nullptr || !value->is_array()) return list;
    for (const json::value& each : value->as_array()) {
      if (each.is_string()) list.emplace_back(each.as_string().c_str());
    }
    return list;
  }

 private:
  const json::value* Find(const char* name) const {
    return parsed_.is_object() ? parsed_.as_object().if_contains(name)
                               : nullptr;
  }

  json::value parsed_;
};

struct Alert {
  std::string ref;
  std::string rule;
  Sequence raised;
  Sequence used;  // Raised on it, or took it; 0: it did not.
  Sequence on_correction;
  Sequence withdrawn;
  Sequence accepted;
  Sequence closed;
  std::set<std::string> withdrawn_for;
  std::set<std::string> known_to;
};

class Uses {
 public:
  Uses(const TypeRegistry& types, const CorrectionBook::Entry& entry,
       Sequence alerts_at)
      : types_(types), entry_(entry), alerts_at_(alerts_at) {}

  void AddOriginal(const StoredEvent& event) {
    originals_.insert(RefOf(event.header));
    ids_[std::string(event.header.source)].insert(std::string(event.header.id));
  }

  void Take(const StoredEvent& event) {
    const HeaderView& header = event.header;
    if (event.sequence == entry_.sequence) {
      correction_ = RefOf(header);
      return;
    }
    if (absl::StartsWith(header.type, kAlertTypes)) return TakeAlert(event);
    if (!header.causation.empty() && Names(header, header.causation)) {
      v1::CorrectionUse& use = Add("event", event.sequence);
      use.set_what(std::string(header.type));
      use.set_ref(RefOf(header));
      by_ref_[use.ref()] = uses_.size() - 1;
    }
    if (const EventReference of = AmendedBy(header); !of.id.empty()) {
      const auto amended = by_ref_.find(absl::StrCat(of.source, "#", of.id));
      if (amended != by_ref_.end()) {
        Settle(uses_[amended->second], event.sequence, "is amended itself");
      }
    }
    TakeDecision(event);
  }

  std::vector<v1::CorrectionUse> Finish() {
    for (auto& [name, figure] : figures_) AddFigure(name, figure);
    for (const Alert& alert : alerts_) {
      if (alert.used.value != 0) AddAlert(alert);
    }
    return std::move(uses_);
  }

 private:
  struct Figure {
    Sequence set_by;
    std::string case_ref;
    std::string value;
  };

  bool Names(const HeaderView& by, absl::string_view reference) const {
    const auto of_source = ids_.find(std::string(by.source));
    return originals_.contains(std::string(reference)) ||
           (of_source != ids_.end() &&
            of_source->second.contains(std::string(reference)));
  }
  bool Stood(Sequence at) const {
    return at > entry_.originals.front() && at < entry_.sequence;
  }

  v1::CorrectionUse& Add(const char* kind, Sequence sequence) {
    v1::CorrectionUse& use = uses_.emplace_back();
    use.set_kind(kind);
    use.set_sequence(sequence.value);
    use.set_state("is to be looked at again");
    return use;
  }
  static void Settle(v1::CorrectionUse& use, Sequence by, std::string state) {
    use.set_settled(true);
    use.set_settled_by(by.value);
    use.set_state(std::move(state));
  }

  void TakeAlert(const StoredEvent& event) {
    const Fields fields(event, types_);
    const std::string ref = fields.Text("alertRef");
    if (ref.empty()) return;
    auto found =
        std::find_if(alerts_.begin(), alerts_.end(),
                     [&](const Alert& each) { return each.ref == ref; });
    if (found == alerts_.end()) {
      alerts_.push_back({.ref = ref});
      found = std::prev(alerts_.end());
    }
    Alert& alert = *found;
    const absl::string_view step =
        absl::StripPrefix(event.header.type, kAlertTypes);
    if (step == "Raised" || step == "EvidenceAdded") {
      if (step == "Raised") {
        alert.raised = event.sequence;
        alert.rule = fields.Text("rule");
      }
      for (const std::string& each : fields.List("evidence")) {
        if (originals_.contains(each) && alert.used.value == 0) {
          alert.used = event.sequence;
        }
        if (!correction_.empty() && each == correction_) {
          alert.on_correction = event.sequence;
        }
      }
    } else if (step == "Withdrawn" && fields.Text("because") == correction_) {
      alert.withdrawn = event.sequence;
      for (std::string& each : fields.List("addressees")) {
        alert.withdrawn_for.insert(std::move(each));
      }
    } else if (step == "WithdrawalAccepted") {
      for (const std::string& role : fields.List("roles")) {
        alert.known_to.insert(absl::StrCat(fields.Text("agency"), "/", role));
      }
    } else if (step == "Accepted" && alert.accepted.value == 0) {
      alert.accepted = event.sequence;
    } else if (step == "Closed") {
      alert.closed = event.sequence;
    }
  }

  void AddAlert(const Alert& alert) {
    v1::CorrectionUse& use = Add("alert", alert.used);
    use.set_ref(alert.ref);
    use.set_what(absl::StrCat("alert by rule ", alert.rule));
    const auto unknown =
        std::count_if(alert.withdrawn_for.begin(), alert.withdrawn_for.end(),
                      [&](const std::string& each) {
                        return !alert.known_to.contains(each);
                      });
    if (alert.withdrawn.value != 0) {
      Settle(use, alert.withdrawn,
             unknown == 0
                 ? "withdrawn, and each whom it was for knows"
                 : absl::StrCat("withdrawn; ", unknown, " of ",
                                alert.withdrawn_for.size(),
                                " whom it was for have not accepted that"));
      use.set_settled(unknown == 0);
    } else if (alert.on_correction.value != 0) {
      Settle(use, alert.on_correction, "stands, on the correction");
    } else if (alerts_at_ >= entry_.sequence) {
      Settle(use, entry_.sequence, "judged again: it stands without it");
    } else {
      use.set_state("the alerts service has not come to the correction yet");
    }
    AddClock(alert);
  }

  void AddClock(const Alert& alert) {
    v1::CorrectionUse& use = Add("clock", alert.raised);
    use.set_ref(alert.ref);
    use.set_what("when the alert is to be accepted");
    if (alert.accepted.value != 0) {
      Settle(use, alert.accepted, "met: it was accepted");
    } else if (alert.withdrawn.value != 0) {
      Settle(use, alert.withdrawn, "stopped: the alert is withdrawn");
    } else if (alert.closed.value != 0) {
      Settle(use, alert.closed, "stopped: the alert is closed");
    } else if (alerts_at_ >= entry_.sequence) {
      Settle(use, entry_.sequence, "runs on: the alert stands");
    } else {
      use.set_state("the alerts service has not come to the correction yet");
    }
  }

  void TakeDecision(const StoredEvent& event) {
    const absl::string_view type = event.header.type;
    if (type != kMeetingHeld && type != kLevelChanged) return;
    const Fields fields(event, types_);
    const std::string case_ref = fields.Text("caseRef");
    const auto set = [&](const char* name, const char* field) {
      const std::string value = fields.Text(field);
      if (!value.empty()) figures_[name] = {event.sequence, case_ref, value};
    };
    if (type == kLevelChanged) return set("level", "toLevel");
    set("risk of serious harm", "rosh");
    figures_["next review"] = {event.sequence, case_ref, ""};
    if (event.sequence > entry_.sequence) {
      for (v1::CorrectionUse& use : uses_) {
        if (use.kind() == "plan" && !use.settled()) {
          Settle(use, event.sequence, "a meeting has been held since");
        }
      }
    } else if (Stood(event.sequence)) {
      v1::CorrectionUse& use = Add("plan", event.sequence);
      use.set_ref(case_ref);
      use.set_what("what a meeting decided while it stood");
    }
  }

  void AddFigure(const std::string& name, const Figure& figure) {
    if (!Stood(figure.set_by)) return;
    v1::CorrectionUse& use = Add("figure", figure.set_by);
    use.set_ref(figure.case_ref);
    use.set_what(absl::StrCat(name, ", decided while it stood"));
  }

  const TypeRegistry& types_;
  const CorrectionBook::Entry& entry_;
  const Sequence alerts_at_;
  std::set<std::string> originals_;
  std::map<std::string, std::set<std::string>> ids_;  // By source.
  std::string correction_;
  std::vector<Alert> alerts_;
  std::map<std::string, Figure> figures_;
  std::map<std::string, size_t> by_ref_;  // Uses that are events.
  std::vector<v1::CorrectionUse> uses_;
};

}  // namespace

absl::StatusOr<std::vector<v1::CorrectionUse>> UsesOf(
    const EventLog& log, const TypeRegistry& types,
    const CorrectionBook::Entry& entry, Sequence alerts_at) {
  Uses uses(types, entry, alerts_at);
  if (entry.originals.empty()) return uses.Finish();
  PersonKey subject;
  for (const Sequence original : entry.originals) {
    const auto event = log.ReadOne(original);
    if (!event.ok()) return event.status();
    uses.AddOriginal(*event);
    subject = event->header.subject;
  }
  const auto of_person =
      log.OfPerson(subject, entry.originals.front(), log.Status().end);
  if (!of_person.ok()) return of_person.status();
  // A correction may be about somebody else.
  std::set<Sequence> all(of_person->begin(), of_person->end());
  all.insert(entry.sequence);
  for (const Sequence sequence : all) {
    const auto event = log.ReadOne(sequence);
    if (!event.ok()) return event.status();
    uses.Take(*event);
  }
  return uses.Finish();
}

}  // namespace concordat::bus
