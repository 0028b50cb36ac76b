// What amends a fact goes ahead of the backlog of a subscription that settles singly.
#include <algorithm>
#include <set>
#include <utility>

#include "services/bus/delivery/delivery_core.h"
#include "services/common/event/amends.h"

namespace concordat::bus {
namespace {

// Events that are looked up in a turn, when one amendment is not more by itself.
constexpr size_t kLookUpsMax = 16;
// That go out with one amendment: who has more of its person in a backlog comes to
// it in its turn.
constexpr size_t kGoesWithMax = 64;

}  // namespace

bool DeliveryCore::HasAmendment(const Singly& singly) const {
  return singly.settlement.first_is_ready() ||
         (!amendments_.empty() &&
          amendments_.back() > std::max(singly.amended, singly.cursor.scan));
}

absl::Status DeliveryCore::LoadAmendments() {
  if (has_amendments_) return absl::OkStatus();
  auto all = log_.Amendments({0});
  if (!all.ok()) return all.status();
  amendments_ = *std::move(all);
  // What is durable and not folded yet comes with its block.
  while (!amendments_.empty() && amendments_.back() > fold_.folded()) {
    amendments_.pop_back();
  }
  has_amendments_ = true;
  return absl::OkStatus();
}

absl::Status DeliveryCore::OfferAmendments(Singly& singly) {
  if (const absl::Status loaded = LoadAmendments(); !loaded.ok()) return loaded;
  const Cursor& cursor = singly.cursor;
  singly.amended = std::max(singly.amended, cursor.scan);
  auto next =
      std::upper_bound(amendments_.begin(), amendments_.end(), singly.amended);
  size_t looked = 0;
  for (; next != amendments_.end() && looked < kLookUpsMax; ++next) {
    const auto amendment = EventAt(singly, *next);
    if (!amendment.ok()) return amendment.status();
    ++looked;
    if (fold_.Shown(*amendment, cursor.recipient->to) != 0 &&
        cursor.filter.Wants(amendment->header)) {
      const auto with = GoesWith(singly, *amendment);
      if (!with.ok()) return with.status();
      looked += with->size();
      if (!singly.settlement.TakesAhead(with->size()) ||
          IsBackfilled(cursor, *with)) {
        break;
      }
      for (const StoredEvent& event : *with) {
        singly.settlement.OfferAhead(event.sequence, OrderingKey(event.header),
                                     cursor.scan, JudgedPolicy(cursor));
      }
    }
    singly.amended = *next;
  }
  return absl::OkStatus();
}

bool DeliveryCore::IsBackfilled(const Cursor& cursor,
                                const std::vector<StoredEvent>& events) {
  for (const Backfill& backfill : cursor.backfills) {
    const PolicyChange& change = *backfill.change;
    const bool is_theirs = std::any_of(
        events.begin(), events.end(), [&](const StoredEvent& event) {
          return change.everybody() || change.person == event.header.subject;
        });
    if (is_theirs) return true;
  }
  return false;
}

absl::StatusOr<std::vector<StoredEvent>> DeliveryCore::GoesWith(
    const Singly& singly, const StoredEvent& amendment) const {
  const Cursor& cursor = singly.cursor;
  std::set<Sequence> found = {amendment.sequence};
  absl::Status added = AddBefore(amendment, cursor.scan, found);
  if (!added.ok()) return added;
  // What it amends may be of another person or stream.
  const EventReference of = AmendedBy(amendment.header);
  if (!of.id.empty()) {
    const auto original = log_.OfId(of.source, of.id);
    if (!original.ok()) return original.status();
    if (*original > cursor.scan && *original < amendment.sequence &&
        found.insert(*original).second) {
      const auto event = EventAt(singly, *original);
      if (!event.ok()) return event.status();
      added = AddBefore(*event, cursor.scan, found);
      if (!added.ok()) return added;
    }
  }
  std::vector<StoredEvent> events;
  if (found.size() > kGoesWithMax) return events;
  for (const Sequence sequence : found) {
    auto event = EventAt(singly, sequence);
    if (!event.ok()) return event.status();
    if (fold_.Shown(*event, cursor.recipient->to) != 0 &&
        cursor.filter.Wants(event->header)) {
      events.push_back(*std::move(event));
    }
  }
  return events;
}

absl::Status DeliveryCore::AddBefore(const StoredEvent& event, Sequence after,
                                     std::set<Sequence>& found) const {
  const HeaderView& header = event.header;
  if (!header.subject.empty()) {
    const auto of_person = log_.OfPerson(header.subject, after, event.sequence);
    if (!of_person.ok()) return of_person.status();
    found.insert(of_person->begin(), of_person->end());
  }
  if (!header.stream.empty()) {
    const auto of_stream =
        log_.OfStream(header.source, header.stream, after, kGoesWithMax + 1);
    if (!of_stream.ok()) return of_stream.status();
    for (const Sequence sequence : *of_stream) {
      if (sequence <= event.sequence) found.insert(sequence);
    }
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus
