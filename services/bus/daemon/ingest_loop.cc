#include "services/bus/daemon/ingest_loop.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "services/bus/ingest/hub_records.h"
#include "services/common/event/codec.h"
#include "services/common/evidence/producer_chain.h"

namespace concordat::bus {
namespace {

// A revoked principal is out within this.
constexpr absl::Duration kTurn = absl::Milliseconds(200);
// What is held is looked at again after this.
constexpr absl::Duration kHeldTurn = absl::Milliseconds(20);
// A signature is of what is stored: nobody waits for it.
constexpr absl::Duration kLinksWait = absl::Milliseconds(200);
// What the bus publishes itself, and what calls do; no session has these
// numbers.
constexpr size_t kReadBytes = 1 << 20;
constexpr SessionId kOwnSession = {0};
constexpr SessionId kCallSession = {UINT64_MAX};
constexpr size_t kSignedMax = 64;  // That wait for the loop.
// Of one session.
constexpr absl::Duration kProofEvery = absl::Seconds(1);

bool HasSigningKey(const v1::Principal& principal, absl::string_view key) {
  const auto& keys = principal.signing_keys();
  return std::find(keys.begin(), keys.end(), absl::Base64Escape(key)) !=
         keys.end();
}

bool Parse(absl::string_view bytes, google::protobuf::MessageLite& message) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

IngestLoop::IngestLoop(LaneOptions lanes, EventLog& log,
                       SessionServer& sessions, RegistrySource registry,
                       const SteadyClock& clock,
                       std::shared_ptr<const TypeRegistry> types,
                       std::unique_ptr<IngestCore> core, PolicyFold fold,
                       Random& random, Faults& faults, LoopMeters& meters,
                       Drain& drain, Hooks hooks,
                       std::unique_ptr<Background> disk,
                       std::unique_ptr<Background> proofs)
    : lanes_(lanes),
      log_(log),
      sessions_(sessions),
      registry_(std::move(registry), sessions, clock),
      core_(std::move(core)),
      fold_(std::move(fold)),
      types_(std::move(types)),
      log_id_(log.Status().log_id),
      reader_(log, fold_, types_),
      random_(random),
      faults_(faults),
      meters_(meters),
      drain_(drain),
      hooks_(std::move(hooks)),
      disk_(std::move(disk)),
      proofs_(std::move(proofs)) {
  now_us_ = fold_.now_us();
  UseAgreements();
  fold_.ForgetChanges();  // Nobody is back-filled from here.
}

void IngestLoop::Stop() {
  stopping_ = true;
  sessions_.Wake();
}

void IngestLoop::Follow() {
  follows_ = true;
  sessions_.SetFollowed(true);
}

void IngestLoop::Followed(std::shared_ptr<const EventBlock> block) {
  {
    MutexLock lock(mu_);
    followed_.push_back(std::move(block));
  }
  sessions_.Wake();
}

void IngestLoop::BeginWriting() {
  {
    MutexLock lock(mu_);
    to_begin_ = true;
  }
  sessions_.Wake();
}

void IngestLoop::HoldBulk(bool hold) {
  hold_bulk_ = hold;
  if (!hold) sessions_.Wake();
}

void IngestLoop::Start() { sessions_.SetEnd(fold_.folded(), fold_.now_us()); }

void IngestLoop::LookAtDrain() {
  if (drain_.phase() == Drain::Phase::kDraining) {
    Drain::View view;
    view.now = meters_.Now();
    view.owes = blocks_out_ > 0 || core_->owes() || !lanes_.empty() ||
                log_.staged_bytes() > 0 || !links_.empty();
    view.end = fold_.folded();
    if (hooks_.on_drain != nullptr) hooks_.on_drain(view);
    drain_.Step(view);
  }
  if (drain_.ingest() != admission_) {
    admission_ = drain_.ingest();
    if (admission_ != Admission::kAll) not_admitted_because_ = drain_.words();
    sessions_.Admit(admission_, not_admitted_because_);
  }
  if (admission_ == Admission::kAll && !somebody_leaves_) return;
  somebody_leaves_ = false;
  for (auto& [session, open] : open_) {
    const v1::Principal* principal =
        sessions_.registry().FindByName(open.principal);
    open.leaves |= principal == nullptr || !Admits(admission_, *principal);
    somebody_leaves_ |= open.leaves;
    if (open.leaves && !core_->Owes(session) && !lanes_.Has(session)) {
      sessions_.Close(session, v1::REFUSAL_DRAINING, not_admitted_because_);
    }
  }
}

bool IngestLoop::MayPublish(SessionId session, const v1::Principal& principal) {
  if (admission_ == Admission::kAll && !somebody_leaves_) return true;
  Open& open = open_[session];
  open.leaves |= !Admits(admission_, principal);
  somebody_leaves_ |= open.leaves;
  return !open.leaves;
}

void IngestLoop::Turn() {
  LookAtDrain();
  LookAtFrames(more_            ? absl::ZeroDuration()
               : lanes_.empty() ? kTurn
                                : kHeldTurn);
  TakeAside();
  TakeCalls();
  TakeWritten();
  Answer();
  registry_.Look();
}

void IngestLoop::LookAtFrames(absl::Duration wait) {
  events_.clear();
  sessions_.Poll(wait, events_);
  if (follows_) TakeFollowed();
  for (SessionEvent& event : events_) {
    lanes_.Push(std::move(event), meters_.Now());
  }
  TakeFrames();
  meters_.SetBulkWaiting(lanes_.bulk_bytes());
}

void IngestLoop::TakeFrames() {
  more_ = false;
  // After one of bulk it is asked first who has come meanwhile.
  while (!more_) {
    // A bus that is drained answers what it has.
    const bool is_held = hold_bulk_ && admission_ == Admission::kAll;
    const auto next = lanes_.Next(meters_.Now(), is_held);
    if (!next.has_value()) return;
    Take(next->event, next->since);
    // Not after all of them: the disk writes what one frame brought while the
    // next is judged, and who has an answer sends more meanwhile.
    TakeWritten();
    Answer();
    more_ = next->is_bulk;
  }
}

void IngestLoop::Run() {
  Start();
  while (!stopping_) Turn();
  Answer();  // A last signature has come.
  while (blocks_out_ > 0) {
    events_.clear();
    sessions_.Poll(kTurn, events_);
    TakeWritten();
    Answer();
  }
  calls_.Close();
  for (const auto& [session, open] : open_) {
    sessions_.Close(session, v1::REFUSAL_SHUTTING_DOWN, "the bus stops");
  }
}

void IngestLoop::Write(std::unique_ptr<PendingBlock> block) {
  // Work can be copied, a block cannot.
  auto held = std::make_shared<std::unique_ptr<PendingBlock>>(std::move(block));
  disk_->Post([this, held] {
    const absl::Duration began = meters_.Now();
    absl::Status status = log_.Write(**held);
    meters_.Wrote(began);
    {
      MutexLock lock(mu_);
      results_.push_back({std::move(*held), std::move(status), began});
    }
    sessions_.Wake();
  });
}

std::vector<IngestLoop::WriteResult> IngestLoop::Results() {
  MutexLock lock(mu_);
  return std::exchange(results_, {});
}

absl::Status IngestLoop::Publish(PublishCall call) {
  if (follows_) {
    return absl::UnavailableError("another process writes this log");
  }
  const absl::Status added = calls_.Add(std::move(call));
  if (added.ok()) sessions_.Wake();
  return added;
}

absl::Status IngestLoop::CheckSigned(const v1::Principal& principal,
                                     const v1::ChainSigned& link) const {
  absl::Status checked = CheckLink(log_id_, link);
  if (checked.ok() && !HasSigningKey(principal, link.public_key())) {
    checked = absl::PermissionDeniedError(
        "the registry does not have that signing key for you");
  }
  for (const v1::SequenceRun& run : link.runs()) {
    if (checked.ok() &&
        run.first() + run.count() - 1 > log_.Status().end.value) {
      checked = absl::InvalidArgumentError("ChainSigned of events to come");
    }
  }
  return checked;
}

absl::Status IngestLoop::Sign(const v1::Principal& principal,
                              const v1::ChainSigned& link) {
  if (follows_) {
    return absl::UnavailableError("another process writes this log");
  }
  absl::Status checked = CheckSigned(principal, link);
  if (!checked.ok()) return checked;
  {
    MutexLock lock(mu_);
    if (signed_.size() >= kSignedMax) {
      return absl::ResourceExhaustedError("too many sign; try again");
    }
    signed_.push_back({principal.name(), principal.agency(), link});
  }
  sessions_.Wake();
  return absl::OkStatus();
}

void IngestLoop::TakeAside() {
  std::vector<StoredLink> links;
  std::vector<std::pair<SessionId, v1::Consistency>> proved;
  {
    MutexLock lock(mu_);
    links = std::exchange(signed_, {});
    proved = std::exchange(proved_, {});
  }
  for (StoredLink& link : links) KeepLink(std::move(link));
  for (const auto& [session, answer] : proved) {
    sessions_.Send(session, FrameKind::kConsistency, answer);
  }
}

void IngestLoop::TakeCalls() {
  for (const auto& [number, call] : calls_.Take()) {
    if (call->registry != nullptr && !Admits(admission_, *call->principal)) {
      calls_.Answer(number, absl::UnavailableError(not_admitted_because_), {});
      continue;
    }
    if (call->first != nullptr) {
      const absl::Status done = call->first();
      if (!done.ok()) {
        calls_.Answer(number, done, {});
        continue;
      }
    }
    const absl::Duration at = meters_.Now();
    const absl::Status taken =
        core_->Publish(kCallSession, number, *call->principal, call->batch);
    if (taken.ok()) {
      meters_.Taken(at);
    } else {
      hooks_.on_refused(call->principal->name(), v1::REFUSAL_MALFORMED,
                        taken.message());
      calls_.Answer(number, taken, {});
    }
    TellOfFaults();
    TakeWritten();
    Answer();
    // A frame waits for one call, not for all that came.
    LookAtFrames(absl::ZeroDuration());
  }
}

void IngestLoop::Take(const SessionEvent& event, absl::Duration since) {
  if (event.what == SessionEvent::What::kOpened) {
    open_[event.session] = {event.principal->name(), event.purpose};
  } else if (event.what == SessionEvent::What::kClosed) {
    if (event.refusal != v1::REFUSAL_UNSPECIFIED) {
      hooks_.on_refused(open_[event.session].principal, event.refusal,
                        event.detail);
    }
    open_.erase(event.session);
  }
  open_count_ = open_.size();
  if (event.what != SessionEvent::What::kBody) return;
  // As the registry has it now: the frame may have waited.
  const v1::Principal* const principal =
      sessions_.registry().FindByName(open_[event.session].principal);
  if (principal == nullptr || principal->revoked()) {
    sessions_.Close(event.session, v1::REFUSAL_REVOKED,
                    "rights have changed: connect again");
    return;
  }
  switch (event.kind) {
    case FrameKind::kPublish:
      return TakePublish(event, *principal, since);
    case FrameKind::kReadStream:
      return TakeReadStream(event, *principal);
    case FrameKind::kChainSigned:
      return TakeChain(event, *principal);
    case FrameKind::kProveConsistency:
      return TakeProve(event);
    case FrameKind::kCosign:
      return TakeCosign(event, *principal);
    default:
      sessions_.Close(event.session, v1::REFUSAL_PROTOCOL,
                      "not a frame of the ingest port");
  }
}

void IngestLoop::TakePublish(const SessionEvent& event,
                             const v1::Principal& principal,
                             absl::Duration since) {
  const absl::Status taken =
      MayPublish(event.session, principal)
          ? core_->Publish(event.session, event.number, principal,
                           event.body.view)
          : core_->TurnAway(event.session, event.number, principal,
                            event.body.view, v1::REFUSAL_DRAINING,
                            not_admitted_because_);
  if (taken.ok()) {
    meters_.Taken(since);
  } else {
    sessions_.Close(event.session, v1::REFUSAL_MALFORMED,
                    std::string(taken.message()));
  }
  TellOfFaults();
}

void IngestLoop::TakeReadStream(const SessionEvent& event,
                                const v1::Principal& principal) {
  v1::ReadStream request;
  if (!Parse(event.body.view, request)) {
    sessions_.Close(event.session, v1::REFUSAL_MALFORMED, "not a ReadStream");
    return;
  }
  sessions_.Send(
      event.session, FrameKind::kStreamEvents,
      reader_.Read(principal, open_[event.session].purpose, request));
}

void IngestLoop::TakeChain(const SessionEvent& event,
                           const v1::Principal& principal) {
  StoredLink link{principal.name(), principal.agency(), {}};
  absl::Status checked = absl::InvalidArgumentError("not a ChainSigned");
  if (hooks_.on_link != nullptr && Parse(event.body.view, link.link)) {
    checked = CheckSigned(principal, link.link);
  }
  if (checked.ok()) return KeepLink(std::move(link));
  // Its events stay unsigned, and are none the worse: nobody is cut off because a
  // key was changed in one place and not yet in the other.
  hooks_.on_refused(principal.name(), v1::REFUSAL_MALFORMED, checked.message());
}

void IngestLoop::KeepLink(StoredLink link) {
  if (links_.empty()) links_since_ = meters_.Now();
  links_.push_back(std::move(link));
}

void IngestLoop::StageLinks() {
  if (links_.empty()) return;
  if (log_.staged_bytes() == 0 && !stopping_ &&
      meters_.Now() - links_since_ < kLinksWait) {
    return;
  }
  for (const StoredLink& link : std::exchange(links_, {})) hooks_.on_link(link);
}

void IngestLoop::TakeProve(const SessionEvent& event) {
  v1::ProveConsistency question;
  if (hooks_.on_prove == nullptr || !Parse(event.body.view, question)) {
    sessions_.Close(event.session, v1::REFUSAL_MALFORMED,
                    "not a ProveConsistency");
    return;
  }
  Open& open = open_[event.session];
  const absl::Duration now = meters_.Now();
  if (now - open.proved_at < kProofEvery) {
    v1::Consistency answer;
    answer.set_request(question.request());
    answer.set_detail("a session asks for one proof a second");
    sessions_.Send(event.session, FrameKind::kConsistency, answer);
    return;
  }
  open.proved_at = now;
  proofs_->Post([this, session = event.session, question] {
    v1::Consistency answer = hooks_.on_prove(question);
    {
      MutexLock lock(mu_);
      proved_.emplace_back(session, std::move(answer));
    }
    sessions_.Wake();
  });
}

void IngestLoop::TakeCosign(const SessionEvent& event,
                            const v1::Principal& principal) {
  v1::Cosign cosign;
  if (hooks_.on_cosigned == nullptr || !Parse(event.body.view, cosign)) {
    sessions_.Close(event.session, v1::REFUSAL_MALFORMED, "not a Cosign");
    return;
  }
  hooks_.on_cosigned(principal, cosign);
}

void IngestLoop::TellOfFaults() {
  for (FaultyEvent& faulty : core_->TakeFaulty()) {
    const auto event = FaultsAcceptedOf(faulty, *types_, random_);
    faults_.Add(std::move(faulty));
    if (!event.ok()) continue;  // The log has the faults in the event itself.
    BatchEncoder batch;
    batch.Add(AsView(*event));
    const absl::Duration at = meters_.Now();
    if (core_->Publish(kOwnSession, 0, HubPrincipal(), batch.Take()).ok()) {
      meters_.Taken(at);
    }
  }
}

void IngestLoop::TakeFollowed() {
  std::vector<std::shared_ptr<const EventBlock>> followed;
  bool to_begin = false;
  {
    MutexLock lock(mu_);
    followed = std::exchange(followed_, {});
    to_begin = to_begin_;
  }
  for (auto& block : followed) {
    if (!Show(std::move(block))) return;
  }
  if (!to_begin) return;
  core_->Followed(fold_.now_us());
  absl::Status status = hooks_.on_begin(*core_);
  // What that wrote.
  while (status.ok() && fold_.folded() < log_.Status().end) {
    auto block = log_.Read(fold_.folded(), kReadBytes);
    status = block.status();
    if (status.ok() && !Show(*std::move(block))) return;
  }
  if (!status.ok()) return hooks_.on_fatal(status);
  sessions_.SetFollowed(false);
  follows_ = false;
  if (hooks_.on_writes != nullptr) hooks_.on_writes();
}

bool IngestLoop::Show(std::shared_ptr<const EventBlock> block) {
  const absl::Status folded = fold_.Fold(*block);
  if (!folded.ok()) {
    hooks_.on_fatal(folded);
    return false;
  }
  UseAgreements();
  sessions_.SetEnd(fold_.folded(), fold_.now_us());
  now_us_ = fold_.now_us();
  meters_.Durable(fold_.folded());
  hooks_.on_durable(std::move(block));
  return true;
}

void IngestLoop::TakeWritten() {
  for (WriteResult& result : Results()) {
    --blocks_out_;
    if (!result.status.ok()) {
      core_->WriteFailed(result.status);
      hooks_.on_read_only(result.status);
      continue;
    }
    std::shared_ptr<const EventBlock> block =
        core_->Written(std::move(result.block));
    if (block->events.empty()) continue;  // A key table or signatures alone.
    if (!Show(block)) return;
    if (hooks_.on_written != nullptr) hooks_.on_written(*block, result.began);
  }
}

void IngestLoop::Answer() {
  for (bus::Answer& answer : core_->TakeAnswers()) {
    meters_.Answered();
    if (answer.session == kCallSession) {
      calls_.Answer(answer.number, absl::OkStatus(), answer.receipts);
    } else if (answer.session != kOwnSession) {
      sessions_.Send(answer.session, FrameKind::kReceipts, answer.receipts,
                     answer.number);
    }
    core_->Recycle(std::move(answer));
  }
  StageLinks();
  while (std::unique_ptr<PendingBlock> block = core_->NextBlock()) {
    ++blocks_out_;
    Write(std::move(block));
  }
  meters_.SetStaged(blocks_out_, log_.staged_bytes());
}

void IngestLoop::UseAgreements() {
  const auto& now = fold_.policy().agreements();
  core_->UseAgreements(now);
  MutexLock lock(agreed_mu_);
  agreed_ = now;
}

std::shared_ptr<const Agreements> IngestLoop::agreements() const {
  MutexLock lock(agreed_mu_);
  return agreed_;
}

}  // namespace concordat::bus
