#include "services/common/bus_client/connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_split.h"

namespace concordat {
namespace {

constexpr int kFramesPerStep = 64;
constexpr absl::Duration kWatchEvery = absl::Milliseconds(10);
// A bus that has started again elsewhere is not made to wait for the back-off.
constexpr absl::Duration kLookEvery = absl::Milliseconds(20);
// And one whose keys change is left within this.
constexpr absl::Duration kLookWhileOpenEvery = absl::Seconds(1);
constexpr absl::Duration kWelcomeWithin = absl::Seconds(5);

}  // namespace

absl::Duration SteadyNow() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

Connection::Connection(Dialer& dialer, ClientIdentity identity,
                       DoorFinder finder, User& user)
    : dialer_(dialer),
      identity_(std::move(identity)),
      finder_(std::move(finder)),
      user_(user) {}

absl::Status Connection::Connect(absl::Duration now) {
  const absl::StatusOr<Door> door = finder_();
  door_.reset();
  if (!door.ok()) return door.status();
  door_ = *door;
  const std::vector<std::string> each = absl::StrSplit(door->endpoint, ',');
  Door next = *door;
  next.endpoint = each[tried_ % each.size()];
  absl::StatusOr<std::unique_ptr<Wire>> wire = dialer_.Dial(next);
  if (!wire.ok()) return wire.status();
  wire_ = *std::move(wire);
  session_.emplace(identity_);
  broken_ = false;
  hello_ = session_->Hello(now);
  give_up_at_ = now + kWelcomeWithin;
  return absl::OkStatus();
}

bool Connection::HasMoved(absl::Duration now, absl::Duration every) {
  if (retry_at_ == absl::InfiniteDuration()) return false;  // Closed.
  if (now - looked_at_ < every) return false;
  looked_at_ = now;
  const absl::StatusOr<Door> door = finder_();
  return door.ok() && *door != door_;
}

bool Connection::Step(absl::Duration now) {
  const absl::Duration stall = now - stepped_at_;
  stepped_at_ = now;
  due_ = absl::InfiniteDuration();
  if (!session_) {
    if (now < retry_at_ && !HasMoved(now, kLookEvery)) {
      due_ = retry_at_ == absl::InfiniteDuration()
                 ? retry_at_
                 : std::min(retry_at_, looked_at_ + kLookEvery);
      return false;
    }
    const absl::Status status = Connect(now);
    if (!status.ok()) {
      Lose(bus::v1::REFUSAL_UNSPECIFIED, std::string(status.message()), now);
      return false;
    }
  }
  if (open() && HasMoved(now, kLookWhileOpenEvery)) {
    // What has no answer is sent again there.
    Lose(bus::v1::REFUSAL_UNSPECIFIED, "the bus is reached by another door",
         now);
    retry_at_ = now;
    due_ = now;
    return true;
  }
  if (!hello_.empty() && wire_->Send(hello_)) hello_.clear();
  const bool more = Take(now);
  // While something comes it is not lost; each look is a system call.
  if (session_ && (!heard_ || now - watched_at_ > kWatchEvery)) Watch(now);
  if (session_ && hello_.empty()) {
    // What waited for us, while we did not look, was no silence.
    ClientSession::Output output = session_->Tick(now, stall);
    if (output.heard == ClientSession::Heard::kEnded) {
      Lose(output.refusal, output.detail, now);
    } else if (!output.send.empty()) {
      wire_->Send(std::move(output.send));
    }
  }
  if (session_ && broken_) {
    Lose(bus::v1::REFUSAL_UNSPECIFIED, "the bus does not read", now);
  }
  if (session_ && !session_->open() && now >= give_up_at_) {
    Lose(bus::v1::REFUSAL_UNSPECIFIED, "the bus does not answer", now);
  }
  if (session_) due_ = now + session_->heartbeat() / 4;
  return more;
}

bool Connection::Take(absl::Duration now) {
  heard_ = false;
  for (int i = 0; i < kFramesPerStep; ++i) {
    std::optional<OwnedBytes> bytes = wire_->Receive();
    if (!bytes) return false;
    heard_ = true;
    const ClientSession::Output output = session_->Receive(bytes->view, now);
    switch (output.heard) {
      case ClientSession::Heard::kNothing:
        break;
      case ClientSession::Heard::kWelcomed:
        user_.OnOpen(now);
        break;
      case ClientSession::Heard::kBody:
        if (!user_.OnFrame(output.frame.head.kind,
                           {output.frame.body, std::move(bytes->owner)}, now)) {
          Lose(bus::v1::REFUSAL_UNSPECIFIED, "the bus makes no sense", now);
        }
        break;
      case ClientSession::Heard::kEnded:
        Lose(output.refusal, output.detail, now);
        break;
    }
    if (!session_) return false;
  }
  return true;
}

void Connection::Watch(absl::Duration now) {
  watched_at_ = now;
  const Wire::Fate fate = wire_->Watch();
  if (fate == Wire::Fate::kUp) return;
  // What came before the end counts, above all Closed.
  while (session_ && Take(now)) {
  }
  if (!session_) return;
  const bool refused = fate == Wire::Fate::kRefused;
  Lose(refused ? bus::v1::REFUSAL_NOT_REGISTERED : bus::v1::REFUSAL_UNSPECIFIED,
       refused ? "this key may not connect" : "the connection was lost", now);
}

void Connection::Lose(bus::v1::Refusal refusal, const std::string& detail,
                      absl::Duration now) {
  const bool was_there = session_.has_value();
  session_.reset();
  hello_.clear();
  wire_ = nullptr;
  // The next address at once, but for the first of another round.
  const auto count = 1 + (door_ ? std::count(door_->endpoint.begin(),
                                             door_->endpoint.end(), ',')
                                : 0);
  if (++tried_ % static_cast<size_t>(count) != 0) {
    retry_at_ = now + kBackoffMin;
  } else {
    retry_at_ = now + backoff_;
    backoff_ = std::min(2 * backoff_, kBackoffMax);
  }
  due_ = std::min(retry_at_, now + kLookEvery);
  if (was_there) user_.OnLost(refusal, detail, now);
}

bool Connection::AddPollItems(std::vector<pollfd>& items) const {
  return session_ && wire_->AddPollItems(items, !hello_.empty());
}

uint64_t Connection::Send(FrameKind kind, absl::string_view body,
                          absl::Duration now) {
  if (!open()) return 0;
  return Hand(
      std::make_shared<const std::string>(session_->Send(kind, body, now)));
}

uint64_t Connection::Send(FrameKind kind, std::shared_ptr<std::string> frame,
                          absl::Duration now) {
  if (!open()) return 0;
  session_->Send(kind, now, *frame);
  return Hand(std::move(frame));
}

uint64_t Connection::Hand(std::shared_ptr<const std::string> frame) {
  if (wire_->Send(std::move(frame))) return session_->number();
  // The numbers have a gap now; the loss is told at the next step.
  broken_ = true;
  return 0;
}

void Connection::Close(absl::Duration now) {
  if (open()) Send(FrameKind::kClosed, "", now);
  session_.reset();
  wire_ = nullptr;
  retry_at_ = absl::InfiniteDuration();
  due_ = retry_at_;
}

}  // namespace concordat
