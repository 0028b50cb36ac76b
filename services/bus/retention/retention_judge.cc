#include "services/bus/retention/retention_judge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/bus/retention/person_standing.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 4u << 20;
constexpr uint32_t kMonthsMax = 1200;

uint64_t MicrosOf(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixMicros(time)));
}

}  // namespace

absl::StatusOr<uint64_t> MonthsBefore(uint32_t months, uint64_t now_us,
                                      const absl::TimeZone& london) {
  if (months < 1 || months > kMonthsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("is ", months, ", and may be 1 to ", kMonthsMax));
  }
  const absl::CivilSecond now = absl::ToCivilSecond(
      absl::FromUnixMicros(static_cast<int64_t>(now_us)), london);
  const absl::CivilMonth month = absl::CivilMonth(now) - months;
  const absl::CivilDay last = absl::CivilDay(month + 1) - 1;
  const int day = std::min(now.day(), last.day());
  return MicrosOf(
      absl::FromCivil(absl::CivilSecond(month.year(), month.month(), day,
                                        now.hour(), now.minute(), now.second()),
                      london));
}

absl::string_view NameOf(KeptBecause because) {
  static constexpr absl::string_view kNames[] = {
      "nothing",      "unknown-type", "policy",     "hub-record",
      "hold",         "in-doubt",     "open-case",  "case-period",
      "event-period", "review",       "stream-head"};
  static_assert(std::size(kNames) == kKeptReasons);
  return kNames[static_cast<size_t>(because)];
}

absl::StatusOr<RetentionTerms> TermsOf(const v1::RetentionPolicy& policy,
                                       uint64_t now_us,
                                       const absl::TimeZone& london) {
  const auto cutoff = [&](absl::string_view field,
                          uint32_t months) -> absl::StatusOr<uint64_t> {
    auto before = MonthsBefore(months, now_us, london);
    if (before.ok()) return before;
    return absl::InvalidArgumentError(
        absl::StrCat(field, " ", before.status().message()));
  };
  const auto case_cutoff =
      cutoff("months_after_case", policy.months_after_case());
  if (!case_cutoff.ok()) return case_cutoff.status();
  const auto event_cutoff =
      cutoff("months_after_event", policy.months_after_event());
  if (!event_cutoff.ok()) return event_cutoff.status();
  auto reviews = ReviewTermsOf(policy, now_us, london);
  if (!reviews.ok()) return reviews.status();
  if (policy.version() == 0) {
    return absl::InvalidArgumentError("version is 0, and begins with 1");
  }
  absl::CivilDay effective;
  if (!absl::ParseCivilTime(policy.effective(), &effective)) {
    return absl::InvalidArgumentError("effective is not a day: 2027-04-01");
  }
  RetentionTerms terms;
  for (const v1::RetentionHold& hold : policy.holds()) {
    const absl::StatusOr<PersonKey> person = PersonKey::Parse(hold.person());
    if (!person.ok() || hold.reason().empty()) {
      return absl::InvalidArgumentError(
          "holds: each has a person key and a reason");
    }
    terms.held.insert(*person);
  }
  if (now_us < MicrosOf(absl::FromCivil(effective, london))) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the retention policy is not in force before ", policy.effective()));
  }
  terms.version = policy.version();
  terms.case_cutoff_us = *case_cutoff;
  terms.event_cutoff_us = *event_cutoff;
  terms.reviews = *std::move(reviews);
  return terms;
}

absl::Status RetentionJudge::CatchUp() {
  for (;;) {
    const auto block = log_.Read(folded_, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return absl::OkStatus();
    for (const StoredEvent& event : (*block)->events) Fold(event);
    folded_ = (*block)->events.back().sequence;
  }
}

void RetentionJudge::Fold(const StoredEvent& event) {
  if (event.header.subject.empty()) return;
  reviews_.Fold(event, types_->Find(event.header.type));
  // That somebody looked at it is no new fact about the person.
  if (event.header.type == kRetentionReviewedType) return;
  Person& person = persons_[event.header.subject];
  person.last_us = event.accepted_us;
  if (event.header.type == kHoldPlacedType) ++person.holds;
  if (event.header.type == kHoldLiftedType) --person.holds;
  const EventType* type = types_->Find(event.header.type);
  if (type == nullptr) return;
  const policy::v1::TypePolicy& policy = type->policy();
  person.in_doubt = person.in_doubt || policy.doubts_identity();
  if (policy.effect() == policy::v1::EFFECT_CASE_OPENED) person.open = true;
  if (policy.effect() == policy::v1::EFFECT_CASE_CLOSED) {
    person.open = false;
    person.closed_us = event.accepted_us;
  }
}

absl::StatusOr<KeptBecause> RetentionJudge::Judge(
    const EventFacts& event, const RetentionTerms& terms) const {
  const HeaderView& header = event.header;
  const EventType* type = types_->Find(header.type);
  if (type == nullptr) return KeptBecause::kUnknownType;
  if (type->policy().effect() != policy::v1::EFFECT_UNSPECIFIED) {
    return KeptBecause::kPolicy;
  }
  if (header.subject.empty()) {
    if (type->policy().internal()) return KeptBecause::kHubRecord;
    if (event.accepted_us >= terms.event_cutoff_us) {
      return KeptBecause::kEventPeriod;
    }
    if (header.stream.empty()) return KeptBecause::kNothing;
    const auto last = log_.StreamVersion(header.source, header.stream);
    if (!last.ok()) return last.status();
    return *last == event.sequence ? KeptBecause::kStreamHead
                                   : KeptBecause::kNothing;
  }
  if (terms.held.contains(header.subject)) return KeptBecause::kHold;
  const auto found = persons_.find(header.subject);
  // Nothing is known of the person: it was not taken in.
  if (found == persons_.end()) return KeptBecause::kEventPeriod;
  const Person& person = found->second;
  if (person.holds > 0) return KeptBecause::kHold;
  if (person.in_doubt) return KeptBecause::kIdentityInDoubt;
  if (person.open) return KeptBecause::kOpenCase;
  if (person.closed_us >= terms.case_cutoff_us && person.closed_us > 0) {
    return KeptBecause::kCasePeriod;
  }
  if (person.last_us >= terms.event_cutoff_us) return KeptBecause::kEventPeriod;
  return reviews_.Keeps(header.subject, terms.reviews) ? KeptBecause::kReview
                                                       : KeptBecause::kNothing;
}

}  // namespace concordat::bus
