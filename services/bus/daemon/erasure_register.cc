#include "services/bus/daemon/erasure_register.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "services/bus/ingest/hub_records.h"
#include "services/common/event/make_event.h"

namespace concordat::bus {
namespace {

constexpr char kErasedType[] = "concordat.hub.v1.PersonErased";
constexpr size_t kRecordsMax = 1u << 20;

template <typename Message>
bool Parse(const StoredEvent& event, Message* message) {
  return message->ParseFromString(MessageOf(event));
}

// A service of the hub is named by its source.
bool IsSource(absl::string_view holder) {
  return absl::StartsWith(holder, "urn:");
}

std::string StepInWords(absl::string_view step) {
  if (step == kKeyFileCopies) {
    return "destroy every copy of the key file of before";
  }
  if (step == kIdentityCopies) {
    return "destroy every backup of identity's database of before";
  }
  return "concordat erasure at-gateway PERSON-KEY, with its data directory";
}

}  // namespace

std::string StepConfirmationId(absl::string_view ref, absl::string_view step) {
  return DerivedId(kErasuresStream, absl::StrCat(ref, "/", step), 0);
}

std::string ConfirmationId(absl::string_view ref, absl::string_view agency) {
  return absl::StrCat(ref, "-by-", agency);
}

absl::StatusOr<bool> ErasureRegister::FillFrom(
    Sequence sequence, absl::string_view ref,
    v1::ErasureConfirmation& one) const {
  const auto event = log_.ReadOne(sequence);
  if (!event.ok()) return event.status();
  hub::v1::ErasureConfirmed confirmed;
  if (event->header.type != confirmed.GetTypeName() ||
      !Parse(*event, &confirmed) || confirmed.erasure_ref() != ref) {
    return false;
  }
  one.set_confirmed_time(event->accepted_us);
  one.set_destroyed(confirmed.destroyed());
  one.set_by(confirmed.by());
  one.set_keeps_because(confirmed.keeps_because());
  return true;
}

absl::Status ErasureRegister::FillConfirmation(
    absl::string_view ref, v1::ErasureConfirmation& one) const {
  if (!IsSource(one.holder())) {
    const auto sequence =
        log_.OfId(kHubSource, one.by_hand().empty()
                                  ? ConfirmationId(ref, one.holder())
                                  : StepConfirmationId(ref, one.holder()));
    if (!sequence.ok() || sequence->value == 0) return sequence.status();
    return FillFrom(*sequence, ref, one).status();
  }
  const auto all =
      log_.OfStream(one.holder(), kErasuresStream, {0}, kRecordsMax);
  if (!all.ok()) return all.status();
  for (auto it = all->rbegin(); it != all->rend(); ++it) {
    const auto found = FillFrom(*it, ref, one);
    if (!found.ok() || *found) return found.status();
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::Erasure> ErasureRegister::Read(
    Sequence sequence, absl::string_view agency,
    uint32_t destroyed_below) const {
  const auto event = log_.ReadOne(sequence);
  if (!event.ok()) return event.status();
  hub::v1::PersonErased erased;
  const auto& told = erased.told();
  if (event->header.type != kErasedType || !Parse(*event, &erased) ||
      (!agency.empty() &&
       std::find(told.begin(), told.end(), agency) == told.end())) {
    return absl::NotFoundError("no such erasure");
  }
  v1::Erasure erasure;
  erasure.set_erasure_ref(erased.erasure_ref());
  erasure.set_reason(erased.reason());
  erasure.set_accepted_time(event->accepted_us);
  erasure.set_keys_destroyed(destroyed_below >= erased.wrapping_key());
  if (agency.empty()) {
    erasure.set_events(erased.events());
    erasure.set_asked_by(erased.asked_by());
    erasure.set_agreed_by(erased.agreed_by());
    for (const std::string& holder : erased.holders()) {
      erasure.add_confirmations()->set_holder(holder);
    }
    for (const std::string& holder : told) {
      erasure.add_confirmations()->set_holder(holder);
    }
    for (const std::string& step : erased.by_hand()) {
      v1::ErasureConfirmation& one = *erasure.add_confirmations();
      one.set_holder(step);
      one.set_by_hand(StepInWords(step));
    }
  } else {
    erasure.set_subject(event->header.subject.ToString());
    erasure.add_confirmations()->set_holder(std::string(agency));
  }
  uint32_t waits_for = 0;
  for (v1::ErasureConfirmation& one : *erasure.mutable_confirmations()) {
    const absl::Status filled = FillConfirmation(erased.erasure_ref(), one);
    if (!filled.ok()) return filled;
    if (one.confirmed_time() == 0) ++waits_for;
  }
  erasure.set_waits_for(waits_for);
  return erasure;
}

absl::StatusOr<uint32_t> ErasureRegister::DestroyedBelow() const {
  const auto last = log_.StreamVersion(kHubSource, kKeysStream);
  if (!last.ok()) return last.status();
  if (last->value == 0) return 0;
  const auto all = log_.OfStream(kHubSource, kKeysStream, {0}, kRecordsMax);
  if (!all.ok()) return all.status();
  uint32_t below = 0;
  // The last two: a change, and what it destroyed.
  for (size_t i = all->size() < 2 ? 0 : all->size() - 2; i < all->size(); ++i) {
    const auto event = log_.ReadOne((*all)[i]);
    if (!event.ok()) return event.status();
    hub::v1::WrappingKeysDestroyed destroyed;
    if (event->header.type == "concordat.hub.v1.WrappingKeysDestroyed" &&
        Parse(*event, &destroyed)) {
      below = std::max(below, destroyed.below());
    }
  }
  return below;
}

absl::StatusOr<std::vector<v1::Erasure>> ErasureRegister::List(
    absl::string_view agency) const {
  const auto below = DestroyedBelow();
  if (!below.ok()) return below.status();
  const auto all = log_.OfStream(kHubSource, kErasuresStream, {0}, kRecordsMax);
  if (!all.ok()) return all.status();
  std::vector<v1::Erasure> list;
  for (auto it = all->rbegin(); it != all->rend() && list.size() < kListMax;
       ++it) {
    auto erasure = Read(*it, agency, *below);
    if (absl::IsNotFound(erasure.status())) continue;
    if (!erasure.ok()) return erasure.status();
    list.push_back(*std::move(erasure));
  }
  return list;
}

absl::StatusOr<std::vector<v1::Erasure>> ErasureRegister::OfPerson(
    const PersonKey& person) const {
  const auto below = DestroyedBelow();
  if (!below.ok()) return below.status();
  const auto all = log_.OfPerson(person, {0}, log_.Status().end);
  if (!all.ok()) return all.status();
  std::vector<v1::Erasure> list;
  for (auto it = all->rbegin(); it != all->rend(); ++it) {
    auto erasure = Read(*it, "", *below);
    if (absl::IsNotFound(erasure.status())) continue;
    if (!erasure.ok()) return erasure.status();
    list.push_back(*std::move(erasure));
  }
  if (list.empty()) {
    return absl::NotFoundError("subject: nobody was erased under this key");
  }
  return list;
}

absl::StatusOr<v1::Erasure> ErasureRegister::Find(
    absl::string_view ref, absl::string_view agency) const {
  const auto below = DestroyedBelow();
  if (!below.ok()) return below.status();
  const auto sequence = log_.OfId(kHubSource, std::string(ref));
  if (!sequence.ok()) return sequence.status();
  if (sequence->value == 0) return absl::NotFoundError("no such erasure");
  return Read(*sequence, agency, *below);
}

}  // namespace concordat::bus
