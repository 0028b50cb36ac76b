#include "services/mappa/domain/look_again.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "services/mappa/domain/case_file.h"

namespace concordat::mappa {
namespace {

using Item = LookAgain::Item;

// It stood when that was decided.
bool Rests(Sequence decided, const WithdrawnFact& on) {
  return on.fact <= decided && decided < on.by;
}

bool Cites(const FiledReferral& referral, const WithdrawnFact& fact) {
  const auto& refs = referral.submitted.what.assessment_refs();
  return fact.fact == referral.submitted.sequence ||
         (!fact.assessment_ref.empty() &&
          std::find(refs.begin(), refs.end(), fact.assessment_ref) !=
              refs.end());
}

class Finder {
 public:
  explicit Finder(const CaseFile& file) : file_(file) {
    for (const auto& meeting : file.meetings) {
      met_ = std::max(met_, meeting.sequence);
    }
    for (const FiledReferral& one : file.referrals) {
      referred_ = std::max(referred_, one.submitted.sequence);
    }
  }

  void Take(const WithdrawnFact& fact) {
    if (file_.record.has_value() && file_.record->is_open()) TakeCase(fact);
    for (const FiledReferral& one : file_.referrals) TakeReferral(one, fact);
  }

  std::vector<LookAgain> Finish() {
    std::stable_sort(found_.begin(), found_.end(),
                     [](const LookAgain& a, const LookAgain& b) {
                       return std::tie(a.item, a.ref, a.fact.by) <
                              std::tie(b.item, b.ref, b.fact.by);
                     });
    return std::move(found_);
  }

 private:
  void TakeCase(const WithdrawnFact& fact) {
    const CaseRecord& record = *file_.record;
    const bool met_since = met_ > fact.by;
    if (!file_.meetings.empty()) {
      const auto& plan = file_.meetings.back();
      if (Rests(plan.sequence, fact)) {
        Add({Item::kPlan, record.case_ref, plan.at_us, false, fact, 1});
      }
    } else if (Rests(record.opened_at, fact)) {
      Add({Item::kCase, record.case_ref, record.opened_us, false, fact, 1});
    }
    if (file_.levels.empty() || met_since) return;
    const auto& level = file_.levels.back();
    if (Rests(level.sequence, fact)) {
      Add({Item::kLevel, record.case_ref, level.at_us, false, fact, 1});
    }
  }

  void TakeReferral(const FiledReferral& referral, const WithdrawnFact& fact) {
    if (!Cites(referral, fact)) return;
    if (!referral.state.decided) {
      if (Rests(referral.submitted.sequence, fact)) {
        Add({Item::kReferral, referral.ref, referral.submitted.at_us, true,
             fact, 1});
      }
    } else if (Rests(referral.decided_at, fact) &&
               std::max(met_, referred_) < fact.by) {
      Add({Item::kReferral, referral.ref, referral.state.decided_us, false,
           fact, 1});
    }
  }

  void Add(LookAgain found) {
    const bool shown = found.fact.shown;
    const auto same =
        std::find_if(found_.begin(), found_.end(), [&](const LookAgain& each) {
          return each.item == found.item && each.ref == found.ref &&
                 each.fact.shown == shown &&
                 (!shown || each.fact.by == found.fact.by);
        });
    if (!shown) {
      // What the reader may not see is not in the answer.
      WithdrawnFact bare;
      bare.withdrawn_us = found.fact.withdrawn_us;
      found.fact = std::move(bare);
      found.facts = 0;
    }
    if (same == found_.end()) {
      found_.push_back(std::move(found));
    } else if (shown) {
      ++same->facts;
    } else {
      same->fact.withdrawn_us =
          std::max(same->fact.withdrawn_us, found.fact.withdrawn_us);
    }
  }

  const CaseFile& file_;
  Sequence met_;       // The newest meeting.
  Sequence referred_;  // The newest referral.
  std::vector<LookAgain> found_;
};

}  // namespace

std::vector<LookAgain> FindToLookAgain(
    const CaseFile& file, const std::vector<WithdrawnFact>& facts) {
  Finder finder(file);
  for (const WithdrawnFact& fact : facts) finder.Take(fact);
  return finder.Finish();
}

}  // namespace concordat::mappa
