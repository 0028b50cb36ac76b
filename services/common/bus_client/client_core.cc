#include "services/common/bus_client/client_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/event/codec.h"

namespace concordat {
namespace {

// What was accepted is signed within this.
constexpr absl::Duration kSignWithin = absl::Milliseconds(100);

// Another for each session: the bus draws its number.
std::array<uint8_t, kChainBytes> ChainIdOf(uint64_t session,
                                           const Ed25519PublicKey& key) {
  const Sha256Hash hash = Sha256()
                              .Update("concordat/chain-id/1")
                              .Update(&session, sizeof(session))
                              .Update(key.data(), key.size())
                              .Finish();
  std::array<uint8_t, kChainBytes> id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

}  // namespace

ClientCore::ClientCore(ClientOptions options, Dialer& dialer,
                       std::function<void()> wake)
    : options_(std::move(options)),
      dialer_(dialer),
      wake_(std::move(wake)),
      ingest_(dialer, options_.identity, options_.ingest, *this) {}

absl::Status ClientCore::Publish(std::vector<Event> set,
                                 absl::Span<const EventView> views,
                                 Publisher::Done done) {
  const size_t events = set.size();
  if (in_flight_.fetch_add(events) + events > options_.in_flight_events_max) {
    in_flight_ -= events;
    return absl::ResourceExhaustedError(
        absl::StrCat("more than ", options_.in_flight_events_max,
                     " events would wait for an answer"));
  }
  {
    MutexLock lock(mu_);
    if (closed_) {
      in_flight_ -= events;
      return absl::UnavailableError("the client is closed");
    }
    queue_.Add(std::move(set), views, std::move(done));
    ++published_;
  }
  if (wants_publishes_.exchange(false)) wake_();
  return absl::OkStatus();
}

absl::StatusOr<StreamSlice> ClientCore::ReadStream(const StreamName& stream,
                                                   Sequence after,
                                                   absl::Duration timeout) {
  uint64_t id = 0;
  {
    MutexLock lock(mu_);
    if (closed_) return absl::UnavailableError("the client is closed");
    id = ++last_reading_;
    Reading& reading = readings_[id];
    reading.stream = stream;
    reading.after = after;
  }
  wake_();
  MutexLock lock(mu_);
  Reading& reading = readings_.at(id);
  const bool done = read_.WaitFor(
      mu_, timeout,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return reading.done || closed_; });
  const absl::Status status =
      reading.done ? reading.status
                   : absl::UnavailableError("the bus does not answer");
  static_cast<void>(done);
  StreamSlice slice = std::move(reading.slice);
  readings_.erase(id);
  if (!status.ok()) return status;
  return slice;
}

std::shared_ptr<SubscriptionLink> ClientCore::Subscribe(
    SubscribeOptions options) {
  auto link = std::make_shared<SubscriptionLink>(
      std::move(options), dialer_, options_.identity, options_.delivery, wake_);
  {
    MutexLock lock(mu_);
    if (closed_) return nullptr;
    new_links_.push_back(link);
  }
  wake_();
  return link;
}

void ClientCore::Unsubscribe(const std::shared_ptr<SubscriptionLink>& link) {
  {
    MutexLock lock(mu_);
    left_links_.push_back(link);
  }
  wake_();
}

bool ClientCore::Step(absl::Duration now) {
  TakeInbox(now);
  bool more = ingest_.Step(now);
  if (ingest_.open()) HearTime(ingest_.session().log_time_us());
  AskForStreams(now);
  WatchTree(now);
  if (now >= sign_at_) SignChain();
  SendChain(now);
  more |= Pump(now);
  for (const auto& link : links_) more |= link->Step(now);
  std::erase_if(links_, [](const auto& link) { return link->ended(); });
  return more;
}

void ClientCore::Finish(absl::Duration now) {
  {
    MutexLock lock(mu_);
    closed_ = true;
    read_.NotifyAll();
  }
  TakeInbox(now);
  for (const auto& link : links_) {
    link->End(absl::UnavailableError("the client is closed"), now);
  }
  links_.clear();
  SignChain();
  SendChain(now);
  ingest_.Close(now);
  {
    MutexLock lock(mu_);
    queue_.Refuse(bus::v1::REFUSAL_SHUTTING_DOWN,
                  "the client was closed before the bus answered", true,
                  answered_);
  }
  CallBack();
}

void ClientCore::TakeInbox(absl::Duration now) {
  std::vector<std::shared_ptr<SubscriptionLink>> left;
  {
    MutexLock lock(mu_);
    seen_published_ = published_;
    std::move(new_links_.begin(), new_links_.end(), std::back_inserter(links_));
    new_links_.clear();
    left.swap(left_links_);
    // Without a session that may send, who publishes hears of that at once.
    if (shut_out_ != bus::v1::REFUSAL_UNSPECIFIED) {
      queue_.Refuse(shut_out_, shut_out_detail_, false, answered_);
      FailReadings();
    }
  }
  CallBack();
  for (const auto& link : left) {
    link->End(absl::UnavailableError("unsubscribed"), now);
  }
}

void ClientCore::FailReadings() {
  for (auto& [id, reading] : readings_) {
    if (reading.done) continue;
    reading.status = absl::UnavailableError(shut_out_detail_);
    reading.done = true;
  }
  read_.NotifyAll();
}

bool ClientCore::Pump(absl::Duration now) {
  if (!ingest_.open()) return false;
  while (true) {
    std::shared_ptr<std::string> frame;
    {
      MutexLock lock(mu_);
      frame = queue_.Next();
    }
    if (frame == nullptr) return false;
    const uint64_t number =
        ingest_.Send(FrameKind::kPublish, std::move(frame), now);
    if (number == 0) return true;  // Lost; the next step says so.
    MutexLock lock(mu_);
    queue_.Sent(number);
  }
}

absl::Duration ClientCore::PrepareToWait(absl::Duration now,
                                         std::vector<pollfd>& items) {
  absl::Duration due = std::min(ingest_.due(), sign_at_);
  bool ready = ingest_.AddPollItems(items);
  for (const auto& link : links_) {
    due = std::min(due, link->due());
    ready |= link->AddPollItems(items);
  }
  if (ready) return now;
  MutexLock lock(mu_);
  wants_publishes_ = !ingest_.open() || queue_.WantsMore();
  return published_ != seen_published_ && wants_publishes_ ? now : due;
}

void ClientCore::OnOpen(absl::Duration) {
  const bus::v1::Welcome& welcome = ingest_.session().welcome();
  shut_out_ = bus::v1::REFUSAL_UNSPECIFIED;
  connected_ = true;
  ingest_.Progress();
  if (options_.signer.has_value()) {
    chain_.emplace(welcome.log_id(), ChainIdOf(ingest_.session().id(),
                                               options_.signer->public_key()));
  }
  MutexLock lock(mu_);
  queue_.SetCredit(welcome.credit_events(), welcome.credit_bytes());
  for (auto& [id, reading] : readings_) reading.sent = false;
}

bool ClientCore::OnFrame(FrameKind kind, OwnedBytes body, absl::Duration now) {
  if (kind == FrameKind::kStreamEvents) return TakeStreamEvents(body.view);
  if (kind == FrameKind::kConsistency) return TakeConsistency(body.view);
  if (kind != FrameKind::kReceipts) return false;
  if (!receipts_.ParseFromArray(body.view.data(),
                                static_cast<int>(body.view.size()))) {
    return false;
  }
  for (const bus::v1::Accepted& run : receipts_.accepted()) {
    HearTime(run.accepted_time());
  }
  for (const bus::v1::Outcome& outcome : receipts_.outcomes()) {
    HearTime(outcome.accepted_time());
  }
  {
    MutexLock lock(mu_);
    if (!queue_.Answer(receipts_, answered_)) return false;
  }
  Chain(now);
  CallBack();
  SendChain(now);
  return true;
}

void ClientCore::OnLost(bus::v1::Refusal refusal, const std::string& detail,
                        absl::Duration) {
  connected_ = false;
  if (options_.watch != nullptr) options_.watch->Lost();
  chain_.reset();
  signed_.clear();
  sign_at_ = absl::InfiniteDuration();
  // PROTOCOL is of frames and silence, which say nothing of a batch.
  const bool because_of_what_was_sent = refusal == bus::v1::REFUSAL_MALFORMED;
  mu_.Lock();
  queue_.Lost(because_of_what_was_sent, detail, answered_);
  switch (refusal) {
    case bus::v1::REFUSAL_WRONG_ENVIRONMENT:
    case bus::v1::REFUSAL_NOT_REGISTERED:
    case bus::v1::REFUSAL_REVOKED:
    case bus::v1::REFUSAL_DRAINING:
      // Until a session opens again, what was never sent is refused.
      // The handshake of a key that was revoked says no more than that it is
      // nobody's: what the bus said before it stands.
      if (refusal != bus::v1::REFUSAL_NOT_REGISTERED ||
          shut_out_ != bus::v1::REFUSAL_REVOKED) {
        shut_out_ = refusal;
        shut_out_detail_ = detail;
      }
      queue_.Refuse(shut_out_, shut_out_detail_, false, answered_);
      break;
    default:
      break;
  }
  mu_.Unlock();
  CallBack();
}

void ClientCore::HearTime(uint64_t us) {
  if (us > log_time_us_) log_time_us_ = us;
}

void ClientCore::CallBack() {
  for (PublishQueue::Answered& one : answered_) {
    in_flight_ -= one.outcomes.size();
    one.done(std::move(one.outcomes));
  }
  answered_.clear();
}

void ClientCore::AskForStreams(absl::Duration now) {
  if (!ingest_.open()) return;
  MutexLock lock(mu_);
  for (auto& [id, reading] : readings_) {
    if (reading.sent || reading.done) continue;
    bus::v1::ReadStream ask;
    ask.set_request(id);
    ask.set_source(reading.stream.source);
    ask.set_stream(reading.stream.name);
    ask.set_after(reading.after.value);
    reading.sent =
        ingest_.Send(FrameKind::kReadStream, ask.SerializeAsString(), now) != 0;
  }
}

void ClientCore::Chain(absl::Duration now) {
  if (!chain_.has_value()) return;
  for (const PublishQueue::Answered& one : answered_) {
    for (const PublishOutcome& outcome : one.outcomes) {
      if (!outcome.accepted) continue;
      chain_->Add(outcome.sequence, outcome.digest);
      if (chain_->unsigned_events() == kChainEventsMax) SignChain();
    }
  }
  if (chain_->unsigned_events() > 0) {
    sign_at_ = std::min(sign_at_, now + kSignWithin);
  }
}

void ClientCore::SignChain() {
  sign_at_ = absl::InfiniteDuration();
  if (!chain_.has_value() || chain_->unsigned_events() == 0) return;
  signed_.push_back(chain_->Sign(*options_.signer).SerializeAsString());
}

void ClientCore::SendChain(absl::Duration now) {
  for (const std::string& link : std::exchange(signed_, {})) {
    if (!ingest_.open()) return;  // It was lost over one of them.
    ingest_.Send(FrameKind::kChainSigned, link, now);
  }
}

void ClientCore::WatchTree(absl::Duration now) {
  CheckpointWatch* const watch = options_.watch.get();
  if (watch == nullptr || !ingest_.open()) return;
  watch->Hear(ingest_.session().checkpoint(), now);
  if (const auto question = watch->NextQuestion(now); question.has_value()) {
    ingest_.Send(FrameKind::kProveConsistency, question->SerializeAsString(),
                 now);
  }
  const auto cosignature = watch->TakeCosignature();
  if (!cosignature.has_value() || !ingest_.open()) return;
  ingest_.Send(FrameKind::kCosign, cosignature->SerializeAsString(), now);
}

bool ClientCore::TakeConsistency(absl::string_view body) {
  bus::v1::Consistency answer;
  if (!answer.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    return false;
  }
  if (options_.watch != nullptr) options_.watch->Answer(answer);
  return true;
}

bool ClientCore::TakeStreamEvents(absl::string_view body) {
  absl::StatusOr<DecodedViews<bus::v1::StreamEvents>> decoded =
      DecodeStreamEvents(body);
  if (!decoded.ok()) return false;
  const bus::v1::StreamEvents& answer = decoded->rest;
  HearTime(answer.log_time());
  MutexLock lock(mu_);
  const auto it = readings_.find(answer.request());
  if (it == readings_.end()) return true;  // Given up meanwhile.
  Reading& reading = it->second;
  if (answer.refusal() != bus::v1::REFUSAL_UNSPECIFIED) {
    reading.status = absl::PermissionDeniedError(answer.detail());
    reading.done = true;
  } else if (answer.removed() > 0) {
    reading.status = absl::OutOfRangeError(
        absl::StrCat(answer.removed(), " events of the stream were ",
                     RemovedByRetention(answer.removed_time())));
    reading.done = true;
  } else {
    std::move(decoded->views.begin(), decoded->views.end(),
              std::back_inserter(reading.slice.views));
    reading.slice.version = {answer.stream_version()};
    reading.done = !answer.more() || decoded->views.empty();
    reading.sent = false;
    if (!reading.slice.views.empty()) {
      reading.after = reading.slice.views.back().sequence;
    }
  }
  read_.NotifyAll();
  return true;
}

}  // namespace concordat
