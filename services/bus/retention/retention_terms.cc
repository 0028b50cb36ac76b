#include "services/bus/retention/retention_terms.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/common/policy/london_day.h"

namespace concordat::bus {
namespace {

uint64_t MicrosOf(absl::Time time) {
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixMicros(time)));
}

// The same day and time so many months before `now_us`; where that month is too short,
// its last day.  INVALID_ARGUMENT  CheckMonths.
absl::StatusOr<uint64_t> MonthsBefore(absl::string_view field, uint32_t months,
                                      uint64_t now_us,
                                      const absl::TimeZone& london) {
  if (const absl::Status fits = CheckMonths(field, months); !fits.ok()) {
    return fits;
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

// Both periods, of the policy or of an agreement.
template <typename HasMonths>
absl::StatusOr<Periods> PeriodsOf(const HasMonths& of, const std::string& by,
                                  uint64_t now_us,
                                  const absl::TimeZone& london) {
  const auto after_case =
      MonthsBefore("months_after_case", of.months_after_case(), now_us, london);
  if (!after_case.ok()) return after_case.status();
  const auto after_event = MonthsBefore(
      "months_after_event", of.months_after_event(), now_us, london);
  if (!after_event.ok()) return after_event.status();
  return Periods{{*after_case, by}, {*after_event, by}};
}

// Of one that states them.
absl::StatusOr<Periods> PeriodsOf(const AdoptedAgreement& adopted,
                                  uint64_t now_us,
                                  const absl::TimeZone& london) {
  const policy::v1::Agreement& agreement = adopted.agreement;
  const std::string by =
      absl::StrCat(agreement.name(), " version ", agreement.version());
  const bool begins_later = !adopted.in_force && now_us < adopted.until_us;
  if (begins_later) return Periods{{0, by}, {0, by}};
  return PeriodsOf(agreement.retention(), by, now_us, london);
}

void Lengthen(Period& period, const Period& other) {
  if (other.cutoff_us < period.cutoff_us) period = other;
}

void AddAgency(const std::string& agency, const Periods& periods,
               RetentionTerms& terms) {
  const auto [at, first] = terms.by_agency.emplace(agency, periods);
  if (first) return;
  Lengthen(at->second.after_case, periods.after_case);
  Lengthen(at->second.after_event, periods.after_event);
}

absl::Status AddAgreements(const std::vector<AdoptedAgreement>& agreements,
                           uint64_t now_us, const absl::TimeZone& london,
                           RetentionTerms& terms) {
  for (const AdoptedAgreement& each : agreements) {
    Periods periods = terms.otherwise;
    if (each.agreement.has_retention()) {
      auto stated = PeriodsOf(each, now_us, london);
      if (!stated.ok()) return stated.status();
      periods = *std::move(stated);
      terms.agreements.push_back(periods.after_case.by);
      terms.young_from_us =
          std::max(terms.young_from_us, periods.after_event.cutoff_us);
    }
    for (const std::string& party : each.agreement.parties()) {
      AddAgency(party, periods, terms);
    }
    if (!each.agreement.arrangement().empty()) {
      AddAgency(each.agreement.arrangement(), periods, terms);
    }
  }
  return absl::OkStatus();
}

// The periods of the agreement that the review is for.
absl::StatusOr<Periods> AgreedPeriods(
    const v1::RetentionReview& review,
    const std::vector<AdoptedAgreement>& agreements, uint64_t now_us,
    const absl::TimeZone& london) {
  const auto found =
      std::find_if(agreements.begin(), agreements.end(), [&](const auto& each) {
        return each.agreement.name() == review.agreement();
      });
  const absl::string_view wrong =
      found == agreements.end()                  ? "is not adopted"
      : !found->agreement.has_retention()        ? "has no retention"
      : !IsOf(found->agreement, review.agency()) ? "is not the agency's"
                                                 : "";
  if (wrong.empty()) return PeriodsOf(*found, now_us, london);
  return absl::InvalidArgumentError(
      absl::StrCat("months_after_end is left out, and the agreement ",
                   review.agreement(), " ", wrong));
}

absl::StatusOr<ReviewTerms> TermsOf(
    const v1::RetentionReview& review,
    const std::vector<AdoptedAgreement>& agreements, uint64_t now_us,
    const absl::TimeZone& london) {
  if (review.agency().empty() || review.agreement().empty() ||
      review.reason().empty()) {
    return absl::InvalidArgumentError(
        "each has an agency, the agreement that it is for, and a reason");
  }
  if (review.months_after_end() == 0) {
    const auto agreed = AgreedPeriods(review, agreements, now_us, london);
    if (!agreed.ok()) return agreed.status();
    return ReviewTerms{agreed->after_event.cutoff_us,
                       agreed->after_case.cutoff_us, review.agreement(),
                       review.reason()};
  }
  const auto cutoff = MonthsBefore("months_after_end",
                                   review.months_after_end(), now_us, london);
  if (!cutoff.ok()) return cutoff.status();
  return ReviewTerms{*cutoff, *cutoff, review.agreement(), review.reason()};
}

}  // namespace

const Periods& RetentionTerms::Of(absl::string_view agency) const {
  const auto found = by_agency.find(agency);
  return found == by_agency.end() ? otherwise : found->second;
}

const Period& RetentionTerms::Longest(Period Periods::*which,
                                      const Agencies& told) const {
  const Period* longest = nullptr;
  for (const std::string& agency : told) {
    const Period& period = Of(agency).*which;
    if (longest == nullptr || period.cutoff_us < longest->cutoff_us) {
      longest = &period;
    }
  }
  return longest == nullptr ? otherwise.*which : *longest;
}

absl::StatusOr<RetentionTerms> TermsOf(
    const v1::RetentionPolicy& policy,
    const std::vector<AdoptedAgreement>& agreements, uint64_t now_us,
    const absl::TimeZone& london) {
  auto otherwise = PeriodsOf(policy, "", now_us, london);
  if (!otherwise.ok()) return otherwise.status();
  auto reviews = ReviewTermsOf(policy, agreements, now_us, london);
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
  terms.otherwise = *std::move(otherwise);
  terms.young_from_us = terms.otherwise.after_event.cutoff_us;
  terms.reviews = *std::move(reviews);
  const absl::Status added = AddAgreements(agreements, now_us, london, terms);
  if (!added.ok()) return added;
  return terms;
}

absl::StatusOr<std::map<std::string, ReviewTerms>> ReviewTermsOf(
    const v1::RetentionPolicy& policy,
    const std::vector<AdoptedAgreement>& agreements, uint64_t now_us,
    const absl::TimeZone& london) {
  std::map<std::string, ReviewTerms> by_agency;
  for (const v1::RetentionReview& review : policy.reviews()) {
    auto terms = TermsOf(review, agreements, now_us, london);
    if (!terms.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "reviews: ", review.agency(), ": ", terms.status().message()));
    }
    if (!by_agency.emplace(review.agency(), *std::move(terms)).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("reviews: ", review.agency(), " is there twice"));
    }
  }
  return by_agency;
}

}  // namespace concordat::bus
