#include "services/alerts/domain/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "boost/json.hpp"
#include "services/common/crypto/sha256.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kRaised = "concordat.alerts.v1.AlertRaised";
constexpr absl::string_view kEvidenceAdded =
    "concordat.alerts.v1.AlertEvidenceAdded";
constexpr absl::string_view kShown = "concordat.alerts.v1.AlertShown";
constexpr absl::string_view kAccepted = "concordat.alerts.v1.AlertAccepted";
constexpr absl::string_view kClosed = "concordat.alerts.v1.AlertClosed";
constexpr uint64_t kMicrosPerHour = 3'600'000'000;

// Eight characters without those that look alike. Not a count: a count would
// tell a reader how many alerts it is not shown.
std::string AlertRef(absl::string_view about) {
  constexpr absl::string_view kCharacters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  const Sha256Hash hash = Sha256::Of(about);
  std::string ref = "A-";
  for (size_t i = 0; i < 8; ++i) ref.push_back(kCharacters[hash[i] & 31]);
  return ref;
}

std::string TextOf(const boost::json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  return boost::json::serialize(value);
}

std::string Day(uint64_t time_us) {
  absl::TimeZone london;
  if (!absl::LoadTimeZone("Europe/London", &london)) {
    london = absl::UTCTimeZone();
  }
  return absl::FormatTime(
      "%-d %B", absl::FromUnixMicros(static_cast<int64_t>(time_us)), london);
}

uint64_t Distance(uint64_t a, uint64_t b) { return a > b ? a - b : b - a; }

}  // namespace

std::string EventRef(const Header& header) {
  return absl::StrCat(header.source, "#", header.id);
}

Engine::Engine(std::shared_ptr<const TypeRegistry> types, RuleBook rules,
               std::string arrangement,
               std::map<std::string, std::string> agency_names)
    : types_(std::move(types)),
      rules_(std::move(rules)),
      arrangement_(std::move(arrangement)),
      agency_names_(std::move(agency_names)),
      policy_(types_) {}

absl::StatusOr<std::vector<AlertDraft>> Engine::Apply(const View& view) {
  const EventType* type = types_->Find(view.header.type);
  if (type == nullptr) {
    return absl::InvalidArgumentError("an event of a type that is not known");
  }
  const std::string data = view.Data();
  position_ = view.sequence;
  log_time_us_ = std::max(log_time_us_, view.accepted_us);
  std::vector<AlertDraft> out;
  if (type->policy().effect() != policy::v1::EFFECT_UNSPECIFIED) {
    if (absl::StatusOr<bool> changed = policy_.Apply(AsView(view.header), data);
        !changed.ok()) {
      return changed.status();
    }
  }
  FoldOwn(view, data);
  if (view.header.subject.empty()) return out;

  if (!view.header.retracts.empty()) {
    const auto it = persons_.find(view.header.subject);
    if (it != persons_.end()) {
      for (const auto& fact : it->second->facts) {
        // Only its controller takes a fact back.
        if (fact->view.header.controller != view.header.controller) continue;
        if (view.header.retracts == EventRef(fact->view.header) ||
            (view.header.retracts == fact->view.header.id &&
             view.header.source == fact->view.header.source)) {
          fact->retracted = true;
        }
      }
    }
    return out;
  }
  const std::vector<const RuleLimb*>& limbs = rules_.Watching(view.header.type);
  if (limbs.empty()) return out;
  std::unique_ptr<Person>& person = persons_[view.header.subject];
  if (person == nullptr) person = std::make_unique<Person>();
  person->facts.push_back(std::make_unique<Fact>(Fact{view}));
  const Fact& fact = *person->facts.back();
  fact_by_sequence_[view.sequence.value] = &fact;
  for (const RuleLimb* limb : limbs) {
    if (view.accepted_us >= limb->effective_us) {
      Judge(*limb, fact, *person, out);
    }
  }
  return out;
}

void Engine::Judge(const RuleLimb& limb, const Fact& fact, Person& person,
                   std::vector<AlertDraft>& out) {
  const PersonKey& subject = fact.view.header.subject;
  if (limb.limb.condition().open_case() && !policy_.Of(subject).case_open) {
    return;
  }
  std::map<std::string, std::vector<const Fact*>> met;  // By agency.
  std::vector<AlertAddressee> fresh;
  FactsInOrder fresh_evidence;
  for (AlertAddressee& to : Resolve(limb, subject)) {
    auto [it, first] = met.try_emplace(to.agency);
    if (first) it->second = Meet(limb, fact, person, to.agency);
    if (it->second.empty()) continue;
    // An open alert of the same limb and person takes new evidence. Not of
    // another limb: a serious charge is not to be lost in an open breach.
    const auto open = std::find_if(
        person.alerts.begin(), person.alerts.end(), [&](const Alert* alert) {
          return alert->open() && alert->rule == limb.rule &&
                 alert->limb == limb.limb.name() &&
                 std::find(alert->to.begin(), alert->to.end(), to) !=
                     alert->to.end();
        });
    if (open != person.alerts.end()) {
      AddEvidence(**open, fact, it->second, out);
    } else {
      fresh.push_back(to);
      fresh_evidence.insert(it->second.begin(), it->second.end());
    }
  }
  if (!fresh.empty()) {
    Raise(limb, fact, person, std::move(fresh), fresh_evidence, out);
  }
}

std::vector<AlertAddressee> Engine::Resolve(const RuleLimb& limb,
                                            const PersonKey& person) const {
  const PersonPolicy& policy = policy_.Of(person);
  std::vector<AlertAddressee> result;
  for (const v1::Addressee& to : limb.limb.to()) {
    if (policy.level < to.level_min()) continue;
    std::string agency = to.agency();
    if (agency == "lead") agency = policy.lead;
    if (agency == "arrangement") agency = arrangement_;
    if (agency.empty()) continue;
    result.push_back({std::move(agency), to.role(), to.copy()});
  }
  return result;
}

absl::StatusOr<Engine::Fields> Engine::Seen(const Fact& fact,
                                            absl::string_view agency) const {
  const Header& header = fact.view.header;
  const HeaderView borrowed = AsView(header);
  const GroupMask granted = policy_.Granted(
      borrowed, Recipient{std::string(agency), "", {}}, log_time_us_);
  if (granted == 0) return absl::PermissionDeniedError("not granted");
  std::string data;
  for (const View::Group& group : fact.view.groups) {
    if ((granted >> group.number) & 1) absl::StrAppend(&data, group.data);
  }
  absl::StatusOr<std::string> json = types_->ToJson(header.type, data);
  if (!json.ok()) return json.status();
  boost::json::error_code error;
  const boost::json::value parsed = boost::json::parse(*json, error);
  if (error || !parsed.is_object()) {
    return absl::InternalError("the event's JSON cannot be read");
  }
  Fields fields;
  for (const auto& [name, value] : parsed.as_object()) {
    std::vector<std::string>& values = fields[std::string(name)];
    if (value.is_array()) {
      for (const auto& item : value.as_array()) values.push_back(TextOf(item));
    } else {
      values.push_back(TextOf(value));
    }
  }
  return fields;
}

int Engine::Match(const RuleLimb& limb, const Fact& fact,
                  absl::string_view agency, int first) const {
  if (fact.retracted) return -1;
  const auto& patterns = limb.limb.condition().events();
  absl::StatusOr<Fields> fields = absl::UnknownError("not read yet");
  for (int i = first; i < patterns.size(); ++i) {
    const v1::EventPattern& pattern = patterns[i];
    if (std::find(pattern.types().begin(), pattern.types().end(),
                  fact.view.header.type) == pattern.types().end()) {
      continue;
    }
    if (absl::IsUnknown(fields.status())) fields = Seen(fact, agency);
    if (!fields.ok()) return -1;
    const bool all = std::all_of(
        pattern.where().begin(), pattern.where().end(),
        [&fields](const v1::FieldEquals& where) {
          const auto it = fields->find(where.field());
          if (it == fields->end()) return false;
          return std::any_of(
              it->second.begin(), it->second.end(), [&where](const auto& v) {
                return std::find(where.values().begin(), where.values().end(),
                                 v) != where.values().end();
              });
        });
    if (all) return i;
  }
  return -1;
}

std::vector<const Engine::Fact*> Engine::Meet(const RuleLimb& limb,
                                              const Fact& trigger,
                                              const Person& person,
                                              absl::string_view agency) const {
  const int patterns = limb.limb.condition().events_size();
  const uint64_t within = limb.limb.condition().within_hours() * kMicrosPerHour;
  const int met_by_trigger = Match(limb, trigger, agency, 0);
  if (met_by_trigger < 0) return {};
  std::vector<const Fact*> chosen(static_cast<size_t>(patterns), nullptr);
  chosen[static_cast<size_t>(met_by_trigger)] = &trigger;
  // The newest fact for each of the other patterns, by its own time, near
  // enough to every one chosen before it.
  for (int i = 0; i < patterns; ++i) {
    const Fact*& place = chosen[static_cast<size_t>(i)];
    if (place != nullptr) continue;
    for (const auto& fact : person.facts) {
      const uint64_t time = fact->view.header.time_us;
      if (std::find(chosen.begin(), chosen.end(), fact.get()) != chosen.end() ||
          (place != nullptr && place->view.header.time_us >= time)) {
        continue;
      }
      const bool near =
          std::all_of(chosen.begin(), chosen.end(), [&](const Fact* other) {
            return other == nullptr || other == place || within == 0 ||
                   Distance(time, other->view.header.time_us) <= within;
          });
      if (near && Match(limb, *fact, agency, i) == i) place = fact.get();
    }
    if (place == nullptr) return {};
  }
  return chosen;
}

void Engine::Raise(const RuleLimb& limb, const Fact& trigger, Person& person,
                   std::vector<AlertAddressee> to, const FactsInOrder& evidence,
                   std::vector<AlertDraft>& out) {
  const Header& cause = trigger.view.header;
  auto alert = std::make_unique<Alert>();
  const std::string about = absl::StrCat(
      limb.rule, "/", limb.limb.name(), "/", cause.subject.ToString(), "/",
      EventRef(cause), "/", to.front().agency, "/", to.front().role);
  alert->ref = AlertRef(about);
  for (int again = 1; by_ref_.contains(alert->ref); ++again) {
    alert->ref = AlertRef(absl::StrCat(about, "/", again));
  }
  alert->rule = limb.rule;
  alert->limb = limb.limb.name();
  alert->severity = limb.limb.severity();
  alert->headline = limb.limb.headline();
  alert->subject = cause.subject;
  alert->trigger = trigger.view.sequence;
  alert->raised_us = log_time_us_;
  if (limb.limb.accept_minutes() > 0) {
    alert->accept_by_us =
        log_time_us_ + limb.limb.accept_minutes() * (kMicrosPerHour / 60);
  }
  alert->to = std::move(to);

  v1::AlertRaised event;
  event.set_alert_ref(alert->ref);
  event.set_rule(alert->rule);
  event.set_rule_version(limb.version);
  event.set_severity(alert->severity);
  for (const Fact* fact : evidence) {
    alert->evidence.push_back(fact->view.sequence);
    event.add_evidence(EventRef(fact->view.header));
  }
  for (const AlertAddressee& addressee : alert->to) {
    event.add_addressees(absl::StrCat(addressee.agency, "/", addressee.role));
  }
  event.set_accept_by(alert->accept_by_us);
  out.push_back({absl::StrCat("raised/", alert->ref), std::string(kRaised),
                 event.SerializeAsString(), alert->ref, alert->subject,
                 EventRef(cause)});
  by_ref_[alert->ref] = alert.get();
  person.alerts.push_back(alert.get());
  alerts_.push_back(std::move(alert));
}

void Engine::AddEvidence(Alert& alert, const Fact& trigger,
                         const std::vector<const Fact*>& evidence,
                         std::vector<AlertDraft>& out) {
  v1::AlertEvidenceAdded event;
  event.set_alert_ref(alert.ref);
  for (const Fact* fact : evidence) {
    if (std::find(alert.evidence.begin(), alert.evidence.end(),
                  fact->view.sequence) != alert.evidence.end()) {
      continue;
    }
    alert.evidence.push_back(fact->view.sequence);
    event.add_evidence(EventRef(fact->view.header));
  }
  if (event.evidence().empty()) return;
  std::sort(alert.evidence.begin(), alert.evidence.end());
  out.push_back(
      {absl::StrCat("evidence/", alert.ref, "/", EventRef(trigger.view.header)),
       std::string(kEvidenceAdded), event.SerializeAsString(), alert.ref,
       alert.subject, EventRef(trigger.view.header)});
}

void Engine::FoldOwn(const View& view, const std::string& data) {
  const std::string& type = view.header.type;
  const auto fold = [&](auto event, auto evolve) {
    if (!event.ParseFromString(data)) return;
    const auto it = by_ref_.find(event.alert_ref());
    if (it == by_ref_.end()) return;
    it->second->version = view.sequence;
    it->second->steps.push_back(view.header.id);
    changed_.push_back(event.alert_ref());
    evolve(event, *it->second);
  };
  const uint64_t at = view.accepted_us;
  const auto known = [](const auto&, Alert&) {};  // The engine made it.
  if (type == kRaised) {
    fold(v1::AlertRaised(), known);
  } else if (type == kEvidenceAdded) {
    fold(v1::AlertEvidenceAdded(), known);
  } else if (type == kShown) {
    fold(v1::AlertShown(), [](const auto& e, Alert& a) { Evolve(e, a); });
  } else if (type == kAccepted) {
    fold(v1::AlertAccepted(),
         [at](const auto& e, Alert& a) { Evolve(e, at, a); });
  } else if (type == kClosed) {
    fold(v1::AlertClosed(),
         [at](const auto& e, Alert& a) { Evolve(e, at, a); });
  }
}

std::vector<std::string> Engine::TakeChanged() {
  return std::exchange(changed_, {});
}

const Alert* Engine::Find(absl::string_view ref) const {
  const auto it = by_ref_.find(ref);
  return it == by_ref_.end() ? nullptr : it->second;
}

std::vector<EvidenceWords> Engine::Evidence(const Alert& alert,
                                            absl::string_view agency) const {
  std::vector<EvidenceWords> result;
  const RuleLimb* limb = rules_.Find(alert.rule, alert.limb);
  if (limb == nullptr) return result;
  for (const Sequence sequence : alert.evidence) {
    const auto it = fact_by_sequence_.find(sequence.value);
    if (it == fact_by_sequence_.end()) continue;
    const Fact& fact = *it->second;
    const int pattern = Match(*limb, fact, agency, 0);
    if (pattern < 0) continue;
    const Header& header = fact.view.header;
    const auto name = agency_names_.find(header.controller);
    result.push_back(
        {sequence, EventRef(header), header.type, header.time_us,
         absl::StrReplaceAll(
             limb->limb.condition().events(pattern).words(),
             {{"{date}", Day(header.time_us)},
              {"{agency}", name == agency_names_.end() ? header.controller
                                                       : name->second}})});
  }
  return result;
}

}  // namespace concordat::alerts
