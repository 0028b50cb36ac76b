#include "services/bus/oversight/who_knew.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/delivery/person_reader.h"
#include "services/bus/oversight/alert_story.h"
#include "services/bus/oversight/doubts.h"
#include "services/bus/oversight/glass_register.h"
#include "services/bus/oversight/moment.h"
#include "services/common/rpc/access_service.h"

namespace concordat::bus {
namespace {

using access::v1::Knower;
using access::v1::Knowledge;
using access::v1::KnownEvent;
using access::v1::WhoKnewReport;

constexpr char kNothing[] = "nothing of this person that you may ask about";
constexpr char kReadPerson[] = "concordat.bus.v1.BusService/ReadPerson";

struct KnowerKey {
  std::string agency;
  std::string role;
  std::string purpose;
  friend auto operator<=>(const KnowerKey&, const KnowerKey&) = default;
};

KnownEvent KnownEventOf(const StoredEvent& event) {
  KnownEvent known;
  known.set_sequence(event.sequence.value);
  known.set_type(std::string(event.header.type));
  known.set_source(std::string(event.header.source));
  known.set_controller(std::string(event.header.controller));
  known.set_time(event.header.time_us);
  known.set_accepted_time(event.accepted_us);
  known.set_removed_time(event.erased ? 0 : event.removed_us);
  known.set_erased(event.erased);
  return known;
}

// A person opened without an interest, from a moment of the log to a real time.
struct Glass {
  std::string ref;
  std::string by;
  std::string staff;
  uint64_t from_log_us = 0;
  uint64_t until_us = 0;
};
// What was read by it, log time.
struct ByGlass {
  uint64_t log_us = 0;
  std::string ref;
};

// One question, step by step.
class Question {
 public:
  Question(const EventLog& log, const TypeRegistry& types,
           const AccessStore& store, const PrincipalRegistry& registry,
           const v1::Principal& caller, absl::string_view purpose,
           PersonKey person, Moment moment)
      : log_(log),
        types_(types),
        store_(store),
        registry_(registry),
        caller_(caller),
        to_(RecipientOf(caller, purpose)),
        person_(person),
        moment_(std::move(moment)) {
    readers_.push_back(to_);
    // A guardian asks of what anybody of its agency could see; others for
    // themselves.
    for (const v1::Principal& principal : registry.proto().principals()) {
      if (ReadsAllAccess(caller) || principal.has_process() ||
          principal.agency() != caller.agency()) {
        continue;
      }
      readers_.push_back(RecipientOf(principal, principal.default_purpose()));
    }
    report_.set_subject(person.ToString());
    report_.set_at(moment_.at_us);
    report_.set_position(moment_.position.value);
  }

  absl::StatusOr<KnownThen> Answer() {
    absl::Status status = ReadEvents();
    if (status.ok()) status = ReadLater();
    if (!status.ok()) return status;
    if (events_.empty() && report_.told_later_size() == 0) {
      return absl::NotFoundError(kNothing);
    }
    AddRoles();
    status = ReadAccess();
    if (!status.ok()) return status;
    Judge();
    stories_.Fill(report_, {caller_.agency(), ReadsAllAccess(caller_),
                            [this](const std::string& event) {
                              const auto at = by_reference_.find(event);
                              return at != by_reference_.end() &&
                                     events_.contains(at->second);
                            }});
    auto doubts = doubts_.Take();
    for (auto* rows : {&moment_.could_not_know, &doubts, &down_}) {
      for (auto& row : *rows) *report_.add_could_not_know() = std::move(row);
    }
    KnownThen known;
    known.report = std::move(report_);
    known.person = person_;
    known.to = to_;
    for (auto* events : {&events_, &later_}) {
      for (auto& [sequence, event] : *events) {
        const GroupMask shown = ShownOf(event);
        known.events.emplace(sequence, KnownThen::One{std::move(event), shown});
      }
    }
    return known;
  }

 private:
  // That the caller, or who it answers for, could see then, or controls.
  bool MayKnow(const StoredEvent& event) const {
    return event.header.controller == caller_.agency() ||
           AgencyOfSource(event.header.source) == caller_.agency() ||
           std::any_of(readers_.begin(), readers_.end(),
                       [&](const Recipient& to) {
                         return moment_.policy.Granted(event.header, to,
                                                       moment_.at_us) != 0;
                       });
  }
  GroupMask ShownOf(const StoredEvent& event) const {
    return event.removed_us != 0
               ? 0
               : moment_.policy.Granted(event.header, to_, moment_.at_us);
  }
  bool Reports(absl::string_view agency) const {
    return ReadsAllAccess(caller_) || agency == caller_.agency();
  }

  absl::Status ReadEvents() {
    const auto sequences = log_.OfPerson(person_, {0}, moment_.position);
    if (!sequences.ok()) return sequences.status();
    for (const Sequence sequence : *sequences) {
      auto event = log_.ReadOne(sequence);
      if (!event.ok()) return event.status();
      const HeaderView& header = event->header;
      by_reference_[absl::StrCat(header.source, "#", header.id)] =
          sequence.value;
      doubts_.Look(*event, types_);
      NoteGlass(*event);
      if (stories_.Take(*event, types_)) continue;
      const EventType* const type = types_.Find(header.type);
      if (type == nullptr || type->policy().internal() || !MayKnow(*event)) {
        continue;
      }
      *report_.add_events() = KnownEventOf(*event);
      NoteAmendment(header, sequence.value);
      events_.emplace(sequence.value, *std::move(event));
    }
    return absl::OkStatus();
  }

  // Whoever broke it reads what no line gives.
  void NoteGlass(const StoredEvent& event) {
    access::v1::GlassBroken broken;
    if (event.header.type != kGlassBroken || event.removed_us != 0 ||
        !broken.ParseFromString(MessageOf(event))) {
      return;
    }
    glasses_.push_back({broken.opening_ref(), broken.by(), broken.staff(),
                        event.accepted_us, broken.until()});
  }

  void NoteAmendment(const HeaderView& header, uint64_t by) {
    for (const absl::string_view reference :
         {header.corrects, header.retracts}) {
      if (reference.empty()) continue;
      const auto found =
          by_reference_.find(absl::StrContains(reference, '#')
                                 ? std::string(reference)
                                 : absl::StrCat(header.source, "#", reference));
      if (found == by_reference_.end()) continue;
      for (KnownEvent& event : *report_.mutable_events()) {
        if (event.sequence() == found->second) event.add_amended_by(by);
      }
    }
  }

  absl::Status ReadLater() {
    const LogStatus status = log_.Status();
    report_.set_log_id(absl::BytesToHexString(status.log_id));
    report_.set_epoch(status.epoch);
    report_.set_log_end(status.end.value);
    if (status.end.value > 0) {
      const auto last = log_.ReadOne(status.end);
      if (!last.ok()) return last.status();
      report_.set_log_end_time(last->accepted_us);
    }
    const auto sequences = log_.OfPerson(person_, moment_.position, status.end);
    if (!sequences.ok()) return sequences.status();
    for (const Sequence sequence : *sequences) {
      const auto event = log_.ReadOne(sequence);
      if (!event.ok()) return event.status();
      const EventType* const type = types_.Find(event->header.type);
      if (event->header.time_us > moment_.at_us || type == nullptr ||
          type->policy().internal() || !MayKnow(*event)) {
        continue;
      }
      *report_.add_told_later() = KnownEventOf(*event);
      later_.emplace(sequence.value, *event);
    }
    return absl::OkStatus();
  }

  // Everybody whom an agreement gives something, whether or not it was delivered.
  void AddRoles() {
    for (const v1::Principal& principal : registry_.proto().principals()) {
      if (principal.has_process()) {
        hub_roles_.insert({principal.agency(), principal.role()});
        continue;
      }
      const Recipient to = RecipientOf(principal, principal.default_purpose());
      if (SpeaksForOthers(principal) || to.envelopes_only() ||
          !Reports(principal.agency())) {
        continue;
      }
      if (!moment_.policy.HasAnyGrant(to, moment_.at_us)) {
        NoteEnded(to);
        continue;
      }
      KnowerOf(
          {principal.agency(), principal.role(), principal.default_purpose()});
    }
  }

  // Nothing was shared any more with who had been given something.
  void NoteEnded(const Recipient& to) {
    const std::string told =
        moment_.policy.agreements()->EndedInWords(to, moment_.at_us);
    if (told.empty() || !ended_.insert({to.agency, to.role}).second) return;
    access::v1::CouldNotKnow row;
    row.set_what("agreement ended");
    row.set_words(
        absl::StrCat(to.agency, ", ", to.role, ", was told: \"", told, "\""));
    moment_.could_not_know.push_back(std::move(row));
  }

  Knower& KnowerOf(const KnowerKey& key) {
    auto [found, is_new] = knowers_.try_emplace(key);
    if (is_new) {
      found->second.set_agency(key.agency);
      found->second.set_role(key.role);
      found->second.set_purpose(key.purpose);
      for (const auto& [sequence, event] : events_) {
        found->second.add_events()->set_sequence(sequence);
      }
    }
    return found->second;
  }
  static Knowledge& Of(Knower& knower, uint64_t sequence) {
    auto& events = *knower.mutable_events();
    return *std::lower_bound(events.begin(), events.end(), sequence,
                             [](const Knowledge& each, uint64_t than) {
                               return each.sequence() < than;
                             });
  }

  absl::Status ReadAccess() {
    return store_.Read(
        0, [this](uint64_t number, const access::v1::Record& record,
                  absl::string_view) {
          // They are in the order of log time; what is of other times comes after.
          if (record.log_time() != 0) NoteUp(record.log_time());
          if (record.has_began()) {
            Take(record, record.began());
          } else if (record.log_time() > moment_.at_us) {
            return absl::OkStatus();
          } else if (record.has_delivered()) {
            Take(number, record, record.delivered());
          } else if (record.has_acknowledged()) {
            Take(number, record, record.acknowledged());
          } else if (record.has_called()) {
            Take(number, record, record.called());
          }
          last_log_us_ = std::max(last_log_us_, record.log_time());
          return absl::OkStatus();
        });
  }

  void Take(const access::v1::Record& record, const access::v1::Began& began) {
    if (began.last_time() == 0 || last_log_us_ == 0) return;
    access::v1::CouldNotKnow row;
    row.set_what("hub down");
    row.set_words(absl::StrCat(
        "the bus did not run: real time ",
        absl::FormatTime(
            absl::RFC3339_sec,
            absl::FromUnixMicros(static_cast<int64_t>(began.last_time())),
            absl::UTCTimeZone()),
        " to ",
        absl::FormatTime(
            absl::RFC3339_sec,
            absl::FromUnixMicros(static_cast<int64_t>(record.time())),
            absl::UTCTimeZone()),
        began.after_crash()
            ? "; of what was delivered just before, and not acknowledged, "
              "there may be no record"
            : ""));
    row.set_from(last_log_us_);
    if (last_log_us_ <= moment_.at_us) down_.push_back(std::move(row));
  }
  // The log went on.
  void NoteUp(uint64_t log_us) {
    for (auto row = down_.rbegin(); row != down_.rend() && row->to() == 0;
         ++row) {
      row->set_to(log_us);
    }
  }

  void Take(uint64_t number, const access::v1::Record& record,
            const access::v1::Delivered& delivered) {
    if (delivered.envelopes() || !Reports(delivered.agency()) ||
        hub_roles_.contains({delivered.agency(), delivered.role()})) {
      return;
    }
    uint64_t delivery = delivered.first_delivery();
    for (const access::v1::Run& run : delivered.runs()) {
      auto event = events_.lower_bound(run.first());
      for (; event != events_.end() && event->first < run.first() + run.count();
           ++event) {
        Knower& knower = KnowerOf(
            {delivered.agency(), delivered.role(), delivered.purpose()});
        out_[delivered.session()].emplace(
            delivery + (event->first - run.first()),
            Out{&knower, event->first, number});
        Knowledge& knowledge = Of(knower, event->first);
        if (knowledge.delivered_time() != 0) continue;
        knowledge.set_delivered_time(record.log_time());
        knowledge.set_delivered_groups(run.groups());
        knowledge.set_delivered_record(number);
        knowledge.set_subscription(delivered.name());
      }
      delivery += run.count();
    }
  }

  void Take(uint64_t number, const access::v1::Record& record,
            const access::v1::Acknowledged& acknowledged) {
    const auto out = out_.find(acknowledged.session());
    if (out == out_.end()) return;
    const auto take = [&](const Out& of) {
      Knowledge& knowledge = Of(*of.knower, of.sequence);
      if (knowledge.acknowledged_time() != 0) return;
      knowledge.set_acknowledged_time(record.log_time());
      knowledge.set_acknowledged_record(number);
      knowledge.set_acknowledged_delivery(of.record);
    };
    auto& deliveries = out->second;
    const auto end = deliveries.upper_bound(acknowledged.through_delivery());
    for (auto each = deliveries.begin(); each != end; ++each) {
      take(each->second);
    }
    deliveries.erase(deliveries.begin(), end);
    for (const uint64_t delivery : acknowledged.deliveries()) {
      const auto found = deliveries.find(delivery);
      if (found == deliveries.end()) continue;
      take(found->second);
      deliveries.erase(found);
    }
  }

  void Take(uint64_t number, const access::v1::Record& record,
            const access::v1::Called& called) {
    const auto& subjects = called.subjects();
    if (called.outcome() != "OK" || called.method() != kReadPerson ||
        !Reports(called.agency()) ||
        std::find(subjects.begin(), subjects.end(), report_.subject()) ==
            subjects.end()) {
      return;
    }
    const KnowerKey key = {called.agency(), called.role(), called.purpose()};
    access::v1::Opening& opening = *KnowerOf(key).add_openings();
    opening.set_time(record.log_time());
    opening.set_principal(called.principal());
    opening.set_via(called.via());
    opening.set_staff(called.staff());
    opening.set_on_behalf_of(called.on_behalf_of());
    opening.set_method(called.method());
    opening.set_record(number);
    const auto glass =
        std::find_if(glasses_.begin(), glasses_.end(), [&](const Glass& each) {
          return each.by == called.principal() &&
                 each.staff == called.staff() &&
                 record.log_time() >= each.from_log_us &&
                 record.time() < each.until_us;
        });
    if (glass != glasses_.end()) {
      by_glass_[key].push_back({record.log_time(), glass->ref});
    }
  }

  void Judge() {
    const Agreements& agreements = *moment_.policy.agreements();
    const PersonPolicy& person = moment_.policy.Of(person_);
    for (auto& [key, knower] : knowers_) {
      const Recipient to = {key.agency, key.role, {}, key.purpose};
      for (Knowledge& knowledge : *knower.mutable_events()) {
        const StoredEvent& event = events_.at(knowledge.sequence());
        const JudgedView judged =
            agreements.Explain(event.header, to, moment_.at_us, person);
        Fill(judged, event, knowledge);
        FillByGlass(by_glass_[key], judged.granted, event, knowledge);
      }
      *report_.add_knowers() = std::move(knower);
    }
  }

  void Fill(const JudgedView& judged, const StoredEvent& event,
            Knowledge& knowledge) const {
    knowledge.set_could_see(judged.granted != 0);
    knowledge.set_could_see_groups(judged.granted);
    knowledge.set_because(judged.because);
    if (const EventType* type = types_.Find(event.header.type);
        type != nullptr && judged.granted != 0) {
      FillGroups(*type, judged.granted, knowledge);
    }
    // The first line that gives it; when none does, why the nearest does not: one
    // that is to this agency and role.
    const JudgedLine* line = nullptr;
    for (const JudgedLine& each : judged.lines) {
      const bool is_nearer = line == nullptr ||
                             (each.applies && !line->applies) ||
                             (absl::StartsWith(line->because, "it is not ") &&
                              !absl::StartsWith(each.because, "it is not "));
      if (is_nearer && !(line != nullptr && line->applies)) line = &each;
    }
    if (line == nullptr) {
      if (judged.because.empty()) {
        knowledge.set_because("no line of an agreement is about this type");
      }
      return;
    }
    knowledge.set_by_line(absl::StrCat(line->agreement, " version ",
                                       line->version, ", see[", line->line,
                                       "]"));
    if (judged.because.empty()) knowledge.set_because(line->because);
  }

  // By an opening without an interest, somebody of the role read it.
  void FillByGlass(const std::vector<ByGlass>& readings, GroupMask granted,
                   const StoredEvent& event, Knowledge& knowledge) const {
    const EventType* const type = types_.Find(event.header.type);
    const auto read = std::find_if(
        readings.begin(), readings.end(), [&event](const ByGlass& each) {
          return each.log_us >= event.accepted_us &&
                 (event.removed_us == 0 || each.log_us < event.removed_us);
        });
    if (read == readings.end() || type == nullptr) return;
    const auto shown = static_cast<GroupMask>(
        granted | ShownWhenOpened(*type, event.header.type,
                                  *moment_.policy.agreements(), read->log_us));
    if (shown == granted) return;
    knowledge.set_could_see(true);
    knowledge.set_could_see_groups(shown);
    knowledge.set_because(absl::StrCat(
        "opened without an interest, ", read->ref,
        granted == 0 ? "" : absl::StrCat("; less by ", knowledge.by_line())));
    knowledge.clear_by_line();
    knowledge.clear_shown();
    knowledge.clear_withheld();
    FillGroups(*type, shown, knowledge);
  }

  static void FillGroups(const EventType& type, GroupMask shown,
                         Knowledge& knowledge) {
    for (std::string& words : ShownInWords(type, shown)) {
      knowledge.add_shown(std::move(words));
    }
    for (std::string& words : Withheld(type, shown)) {
      knowledge.add_withheld(std::move(words));
    }
  }

  const EventLog& log_;
  const TypeRegistry& types_;
  const AccessStore& store_;
  const PrincipalRegistry& registry_;
  const v1::Principal& caller_;
  const Recipient to_;
  std::vector<Recipient> readers_;
  const PersonKey person_;
  Moment moment_;
  WhoKnewReport report_;
  std::map<uint64_t, StoredEvent> events_;        // That the caller may know.
  std::map<std::string, uint64_t> by_reference_;  // "source#id", of the person.
  std::map<uint64_t, StoredEvent> later_;
  std::map<KnowerKey, Knower> knowers_;
  std::vector<Glass> glasses_;
  std::map<KnowerKey, std::vector<ByGlass>> by_glass_;
  std::set<std::pair<std::string, std::string>> hub_roles_;
  std::set<std::pair<std::string, std::string>> ended_;  // Noted already.
  Doubts doubts_;
  std::vector<access::v1::CouldNotKnow> down_;
  // By session, deliveries of the person's events that are not acknowledged.
  struct Out {
    Knower* knower = nullptr;
    uint64_t sequence = 0;
    uint64_t record = 0;
  };
  std::map<uint64_t, std::map<uint64_t, Out>> out_;
  AlertStories stories_;
  uint64_t last_log_us_ = 0;
};

}  // namespace

absl::StatusOr<KnownThen> WhoKnew::Ask(
    const PrincipalRegistry& registry, const v1::Principal& caller,
    absl::string_view purpose, const access::v1::WhoKnewRequest& request) {
  if (!MayReadAccess(caller)) {
    return absl::PermissionDeniedError(
        "who knew what is asked by co-ordinators and guardians");
  }
  const auto person = PersonKey::Parse(request.subject());
  if (!person.ok()) {
    return absl::InvalidArgumentError("subject: not a person key");
  }
  auto moment = ReadMoment(log_, types_, request.at());
  if (!moment.ok()) return moment.status();
  const auto allowed = lists_.Allow(RecipientOf(caller, purpose), *person);
  if (!allowed.ok()) return allowed.status();
  if (!*allowed) return absl::NotFoundError(kNothing);
  auto known = Question(log_, *types_, store_, registry, caller, purpose,
                        *person, *std::move(moment))
                   .Answer();
  if (!known.ok()) return known.status();
  if (!missing_.empty()) {
    access::v1::CouldNotKnow& row = *known->report.add_could_not_know();
    row.set_what("other access logs");
    row.set_words(missing_);
  }
  known->report.set_environment(
      std::string(EnvironmentName(registry.environment())));
  known->report.set_made_for(absl::StrCat(caller.agency(), "/", caller.role()));
  return known;
}

}  // namespace concordat::bus
