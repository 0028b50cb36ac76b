#include "tests/simulation/bus/network.h"

#include <algorithm>
#include <utility>

namespace concordat::simulation {

// The client's end.
class Network::SimWire : public Wire {
 public:
  SimWire(Network& network, std::shared_ptr<Link> link)
      : network_(network), link_(std::move(link)) {}
  // What was sent may still go out.
  ~SimWire() override {
    link_->client_open = false;
    if (network_.world_.dice.Chance(2000)) link_->to_bus.clear();
  }

  bool Send(std::shared_ptr<const std::string> frame) override {
    if (link_->refused || network_.world_.now_us < link_->up_at_us) {
      return false;
    }
    network_.Push(*link_, link_->to_bus, std::move(frame));
    return true;
  }
  std::optional<OwnedBytes> Receive() override {
    if (link_->to_client.empty() || link_->black_hole ||
        network_.CutOff(*link_) ||
        link_->to_client.front().due_us > network_.world_.now_us) {
      return std::nullopt;
    }
    OwnedBytes bytes;
    bytes.view = *link_->to_client.front().bytes;
    bytes.owner = std::move(link_->to_client.front().bytes);
    link_->to_client.pop_front();
    return bytes;
  }
  Fate Watch() override {
    const uint64_t now = network_.world_.now_us;
    if (link_->refused) return now >= link_->up_at_us ? Fate::kLost : Fate::kUp;
    return link_->lost && now >= link_->lost_at_us ? Fate::kLost : Fate::kUp;
  }
  bool AddPollItems(std::vector<pollfd>&, bool) const override { return true; }

 private:
  Network& network_;
  const std::shared_ptr<Link> link_;
};

// The client's end of a call: its session's frames as messages, and back.
class Network::CallWire : public Wire {
 public:
  CallWire(Network& network, std::shared_ptr<Link> link)
      : session_(link->id), wire_(network, std::move(link)) {}
  bool Send(std::shared_ptr<const std::string> frame) override {
    return wire_.Send(std::make_shared<const std::string>(
        bus::MessageOfFrame(*ParseFrame(*frame))));
  }
  std::optional<OwnedBytes> Receive() override {
    const std::optional<OwnedBytes> message = wire_.Receive();
    if (!message) return std::nullopt;
    return OwnedBytes::Of(
        bus::FrameOfMessage(std::string(message->view), session_, ++received_));
  }
  Fate Watch() override { return wire_.Watch(); }
  bool AddPollItems(std::vector<pollfd>&, bool) const override { return true; }

 private:
  const uint64_t session_;
  SimWire wire_;
  uint64_t received_ = 0;
};

// The host's end of a call: one message more is read when it was asked for, and
// who lets too much wait is cut.
class Network::SimCall : public RawSession {
 public:
  SimCall(Network& network, Link& link) : network_(network), link_(link) {}

  void Open(std::shared_ptr<SessionListener> listener) {
    listener_ = std::move(listener);
  }
  // Takes one message, if the carrier has asked for one.
  void Take() {
    if (listener_ == nullptr || over_ || !is_asked_for_) return;
    const auto message = network_.TakeDue(link_);
    if (message == nullptr) return;
    is_asked_for_ = false;
    link_.known = true;
    network_.Heard(link_, bus::FrameOfMessage(*message, link_.id, ++received_));
    grpc::Slice slice(*message);
    listener_->OnMessage(grpc::ByteBuffer(&slice, 1));
  }
  // gRPC is done with it.
  void End() {
    over_ = true;
    if (listener_ == nullptr) return;
    std::exchange(listener_, nullptr)->OnEnd();
    network_.Over(link_);
  }
  bool over() const { return over_; }

  bool Write(grpc::ByteBuffer message) override {
    if (over_) return false;
    size_t waiting = message.Length();
    for (const Frame& frame : link_.to_client) waiting += frame.bytes->size();
    if (waiting > network_.call_bytes_max_) {
      network_.world_.Say("network: link ", link_.id, " reads too slowly");
      Cut();
      return false;
    }
    grpc::Slice slice;
    static_cast<void>(message.DumpToSingleSlice(&slice));
    auto bytes = std::make_shared<const std::string>(
        reinterpret_cast<const char*>(slice.begin()), slice.size());
    network_.Said(link_, bus::FrameOfMessage(*bytes, link_.id, ++sent_));
    network_.Push(link_, link_.to_client, std::move(bytes));
    return true;
  }
  // Who reached whom is not what is looked at here.
  bool Record(CallPersons) override { return !over_; }
  void AnswerAbout(CallPersons, grpc::ByteBuffer message) override {
    Answer(absl::OkStatus(), std::move(message));
  }
  void Read() override {
    if (is_asked_for_) network_.world_.Fail("a call is read ahead");
    is_asked_for_ = true;
  }
  void Cut() override {
    if (over_) return;
    over_ = true;
    link_.bus_open = false;
    network_.Lose(link_, false);
    network_.Over(link_);
  }
  void Finish(const absl::Status&) override { Cut(); }
  void Answer(const absl::Status&, grpc::ByteBuffer) override { Cut(); }

 private:
  Network& network_;
  Link& link_;
  std::shared_ptr<SessionListener> listener_;
  bool is_asked_for_ = true;  // The first one always is.
  bool over_ = false;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
};

class Network::SimDialer : public Dialer {
 public:
  SimDialer(Network& network, int client, std::string proof, bool by_call)
      : network_(network),
        client_(client),
        proof_(std::move(proof)),
        by_call_(by_call) {}
  absl::StatusOr<std::unique_ptr<Wire>> Dial(const Door& door) override {
    const std::string& endpoint = door.endpoint;
    World& world = network_.world_;
    auto link = std::make_shared<Link>();
    link->id = ++network_.last_link_;
    link->client = client_;
    link->proof = proof_;
    link->by_call = by_call_;
    link->bus_life = network_.bus_life_;
    link->up_at_us = world.now_us + 2 * network_.Latency();
    link->port = endpoint[0] == 'i' ? bus::Port::kIngest : bus::Port::kDelivery;
    link->refused = !network_.bus_is_up_ ||
                    endpoint != network_.EndpointOf(link->port) ||
                    network_.CutOff(*link);
    if (!link->refused) network_.links_[link->id] = link;
    if (by_call_) return std::make_unique<CallWire>(network_, std::move(link));
    return std::make_unique<SimWire>(network_, std::move(link));
  }

 private:
  Network& network_;
  const int client_;
  const std::string proof_;
  const bool by_call_;
};

// The bus's end of every link of one port.
class Network::SimCarrier : public bus::Carrier {
 public:
  SimCarrier(Network& network, bus::Port port)
      : network_(network), port_(port), life_(network.bus_life_) {}

  void Receive(absl::Duration, std::vector<bus::Inbound>& in) override {
    constexpr int kFramesOfOne = 8;
    for (auto& [id, link] : network_.links_) {
      if (link->port != port_ || link->bus_life != life_) continue;
      if (!link->bus_open) {
        if (link->call != nullptr) link->call->End();  // It was cut.
        continue;
      }
      if (link->by_call) {
        TakeCall(*link);
      } else {
        for (int i = 0; i < kFramesOfOne && Take(*link, in); ++i) {
        }
      }
      const bool over =
          link->to_bus.empty() &&
          (!link->client_open ||
           (link->lost && network_.world_.now_us >= link->lost_at_us));
      if (over && !link->black_hole && !link->told_gone) {
        link->told_gone = true;
        if (link->call != nullptr) link->call->End();
        if (link->by_call || !link->known) continue;
        network_.Over(*link);
        bus::Inbound gone;
        gone.peer = {id};
        gone.gone = true;
        in.push_back(std::move(gone));
      }
    }
  }
  absl::Status Send(bus::PeerId peer, std::string frame) override {
    const auto found = network_.links_.find(peer.value);
    if (found == network_.links_.end() || !found->second->bus_open ||
        found->second->told_gone) {
      return absl::UnavailableError("gone");
    }
    Link& link = *found->second;
    if (link.to_client.size() >= kFramesMax) {
      network_.Over(link);
      return absl::ResourceExhaustedError("does not read");
    }
    network_.Said(link, frame);
    network_.Push(link, link.to_client,
                  std::make_shared<const std::string>(std::move(frame)));
    return absl::OkStatus();
  }
  void Cut(bus::PeerId peer) override {
    const auto found = network_.links_.find(peer.value);
    if (found == network_.links_.end()) return;
    Link& link = *found->second;
    link.bus_open = false;
    network_.Over(link);
    network_.Lose(link, false);
    if (network_.world_.dice.Chance(5000)) link.to_client.clear();
  }
  void Wake() override {}

 private:
  bool Take(Link& link, std::vector<bus::Inbound>& in) {
    const auto bytes = network_.TakeDue(link);
    if (bytes == nullptr) return false;
    bus::Inbound inbound;
    inbound.peer = {link.id};
    inbound.proof = link.proof;
    inbound.frame.view = *bytes;
    // With what its view and its proof are of.
    inbound.frame.owner = std::make_shared<
        std::pair<std::shared_ptr<const std::string>, std::shared_ptr<Link>>>(
        bytes, network_.links_.at(link.id));
    link.known = true;
    network_.Heard(link, inbound.frame.view);
    in.push_back(std::move(inbound));
    return true;
  }
  void TakeCall(Link& link) {
    if (link.call == nullptr) {
      if (network_.world_.now_us < link.up_at_us || link.black_hole ||
          network_.CutOff(link)) {
        return;
      }
      Call call;
      call.principal = network_.admit_(link.proof);
      if (call.principal == nullptr) {
        link.bus_open = false;
        return network_.Lose(link, false);
      }
      call.proof = call.principal->certificate_uri();
      link.call = std::make_shared<SimCall>(network_, link);
      link.call->Open(network_.calls_.at(port_)->Open(call, link.call));
    }
    link.call->Take();
  }

  Network& network_;
  const bus::Port port_;
  const uint64_t life_;
};

std::unique_ptr<Dialer> Network::DialerOf(int client, std::string proof,
                                          bool by_call) {
  clients_.insert(client);
  return std::make_unique<SimDialer>(*this, client, std::move(proof), by_call);
}

std::unique_ptr<bus::Carrier> Network::CarrierOf(bus::Port port) {
  return std::make_unique<SimCarrier>(*this, port);
}

std::string Network::EndpointOf(bus::Port port) const {
  return absl::StrCat(port == bus::Port::kIngest ? "ingest" : "delivery", "#",
                      moves_ ? bus_life_ : 0);
}

std::shared_ptr<const std::string> Network::TakeDue(Link& link) {
  if (link.to_bus.empty() || link.black_hole || CutOff(link) ||
      link.to_bus.front().due_us > world_.now_us) {
    return nullptr;
  }
  std::shared_ptr<const std::string> bytes =
      std::move(link.to_bus.front().bytes);
  link.to_bus.pop_front();
  return bytes;
}

uint64_t Network::Latency() {
  // Now and then a frame takes a hundred times as long.
  const uint64_t most =
      world_.dice.Chance(200) ? 100 * latency_us_ : 2 * latency_us_;
  return world_.dice.Between(latency_us_ / 3, most);
}

void Network::Push(Link& link, std::deque<Frame>& queue,
                   std::shared_ptr<const std::string> bytes) {
  if (link.lost || link.black_hole) return;
  Frame frame{world_.now_us + Latency(), std::move(bytes)};
  if (!queue.empty()) {
    frame.due_us = std::max(frame.due_us, queue.back().due_us);
  }
  // HTTP/2 keeps the order of a call's messages.
  if (!world_.healing && !link.by_call) {
    Dice& dice = world_.dice;
    if (dice.Chance(world_.faults.drop_frame)) {
      world_.Say("network: link ", link.id, " drops a frame");
      return;
    }
    if (dice.Chance(world_.faults.double_frame)) {
      world_.Say("network: link ", link.id, " doubles a frame");
      queue.push_back(frame);
    }
    if (!queue.empty() && dice.Chance(world_.faults.swap_frames)) {
      world_.Say("network: link ", link.id, " swaps two frames");
      std::swap(queue.back().bytes, frame.bytes);
    }
  }
  queue.push_back(std::move(frame));
}

void Network::Lose(Link& link, bool silent) {
  if (link.lost || link.black_hole) return;
  if (silent) {
    link.black_hole = true;
    return;
  }
  link.lost = true;
  link.lost_at_us = world_.now_us + Latency();
  // What was on its way is lost from some frame on.
  for (std::deque<Frame>* queue : {&link.to_bus, &link.to_client}) {
    queue->resize(world_.dice.Below(queue->size() + 1));
  }
}

void Network::BusDown(bool silent) {
  bus_is_up_ = false;
  ++bus_life_;
  for (auto& [id, link] : links_) {
    Lose(*link, silent);
    link->bus_open = false;
    if (link->call != nullptr) link->call->End();
  }
}

void Network::ClientDown(int client) {
  for (auto& [id, link] : links_) {
    if (link->client == client) Lose(*link, false);
  }
}

void Network::Tick() {
  Dice& dice = world_.dice;
  std::erase_if(cut_off_,
                [&](const auto& each) { return each.second <= world_.now_us; });
  for (auto it = links_.begin(); it != links_.end();) {
    Link& link = *it->second;
    const bool bus_is_done =
        !link.bus_open || link.told_gone || link.bus_life != bus_life_;
    if (link.call != nullptr && bus_is_done) link.call->End();
    if (!link.client_open && bus_is_done) {
      it = links_.erase(it);
      continue;
    }
    ++it;
    if (world_.healing || link.lost || link.black_hole) continue;
    if (dice.Chance(world_.faults.lose_connection)) {
      world_.Say("network: link ", link.id, " of client ", link.client,
                 " is lost");
      Lose(link, false);
    } else if (dice.Chance(world_.faults.black_hole)) {
      world_.Say("network: link ", link.id, " of client ", link.client,
                 " goes silent");
      Lose(link, true);
    }
  }
  if (!world_.healing && !clients_.empty() &&
      dice.Chance(world_.faults.partition)) {
    const int client =
        *std::next(clients_.begin(),
                   static_cast<std::ptrdiff_t>(dice.Below(clients_.size())));
    cut_off_[client] = world_.now_us + dice.Between(10'000, 6'000'000);
    world_.Say("network: client ", client, " is cut off");
  }
}

void Network::Heal() { cut_off_.clear(); }

size_t Network::frames() const {
  size_t frames = 0;
  for (const auto& [id, link] : links_) {
    frames += link->to_bus.size() + link->to_client.size();
  }
  return frames;
}

}  // namespace concordat::simulation
