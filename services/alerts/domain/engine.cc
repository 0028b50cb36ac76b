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
constexpr absl::string_view kAlertTypes = "concordat.alerts.v1.";

}  // namespace

Engine::Engine(EngineParts parts)
    : types_(parts.types),
      rules_(std::move(parts.rules)),
      feeds_(std::move(parts.feeds)),
      deadlines_(parts.calendars),
      agency_names_(std::move(parts.agency_names)),
      audiences_(std::move(parts.types), std::move(parts.arrangement),
                 std::move(parts.calendars)) {}

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
  if (absl::Status status = audiences_.Fold(view.header, data); !status.ok()) {
    return status;
  }
  if (type == kFeedReceived) {
    FoldFeed(view, data);
  } else if (type == kReviewOpened || type == kReviewDecided) {
    FoldDoubt(view, data);
  } else if (absl::StartsWith(type, kAlertTypes)) {
    FoldOwn(view, data);
  } else if (!view.header.retracts.empty()) {
    TakeOff(view.header.retracts, view.header, nullptr);
  } else if (const std::set<std::string>* wanted = rules_.Wanted(type);
             wanted != nullptr) {
    absl::StatusOr<Fact> fact = ReadFact(view, *types_, *wanted);
    if (!fact.ok()) return fact.status();
    FoldFact(view, *std::move(fact));
  } else if (!view.header.corrects.empty()) {
    TakeOff(view.header.corrects, view.header, nullptr);
  }
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
    TakeOff(view.header.corrects, view.header, &fact);
  }
  for (const RuleLimb* limb : rules_.Watching(view.header.type)) {
    if (view.accepted_us < limb->effective_us) continue;
    if (limb->condition().has_absence()) {
      Await(*limb, fact, person);
    } else {
      Judge(*limb, fact, person);
    }
  }
  if (!rules_.Answered(view.header.type).empty()) Answer(fact, person);
}

void Engine::TakeOff(absl::string_view reference, const Header& by,
                     const Fact* instead) {
  const std::string full = absl::StrContains(reference, '#')
                               ? std::string(reference)
                               : absl::StrCat(by.source, "#", reference);
  const auto it = by_reference_.find(full);
  if (it == by_reference_.end()) return;
  const auto [fact, person] = it->second;
  // Only its controller takes a fact back.
  if (fact->off || fact->header.controller != by.controller) return;
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

void Engine::FoldFeed(const View& view, absl::string_view data) {
  hub::v1::FeedReceived event;
  if (!event.ParseFromArray(data.data(), static_cast<int>(data.size()))) return;
  const FeedState* state = feeds_.Receive(event, view.header.source);
  if (state == nullptr) return;
  JudgeWaiting(*state, EventRef(view.header));
  const auto about = by_feed_.find(absl::StrCat("feed/", event.feed()));
  if (about == by_feed_.end()) return;
  Person& feed = *about->second;
  for (const auto& silence : feed.facts) {
    const auto* due = ValuesOf(*silence, "due", 1);
    uint64_t due_us = 0;
    if (silence->off || due == nullptr ||
        !absl::SimpleAtoi(due->front(), &due_us) ||
        state->complete_us < due_us) {
      continue;
    }
    silence->off = true;
    JudgeAgain(feed, *silence, nullptr, view.header);
  }
}

}  // namespace concordat::alerts
