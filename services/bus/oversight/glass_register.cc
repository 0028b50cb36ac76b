#include "services/bus/oversight/glass_register.h"

#include <algorithm>
#include <utility>

#include "services/bus/oversight/moment.h"

namespace concordat::bus {
namespace {

using access::v1::GlassEntry;

constexpr size_t kReadBytes = 4u << 20;

}  // namespace

absl::Status GlassRegister::Load(const EventLog& log) {
  Interest interest;
  interest.type = [](absl::string_view type) {
    return type == kGlassBroken || type == kGlassReviewed;
  };
  const Sequence end = log.Status().end;
  Sequence at;
  while (at < end) {
    at = std::max(at, log.SkipFrom(at, interest));
    if (at >= end) break;
    const auto block = log.Read(at, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) break;
    for (const StoredEvent& event : (*block)->events) Take(event);
    at = (*block)->events.back().sequence;
  }
  return absl::OkStatus();
}

void GlassRegister::Take(const StoredEvent& event) {
  if (event.header.type == kGlassBroken) {
    GlassEntry entry;
    if (!entry.mutable_opening()->ParseFromString(MessageOf(event))) return;
    entry.set_subject(event.header.subject.ToString());
    entry.set_agency(std::string(event.header.controller));
    entry.set_time(event.accepted_us);
    Add(std::move(entry));
  } else if (event.header.type == kGlassReviewed) {
    access::v1::GlassReviewed review;
    if (review.ParseFromString(MessageOf(event))) Add(review);
  }
}

void GlassRegister::Add(GlassEntry entry) {
  MutexLock lock(mu_);
  entries_.push_back(std::move(entry));
}

void GlassRegister::Add(const access::v1::GlassReviewed& review) {
  MutexLock lock(mu_);
  for (GlassEntry& entry : entries_) {
    if (entry.opening().opening_ref() == review.opening_ref()) {
      *entry.mutable_review() = review;
    }
  }
}

std::optional<access::v1::GlassBroken> GlassRegister::OpenTo(
    absl::string_view by, absl::string_view staff, absl::string_view subject,
    uint64_t now_us) const {
  MutexLock lock(mu_);
  for (const GlassEntry& entry : entries_) {
    const access::v1::GlassBroken& opening = entry.opening();
    if (entry.subject() == subject && opening.by() == by &&
        opening.staff() == staff && now_us < opening.until()) {
      return opening;
    }
  }
  return std::nullopt;
}

std::optional<GlassEntry> GlassRegister::Find(absl::string_view opening_ref,
                                              absl::string_view agency) const {
  MutexLock lock(mu_);
  for (const GlassEntry& entry : entries_) {
    if (entry.opening().opening_ref() == opening_ref &&
        (agency.empty() || entry.agency() == agency)) {
      return entry;
    }
  }
  return std::nullopt;
}

std::vector<GlassEntry> GlassRegister::List(absl::string_view agency,
                                            uint64_t now_us) const {
  std::vector<GlassEntry> list;
  MutexLock lock(mu_);
  for (const GlassEntry& entry : entries_) {
    if (!agency.empty() && entry.agency() != agency) continue;
    list.push_back(entry);
    list.back().set_review_overdue(!entry.has_review() &&
                                   entry.opening().review_by() <= now_us);
  }
  return list;
}

}  // namespace concordat::bus
