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

class Network::SimDialer : public Dialer {
 public:
  SimDialer(Network& network, int client)
      : network_(network), client_(client) {}
  absl::StatusOr<std::unique_ptr<Wire>> Dial(
      const std::string& endpoint) override {
    World& world = network_.world_;
    auto link = std::make_shared<Link>();
    link->id = ++network_.last_link_;
    link->client = client_;
    link->bus_life = network_.bus_life_;
    link->up_at_us = world.now_us + 2 * network_.Latency();
    link->port = endpoint[0] == 'i' ? bus::Port::kIngest : bus::Port::kDelivery;
    link->refused = !network_.bus_is_up_ ||
                    endpoint != network_.EndpointOf(link->port) ||
                    network_.CutOff(*link);
    if (!link->refused) network_.links_[link->id] = link;
    return std::make_unique<SimWire>(network_, std::move(link));
  }

 private:
  Network& network_;
  const int client_;
};

// The bus's end of every link of one port.
class Network::SimCarrier : public bus::Carrier {
 public:
  SimCarrier(Network& network, bus::Port port)
      : network_(network), port_(port), life_(network.bus_life_) {}

  void Receive(absl::Duration, std::vector<bus::Inbound>& in) override {
    constexpr int kFramesOfOne = 8;
    for (auto& [id, link] : network_.links_) {
      if (link->port != port_ || link->bus_life != life_ || !link->bus_open) {
        continue;
      }
      for (int i = 0; i < kFramesOfOne && Take(*link, in); ++i) {
      }
      const bool over =
          link->to_bus.empty() &&
          (!link->client_open ||
           (link->lost && network_.world_.now_us >= link->lost_at_us));
      if (over && !link->black_hole && !link->told_gone) {
        link->told_gone = true;
        if (!link->known) continue;
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
      return absl::ResourceExhaustedError("does not read");
    }
    if (network_.on_bus_says_) network_.on_bus_says_(link, frame);
    network_.Push(link, link.to_client,
                  std::make_shared<const std::string>(std::move(frame)));
    return absl::OkStatus();
  }
  void Cut(bus::PeerId peer) override {
    const auto found = network_.links_.find(peer.value);
    if (found == network_.links_.end()) return;
    Link& link = *found->second;
    link.bus_open = false;
    network_.Lose(link, false);
    if (network_.world_.dice.Chance(5000)) link.to_client.clear();
  }
  void Wake() override {}

 private:
  bool Take(Link& link, std::vector<bus::Inbound>& in) {
    if (link.to_bus.empty() || link.black_hole || network_.CutOff(link) ||
        link.to_bus.front().due_us > network_.world_.now_us) {
      return false;
    }
    bus::Inbound inbound;
    inbound.peer = {link.id};
    inbound.proof = network_.keys_.at(link.client);
    inbound.frame.view = *link.to_bus.front().bytes;
    inbound.frame.owner = std::move(link.to_bus.front().bytes);
    link.to_bus.pop_front();
    link.known = true;
    if (network_.on_bus_hears_)
      network_.on_bus_hears_(link, inbound.frame.view);
    in.push_back(std::move(inbound));
    return true;
  }

  Network& network_;
  const bus::Port port_;
  const uint64_t life_;
};

std::unique_ptr<Dialer> Network::DialerOf(int client, std::string key) {
  keys_[client] = std::move(key);
  return std::make_unique<SimDialer>(*this, client);
}

std::unique_ptr<bus::Carrier> Network::CarrierOf(bus::Port port) {
  return std::make_unique<SimCarrier>(*this, port);
}

std::string Network::EndpointOf(bus::Port port) const {
  return absl::StrCat(port == bus::Port::kIngest ? "ingest" : "delivery", "#",
                      moves_ ? bus_life_ : 0);
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
  if (!world_.healing) {
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
  if (!world_.healing && !keys_.empty() &&
      dice.Chance(world_.faults.partition)) {
    const int client = static_cast<int>(dice.Below(keys_.size()));
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
