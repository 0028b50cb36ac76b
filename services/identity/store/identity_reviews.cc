// The part of the identity store that opens and decides reviews.
#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/identity/v1/events.pb.h"
#include "services/identity/domain/matching.h"
#include "services/identity/store/identity_store.h"
#include "services/identity/store/identity_tables.h"
#include "services/identity/store/people_tables.h"
#include "services/identity/store/review_tables.h"

namespace concordat::identity {
namespace {

std::string ContentOf(const Review& review) {
  std::string content =
      absl::StrCat("review ", review.kind, " ", review.subject.ToString());
  for (const CanonicalIdentifier& identifier : review.identifiers) {
    const std::string key = identifier.MatchKey();
    absl::StrAppend(&content, " ", key.size(), ":", key);
  }
  return absl::StrCat(content, " ", review.address.size(), ":", review.address,
                      " ", review.note);
}

std::string ContentOf(const ReviewDecision& decision) {
  return absl::StrCat("decide ", decision.review, " ", decision.decision, " ",
                      decision.reason, " ", decision.note,
                      decision.said_of_sources);
}

}  // namespace

absl::StatusOr<CommandOutcome> IdentityStore::OpenReview(
    const CommandContext& context, const Review& review) {
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return OpenReviewNow(context, review);
  });
}

absl::StatusOr<CommandOutcome> IdentityStore::DecideReview(
    const CommandContext& context, const ReviewDecision& decision) {
  MutexLock lock(mu_);
  return InTransaction([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return DecideReviewNow(context, decision);
  });
}

absl::StatusOr<std::vector<Review>> IdentityStore::Reviews(bool with_decided) {
  MutexLock lock(mu_);
  return reviews_->All(with_decided);
}

absl::StatusOr<std::optional<Review>> IdentityStore::FindReview(
    int64_t number) {
  MutexLock lock(mu_);
  return reviews_->Find(number);
}

absl::StatusOr<std::string> IdentityStore::AddressBy(const PersonKey& person,
                                                     absl::string_view agency) {
  MutexLock lock(mu_);
  return tables_->AddressBy(person, agency);
}

absl::StatusOr<std::optional<PersonKey>> IdentityStore::HolderOf(
    const CanonicalIdentifier& identifier) {
  MutexLock lock(mu_);
  return tables_->HolderOf(identifier);
}

absl::StatusOr<bool> IdentityStore::IsKnownAddress(const Review& review) {
  const auto known = tables_->AddressBy(review.subject, review.agency);
  if (!known.ok()) return known.status();
  if (*known == review.address) return true;
  const auto open = reviews_->All(false);
  if (!open.ok()) return open.status();
  for (const Review& other : *open) {
    if (other.kind == review.kind && other.subject == review.subject &&
        other.agency == review.agency && other.address == review.address) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<CommandOutcome> IdentityStore::OpenReviewNow(
    const CommandContext& context, const Review& asked) {
  const absl::StatusOr<bool> known = tables_->HasPerson(asked.subject);
  if (!known.ok()) return known.status();
  if (!*known) return absl::NotFoundError("no such person");
  const std::string content = ContentOf(asked);
  auto answered = tables_->FindAnswer(context, content);
  if (!answered.ok()) return std::move(answered).status();
  if (answered->has_value()) return **answered;

  Review review = asked;
  review.agency = context.caller.agency;
  review.opened_by = context.caller.ToUrn();
  review.opened_us = tables_->NowUs();
  review.happened_us =
      context.time_us == 0 ? review.opened_us : context.time_us;
  CommandOutcome outcome;
  outcome.person = review.subject;
  const bool is_address = review.kind == kAddressCandidate;
  bool is_new = true;
  if (is_address) {
    const absl::StatusOr<bool> same = IsKnownAddress(review);
    if (!same.ok()) return same.status();
    is_new = !*same;
  }
  if (is_new) {
    const absl::StatusOr<int64_t> number = reviews_->Add(review);
    if (!number.ok()) return number.status();
    outcome.review = *number;
    review.number = *number;
  }
  if (is_new && !is_address) {
    v1::IdentityReviewOpened opened;
    opened.set_review_ref(review.Ref());
    opened.set_by(review.opened_by);
    opened.set_kind(review.kind);
    const auto news = tables_->AddToOutbox(context, review.subject, opened);
    if (!news.ok()) return news.status();
    outcome.outbox_id = *news;
  }
  if (absl::Status s = tables_->KeepAnswer(context, content, outcome); !s.ok())
    return s;
  return outcome;
}

absl::Status IdentityStore::LinkAll(const CommandContext& context,
                                    const Review& review) {
  auto held = tables_->HeldBy(review.subject);
  if (!held.ok()) return held.status();
  for (const CanonicalIdentifier& identifier : review.identifiers) {
    const auto holder = tables_->HolderOf(identifier);
    if (!holder.ok()) return holder.status();
    if (holder->has_value() && **holder != review.subject) {
      return absl::FailedPreconditionError(
          absl::StrCat(SchemeName(identifier.scheme),
                       ": it is another person's; merge them or keep apart"));
    }
    if (holder->has_value()) continue;
    std::vector<CanonicalIdentifier> others;
    bool given_before = false;
    for (const HeldIdentifier& one : *held) {
      if (!MayHaveSeveral(one.identifier)) others.push_back(one.identifier);
      given_before =
          given_before || one.identifier.MatchKey() == identifier.MatchKey();
    }
    absl::Status done = CheckCompatible({identifier}, others);
    if (done.ok() && !given_before) {
      done = tables_->AddIdentifier(review.subject, context.caller,
                                    {identifier.value, identifier}, true);
    }
    if (done.ok()) {
      done = tables_->ConfirmIdentifier(
          review.subject, identifier,
          absl::StrCat(context.caller.ToUrn(), " ", context.on_behalf_of),
          review.Ref());
    }
    if (done.ok()) done = ReviewClaims(identifier);
    if (!done.ok()) return done;
  }
  return absl::OkStatus();
}

absl::Status IdentityStore::ReviewClaims(
    const CanonicalIdentifier& identifier) {
  const auto holder = tables_->HolderOf(identifier);
  if (!holder.ok()) return holder.status();
  if (!holder->has_value()) return absl::OkStatus();
  const auto claimants = tables_->ClaimantsOf(identifier);
  if (!claimants.ok()) return claimants.status();
  if (claimants->empty()) return absl::OkStatus();
  const auto reviews = reviews_->All(true);
  if (!reviews.ok()) return reviews.status();
  for (const PersonKey& claimant : *claimants) {
    const bool known = std::any_of(
        reviews->begin(), reviews->end(), [&](const Review& review) {
          return review.kind == kNumberClaimed && review.subject == **holder &&
                 review.other == claimant && !review.identifiers.empty() &&
                 review.identifiers.front().MatchKey() == identifier.MatchKey();
        });
    if (known) continue;
    Review review;
    review.kind = std::string(kNumberClaimed);
    review.subject = **holder;
    review.other = claimant;
    review.agency = self_.caller.agency;
    review.opened_by = self_.caller.ToUrn();
    review.opened_us = review.happened_us = tables_->NowUs();
    review.identifiers = {identifier};
    const absl::StatusOr<int64_t> number = reviews_->Add(review);
    if (!number.ok()) return number.status();
    review.number = *number;
    v1::IdentityReviewOpened opened;
    opened.set_review_ref(review.Ref());
    opened.set_by(review.opened_by);
    opened.set_kind(review.kind);
    // Who registered whom is not in it.
    CommandContext own = self_;
    own.request_id = absl::StrCat("claim/", review.number);
    const auto news = tables_->AddToOutbox(own, review.subject, opened);
    if (!news.ok()) return news.status();
  }
  return absl::OkStatus();
}

absl::Status IdentityStore::ReviewOldClaims() {
  const auto holders = tables_->ClaimedHolders();
  if (!holders.ok()) return holders.status();
  for (const PersonKey& holder : *holders) {
    const auto held = tables_->HeldBy(holder);
    if (!held.ok()) return held.status();
    for (const HeldIdentifier& one : *held) {
      if (!one.confirmed) continue;
      const absl::Status reviewed = ReviewClaims(one.identifier);
      if (!reviewed.ok()) return reviewed;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PersonKey> IdentityStore::MergeClaimant(const Review& review) {
  const auto other = reviews_->SurvivorOf(review.other);
  if (!other.ok()) return other.status();
  const auto holder = SurvivingHolder(review.identifiers.front());
  if (!holder.ok()) return holder.status();
  if (*holder != review.subject || *other == review.subject) {
    return absl::FailedPreconditionError(
        "decision: the number is not of these two any more");
  }
  const absl::Status merged =
      reviews_->Merge(*other, review.subject, review.number);
  if (!merged.ok()) return merged;
  return *other;
}

absl::StatusOr<PersonKey> IdentityStore::MergeHolders(const Review& review) {
  std::set<PersonKey> others;
  for (const CanonicalIdentifier& identifier : review.identifiers) {
    const auto holder = tables_->HolderOf(identifier);
    if (!holder.ok()) return holder.status();
    if (!holder->has_value()) continue;
    const auto survivor = reviews_->SurvivorOf(**holder);
    if (!survivor.ok()) return survivor.status();
    if (*survivor != review.subject) others.insert(*survivor);
  }
  if (others.size() != 1) {
    return absl::FailedPreconditionError(
        "decision: its numbers are not those of just one other person");
  }
  const absl::Status merged =
      reviews_->Merge(*others.begin(), review.subject, review.number);
  if (!merged.ok()) return merged;
  return *others.begin();
}

absl::StatusOr<PersonKey> IdentityStore::Apply(const CommandContext& context,
                                               const Review& review) {
  if (review.decision == kMergedDecision) {
    return review.kind == kNumberClaimed ? MergeClaimant(review)
                                         : MergeHolders(review);
  }
  absl::Status done;
  if (review.decision == kConfirmedDecision && review.kind == kMergedAtSource) {
    done = LinkAll(context, review);
  } else if (review.decision == kConfirmedDecision &&
             review.kind == kAddressCandidate) {
    PersonDetails details;
    details.address = review.address;
    done = tables_->KeepDetails(review.subject, review.agency, details);
  } else if (review.decision == kLinkCut) {
    for (const CanonicalIdentifier& identifier : review.identifiers) {
      if (done.ok()) {
        done = tables_->RemoveIdentifier(review.subject, identifier);
      }
      if (done.ok()) done = people_->ForgetUses(review.subject, identifier);
    }
  }
  if (!done.ok()) return done;
  return PersonKey();
}

absl::StatusOr<CommandOutcome> IdentityStore::DecideReviewNow(
    const CommandContext& context, const ReviewDecision& wish) {
  const std::string content = ContentOf(wish);
  auto answered = tables_->FindAnswer(context, content);
  if (!answered.ok()) return std::move(answered).status();
  if (answered->has_value()) return **answered;
  auto found = reviews_->Find(wish.review);
  if (!found.ok()) return std::move(found).status();
  if (!found->has_value()) return absl::NotFoundError("no such review");
  Review review = **std::move(found);
  const std::string by = context.caller.ToUrn();
  const auto step = CheckDecision(review, wish.decision, wish.sources, by);
  if (!step.ok()) return step.status();

  CommandOutcome outcome;
  outcome.person = review.subject;
  outcome.review = review.number;
  absl::StatusOr<int64_t> news = 0;
  if (*step == ReviewStep::kPropose) {
    const absl::Status proposed =
        reviews_->Propose(review.number, by, wish.sources);
    if (!proposed.ok()) return proposed;
    v1::LinkCutProposed event;
    event.set_review_ref(review.Ref());
    event.set_by(by);
    event.set_reason(wish.reason);
    news = tables_->AddToOutbox(context, review.subject, event);
  } else {
    review.decision = wish.decision;
    review.decided_by = by;
    review.decided_us =
        context.time_us == 0 ? tables_->NowUs() : context.time_us;
    review.reason = wish.reason;
    review.decision_note = wish.note;
    const auto retired = Apply(context, review);
    if (!retired.ok()) return retired.status();
    const absl::Status kept = reviews_->Decide(review);
    if (!kept.ok()) return kept;
    v1::IdentityReviewDecided event;
    event.set_review_ref(review.Ref());
    event.set_by(by);
    event.set_decision(review.decision);
    event.set_reason(review.reason);
    if (!retired->empty()) event.set_survivor(review.subject.ToString());
    if (review.decision == kLinkCut && !review.identifiers.empty()) {
      event.set_scheme(
          std::string(SchemeName(review.identifiers.front().scheme)));
    }
    news = tables_->AddToOutbox(
        context, retired->empty() ? review.subject : *retired, event);
    if (news.ok() && review.decision == kLinkCut) {
      v1::LinkCut cut;
      cut.set_review_ref(review.Ref());
      cut.set_scheme(event.scheme());
      for (const std::string& source : wish.sources) cut.add_sources(source);
      cut.set_after(wish.after.value);
      news = tables_->AddToOutbox(context, review.subject, cut, 1);
    }
  }
  if (!news.ok()) return news.status();
  outcome.outbox_id = *news;
  if (absl::Status s = tables_->KeepAnswer(context, content, outcome); !s.ok())
    return s;
  return outcome;
}

}  // namespace concordat::identity
