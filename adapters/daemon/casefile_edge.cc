#include "adapters/daemon/casefile_edge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/crypto/sha256.h"

namespace concordat::edge {
namespace {

// How often the folder is looked at, and a blocked worker tries again.
constexpr absl::Duration kTick = absl::Milliseconds(100);
// The same while nothing can be taken: a journal is read again each time.
constexpr absl::Duration kTroubleTick = absl::Seconds(1);

// A key of its own for each use of the edge's secret.
std::string KeyFor(absl::string_view secret, absl::string_view use) {
  const Sha256Hash key =
      HmacSha256(secret).Of(absl::StrCat("concordat/edge/1/", use));
  return std::string(key.begin(), key.end());
}

}  // namespace

CaseFileEdgeProcess::CaseFileEdgeProcess(CaseFileEdgeParts parts)
    : parts_(std::move(parts)),
      cohort_(KeyFor(parts_.secret, "cohort"), *parts_.clock) {}

absl::StatusOr<std::unique_ptr<CaseFileEdgeProcess>> CaseFileEdgeProcess::Start(
    CaseFileEdgeParts parts) {
  std::unique_ptr<CaseFileEdgeProcess> edge(
      new CaseFileEdgeProcess(std::move(parts)));
  if (absl::Status started = edge->StartParts(); !started.ok()) return started;
  return edge;
}

absl::StatusOr<casefile::MappingSet> CaseFileEdgeProcess::LoadMappings() const {
  const auto protos = parts_.load_mappings();
  if (!protos.ok()) return protos.status();
  return casefile::MappingSet::Build(
      *protos,
      {parts_.settings.mappings().begin(), parts_.settings.mappings().end()},
      parts_.types, zone_);
}

absl::Status CaseFileEdgeProcess::StartParts() {
  if (!absl::LoadTimeZone(parts_.settings.time_zone(), &zone_)) {
    return absl::InvalidArgumentError(
        absl::StrCat("time_zone: there is no ", parts_.settings.time_zone()));
  }
  if (parts_.principal.publish_size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        parts_.principal.name(), " has not the right to publish one source"));
  }
  auto mappings = LoadMappings();
  if (!mappings.ok()) return mappings.status();
  {
    MutexLock lock(mu_);
    mappings_ =
        std::make_shared<const casefile::MappingSet>(*std::move(mappings));
  }
  casefile::CaseStoreLimits limits;
  limits.bytes_max = parts_.settings.spool_bytes_max();
  auto store = casefile::CaseStore::Open(*parts_.directory,
                                         KeyFor(parts_.secret, "casefiles"),
                                         *parts_.random, limits);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  auto folder = casefile::DropFolder::Open(parts_.drop_folder, *parts_.steady);
  if (!folder.ok()) return folder.status();
  folder_ = std::make_unique<casefile::DropFolder>(*std::move(folder));
  identity::v1::CohortRequest whom;
  whom.set_registered_too(true);
  cohort_feed_ = std::make_unique<CohortFeed>(cohort_, parts_.open_identity,
                                              *parts_.log, std::move(whom));
  auto erasures = ErasureFeed::Start(
      *parts_.bus, parts_.principal, parts_.types, *parts_.random, *parts_.log,
      [this](const PersonKey& person) { return Erase(person); });
  if (!erasures.ok()) return erasures.status();
  erasure_feed_ = *std::move(erasures);
  taker_ = std::make_unique<casefile::FileTaker>(
      *folder_, *store_, cohort_, KeyFor(parts_.secret, "marks"), *parts_.clock,
      zone_, *parts_.log);
  worker_ = std::make_unique<casefile::RowWorker>(
      *store_, cohort_, *parts_.bus, parts_.types,
      casefile::RowPublisher{parts_.principal,
                             parts_.principal.publish(0).source()},
      KeyFor(parts_.secret, "events"));
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> CaseFileEdgeProcess::Erase(const PersonKey& person) {
  return store_->ErasePerson(person, [&](const v1::WaitingRow& row) {
    if (row.person().empty()) return false;
    const CohortAnswer who =
        cohort_.Find({{row.scheme(), row.person(), row.system()}});
    return who.kind == CohortAnswer::Kind::kMember && who.subject == person;
  });
}

CaseFileEdgeProcess::~CaseFileEdgeProcess() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    woken_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void CaseFileEdgeProcess::Wake() {
  MutexLock lock(mu_);
  wake_ = true;
  woken_.NotifyAll();
}

void CaseFileEdgeProcess::Complain(absl::Status why) {
  MutexLock lock(mu_);
  if (!why.ok() && trouble_.message() != why.message()) {
    parts_.log->Error("no case file can be taken", {{"why", why.message()}});
  }
  trouble_ = std::move(why);
}

std::shared_ptr<const casefile::MappingSet> CaseFileEdgeProcess::mappings() {
  MutexLock lock(mu_);
  return mappings_;
}

absl::Status CaseFileEdgeProcess::TakeFiles() {
  // Nobody knows what a failed write left: it is read again.
  if (!store_->failed().ok()) {
    if (absl::Status status = store_->Recover(); !status.ok()) return status;
  }
  const auto files = folder_->List();
  if (!files.ok()) return files.status();
  if (files->empty()) return absl::OkStatus();
  auto read = LoadMappings();
  if (!read.ok()) return read.status();
  {
    MutexLock lock(mu_);
    mappings_ = std::make_shared<const casefile::MappingSet>(*std::move(read));
  }
  return taker_->TakeAll(*mappings()).status();
}

bool CaseFileEdgeProcess::RunOnce() {
  Complain(TakeFiles());
  return worker_->RunOnce(mappings()->Feeds()) ==
         casefile::RowWorker::Step::kDone;
}

void CaseFileEdgeProcess::Run() {
  while (true) {
    const bool go_on = RunOnce();
    MutexLock lock(mu_);
    if (!go_on) {
      woken_.WaitFor(mu_, trouble_.ok() ? kTick : kTroubleTick,
                     [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                       return stopping_ || wake_;
                     });
    }
    wake_ = false;
    if (stopping_) return;
  }
}

void CaseFileEdgeProcess::FillStatus(hub::v1::GetStatusResponse* status) {
  const auto known = mappings();
  // Also a file that the thread has not seen yet counts as work.
  const auto files = taker_->Count(*known);
  const casefile::CaseTotals totals = store_->totals();
  const bool waiting = totals.waiting > 0 || totals.acts > 0 || !files.ok() ||
                       *files > 0 || !store_->News(known->Feeds()).empty();
  absl::Status trouble;
  {
    MutexLock lock(mu_);
    trouble = trouble_;
  }
  const bool fresh = cohort_.fresh();
  status->set_ready(fresh && trouble.ok());
  if (!trouble.ok()) {
    status->set_degraded_because(
        absl::StrCat("no case file can be taken: ", trouble.message()));
  } else if (!fresh) {
    status->set_degraded_because("the cohort is not known");
  } else if (waiting) {
    status->set_degraded_because("case files wait");
  }
  status->set_position(waiting ? 0 : cohort_.position().value);
  status->set_log_end(
      std::max(cohort_.position().value, worker_->last_published().value));
}

}  // namespace concordat::edge
