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
                 ActRecorder& recorder, KeyFile& keys, KeySharers* sharers,
                 Random& random, std::unique_ptr<Background> disk)
    : log_(log),
      ingest_(ingest),
      delivery_(delivery),
      recorder_(recorder),
      keys_(keys),
      sharers_(sharers),
      random_(random),
      disk_(std::move(disk)) {}

void Rekeyer::Run(Erase erase, Says says, Then then) {
  if (ingest_.follows()) {
    return then(absl::FailedPreconditionError(
        "another process writes the log: ask that one"));
  }
  Start(std::move(erase), std::move(says), std::move(then));
}

void Rekeyer::Start(Erase erase, Says says, Then then) {
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
  absl::StatusOr<std::vector<Event>> events;
  auto keys = keys_.Change([&](WrappingKeys& all) {
    events = change->says(all.Add(random_));
    return events.status();
  });
  if (!keys.ok()) return End(change, keys.status());
  change->keys = *std::move(keys);
  owes_ = true;
  if (sharers_ != nullptr) {
    const absl::Status given = sharers_->HandOver(change->keys);
    if (!given.ok()) {
      return End(change,
                 absl::Status(given.code(), absl::StrCat("nothing is done: ",
                                                         given.message())));
    }
  }
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

void Rekeyer::Followed() {
  delivery_.Perform(
      "",
      [](DeliveryCore& core) {
        core.Forget();
        return absl::OkStatus();
      },
      [](const absl::Status&) {});
}

void Rekeyer::Destroy(const Shared& change) {
  // What was read of the log before stands in memory there.
  Followed();
  const auto left_to_do = [](const absl::Status& why) {
    return absl::UnavailableError(absl::StrCat(
        "it is in the log, and the wrapping key before is not destroyed yet (",
        why.message(), "); a restart, or another change, does that"));
  };
  absl::Status status = keys_.SaveTable(change->staged.table);
  if (!status.ok()) return End(change, left_to_do(status));
  const uint32_t current = change->keys.current();
  status = keys_
               .Change([current](WrappingKeys& all) {
                 all.ForgetBefore(current);
                 return absl::OkStatus();
               })
               .status();
  if (!status.ok()) return End(change, left_to_do(status));
  SayDestroyed(current, [this, change, left_to_do](const absl::Status& said) {
    End(change, said.ok() ? said : left_to_do(said));
  });
}

void Rekeyer::SayDestroyed(uint32_t below,
                           std::function<void(const absl::Status&)> then) {
  if (sharers_ != nullptr) {
    const absl::Status destroyed = sharers_->AwaitDestroyed(below);
    if (!destroyed.ok()) return then(destroyed);
  }
  owes_ = false;
  hub::v1::WrappingKeysDestroyed destroyed;
  destroyed.set_below(below);
  recorder_.RecordIn(absl::StrCat("wrapping-destroyed-", below), kKeysStream,
                     PersonKey(), destroyed, std::move(then));
}

void Rekeyer::End(const Shared& change, const absl::Status& status) {
  running_ = false;
  if (!status.ok()) return change->then(status);
  change->then(Outcome{change->keys.current(), change->staged.kept,
                       change->staged.erased});
}

void Rekeyer::Finish(Then then) {
  const auto keys = keys_.Load();
  if (!keys.ok()) return;
  if (keys->size() == 1) {
    const uint32_t current = keys->current();
    if (current == 1) return;  // It never was another.
    // Whoever destroyed the others may have ended before it said so; said once more
    // it is a repeat.
    disk_->Post([this, current, then] {
      SayDestroyed(current, [then](const absl::Status& status) {
        if (!status.ok()) then(status);
      });
    });
    return;
  }
  owes_ = true;
  Start(
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
       "a wrapping key that is to be destroyed is in a key file; a restart, or "
       "another change of it, destroys it",
       false});
}

}  // namespace concordat::bus
