#include "services/nhs/rpc/liaison_book.h"

#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "concordat/nhs/v1/events.pb.h"
#include "services/common/projection/decide.h"
#include "services/common/projection/erasure_confirmation.h"

namespace concordat::nhs {
namespace {

constexpr absl::string_view kDetentionStream = "detention/";
constexpr char kAccessRestricted[] = "concordat.mappa.v1.AccessRestricted";

}  // namespace

std::vector<std::string> LiaisonBook::Types() {
  return {v1::SharingDecided::descriptor()->full_name(),
          v1::SharingEnded::descriptor()->full_name(),
          v1::RestrictedPatientStatusChanged::descriptor()->full_name(),
          kAccessRestricted, kPersonErasedType};
}

bool LiaisonBook::IsShown(const std::string& wanted, const std::string& subject,
                          const Recipient& reader) const {
  if (subject.empty() || (!wanted.empty() && wanted != subject)) return false;
  const auto person = PersonKey::Parse(subject);
  return person.ok() && policy_.Of(*person).Allows(reader);
}

void LiaisonBook::Forget(const std::string& subject) {
  for (v1::SharingDecision& decision : decisions_) {
    // Its place stays: others are known by theirs.
    if (decision.subject() == subject) decision.Clear();
  }
  std::erase_if(detentions_, [&subject](const auto& each) {
    return each.second.subject() == subject;
  });
}

absl::Status LiaisonBook::Apply(const View& view, Database&) {
  MutexLock lock(mu_);
  if (view.header.type == kPersonErasedType) {
    Forget(view.header.subject.ToString());
    return absl::OkStatus();
  }
  if (view.header.type == kAccessRestricted) {
    return policy_.Apply(AsView(view.header), view.Data()).status();
  }
  v1::SharingDecided decided;
  v1::SharingEnded ended;
  v1::RestrictedPatientStatusChanged status;
  if (ReadAs(view, &decided)) {
    const bool is_new =
        by_ref_.try_emplace(decided.decision_ref(), decisions_.size()).second;
    if (!is_new) return absl::OkStatus();
    v1::SharingDecision& decision = decisions_.emplace_back();
    decision.set_subject(view.header.subject.ToString());
    *decision.mutable_decided() = std::move(decided);
    decision.set_decided_at(view.header.time_us);
    decision.set_version(view.sequence.value);
  } else if (ReadAs(view, &ended)) {
    const auto it = by_ref_.find(ended.decision_ref());
    if (it == by_ref_.end()) return absl::OkStatus();
    v1::SharingDecision& decision = decisions_[it->second];
    decision.set_ended_at(view.header.time_us);
    decision.set_end_reason(ended.reason());
    decision.set_version(view.sequence.value);
  } else if (ReadAs(view, &status)) {
    absl::string_view ref = view.header.stream;
    if (!absl::ConsumePrefix(&ref, kDetentionStream)) return absl::OkStatus();
    v1::Detention& detention = detentions_[std::string(ref)];
    detention.set_subject(view.header.subject.ToString());
    detention.set_detention_ref(std::string(ref));
    *detention.mutable_status() = std::move(status);
    detention.set_at(view.header.time_us);
    detention.set_version(view.sequence.value);
  }
  return absl::OkStatus();
}

std::vector<v1::SharingDecision> LiaisonBook::Decisions(
    const std::string& subject, absl::Time at, const Recipient& reader) const {
  const absl::CivilDay today = absl::ToCivilDay(at, zone_);
  const auto at_us = static_cast<uint64_t>(absl::ToUnixMicros(at));
  std::vector<v1::SharingDecision> found;
  MutexLock lock(mu_);
  for (const v1::SharingDecision& decision : decisions_) {
    if (!IsShown(subject, decision.subject(), reader)) continue;
    absl::CivilDay last;
    const bool ended = decision.ended_at() != 0 && decision.ended_at() <= at_us;
    v1::SharingDecision& one = found.emplace_back(decision);
    one.set_in_force(!ended &&
                     absl::ParseCivilTime(decision.decided().until(), &last) &&
                     today <= last);
  }
  return found;
}

std::vector<v1::Detention> LiaisonBook::Detentions(
    const std::string& subject, const Recipient& reader) const {
  std::vector<v1::Detention> found;
  MutexLock lock(mu_);
  for (const auto& [ref, detention] : detentions_) {
    if (IsShown(subject, detention.subject(), reader)) {
      found.push_back(detention);
    }
  }
  return found;
}

}  // namespace concordat::nhs
