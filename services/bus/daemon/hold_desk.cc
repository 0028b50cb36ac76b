#include "services/bus/daemon/hold_desk.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/bus/ingest/hub_records.h"
#include "services/bus/retention/person_standing.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.ErasureService/";
constexpr char kHoldAct[] = "hold";
constexpr char kRestrictionAct[] = "restriction";
constexpr char kGuardian[] = "guardian";
constexpr size_t kRecordsMax = 1u << 20;
constexpr int kRestrictionsMax = 1000;

template <typename Message>
bool Parse(const StoredEvent& event, Message* message) {
  return message->ParseFromString(MessageOf(event));
}

absl::StatusOr<PersonKey> SubjectOf(const std::string& text) {
  const auto key = PersonKey::Parse(text);
  if (key.ok()) return *key;
  return absl::InvalidArgumentError("subject: no person key");
}

// Answers what is asked for, else goes on with what was agreed.
template <typename Response>
FourEyes::Then OnAgreed(Reply<Response> reply,
                        std::function<void(const Agreed&)> go_on) {
  return [reply = std::move(reply),
          go_on = std::move(go_on)](absl::StatusOr<Decision> decision) {
    if (!decision.ok()) return reply(decision.status());
    if (decision->asked.has_value()) {
      Response response;
      *response.mutable_asked() = *decision->asked;
      return reply(response);
    }
    go_on(*decision->agreed);
  };
}

}  // namespace

void HoldDesk::Serve(ServerHost& host) {
  host.HandleLater<v1::PlaceHoldRequest, v1::HoldResponse>(
      absl::StrCat(kService, "PlaceHold"), {{"operator"}},
      [this](const Call& call, const v1::PlaceHoldRequest& request,
             HoldReply reply) { Place(call, request, std::move(reply)); });
  host.HandleLater<v1::LiftHoldRequest, v1::HoldResponse>(
      absl::StrCat(kService, "LiftHold"), {{"operator"}},
      [this](const Call& call, const v1::LiftHoldRequest& request,
             HoldReply reply) { Lift(call, request, std::move(reply)); });
  host.Handle<v1::ListHoldsRequest, v1::ListHoldsResponse>(
      absl::StrCat(kService, "ListHolds"), {{"operator"}},
      [this](const Call&, const v1::ListHoldsRequest&) { return List(); });
  host.HandleLater<v1::RestrictProcessingRequest,
                   v1::RestrictProcessingResponse>(
      absl::StrCat(kService, "RestrictProcessing"), {},
      [this](const Call& call, const v1::RestrictProcessingRequest& request,
             Reply<v1::RestrictProcessingResponse> reply) {
        Restrict(call, request, std::move(reply));
      });
  host.Handle<v1::ListRestrictionsRequest, v1::ListRestrictionsResponse>(
      absl::StrCat(kService, "ListRestrictions"), {},
      [this](const Call& call, const v1::ListRestrictionsRequest&) {
        return ListRestrictions(*call.principal);
      });
}

// What the log would not take is refused before anybody is asked to agree to it.
absl::Status HoldDesk::Fits(
    const PersonKey& subject,
    const google::protobuf::MessageLite& message) const {
  return recorder_.EventOf("asked", kHoldsStream, subject, message).status();
}

void HoldDesk::Place(const Call& call, const v1::PlaceHoldRequest& request,
                     HoldReply reply) {
  const auto subject = SubjectOf(request.subject());
  if (!subject.ok()) return reply(subject.status());
  absl::CivilDay review;
  if (!absl::ParseCivilTime(request.review_on(), &review)) {
    return reply(absl::InvalidArgumentError("review_on: a day, 2027-04-01"));
  }
  if (request.reason().empty()) {
    return reply(
        absl::InvalidArgumentError("reason: one of the code list hold-reason"));
  }
  hub::v1::HoldPlaced placed;
  placed.set_hold_ref(recorder_.NewId("L"));
  placed.set_reason(request.reason());
  placed.set_review_on(request.review_on());
  const absl::Status fits = Fits(*subject, placed);
  if (!fits.ok()) return reply(fits);
  Act act;
  act.kind = kHoldAct;
  act.count = 1;
  act.what = absl::StrCat("legal hold on one person, ", request.reason(),
                          ", to be looked at on ", request.review_on());
  act.digest = ActDigest(act.kind, {"place", subject->bytes(), request.reason(),
                                    request.review_on()});
  four_eyes_.Decide(
      call, act, request.why(), request.approval(),
      OnAgreed<v1::HoldResponse>(reply, [this, reply, subject = *subject,
                                         placed](const Agreed& agreed) mutable {
        placed.set_asked_by(agreed.asked_by);
        placed.set_agreed_by(agreed.agreed_by);
        placed.set_why(agreed.why);
        v1::HoldResponse response;
        response.set_hold_ref(placed.hold_ref());
        recorder_.RecordIn(placed.hold_ref(), kHoldsStream, subject, placed,
                           [reply, response](const absl::Status& status) {
                             if (!status.ok()) return reply(status);
                             reply(response);
                           });
      }));
}

absl::StatusOr<PersonKey> HoldDesk::FindHold(const std::string& ref) const {
  const absl::Status none =
      absl::NotFoundError("hold_ref: no such hold stands");
  const auto sequence = log_.OfId(kHubSource, ref);
  if (!sequence.ok()) return sequence.status();
  const auto lifted = log_.OfId(kHubSource, absl::StrCat(ref, "-lifted"));
  if (!lifted.ok()) return lifted.status();
  if (sequence->value == 0 || lifted->value != 0) return none;
  const auto event = log_.ReadOne(*sequence);
  if (!event.ok()) return event.status();
  if (event->header.type != kHoldPlacedType) return none;
  return event->header.subject;
}

void HoldDesk::Lift(const Call& call, const v1::LiftHoldRequest& request,
                    HoldReply reply) {
  const auto subject = FindHold(request.hold_ref());
  if (!subject.ok()) return reply(subject.status());
  Act act;
  act.kind = kHoldAct;
  act.count = 1;
  act.what = "the end of a legal hold on one person";
  act.digest = ActDigest(act.kind, {"lift", request.hold_ref()});
  four_eyes_.Decide(
      call, act, request.why(), request.approval(),
      OnAgreed<v1::HoldResponse>(reply, [this, reply, subject = *subject,
                                         request](const Agreed& agreed) {
        hub::v1::HoldLifted lifted;
        lifted.set_hold_ref(request.hold_ref());
        lifted.set_asked_by(agreed.asked_by);
        lifted.set_agreed_by(agreed.agreed_by);
        lifted.set_why(agreed.why);
        v1::HoldResponse response;
        response.set_hold_ref(lifted.hold_ref());
        recorder_.RecordIn(absl::StrCat(lifted.hold_ref(), "-lifted"),
                           kHoldsStream, subject, lifted,
                           [reply, response](const absl::Status& status) {
                             if (!status.ok()) return reply(status);
                             reply(response);
                           });
      }));
}

absl::StatusOr<v1::ListHoldsResponse> HoldDesk::List() const {
  const auto all = log_.OfStream(kHubSource, kHoldsStream, {0}, kRecordsMax);
  if (!all.ok()) return all.status();
  const std::string today = absl::FormatTime(
      "%Y-%m-%d", absl::FromUnixMicros(static_cast<int64_t>(now_us_())),
      london_);
  std::map<std::string, v1::Hold> holds;
  for (const Sequence sequence : *all) {
    const auto event = log_.ReadOne(sequence);
    if (!event.ok()) return event.status();
    if (event->removed_us != 0) continue;
    hub::v1::HoldPlaced placed;
    hub::v1::HoldLifted lifted;
    if (event->header.type == kHoldLiftedType) {
      if (Parse(*event, &lifted)) holds.erase(lifted.hold_ref());
    } else if (Parse(*event, &placed)) {
      v1::Hold& hold = holds[placed.hold_ref()];
      hold.set_hold_ref(placed.hold_ref());
      hold.set_reason(placed.reason());
      hold.set_review_on(placed.review_on());
      hold.set_review_due(placed.review_on() <= today);
      hold.set_placed_time(event->accepted_us);
      hold.set_asked_by(placed.asked_by());
      hold.set_agreed_by(placed.agreed_by());
      hold.set_why(placed.why());
    }
  }
  v1::ListHoldsResponse response;
  for (auto& [ref, hold] : holds) *response.add_holds() = std::move(hold);
  std::sort(response.mutable_holds()->begin(), response.mutable_holds()->end(),
            [](const v1::Hold& a, const v1::Hold& b) {
              return a.review_on() < b.review_on();
            });
  return response;
}

absl::StatusOr<std::set<std::string>> HoldDesk::RestrictedOf(
    const PersonKey& person) const {
  const auto all = log_.OfPerson(person, {0}, log_.Status().end);
  if (!all.ok()) return all.status();
  for (auto it = all->rbegin(); it != all->rend(); ++it) {
    const auto event = log_.ReadOne(*it);
    if (!event.ok()) return event.status();
    hub::v1::ProcessingRestricted restricted;
    if (event->header.type == restricted.GetTypeName() &&
        event->removed_us == 0 && Parse(*event, &restricted)) {
      return std::set<std::string>(restricted.controllers().begin(),
                                   restricted.controllers().end());
    }
  }
  return std::set<std::string>();
}

bool HoldDesk::Take(const PersonKey& person) {
  MutexLock lock(mu_);
  return taken_.insert(person).second;
}

void HoldDesk::Let(const PersonKey& person) {
  MutexLock lock(mu_);
  taken_.erase(person);
}

void HoldDesk::Restrict(const Call& call,
                        const v1::RestrictProcessingRequest& request,
                        Reply<v1::RestrictProcessingResponse> reply) {
  const auto subject = SubjectOf(request.subject());
  if (!subject.ok()) return reply(subject.status());
  if (request.restricted() && request.reason().empty()) {
    return reply(absl::InvalidArgumentError(
        "reason: one of the code list restriction-reason"));
  }
  const std::string agency = call.principal->agency();
  if (!request.approval().empty()) {
    if (!Take(*subject)) {
      return reply(absl::UnavailableError(
          "another restriction of this person is being recorded: ask again"));
    }
    reply = [this, subject = *subject, reply = std::move(reply)](
                absl::StatusOr<v1::RestrictProcessingResponse> answer) {
      Let(subject);
      reply(std::move(answer));
    };
  }
  auto restricted = RestrictedOf(*subject);
  if (!restricted.ok()) return reply(restricted.status());
  const bool is_now = restricted->contains(agency);
  if (is_now == request.restricted()) {
    return reply(absl::FailedPreconditionError(
        is_now ? "it is restricted already" : "it is not restricted"));
  }
  if (request.restricted()) {
    restricted->insert(agency);
  } else {
    restricted->erase(agency);
  }
  Act act;
  act.kind = kRestrictionAct;
  act.count = 1;
  act.agency = agency;
  act.what = absl::StrCat(request.restricted() ? "restriction of what "
                                               : "the end of restricting what ",
                          agency, " told of one person",
                          request.restricted() ? ": " : "", request.reason());
  // Not what others restrict: that may change until it is agreed to.
  act.digest = ActDigest(act.kind, {subject->bytes(), request.reason(), agency,
                                    request.restricted() ? "1" : "0"});
  hub::v1::ProcessingRestricted says;
  says.mutable_controllers()->Assign(restricted->begin(), restricted->end());
  says.set_reason(request.reason());
  const absl::Status fits = Fits(*subject, says);
  if (!fits.ok()) return reply(fits);
  four_eyes_.Decide(call, act, request.why(), request.approval(),
                    OnAgreed<v1::RestrictProcessingResponse>(
                        reply, [this, reply, subject = *subject,
                                says](const Agreed& agreed) mutable {
                          says.set_asked_by(agreed.asked_by);
                          says.set_agreed_by(agreed.agreed_by);
                          v1::RestrictProcessingResponse response;
                          *response.mutable_controllers() = says.controllers();
                          response.set_done(true);
                          recorder_.RecordIn(
                              recorder_.NewId("restriction"),
                              kRestrictionsStream, subject, says,
                              [reply, response](const absl::Status& status) {
                                if (!status.ok()) return reply(status);
                                reply(response);
                              });
                        }));
}

absl::StatusOr<v1::ListRestrictionsResponse> HoldDesk::ListRestrictions(
    const v1::Principal& caller) const {
  if (caller.role() != kGuardian && !MayAgree(caller, kRestrictionAct)) {
    return absl::PermissionDeniedError(
        "restrictions are read by an agency's guardian and by who may "
        "restrict");
  }
  const auto all =
      log_.OfStream(kHubSource, kRestrictionsStream, {0}, kRecordsMax);
  if (!all.ok()) return all.status();
  std::vector<v1::Restriction> list;
  std::map<PersonKey, size_t> standing;
  for (const Sequence sequence : *all) {
    const auto event = log_.ReadOne(sequence);
    if (!event.ok()) return event.status();
    hub::v1::ProcessingRestricted says;
    if (event->removed_us != 0 || !Parse(*event, &says)) continue;
    const bool is_now =
        std::find(says.controllers().begin(), says.controllers().end(),
                  caller.agency()) != says.controllers().end();
    const auto before = standing.find(event->header.subject);
    // Of another controller.
    if (is_now == (before != standing.end())) continue;
    if (is_now) {
      standing[event->header.subject] = list.size();
      v1::Restriction& one = list.emplace_back();
      one.set_subject(event->header.subject.ToString());
      one.set_reason(says.reason());
      one.set_from(event->accepted_us);
      one.set_asked_by(says.asked_by());
      one.set_agreed_by(says.agreed_by());
    } else {
      v1::Restriction& one = list[before->second];
      one.set_to(event->accepted_us);
      one.set_lifted_asked_by(says.asked_by());
      one.set_lifted_agreed_by(says.agreed_by());
      standing.erase(before);
    }
  }
  v1::ListRestrictionsResponse response;
  const size_t skipped =
      list.size() - std::min<size_t>(list.size(), kRestrictionsMax);
  for (size_t i = skipped; i < list.size(); ++i) {
    *response.add_restrictions() = std::move(list[i]);
  }
  return response;
}

}  // namespace concordat::bus
