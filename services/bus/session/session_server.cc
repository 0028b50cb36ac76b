#include "services/bus/session/session_server.h"

#include <algorithm>
#include <utility>

namespace concordat::bus {
namespace {

// Time for Closed to leave before the connection is cut.
constexpr absl::Duration kLinger = absl::Milliseconds(250);
constexpr absl::Duration kTickMax = absl::Milliseconds(250);

}  // namespace

bool Admits(Admission whom, const v1::Principal& principal) {
  return whom == Admission::kAll ||
         (whom == Admission::kHubServices && principal.has_process());
}

SessionServer::SessionServer(SessionOptions options, Carrier& carrier,
                             const SteadyClock& clock, Random& random,
                             std::shared_ptr<const PrincipalRegistry> registry)
    : options_(options),
      carrier_(carrier),
      clock_(clock),
      random_(random),
      registry_(std::move(registry)),
      ticked_at_(clock.Elapsed()) {}

void SessionServer::SetLog(std::string log_id, uint32_t epoch) {
  log_id_ = std::move(log_id);
  epoch_ = epoch;
}

void SessionServer::Admit(Admission whom, std::string why) {
  admission_ = whom;
  not_admitted_because_ = std::move(why);
}

void SessionServer::Poll(absl::Duration timeout,
                         std::vector<SessionEvent>& events) {
  const absl::Duration tick = std::min(options_.heartbeat / 4, kTickMax);
  const absl::Duration until_tick = ticked_at_ + tick - clock_.Elapsed();
  timeout = std::min(timeout, std::max(until_tick, absl::ZeroDuration()));
  if (!pending_.empty()) timeout = absl::ZeroDuration();
  inbound_.clear();
  carrier_.Receive(timeout, inbound_);
  std::move(pending_.begin(), pending_.end(), std::back_inserter(events));
  pending_.clear();
  for (Inbound& inbound : inbound_) Take(std::move(inbound), events);
  if (clock_.Elapsed() >= ticked_at_ + tick) KeepTime(events);
}

void SessionServer::Take(Inbound inbound, std::vector<SessionEvent>& events) {
  if (inbound.gone) {
    const auto it = peers_.find(inbound.peer);
    if (it == peers_.end()) return;
    if (it->second.session) {
      End(it->second, v1::REFUSAL_UNSPECIFIED, "the connection was lost",
          events);
    }
    peers_.erase(it);
    return;
  }
  const auto [it, is_new] = peers_.try_emplace(inbound.peer);
  Peer& peer = it->second;
  if (is_new) {
    SessionId id;
    while (id.value == 0 || by_session_.contains(id)) {
      random_.Fill(reinterpret_cast<uint8_t*>(&id.value), sizeof id.value);
    }
    peer.session =
        std::make_unique<ServerSession>(options_, id, clock_.Elapsed());
    peer.proof = std::string(inbound.proof);
  }
  if (!peer.session) return;  // Told why already, and about to be cut.

  const absl::StatusOr<Frame> frame = ParseFrame(inbound.frame.view);
  if (!frame.ok()) {
    Perform(inbound.peer, peer,
            peer.session->ReceiveMalformed(frame.status().message()), events);
    return;
  }
  // By what came with this very frame, in the registry of this moment.
  const v1::Principal* principal = registry_->FindByProof(inbound.proof);
  if (!peer.session->open() && principal != nullptr && !principal->revoked() &&
      !Admits(admission_, *principal)) {
    Perform(inbound.peer, peer,
            peer.session->Close(v1::REFUSAL_DRAINING, not_admitted_because_),
            events);
    return;
  }
  SessionOutput output =
      peer.session->Receive(*frame, principal, log(), clock_.Elapsed());
  if (output.opened) {
    by_session_[peer.session->id()] = inbound.peer;
    SessionEvent event;
    event.what = SessionEvent::What::kOpened;
    event.session = peer.session->id();
    event.principal = principal;
    event.purpose = peer.session->purpose().empty()
                        ? principal->default_purpose()
                        : peer.session->purpose();
    events.push_back(std::move(event));
  }
  if (output.deliver) {
    SessionEvent event;
    event.session = peer.session->id();
    event.principal = principal;
    event.kind = frame->head.kind;
    event.number = frame->head.number;
    event.events = output.events;
    event.body = {frame->body, std::move(inbound.frame.owner)};
    events.push_back(std::move(event));
  }
  Perform(inbound.peer, peer, std::move(output), events);
}

void SessionServer::Perform(PeerId id, Peer& peer, SessionOutput output,
                            std::vector<SessionEvent>& events) {
  bool sent = true;
  if (!output.send.empty()) {
    sent = carrier_.Send(id, std::move(output.send)).ok();
  }
  if (output.ended) {
    End(peer, output.refusal, std::move(output.detail), events);
  } else if (!sent) {
    End(peer, v1::REFUSAL_UNSPECIFIED, "it does not take what is sent", events);
  }
}

void SessionServer::End(Peer& peer, v1::Refusal refusal, std::string detail,
                        std::vector<SessionEvent>& events) {
  if (by_session_.erase(peer.session->id()) == 1) {
    SessionEvent event;
    event.what = SessionEvent::What::kClosed;
    event.session = peer.session->id();
    event.refusal = refusal;
    event.detail = std::move(detail);
    events.push_back(std::move(event));
  } else if (refusal != v1::REFUSAL_UNSPECIFIED) {
    const v1::Principal* principal = registry_->FindByProof(peer.proof);
    turned_away_(principal == nullptr ? "" : principal->name(), refusal,
                 detail);
  }
  peer.session.reset();
  peer.cut_at = clock_.Elapsed() + kLinger;
}

void SessionServer::KeepTime(std::vector<SessionEvent>& events) {
  const absl::Duration now = clock_.Elapsed();
  const absl::Duration stall = now - ticked_at_ - options_.heartbeat;
  ticked_at_ = now;
  {
    MutexLock lock(mu_);
    newest_checkpoint_ = checkpoint_;
  }
  std::vector<PeerId> cut;
  for (auto& [id, peer] : peers_) {
    if (peer.session) {
      if (stall > absl::ZeroDuration()) peer.session->Forgive(stall);
      Perform(
          id, peer,
          peer.session->Tick(registry_->FindByProof(peer.proof), log(), now),
          events);
    } else if (now >= peer.cut_at) {
      cut.push_back(id);
    }
  }
  for (const PeerId id : cut) {
    carrier_.Cut(id);
    peers_.erase(id);
  }
}

bool SessionServer::SendFrame(SessionId session, FrameKind kind,
                              std::string frame, uint64_t answers) {
  const auto at = by_session_.find(session);
  if (at == by_session_.end()) return false;
  const PeerId id = at->second;
  Peer& peer = peers_.at(id);
  SessionOutput output;
  output.send =
      peer.session->Send(kind, std::move(frame), answers, clock_.Elapsed());
  Perform(id, peer, std::move(output), pending_);
  return peer.session != nullptr;
}

bool SessionServer::Send(SessionId session, FrameKind kind,
                         absl::string_view body, uint64_t answers) {
  std::string frame;
  frame.reserve(kFrameHeadBytes + body.size());
  frame.resize(kFrameHeadBytes);
  frame.append(body.data(), body.size());
  return SendFrame(session, kind, std::move(frame), answers);
}

bool SessionServer::Send(SessionId session, FrameKind kind,
                         const google::protobuf::MessageLite& body,
                         uint64_t answers) {
  std::string frame(kFrameHeadBytes, '\0');
  body.AppendToString(&frame);
  return SendFrame(session, kind, std::move(frame), answers);
}

void SessionServer::Close(SessionId session, v1::Refusal refusal,
                          std::string detail) {
  const auto at = by_session_.find(session);
  if (at == by_session_.end()) return;
  const PeerId id = at->second;
  Peer& peer = peers_.at(id);
  Perform(id, peer, peer.session->Close(refusal, std::move(detail)), pending_);
}

void SessionServer::ReplaceRegistry(
    std::shared_ptr<const PrincipalRegistry> registry) {
  registry_.swap(registry);
  for (auto& [id, peer] : peers_) {
    if (!peer.session) continue;
    Perform(id, peer,
            peer.session->Tick(registry_->FindByProof(peer.proof), log(),
                               clock_.Elapsed()),
            pending_);
  }
}

}  // namespace concordat::bus
