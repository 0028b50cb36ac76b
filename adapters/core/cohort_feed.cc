#include "adapters/core/cohort_feed.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "services/common/rpc/status.h"

namespace concordat::edge {
namespace {

constexpr absl::Duration kPauseMin = absl::Milliseconds(100);
constexpr absl::Duration kPauseMax = absl::Seconds(5);
constexpr absl::string_view kChi = "chi";

std::vector<AccessEntry> EntriesOf(
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::vector<AccessEntry> entries;
  for (const std::string& text : texts) {
    entries.push_back(AccessEntry::Of(text));
  }
  return entries;
}

}  // namespace

absl::Status ApplyCohortChange(const identity::v1::CohortChange& change,
                               Cohort& cohort) {
  if (change.has_joined()) {
    const identity::v1::CohortMember& joined = change.joined();
    const auto subject = PersonKey::Parse(joined.subject());
    if (!subject.ok()) return subject.status();
    std::vector<PersonIdentifier> identifiers;
    for (const identity::v1::Identifier& told : joined.identifiers()) {
      identifiers.push_back(
          {told.scheme(), told.value(),
           told.scheme() == kChi ? std::string() : told.authority()});
    }
    // The lists first: nobody is a member before it is known who may see them.
    std::vector<AccessEntry> restricted_to = EntriesOf(joined.restricted_to());
    if (joined.restricted() && restricted_to.empty()) {
      restricted_to.emplace_back();  // Of no agency: nobody.
    }
    cohort.SetLists(*subject, std::move(restricted_to),
                    EntriesOf(joined.excluded()));
    cohort.Join(*subject, identifiers);
  }
  if (!change.left_subject().empty()) {
    const auto subject = PersonKey::Parse(change.left_subject());
    if (!subject.ok()) return subject.status();
    cohort.Leave(*subject);
  }
  if (change.complete()) cohort.Complete(Sequence{change.position()});
  return absl::OkStatus();
}

CohortFeed::CohortFeed(Cohort& cohort, OpenIdentity open, const Logger& log,
                       identity::v1::CohortRequest request)
    : cohort_(cohort),
      open_(std::move(open)),
      log_(log),
      request_(std::move(request)) {
  thread_ = std::thread([this] { Run(); });
}

CohortFeed::~CohortFeed() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    if (reading_ != nullptr) reading_->TryCancel();
    stop_.NotifyAll();
  }
  thread_.join();
}

bool CohortFeed::Pause(absl::Duration pause) {
  MutexLock lock(mu_);
  return !stop_.WaitFor(
      mu_, pause,
      [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_; });
}

void CohortFeed::Run() {
  absl::Duration pause = kPauseMin;
  do {
    const absl::Time heard_before = cohort_.heard();
    const absl::Status ended = ReadUntilItBreaks();
    const bool heard = cohort_.heard() != heard_before;
    pause = heard ? kPauseMin : std::min(2 * pause, kPauseMax);
    log_.Warning("cohort stream broken",
                 {{"code", absl::StatusCodeToString(ended.code())}});
  } while (Pause(pause));
}

absl::Status CohortFeed::ReadUntilItBreaks() {
  const auto channel = open_();
  if (!channel.ok()) return channel.status();
  const auto stub = identity::v1::IdentityService::NewStub(*channel);
  grpc::ClientContext context;
  {
    MutexLock lock(mu_);
    if (stopping_) return absl::CancelledError("stopping");
    reading_ = &context;
  }
  cohort_.Begin();
  const auto reader = stub->Cohort(&context, request_);
  absl::Status status;
  identity::v1::CohortChange change;
  while (status.ok() && reader->Read(&change)) {
    status = ApplyCohortChange(change, cohort_);
  }
  if (!status.ok()) context.TryCancel();
  const absl::Status ended = FromGrpc(reader->Finish());
  MutexLock lock(mu_);
  reading_ = nullptr;
  return status.ok() ? ended : status;
}

}  // namespace concordat::edge
