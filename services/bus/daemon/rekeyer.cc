#include "services/bus/daemon/rekeyer.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/ingest/hub_records.h"
#include "services/bus/log/key_table.h"

namespace concordat::bus {

struct Rekeyer::Change {
  Erase erase;
  Says says;
  Then then;
  WrappingKeys keys;
  StagedKeyTable staged;
};

Rekeyer::Rekeyer(RekeyableLog& log, IngestLoop& ingest, DeliveryLoop& delivery,
                 ActRecorder& recorder, KeyFile& keys, Random& random,
                 std::unique_ptr<Background> disk)
    : log_(log),
      ingest_(ingest),
      delivery_(delivery),
      recorder_(recorder),
      keys_(keys),
      random_(random),
      disk_(std::move(disk)) {}

void Rekeyer::Run(Erase erase, Says says, Then then) {
  if (running_.exchange(true)) {
    return then(absl::FailedPreconditionError("another change is under way"));
  }
  auto change = std::make_shared<Change>();
  change->erase = std::move(erase);
  change->says = std::move(says);
  change->then = std::move(then);
  disk_->Post([this, change] { Begin(change); });
}

void Rekeyer::Begin(const Shared& change) {
  auto keys = keys_.Load();
  if (!keys.ok()) return End(change, keys.status());
  change->keys = *std::move(keys);
  const uint32_t number = change->keys.Add(random_);
  const auto events = change->says(number);
  if (!events.ok()) return End(change, events.status());
  const absl::Status kept = keys_.Replace(change->keys);
  if (!kept.ok()) return End(change, kept);
  owes_ = true;
  recorder_.Publish(
      *events,
      [this, change](const absl::Status& status) {
        // Not on the thread that everybody's events wait for.
        disk_->Post([this, change, status] {
          if (!status.ok()) return End(change, status);
          Destroy(change);
        });
      },
      [this, change] {
        auto staged =
            log_.StageKeyTable(change->keys, change->erase, ingest_.now_us());
        if (!staged.ok()) return staged.status();
        change->staged = *std::move(staged);
        return absl::OkStatus();
      });
}

void Rekeyer::Destroy(const Shared& change) {
  // What was read of the log before stands in memory there.
  delivery_.Perform(
      "",
      [](DeliveryCore& core) {
        core.Forget();
        return absl::OkStatus();
      },
      [](const absl::Status&) {});
  const auto left_to_do = [](const absl::Status& why) {
    return absl::UnavailableError(absl::StrCat(
        "it is in the log, and the wrapping key before is not destroyed yet (",
        why.message(), "); a restart does that"));
  };
  absl::Status status = keys_.SaveTable(change->staged.table);
  if (!status.ok()) return End(change, left_to_do(status));
  const uint32_t current = change->keys.current();
  change->keys.ForgetBefore(current);
  status = keys_.Replace(change->keys);
  if (!status.ok()) return End(change, left_to_do(status));
  owes_ = false;
  hub::v1::WrappingKeysDestroyed destroyed;
  destroyed.set_below(current);
  recorder_.RecordIn(
      absl::StrCat("wrapping-destroyed-", current), kKeysStream, PersonKey(),
      destroyed,
      [this, change](const absl::Status& recorded) { End(change, recorded); });
}

void Rekeyer::End(const Shared& change, const absl::Status& status) {
  running_ = false;
  if (!status.ok()) return change->then(status);
  change->then(Outcome{change->keys.current(), change->staged.kept,
                       change->staged.erased});
}

void Rekeyer::Finish(Then then) {
  const auto keys = keys_.Load();
  if (!keys.ok() || keys->size() == 1) return;
  owes_ = true;
  Run(
      {},
      [this](uint32_t number) -> absl::StatusOr<std::vector<Event>> {
        hub::v1::WrappingKeyChanged changed;
        changed.set_wrapping_key(number);
        changed.set_asked_by("hub");
        changed.set_agreed_by("hub");
        changed.set_why("ends a change that was cut off");
        auto event = recorder_.EventOf(absl::StrCat("wrapping-", number),
                                       kKeysStream, PersonKey(), changed);
        if (!event.ok()) return event.status();
        return std::vector<Event>{*std::move(event)};
      },
      std::move(then));
}

void Rekeyer::Judge(Troubles& troubles) const {
  if (!owes_ || running_) return;
  troubles.push_back(
      {"keys", "",
       "a wrapping key that is to be destroyed is in the key file; a restart "
       "destroys it",
       false});
}

}  // namespace concordat::bus
