// A Carrier whose wire is two lists: what peers say is put in, what they are
// told is taken out. And a SteadyClock that moves only when told to.
//
// Threads  One.
#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_CARRIER_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_CARRIER_H_

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "services/bus/session/carrier.h"
#include "services/common/base/clock.h"

namespace concordat::testing {

class FakeSteadyClock : public SteadyClock {
 public:
  absl::Duration Elapsed() const override { return now_; }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Duration now_ = absl::Seconds(1000);
};

class FakeCarrier : public bus::Carrier {
 public:
  // `peer` says `frame` over a connection that proved `key`.
  void Say(bus::PeerId peer, const std::string& key, std::string frame) {
    bus::Inbound inbound;
    inbound.peer = peer;
    inbound.proof = *keys_.insert(key).first;
    inbound.frame = OwnedBytes::Of(std::move(frame));
    waiting_.push_back(std::move(inbound));
  }
  void Leave(bus::PeerId peer) {
    bus::Inbound inbound;
    inbound.peer = peer;
    inbound.gone = true;
    waiting_.push_back(std::move(inbound));
  }
  // The oldest frame that `peer` was told and that was not taken yet; empty:
  // none.
  std::string Take(bus::PeerId peer) {
    std::deque<std::string>& told = told_[peer];
    if (told.empty()) return "";
    std::string frame = std::move(told.front());
    told.pop_front();
    return frame;
  }
  bool WasCut(bus::PeerId peer) const { return cut_.count(peer) > 0; }
  // Sends to `peer` fail with RESOURCE_EXHAUSTED from now on.
  void Fill(bus::PeerId peer) { full_.insert(peer); }

  void Receive(absl::Duration, std::vector<bus::Inbound>& in) override {
    for (bus::Inbound& inbound : waiting_) in.push_back(std::move(inbound));
    waiting_.clear();
  }
  absl::Status Send(bus::PeerId peer, std::string frame) override {
    if (full_.count(peer) > 0) return absl::ResourceExhaustedError("full");
    told_[peer].push_back(std::move(frame));
    return absl::OkStatus();
  }
  void Cut(bus::PeerId peer) override { cut_.insert(peer); }
  void Wake() override {}

 private:
  std::set<std::string> keys_;
  std::deque<bus::Inbound> waiting_;
  std::map<bus::PeerId, std::deque<std::string>> told_;
  std::set<bus::PeerId> cut_;
  std::set<bus::PeerId> full_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_CARRIER_H_
