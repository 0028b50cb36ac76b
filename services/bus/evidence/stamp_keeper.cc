#include "services/bus/evidence/stamp_keeper.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/evidence/timestamp.h"

namespace concordat::bus {
namespace {

constexpr char kNoteEnd[] = ".note";
constexpr char kStampEnd[] = ".tsr";

}  // namespace

absl::StatusOr<std::unique_ptr<StampKeeper>> StampKeeper::Open(
    StampOptions options, Directory& directory, StampAuthority& authority,
    Random& random) {
  std::unique_ptr<StampKeeper> keeper(
      new StampKeeper(std::move(options), directory, authority, random));
  const absl::Status loaded = keeper->Load();
  if (!loaded.ok()) return loaded;
  return keeper;
}

absl::Status StampKeeper::Load() {
  const absl::StatusOr<std::vector<std::string>> names = directory_.List();
  if (!names.ok()) return names.status();
  MutexLock lock(mu_);
  for (absl::string_view name : *names) {
    uint64_t size = 0;
    if (!absl::ConsumeSuffix(&name, kStampEnd) ||
        !absl::SimpleAtoi(name, &size) || size <= state_.size) {
      continue;
    }
    const auto note = ReadWhole(directory_, absl::StrCat(size, kNoteEnd));
    const auto response = ReadWhole(directory_, absl::StrCat(size, kStampEnd));
    if (!note.ok() || !response.ok()) continue;
    const absl::StatusOr<Note> parsed = ParseNote(*note);
    if (!parsed.ok()) continue;
    const absl::StatusOr<absl::Time> at =
        CheckStamp(*response, parsed->text, std::nullopt, options_.roots);
    // One that does not hold stays where it is, and counts for nothing.
    if (!at.ok()) continue;
    state_.size = size;
    state_.at = *at;
    note_ = *note;
    response_ = *response;
  }
  return absl::OkStatus();
}

void StampKeeper::Step(absl::string_view note, absl::Duration now) {
  const absl::StatusOr<Note> parsed = ParseNote(note);
  if (!parsed.ok()) return;  // There is no checkpoint yet.
  const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(parsed->text);
  if (!checkpoint.ok()) return;
  {
    MutexLock lock(mu_);
    if (checkpoint->size == state_.size) return;
    state_.waits_since = std::min(state_.waits_since, now);
  }
  if (now - stamped_at_ < options_.every ||
      now - tried_at_ < options_.retry_after) {
    return;
  }
  tried_at_ = now;
  const absl::Status stamped = Stamp(note, *checkpoint, parsed->text);
  MutexLock lock(mu_);
  if (!stamped.ok()) {
    state_.last_failure = std::string(stamped.message());
    return;
  }
  stamped_at_ = now;
  tried_at_ = -absl::InfiniteDuration();
  state_.last_failure.clear();
  state_.waits_since = absl::InfiniteDuration();
}

absl::Status StampKeeper::Stamp(absl::string_view note,
                                const Checkpoint& checkpoint,
                                absl::string_view text) {
  uint64_t nonce = 0;
  random_.Fill(reinterpret_cast<uint8_t*>(&nonce), sizeof(nonce));
  const absl::StatusOr<std::string> response =
      authority_.Ask(EncodeStampRequest(text, nonce));
  if (!response.ok()) return response.status();
  const absl::StatusOr<absl::Time> at =
      CheckStamp(*response, text, nonce, options_.roots);
  if (!at.ok()) return at.status();
  // The note first: a stamp without it would be of nothing.
  absl::Status kept =
      ReplaceWhole(directory_, absl::StrCat(checkpoint.size, kNoteEnd), note);
  if (kept.ok()) {
    kept = ReplaceWhole(directory_, absl::StrCat(checkpoint.size, kStampEnd),
                        *response);
  }
  if (!kept.ok()) return kept;
  MutexLock lock(mu_);
  state_.size = checkpoint.size;
  state_.at = *at;
  note_ = std::string(note);
  response_ = *response;
  return absl::OkStatus();
}

StampKeeper::State StampKeeper::Now() const {
  MutexLock lock(mu_);
  return state_;
}

std::pair<std::string, std::string> StampKeeper::Newest() const {
  MutexLock lock(mu_);
  return {note_, response_};
}

void StampKeeper::Judge(absl::Duration now, Troubles& troubles) const {
  const State state = Now();
  if (state.waits_since == absl::InfiniteDuration() ||
      now - state.waits_since <= options_.late_after) {
    return;
  }
  troubles.push_back(
      {"stamp", "",
       absl::StrCat("the tree's checkpoints wait for a time stamp since ",
                    absl::FormatDuration(
                        absl::Trunc(now - state.waits_since, absl::Seconds(1))),
                    state.last_failure.empty() ? "" : ": ", state.last_failure),
       false});
}

}  // namespace concordat::bus
