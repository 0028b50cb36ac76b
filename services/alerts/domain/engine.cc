#include "services/alerts/domain/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/identity/v1/events.pb.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kFeedReceived = "concordat.hub.v1.FeedReceived";
constexpr absl::string_view kFeedSilent = "concordat.hub.v1.FeedSilent";
constexpr absl::string_view kReviewOpened =
    "concordat.identity.v1.IdentityReviewOpened";
constexpr absl::string_view kReviewDecided =
    "concordat.identity.v1.IdentityReviewDecided";
constexpr absl::string_view kLinkDoubted = "LINK_DOUBTED";
constexpr absl::string_view kPersonErased = "concordat.hub.v1.PersonErased";
constexpr absl::string_view kAgreementAdopted =
    "concordat.hub.v1.AgreementAdopted";
constexpr absl::string_view kRestricted =
    "concordat.hub.v1.ProcessingRestricted";
constexpr absl::string_view kApprovalGiven = "concordat.hub.v1.ApprovalGiven";
constexpr absl::string_view kRulesAdopted = "concordat.hub.v1.RulesAdopted";
constexpr absl::string_view kAlertTypes = "concordat.alerts.v1.";

}  // namespace

Engine::Engine(EngineParts parts)
    : types_(parts.types),
      rules_(std::move(parts.rules), std::move(parts.wanted), parts.types,
             parts.clocks),
      rules_stay_(parts.rules_stay),
      feeds_(std::move(parts.feeds)),
      deadlines_(parts.calendars, std::move(parts.clocks)),
      agency_names_(std::move(parts.agency_names)),
      audiences_(std::move(parts.types), std::move(parts.arrangement),
                 std::move(parts.publishers), std::move(parts.calendars)) {}

absl::StatusOr<std::vector<AlertDraft>> Engine::Apply(const View& view) {
  const std::string& type = view.header.type;
  if (types_->Find(type) == nullptr) {
    return absl::InvalidArgumentError("an event of a type that is not known");
  }
  if (!log_began_us_.has_value()) {
    log_began_us_ = view.accepted_us;
    feeds_.Begin(view.accepted_us);
  }
  PassTime(view.accepted_us);
  position_ = view.sequence;
  const std::string data = view.Data();
  std::set<std::string> restricted;
  if (type == kRestricted) {
    restricted = audiences_.RestrictedOf(view.header.subject);
  }
  if (absl::Status status = audiences_.Fold(view.header, data); !status.ok()) {
    return status;
  }
  if (type == kFeedReceived) {
    FoldFeed(view, data);
  } else if (type == kReviewOpened || type == kReviewDecided) {
    FoldDoubt(view, data);
  } else if (absl::StartsWith(type, kAlertTypes)) {
    FoldOwn(view, data);
  } else if (type == kLinkCut) {
    FoldCut(view, data);
  } else if (type == kRestricted) {
    FoldRestriction(view, restricted);
  } else if (type == kPersonErased) {
    FoldErased(view, data);
  } else if (type == kAgreementAdopted) {
    FoldAdopted(view);
  } else if (type == kApprovalGiven || type == kRulesAdopted) {
    FoldRules(view, data);
  } else if (!view.header.retracts.empty()) {
    const auto by = ReadFact(view, *types_, {kAmendmentReason});
    if (!by.ok()) return by.status();
    TakeOff(view.header.retracts, *by, nullptr);
  } else if (const std::set<std::string>* wanted = rules_.Wanted(type);
             wanted != nullptr) {
    absl::StatusOr<Fact> fact = ReadFact(view, *types_, *wanted);
    if (!fact.ok()) return fact.status();
    FoldFact(view, *std::move(fact));
  } else if (!view.header.corrects.empty()) {
    const auto by = ReadFact(view, *types_, {kAmendmentReason});
    if (!by.ok()) return by.status();
    TakeOff(view.header.corrects, *by, nullptr);
  }
  NoteChanges(view);
  return book_.TakeDrafts();
}

Engine::Person& Engine::PersonOf(const Fact& fact) {
  std::unique_ptr<Person>& person = fact.header.subject.empty()
                                        ? by_feed_[fact.header.stream]
                                        : persons_[fact.header.subject];
  if (person == nullptr) person = std::make_unique<Person>();
  return *person;
}

void Engine::FoldFact(const View& view, Fact read) {
  Person& person = PersonOf(read);
  person.facts.push_back(std::make_unique<Fact>(std::move(read)));
  Fact& fact = *person.facts.back();
  by_sequence_[view.sequence.value] = {&fact, &person};
  by_reference_[EventRef(fact.header)] = {&fact, &person};
  if (view.header.type == kFeedSilent) {
    hub::v1::FeedSilent silent;
    const FeedState* state = silent.ParseFromString(view.Data())
                                 ? feeds_.Find(silent.feed())
                                 : nullptr;
    // It has come since.
    fact.off = state != nullptr && state->complete_us >= silent.due();
  }
  if (!view.header.corrects.empty()) {
    TakeOff(view.header.corrects, fact, &fact);
  }
  for (const RuleLimb* limb :
       rules_.Watching(view.header.type, view.sequence, view.accepted_us)) {
    if (limb->condition().has_absence()) {
      Await(*limb, fact, person);
    } else {
      Judge(*limb, fact, person);
    }
  }
  if (rules_.Answers(view.header.type)) Answer(fact, person);
}

void Engine::TakeOff(absl::string_view reference, const Fact& by,
                     const Fact* instead) {
  const std::string full = absl::StrContains(reference, '#')
                               ? std::string(reference)
                               : absl::StrCat(by.header.source, "#", reference);
  const auto it = by_reference_.find(full);
  if (it == by_reference_.end()) return;
  const auto [fact, person] = it->second;
  // Only its controller takes a fact back.
  if (fact->off || fact->header.controller != by.header.controller) return;
  fact->off = true;
  // A correction may be about somebody else: then nothing takes its place here.
  const bool same =
      instead != nullptr && instead->header.subject == fact->header.subject;
  JudgeAgain(*person, *fact, same ? instead : nullptr, by);
}

void Engine::FoldDoubt(const View& view, const std::string& data) {
  std::set<std::string>& open = doubts_[view.header.subject];
  identity::v1::IdentityReviewOpened opened;
  identity::v1::IdentityReviewDecided decided;
  if (view.header.type == kReviewOpened) {
    if (opened.ParseFromString(data) && opened.kind() == kLinkDoubted) {
      open.insert(opened.review_ref());
    }
  } else if (decided.ParseFromString(data)) {
    open.erase(decided.review_ref());
  }
}

void Engine::FoldCut(const View& view, const std::string& data) {
  identity::v1::LinkCut cut;
  const auto found = persons_.find(view.header.subject);
  if (found == persons_.end() || !cut.ParseFromString(data)) return;
  Person& person = *found->second;
  std::vector<Fact*> gone;
  for (const auto& fact : person.facts) {
    const auto& sources = cut.sources();
    if (!fact->off && fact->sequence.value > cut.after() &&
        std::find(sources.begin(), sources.end(), fact->header.source) !=
            sources.end()) {
      gone.push_back(fact.get());
    }
  }
  // All of them first: none stands for another.
  for (Fact* fact : gone) fact->off = true;
  Fact by;
  by.header = view.header;
  for (const Fact* fact : gone) JudgeAgain(person, *fact, nullptr, by);
}

void Engine::NoteChanges(const View& view) {
  // Its own events, what is known of a person, and who may see what: nothing else
  // changes how an alert looks.
  std::vector<const Alert*> maybe;
  const EventType& type = *types_->Find(view.header.type);
  if (came_back_ != nullptr) {
    maybe.push_back(std::exchange(came_back_, nullptr));
  } else if (type.policy().effect() != policy::v1::EFFECT_UNSPECIFIED ||
             view.header.type == kReviewOpened ||
             view.header.type == kReviewDecided) {
    if (view.header.subject.empty()) {
      for (const auto& alert : book_.alerts()) maybe.push_back(alert.get());
    } else if (const auto person = persons_.find(view.header.subject);
               person != persons_.end()) {
      maybe.assign(person->second->alerts.begin(),
                   person->second->alerts.end());
    }
  }
  for (const Alert* alert : maybe) {
    if (alert->version.value == 0) continue;
    if (NoteSights(*alert, view.sequence)) changed_.push_back(alert);
  }
}

bool Engine::NoteSights(const Alert& alert, Sequence at) {
  bool any = false;
  std::map<Asker, Shown>& askers = shown_[&alert];
  for (const AlertMember& member : alert.members) {
    if (!member.told()) continue;
    AlertCaller caller{"", member.who.agency, {member.who.role}};
    // One that is seen alike for every purpose is kept once.
    std::shared_ptr<const AlertSight> whole;
    const auto note = [&] {
      auto sight = See(alert, caller);
      std::shared_ptr<const AlertSight> now;
      if (sight.has_value()) {
        now = whole != nullptr && *whole == *sight
                  ? whole
                  : std::make_shared<const AlertSight>(*std::move(sight));
      }
      if (!caller.purpose.has_value()) whole = now;
      Shown& shown = askers[{member.who.Name(), caller.purpose}];
      const bool same = shown.sight == nullptr || now == nullptr
                            ? shown.sight == now
                            : *shown.sight == *now;
      if (!same) shown.changed = at;
      any |= !same;
      shown.sight = std::move(now);
    };
    note();
    if (alert.subject.empty()) continue;  // No purpose is asked for.
    for (const std::string& purpose : audiences_.purposes()) {
      caller.purpose = purpose;
      note();
    }
  }
  return any;
}

Sequence Engine::PositionOf(const Alert& alert,
                            const AlertCaller& caller) const {
  Sequence position;
  const auto found = shown_.find(&alert);
  if (found == shown_.end()) return position;
  const auto purpose = alert.subject.empty() ? std::nullopt : caller.purpose;
  for (const auto& [asker, shown] : found->second) {
    if (asker.second == purpose && caller.Is(ReadAddressee(asker.first))) {
      position = std::max(position, shown.changed);
    }
  }
  return position;
}

void Engine::FoldAdopted(const View& view) {
  const auto about = by_feed_.find(view.header.stream);
  if (about == by_feed_.end()) return;
  Person& agreement = *about->second;
  Fact by;
  by.header = view.header;
  for (const auto& end : agreement.facts) {
    if (end->off || end->header.controller != by.header.controller) continue;
    end->off = true;
    JudgeAgain(agreement, *end, nullptr, by);
  }
}

void Engine::FoldRules(const View& view, const std::string& data) {
  if (rules_stay_) return;
  hub::v1::ApprovalGiven given;
  hub::v1::RulesAdopted adopted;
  if (view.header.type == kApprovalGiven) {
    if (given.ParseFromString(data)) rules_.Agree(given);
  } else if (adopted.ParseFromString(data)) {
    const auto taken = rules_.Adopt(adopted, view.sequence, view.accepted_us);
    if (!taken.ok()) fault_ = std::string(taken.status().message());
  }
}

void Engine::FoldFeed(const View& view, absl::string_view data) {
  hub::v1::FeedReceived event;
  if (!event.ParseFromArray(data.data(), static_cast<int>(data.size()))) return;
  const FeedState* state =
      feeds_.Receive(event, view.header.source, view.accepted_us);
  if (state == nullptr) return;
  JudgeWaiting(*state, EventRef(view.header));
  const auto about = by_feed_.find(absl::StrCat("feed/", event.feed()));
  if (about == by_feed_.end()) return;
  Person& feed = *about->second;
  Fact by;
  by.header = view.header;
  for (const auto& silence : feed.facts) {
    const auto* due = ValuesOf(*silence, "due", 1);
    uint64_t due_us = 0;
    if (silence->off || due == nullptr ||
        !absl::SimpleAtoi(due->front(), &due_us) ||
        state->complete_us < due_us) {
      continue;
    }
    silence->off = true;
    JudgeAgain(feed, *silence, nullptr, by);
  }
}

}  // namespace concordat::alerts
