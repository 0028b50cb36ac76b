#include "services/common/bus_client/checkpoint_watch.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat {
namespace {

// The origin without the epoch: "demo.concordat/log/0123…/".
absl::string_view LogOf(absl::string_view origin) {
  return origin.substr(0, origin.rfind('/') + 1);
}

}  // namespace

CheckpointWatch::CheckpointWatch(CheckpointWatchOptions options,
                                 absl::string_view kept, std::string alarm)
    : options_(std::move(options)), alarm_(std::move(alarm)) {
  // What cannot be read was never signed for: it begins anew.
  absl::StatusOr<OpenedCheckpoint> opened = Open(kept);
  if (!opened.ok()) return;
  kept_ = std::move(opened->checkpoint);
  kept_note_ = std::string(kept);
}

absl::StatusOr<OpenedCheckpoint> CheckpointWatch::Open(
    absl::string_view note) const {
  const absl::StatusOr<Note> parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(parsed->text);
  if (!checkpoint.ok()) return checkpoint.status();
  const absl::StatusOr<NoteVerifier> log =
      MakeVerifier(checkpoint->origin, NoteKeyType::kEd25519, options_.log_key);
  if (!log.ok()) return log.status();
  return OpenCheckpoint(note, *log);
}

void CheckpointWatch::Raise(absl::string_view why, absl::string_view other) {
  std::string record = absl::StrCat(why, "\n\n", kept_note_, "\n", other);
  // The first is the one that people need.
  {
    MutexLock lock(mu_);
    if (!alarm_.empty()) return;
    alarm_ = record;
  }
  options_.keep(kAlarm, record).IgnoreError();
}

std::string CheckpointWatch::alarm() const {
  MutexLock lock(mu_);
  return alarm_.substr(0, alarm_.find('\n'));
}

void CheckpointWatch::Hear(absl::string_view note, absl::Duration now) {
  if (note.empty() || note == last_heard_) return;
  const bool is_due = !kept_.has_value() || now - looked_at_ >= options_.every;
  if (!is_due || asked_.has_value()) return;
  last_heard_ = std::string(note);
  looked_at_ = now;
  absl::StatusOr<OpenedCheckpoint> opened = Open(note);
  if (!opened.ok()) {
    return Raise("the bus shows a checkpoint that the log's key did not sign",
                 note);
  }
  heard_ = Heard{std::string(note), *std::move(opened)};
  const Checkpoint& heard = heard_->opened.checkpoint;
  if (!kept_.has_value()) {
    Accept(*std::exchange(heard_, std::nullopt));
  } else if (LogOf(heard.origin) != LogOf(kept_->origin)) {
    Raise("the bus shows the tree of another log", note);
    heard_ = std::nullopt;
  } else if (heard.origin == kept_->origin && heard.size == kept_->size) {
    if (heard.root != kept_->root) {
      Raise("the log signed two trees of one size", note);
    }
    heard_ = std::nullopt;
  } else if (heard.origin == kept_->origin && heard.size < kept_->size) {
    // Of a process that follows, or one that has just started.
    heard_ = std::nullopt;
  }
}

std::optional<bus::v1::ProveConsistency> CheckpointWatch::NextQuestion(
    absl::Duration) {
  if (!heard_.has_value() || asked_.has_value()) return std::nullopt;
  if (heard_->opened.checkpoint.size < kept_->size) {
    // A later epoch that does not reach what this client saw.
    Raise("the log lost events that it had signed", heard_->note);
    Accept(*std::exchange(heard_, std::nullopt));
    return std::nullopt;
  }
  bus::v1::ProveConsistency question;
  question.set_request(++requests_);
  question.set_from_size(kept_->size);
  question.set_to_size(heard_->opened.checkpoint.size);
  asked_ = Asked{requests_, *std::exchange(heard_, std::nullopt)};
  return question;
}

void CheckpointWatch::Answer(const bus::v1::Consistency& answer) {
  if (!asked_.has_value() || asked_->request != answer.request()) return;
  const Asked asked = *std::exchange(asked_, std::nullopt);
  // It could not say: the next checkpoint is asked about.
  if (!answer.detail().empty()) return;
  const auto proof = TreeHashesOf(answer.hashes());
  const Checkpoint& to = asked.to.opened.checkpoint;
  if (proof.has_value() &&
      CheckConsistency(kept_->size, to.size, kept_->root, to.root, *proof)
          .ok()) {
    return Accept(asked.to);
  }
  const bool is_new_epoch = to.origin != kept_->origin;
  Raise(is_new_epoch ? "the log lost events that it had signed"
                     : "the log is not the one whose tree was signed before",
        asked.to.note);
  if (is_new_epoch) Accept(asked.to);
}

void CheckpointWatch::Accept(const Heard& heard) {
  const Checkpoint& checkpoint = heard.opened.checkpoint;
  if (!options_.keep(kKept, heard.note).ok()) return;
  kept_ = checkpoint;
  kept_note_ = heard.note;
  if (!options_.witness.has_value() || !alarm().empty()) return;
  bus::v1::Cosign cosign;
  cosign.set_size(checkpoint.size);
  cosign.set_line(SignatureLine(
      concordat::Cosign(heard.opened.text, options_.witness_name,
                        options_.posix_seconds(), *options_.witness)));
  cosignature_ = std::move(cosign);
}

std::optional<bus::v1::Cosign> CheckpointWatch::TakeCosignature() {
  return std::exchange(cosignature_, std::nullopt);
}

}  // namespace concordat
