#include "services/identity/rpc/review_service.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "concordat/identity/v1/events.pb.h"
#include "services/common/event/event.h"
#include "services/identity/rpc/read_command.h"
#include "services/identity/rpc/request_checks.h"

namespace concordat::identity {
namespace {

constexpr char kService[] = "concordat.identity.v1.IdentityService/";
constexpr char kAdapter[] = "adapter";
constexpr char kServiceRole[] = "service";

absl::Status NoSuchReview() {
  return absl::PermissionDeniedError(
      "no such review, or it is not your agency's");
}

void Fill(const Review& review, v1::Review& out) {
  out.set_review_ref(review.Ref());
  out.set_kind(review.kind);
  out.set_subject(review.subject.ToString());
  out.set_other(review.other.ToString());
  out.set_opened_by(review.opened_by);
  out.set_opened_at(review.opened_us);
  out.set_happened_at(review.happened_us);
  out.set_state(review.decided()             ? "decided"
                : review.proposed_by.empty() ? "open"
                                             : "waiting for a second person");
  out.set_decision(review.decision);
  out.set_decided_by(review.decided() ? review.decided_by : review.proposed_by);
  out.set_decided_at(review.decided_us);
  out.set_reason(review.reason);
}

// Codes are judged before anything is changed by them.
//   INVALID_ARGUMENT  names the field.
absl::Status CheckCodes(const TypeRegistry& types, const std::string& decision,
                        const std::string& reason) {
  v1::IdentityReviewDecided event;
  event.set_review_ref("IR-1");
  event.set_by("urn");
  event.set_decision(decision);
  event.set_reason(reason);
  const EventType* const type = types.Find(event.GetDescriptor()->full_name());
  if (type == nullptr) return absl::InternalError("identity's types are old");
  auto groups = type->Split(event.SerializeAsString());
  if (!groups.ok()) return groups.status();
  Event made;
  made.groups = *std::move(groups);
  std::vector<std::string> faults;
  return type->Check(AsView(made).groups, &faults);
}

// Under which a system may have told of somebody whom it found: its own, and, of
// people, those of the services that they command.
std::vector<std::string> SourcesUnder(const NumberUse& use,
                                      const PrincipalRegistry& registry) {
  std::vector<std::string> sources;
  const auto add = [&](const bus::v1::Principal& principal) {
    for (const bus::v1::PublishGrant& grant : principal.publish()) {
      sources.push_back(grant.source());
    }
  };
  for (const bus::v1::Principal& principal : registry.proto().principals()) {
    if (SourceOf(principal) != use.system) continue;
    add(principal);
    if (!ActsForAnAgency(principal)) continue;
    for (const bus::v1::Principal& other : registry.proto().principals()) {
      if (other.agency() == principal.agency() &&
          other.role() == kServiceRole) {
        add(other);
      }
    }
  }
  return sources;
}

}  // namespace

void ReviewService::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  host.Handle<v1::OfferAddressRequest, v1::OpenReviewResponse>(
      name("OfferAddress"), {{kAdapter}},
      [this](const Call& call, const auto& request) {
        return OfferAddress(call, request);
      });
  host.Handle<v1::OpenReviewRequest, v1::OpenReviewResponse>(
      name("OpenReview"), {}, [this](const Call& call, const auto& request) {
        return OpenReview(call, request);
      });
  host.Handle<v1::ListReviewsRequest, v1::ListReviewsResponse>(
      name("ListReviews"), {}, [this](const Call& call, const auto& request) {
        return ListReviews(call, request);
      });
  host.Handle<v1::LookAtReviewRequest, v1::LookAtReviewResponse>(
      name("LookAtReview"), {}, [this](const Call& call, const auto& request) {
        return LookAtReview(call, request);
      });
  host.Handle<v1::DecideReviewRequest, v1::DecideReviewResponse>(
      name("DecideReview"), {}, [this](const Call& call, const auto& request) {
        return DecideReview(call, request);
      });
}

absl::StatusOr<v1::OpenReviewResponse> ReviewService::Open(
    const Call& call, const hub::v1::Command& command,
    const std::string& subject, Review review) {
  absl::StatusOr<CommandContext> context = ReadCommand(call, command);
  if (!context.ok()) return std::move(context).status();
  absl::StatusOr<PersonKey> person = ReadSubject(subject);
  if (!person.ok()) return std::move(person).status();
  const auto interest = HasInterest(store_, parties_, *call.principal, *person);
  if (!interest.ok()) return interest.status();
  if (!*interest) return NotForYou();
  review.subject = *person;
  const auto outcome = store_.OpenReview(*context, review);
  if (absl::IsNotFound(outcome.status())) return NotForYou();
  if (!outcome.ok()) return outcome.status();
  const auto position =
      AwaitPublished(outbox_, *outcome, call, clock_, parties_.position());
  if (!position.ok()) return position.status();
  v1::OpenReviewResponse response;
  if (outcome->review != 0) {
    Review opened;
    opened.number = outcome->review;
    response.set_review_ref(opened.Ref());
  }
  response.set_position(position->value);
  return response;
}

absl::StatusOr<v1::OpenReviewResponse> ReviewService::OfferAddress(
    const Call& call, const v1::OfferAddressRequest& request) {
  Review review;
  review.kind = std::string(kAddressCandidate);
  review.address = request.address().text();
  if (review.address.empty()) {
    return absl::InvalidArgumentError("address.text: missing");
  }
  const absl::Status fits =
      CheckText("address.text", review.address, kTextBytesMax);
  if (!fits.ok()) return fits;
  return Open(call, request.command(), request.subject(), std::move(review));
}

absl::StatusOr<v1::OpenReviewResponse> ReviewService::OpenReview(
    const Call& call, const v1::OpenReviewRequest& request) {
  const bool by_edge = call.principal->role() == kAdapter;
  if (!by_edge && !ActsForAnAgency(*call.principal)) return NotForYou();
  Review review;
  review.kind = request.kind();
  const bool by_source =
      review.kind == kMergedAtSource || review.kind == kDifferentPeople;
  if (by_edge ? !by_source : review.kind != kLinkDoubted) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kind: ", by_edge ? "a source's is MERGED_AT_SOURCE or DIFFERENT_PEOPLE"
                          : "a person's is LINK_DOUBTED"));
  }
  if (absl::Status s = CheckText("note", request.note(), kTextBytesMax);
      !s.ok()) {
    return s;
  }
  review.note = request.note();
  const auto identifiers = ReadIdentifiers(call, request.identifiers(), clock_);
  if (!identifiers.ok()) return identifiers.status();
  for (const WrittenIdentifier& one : *identifiers) {
    review.identifiers.push_back(one.canonical);
  }
  if (review.kind == kLinkDoubted) {
    if (review.identifiers.size() != 1) {
      return absl::InvalidArgumentError(
          "identifiers: the one whose link is doubted");
    }
    // Who has it otherwise is for others to know.
    const auto holder = store_.HolderOf(review.identifiers.front());
    if (!holder.ok()) return holder.status();
    if (!holder->has_value() || (*holder)->ToString() != request.subject()) {
      return NotForYou();
    }
  }
  return Open(call, request.command(), request.subject(), std::move(review));
}

absl::StatusOr<bool> ReviewService::IsFor(const Call& call,
                                          const Review& review) {
  if (!ActsForAnAgency(*call.principal)) return false;
  const std::string& agency = call.principal->agency();
  if (review.kind != kLinkDoubted && review.kind != kNumberClaimed) {
    return review.agency == agency;
  }
  auto interest =
      HasInterest(store_, parties_, *call.principal, review.subject);
  if (!interest.ok() || !*interest || review.kind == kLinkDoubted) {
    return interest;
  }
  // That there is another with the number is for who knows both of them.
  return HasInterest(store_, parties_, *call.principal, review.other);
}

absl::StatusOr<std::vector<ReviewService::SourceUse>> ReviewService::SourcesOf(
    const Call& call, const Review& review) {
  const auto known = KnownAgencies(parties_, call, review.subject);
  if (!known.ok()) return known.status();
  std::map<std::string, SourceUse> by_source;
  for (const CanonicalIdentifier& identifier : review.identifiers) {
    const auto uses = store_.UsesOf(review.subject, identifier);
    if (!uses.ok()) return uses.status();
    for (const NumberUse& use : *uses) {
      const bool shown =
          known->count(std::string(AgencyOfSource(use.system))) != 0;
      for (const std::string& source : SourcesUnder(use, *call.registry)) {
        const auto [it, is_new] = by_source.try_emplace(
            source, SourceUse{source, shown, use.alone, use.after});
        if (is_new) continue;
        it->second.likely |= use.alone;
        it->second.after = std::min(it->second.after, use.after);
      }
    }
  }
  std::vector<SourceUse> sources;
  for (auto& [source, use] : by_source) sources.push_back(std::move(use));
  return sources;
}

absl::Status ReviewService::ChooseSources(
    const Call& call, const v1::DecideReviewRequest& request,
    const Review& review, ReviewDecision& decision) {
  const auto uses = SourcesOf(call, review);
  if (!uses.ok()) return uses.status();
  const bool is_proposed = !review.proposed_by.empty();
  const bool is_named = request.no_sources() || !request.sources().empty();
  const auto was_proposed = [&](const std::string& source) {
    return std::find(review.sources.begin(), review.sources.end(), source) !=
           review.sources.end();
  };
  std::set<std::string> named(request.sources().begin(),
                              request.sources().end());
  if (request.no_sources() && !named.empty()) {
    return absl::InvalidArgumentError("no_sources: and sources are named");
  }
  std::set<std::string> chosen;
  Sequence after{UINT64_MAX};
  for (const SourceUse& use : *uses) {
    // Of what the caller cannot know of, what was proposed or is likely stays so.
    const bool by_default = is_proposed ? was_proposed(use.source) : use.likely;
    const bool wanted = named.erase(use.source) != 0;
    if (wanted && !use.shown) named.insert(use.source);
    if (use.shown && is_named ? wanted : by_default) {
      chosen.insert(use.source);
      after = std::min(after, use.after);
    }
  }
  if (!named.empty()) {
    return absl::InvalidArgumentError(
        "sources: names one that the review does not show");
  }
  decision.said_of_sources =
      request.no_sources() ? "none" : absl::StrJoin(request.sources(), " ");
  decision.sources = {chosen.begin(), chosen.end()};
  decision.after = chosen.empty() ? Sequence{} : after;
  return absl::OkStatus();
}

absl::StatusOr<Review> ReviewService::FindFor(const Call& call,
                                              const std::string& review_ref) {
  absl::string_view digits = review_ref;
  int64_t number = 0;
  if (!absl::ConsumePrefix(&digits, "IR-") ||
      !absl::SimpleAtoi(digits, &number)) {
    return NoSuchReview();
  }
  auto review = store_.FindReview(number);
  if (!review.ok()) return std::move(review).status();
  if (!review->has_value()) return NoSuchReview();
  const auto is_for = IsFor(call, **review);
  if (!is_for.ok()) return is_for.status();
  if (!*is_for) return NoSuchReview();
  return **std::move(review);
}

absl::StatusOr<v1::ListReviewsResponse> ReviewService::ListReviews(
    const Call& call, const v1::ListReviewsRequest& request) {
  if (!ActsForAnAgency(*call.principal)) {
    return absl::PermissionDeniedError("reviews are for people of an agency");
  }
  const auto reviews = store_.Reviews(request.with_decided());
  if (!reviews.ok()) return reviews.status();
  v1::ListReviewsResponse response;
  for (const Review& review : *reviews) {
    const auto is_for = IsFor(call, review);
    if (!is_for.ok()) return is_for.status();
    if (*is_for) Fill(review, *response.add_reviews());
  }
  return response;
}

absl::StatusOr<v1::LookAtReviewResponse> ReviewService::LookAtReview(
    const Call& call, const v1::LookAtReviewRequest& request) {
  const auto review = FindFor(call, request.review_ref());
  if (!review.ok()) return review.status();
  const std::string& agency = call.principal->agency();
  v1::LookAtReviewResponse response;
  Fill(*review, *response.mutable_review());
  for (const CanonicalIdentifier& identifier : review->identifiers) {
    v1::ReviewedIdentifier& shown = *response.add_identifiers();
    v1::Identifier& written = *shown.mutable_identifier();
    written.set_scheme(std::string(SchemeName(identifier.scheme)));
    written.set_value(identifier.value);
    written.set_authority(identifier.authority);
    const auto holder = store_.HolderOf(identifier);
    if (!holder.ok()) return holder.status();
    if (!holder->has_value()) continue;
    const auto interest =
        HasInterest(store_, parties_, *call.principal, **holder);
    if (!interest.ok()) return interest.status();
    if (*interest) shown.set_holder((*holder)->ToString());
  }
  response.mutable_address()->set_text(review->address);
  if (review->kind == kAddressCandidate) {
    const auto known = store_.AddressBy(review->subject, agency);
    if (!known.ok()) return known.status();
    response.mutable_known_address()->set_text(*known);
  }
  if (review->kind == kLinkDoubted) {
    const auto uses = SourcesOf(call, *review);
    if (!uses.ok()) return uses.status();
    for (const SourceUse& use : *uses) {
      if (!use.shown) continue;
      v1::LinkUse& shown = *response.add_uses();
      shown.set_source(use.source);
      shown.set_likely(use.likely);
      shown.set_after(use.after.value);
      if (std::find(review->sources.begin(), review->sources.end(),
                    use.source) != review->sources.end()) {
        response.add_proposed_sources(use.source);
      }
    }
  }
  response.set_note(review->note);
  response.set_decision_note(review->decision_note);
  return response;
}

absl::StatusOr<v1::DecideReviewResponse> ReviewService::DecideReview(
    const Call& call, const v1::DecideReviewRequest& request) {
  const auto review = FindFor(call, request.review_ref());
  if (!review.ok()) return review.status();
  const auto context = ReadCommand(call, request.command());
  if (!context.ok()) return context.status();
  if (absl::Status s = CheckText("note", request.note(), kTextBytesMax);
      !s.ok()) {
    return s;
  }
  if (absl::Status s = CheckCodes(types_, request.decision(), request.reason());
      !s.ok()) {
    return s;
  }
  ReviewDecision decision{.review = review->number,
                          .decision = request.decision(),
                          .reason = request.reason(),
                          .note = request.note()};
  if (request.decision() == kLinkCut && review->kind == kLinkDoubted) {
    const absl::Status chosen = ChooseSources(call, request, *review, decision);
    if (!chosen.ok()) return chosen;
  }
  const auto outcome = store_.DecideReview(*context, decision);
  if (!outcome.ok()) return outcome.status();
  if (!outcome->duplicate) cohort_.PersonChanged(outcome->person);
  const auto position =
      AwaitPublished(outbox_, *outcome, call, clock_, parties_.position());
  if (!position.ok()) return position.status();
  const auto now = store_.FindReview(review->number);
  if (!now.ok()) return now.status();
  v1::DecideReviewResponse response;
  response.set_position(position->value);
  if (now->has_value()) Fill(**now, *response.mutable_review());
  return response;
}

}  // namespace concordat::identity
