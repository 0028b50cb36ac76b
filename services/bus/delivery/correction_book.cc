#include "services/bus/delivery/correction_book.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = 4u << 20;

}  // namespace

absl::Status CorrectionBook::CatchUp() {
  for (;;) {
    const auto block = log_.Read(folded_, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return absl::OkStatus();
    for (const StoredEvent& event : (*block)->events) {
      const absl::Status folded = Fold(event);
      if (!folded.ok()) return folded;
      folded_ = event.sequence;
    }
  }
}

absl::Status CorrectionBook::Fold(const StoredEvent& event) {
  const HeaderView& header = event.header;
  const bool retracts = !header.retracts.empty();
  const absl::string_view reference =
      retracts ? header.retracts : header.corrects;
  if (reference.empty()) return absl::OkStatus();
  // "source#id", or the id alone: of the same source.
  const size_t hash = reference.rfind('#');
  const bool has_source = hash != absl::string_view::npos;
  const auto original =
      log_.OfId(has_source ? reference.substr(0, hash) : header.source,
                has_source ? reference.substr(hash + 1) : reference);
  if (!original.ok()) return original.status();
  entries_.push_back({event.sequence, *original, std::string(header.type),
                      std::string(header.controller), retracts,
                      event.accepted_us});
  return absl::OkStatus();
}

}  // namespace concordat::bus
