#include "services/bus/oversight/glass_register.h"

#include <algorithm>
#include <utility>

#include "services/bus/oversight/moment.h"

namespace concordat::bus {
namespace {

using access::v1::GlassEntry;

constexpr size_t kReadBytes = 4u << 20;
constexpr char kPersonErased[] = "concordat.hub.v1.PersonErased";

}  // namespace

absl::Status GlassRegister::CatchUp() {
  const LogStatus status = log_.Status();
  // What retention took away was read before: anew, without it.
  if (status.removal.events != removed_) {
    removed_ = status.removal.events;
    read_ = {};
    entries_.clear();
  }
  Interest interest;
  interest.type = [](absl::string_view type) {
    return type == kGlassBroken || type == kGlassReviewed ||
           type == kPersonErased;
  };
  while (read_ < status.end) {
    read_ = std::max(read_, log_.SkipFrom(read_, interest));
    if (read_ >= status.end) break;
    const auto block = log_.Read(read_, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) break;
    for (const StoredEvent& event : (*block)->events) Take(event);
    read_ = (*block)->events.back().sequence;
  }
  return absl::OkStatus();
}

void GlassRegister::Take(const StoredEvent& event) {
  if (event.header.type == kPersonErased) {
    const std::string subject = event.header.subject.ToString();
    std::erase_if(entries_, [&subject](const GlassEntry& entry) {
      return entry.subject() == subject;
    });
    return;
  }
  if (event.removed_us != 0) return;
  if (event.header.type == kGlassBroken) {
    GlassEntry entry;
    if (!entry.mutable_opening()->ParseFromString(MessageOf(event))) return;
    entry.set_subject(event.header.subject.ToString());
    entry.set_agency(std::string(event.header.controller));
    entry.set_time(event.accepted_us);
    entries_.push_back(std::move(entry));
  } else if (event.header.type == kGlassReviewed) {
    access::v1::GlassReviewed review;
    if (!review.ParseFromString(MessageOf(event))) return;
    for (GlassEntry& entry : entries_) {
      if (entry.opening().opening_ref() == review.opening_ref()) {
        *entry.mutable_review() = review;
      }
    }
  }
}

absl::StatusOr<std::optional<access::v1::GlassBroken>> GlassRegister::OpenTo(
    absl::string_view by, absl::string_view staff, absl::string_view subject,
    uint64_t now_us) {
  MutexLock lock(mu_);
  if (const absl::Status read = CatchUp(); !read.ok()) return read;
  for (const GlassEntry& entry : entries_) {
    const access::v1::GlassBroken& opening = entry.opening();
    if (entry.subject() == subject && opening.by() == by &&
        opening.staff() == staff && now_us < opening.until()) {
      return opening;
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::optional<GlassEntry>> GlassRegister::Find(
    absl::string_view opening_ref, absl::string_view agency) {
  MutexLock lock(mu_);
  if (const absl::Status read = CatchUp(); !read.ok()) return read;
  for (const GlassEntry& entry : entries_) {
    if (entry.opening().opening_ref() == opening_ref &&
        (agency.empty() || entry.agency() == agency)) {
      return entry;
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<GlassEntry>> GlassRegister::List(
    absl::string_view agency, uint64_t now_us) {
  std::vector<GlassEntry> list;
  MutexLock lock(mu_);
  if (const absl::Status read = CatchUp(); !read.ok()) return read;
  for (const GlassEntry& entry : entries_) {
    if (!agency.empty() && entry.agency() != agency) continue;
    list.push_back(entry);
    list.back().set_review_overdue(!entry.has_review() &&
                                   entry.opening().review_by() <= now_us);
  }
  return list;
}

}  // namespace concordat::bus
