#include "services/common/projection/projection.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace concordat {
namespace {

// projection_shown is what makes a re-delivery harmless: a back-filled event may
// be older than the place. It has the groups that each event was applied with.
constexpr char kSchema[] =
    "CREATE TABLE IF NOT EXISTS projection_place("
    "  one INTEGER PRIMARY KEY CHECK(one = 1),"
    "  position INTEGER NOT NULL,"
    "  backfilled_through INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO projection_place VALUES(1, 0, 0);"
    "CREATE TABLE IF NOT EXISTS projection_shown("
    "  sequence INTEGER PRIMARY KEY,"
    "  groups INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS projection_log("
    "  one INTEGER PRIMARY KEY CHECK(one = 1),"
    "  log_id BLOB NOT NULL,"
    "  epoch INTEGER NOT NULL,"
    "  forked INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO projection_log VALUES(1, x'', 0, 0);";

// How soon it is noticed that the log goes on without events of these types.
constexpr absl::Duration kStepWait = absl::Milliseconds(20);
// Beyond this a commit is no longer what an event costs, and who waits for the
// first would wait for the last.
constexpr size_t kTogetherMax = 64;
constexpr absl::Duration kPauseMin = absl::Milliseconds(50);
constexpr absl::Duration kPauseMax = absl::Seconds(5);

std::string FileName(const ProjectionOptions& options, int version) {
  return absl::StrCat(options.name, ".v", version, ".db");
}

uint64_t GroupsOf(const View& view) {
  uint64_t groups = 0;
  for (const View::Group& group : view.groups) {
    groups |= uint64_t{1} << group.number;
  }
  return groups;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Projection>> Projection::Open(
    ProjectionOptions options, ReadModel& model, BusClient& bus) {
  const std::string path =
      options.folder.empty() ? ":memory:"
                             : absl::StrCat(options.folder, "/",
                                            FileName(options, model.version()));
  std::unique_ptr<Projection> projection;
  for (;;) {
    auto database = Database::Open(path, Database::Durability::kNormal);
    if (!database.ok()) return database.status();
    projection.reset(new Projection(options, model, *std::move(database)));
    absl::Status status =
        projection->database_->Execute(kSchema + model.schema());
    if (status.ok()) status = projection->ReadPlace();
    if (!status.ok()) return status;
    if (!projection->stale_) break;
    projection.reset();
    for (const char* part : {"-wal", "-shm", ""}) {
      std::error_code error;
      std::filesystem::remove(path + part, error);
      if (error) return absl::UnavailableError(error.message());
    }
  }
  auto subscription =
      bus.Subscribe({.name = projection->options_.name,
                     .types = projection->options_.types,
                     .after = projection->position_,
                     .from_latest = false,
                     .own_place = true,
                     .backfilled_through = projection->backfilled_through_,
                     .log_epoch = projection->log_epoch_});
  if (!subscription.ok()) return subscription.status();
  projection->subscription_ = *std::move(subscription);
  projection->judged_ = projection->position_.value;
  return projection;
}

absl::Status Projection::ReadPlace() {
  absl::Status status = database_->Query(
      "SELECT log_id, epoch, forked FROM projection_log", {},
      [this](const SqlRow& row) {
        log_epoch_ = {row.Text(0), static_cast<uint32_t>(row.Uint(1))};
        stale_ = row.Int(2) != 0;
      });
  if (!status.ok()) return status;
  return database_->Query(
      "SELECT position, backfilled_through,"
      " (SELECT MAX(sequence) FROM projection_shown) FROM projection_place",
      {}, [this](const SqlRow& row) {
        position_ = {row.Uint(0)};
        backfilled_through_ = {row.Uint(1)};
        newest_ = std::max(position_, Sequence{row.Uint(2)});
      });
}

absl::Status Projection::NoteStale() {
  return database_->Run("UPDATE projection_log SET forked = 1");
}

absl::StatusOr<bool> Projection::Step(absl::Duration timeout) {
  if (pending_.empty()) {
    // Asked before Next(): what it has scanned by now is in the queue, so an
    // empty queue afterwards means that all of it was applied.
    const Sequence scanned = subscription_->scanned_through();
    auto delivery = subscription_->Next(timeout);
    end_ = subscription_->log_end().value;
    connected_ = subscription_->connected();
    if (absl::IsDeadlineExceeded(delivery.status())) {
      NoteJudged(scanned);
      if (!ready_ && connected_ && judged_ >= end_) {
        ready_ = true;
        RemoveOlderFiles();
      }
      return false;
    }
    if (absl::IsDataLoss(delivery.status())) {
      connected_ = false;
      const absl::Status noted = NoteStale();
      if (!noted.ok()) return noted;
    }
    if (!delivery.ok()) return delivery.status();
    pending_.push_back(*std::move(delivery));
    while (pending_.size() < kTogetherMax) {
      // What is wrong with it, if anything is, the next call says.
      auto more = subscription_->Next(absl::ZeroDuration());
      if (!more.ok()) break;
      pending_.push_back(*std::move(more));
    }
  }
  const auto stale = ShowsMoreOfThePast(pending_.front().view);
  if (!stale.ok()) return stale.status();
  if (*stale) {
    const absl::Status noted = NoteStale();
    if (!noted.ok()) return noted;
    return absl::DataLossError(absl::StrCat(
        "policy shows more of event ", pending_.front().view.sequence.value,
        " than it was built from"));
  }
  const size_t count = Together();
  const absl::Status applied = Apply(count);
  one_by_one_ = !applied.ok() || (one_by_one_ && pending_.size() > count);
  if (!applied.ok()) return applied;
  subscription_->Ack(pending_[count - 1].number);
  NoteJudged(position_);
  pending_.erase(pending_.begin(),
                 pending_.begin() + static_cast<ptrdiff_t>(count));
  return true;
}

size_t Projection::Together() const {
  if (one_by_one_) return 1;
  // Of the past each is looked at by itself.
  Sequence newest = std::max(newest_, pending_.front().view.sequence);
  size_t count = 1;
  while (count < pending_.size() && pending_[count].view.sequence > newest) {
    newest = pending_[count++].view.sequence;
  }
  return count;
}

absl::StatusOr<bool> Projection::ShowsMoreOfThePast(const View& view) {
  if (view.sequence > newest_) return false;
  bool more = true;
  const absl::Status status = database_->Query(
      "SELECT groups FROM projection_shown WHERE sequence = ?1",
      {view.sequence.value},
      [&](const SqlRow& row) { more = (GroupsOf(view) & ~row.Uint(0)) != 0; });
  if (!status.ok()) return status;
  return more;
}

absl::Status Projection::Apply(size_t count) {
  Sequence position = position_;
  Sequence newest = newest_;
  Sequence backfilled = backfilled_through_;
  Transaction transaction(*database_);
  absl::Status status = transaction.status();
  for (size_t i = 0; i < count && status.ok(); ++i) {
    const Delivery& delivery = pending_[i];
    const Sequence sequence = delivery.view.sequence;
    const bool live = delivery.backfill_cause == Sequence{};
    if (live) position = std::max(position, sequence);
    backfilled = std::max(backfilled, delivery.scanned_through);
    if (sequence <= newest) continue;
    newest = sequence;
    status = database_->Run("INSERT INTO projection_shown VALUES(?1, ?2)",
                            {sequence.value, GroupsOf(delivery.view)});
    if (status.ok()) status = model_.Apply(delivery.view, *database_);
  }
  if (status.ok()) {
    status = database_->Run(
        "UPDATE projection_place SET position = ?1, backfilled_through = ?2",
        {position.value, backfilled.value});
  }
  // Not older than the delivery: a later epoch has what came before it.
  const LogEpoch log_epoch = subscription_->log_epoch();
  if (status.ok() && log_epoch != log_epoch_) {
    status =
        database_->Run("UPDATE projection_log SET log_id = ?1, epoch = ?2",
                       {SqlValue::Blob(log_epoch.log_id), log_epoch.epoch});
  }
  if (status.ok()) status = transaction.Commit();
  if (!status.ok()) return status;
  position_ = position;
  newest_ = newest;
  backfilled_through_ = backfilled;
  log_epoch_ = log_epoch;
  return status;
}

void Projection::NoteJudged(Sequence through) {
  MutexLock lock(mu_);
  if (through.value <= judged_) return;
  judged_ = through.value;
  judged_changed_.NotifyAll();
}

absl::Status Projection::AwaitJudged(Sequence position,
                                     absl::Duration timeout) const {
  if (!ready_) {
    return absl::UnavailableError("just started: the log is not read yet");
  }
  if (!connected_) return absl::UnavailableError("the bus is away");
  MutexLock lock(mu_);
  const bool judged = judged_changed_.WaitFor(
      mu_, timeout, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return judged_ >= position.value;
      });
  if (judged) return absl::OkStatus();
  return absl::UnavailableError("the log is not read that far yet");
}

void Projection::RemoveOlderFiles() const {
  if (options_.folder.empty()) return;
  std::error_code error;
  for (std::filesystem::directory_iterator it(options_.folder, error), end;
       !error && it != end; it.increment(error)) {
    // <name>.v<version>.db, and its -wal and -shm.
    const std::string file = it->path().filename().string();
    absl::string_view rest = file;
    int version = 0;
    if (absl::ConsumePrefix(&rest, options_.name + ".v") &&
        absl::SimpleAtoi(rest.substr(0, rest.find('.')), &version) &&
        version < model_.version()) {
      std::error_code ignored;
      std::filesystem::remove(it->path(), ignored);
    }
  }
}

ProjectionThread::ProjectionThread(
    Projection& projection, std::function<void(const absl::Status&)> on_failure)
    : projection_(projection),
      on_failure_(std::move(on_failure)),
      thread_([this] { Run(); }) {}

ProjectionThread::~ProjectionThread() {
  {
    MutexLock lock(mu_);
    stopped_ = true;
    stop_changed_.NotifyAll();
  }
  thread_.join();
}

void ProjectionThread::Run() {
  absl::Duration pause = absl::ZeroDuration();
  while (true) {
    {
      MutexLock lock(mu_);
      if (stop_changed_.WaitFor(
              mu_, pause,
              [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopped_; })) {
        return;
      }
    }
    const auto stepped = projection_.Step(kStepWait);
    if (stepped.ok()) {
      pause = absl::ZeroDuration();
      continue;
    }
    on_failure_(stepped.status());
    pause = std::clamp(pause * 2, kPauseMin, kPauseMax);
  }
}

}  // namespace concordat
