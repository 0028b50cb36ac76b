// A Carrier of frames over gRPC, beside another one: who uses both has one
// Receive() for all peers. A call is a connection, a message a frame; the head of
// each is made here.
//
// Use: what BusService/Ingest and BusService/Delivery hand over goes to Open().
//
// Threads  Open: any. Receive, Send, Cut, Close: one. Wake: any.
// Bounds   One frame of each call waits here and one in gRPC; until it is taken,
//          the caller's writing stops. What waits for a caller is bounded by
//          ServerHostOptions::stream_bytes_max: one who does not read is cut.
//          1,024 calls, and none that says nothing for 10 s.
#ifndef CONCORDAT_SERVICES_BUS_TRANSPORT_GRPC_CARRIER_H_
#define CONCORDAT_SERVICES_BUS_TRANSPORT_GRPC_CARRIER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "services/bus/session/carrier.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// The frame's bytes of a bus.v1.Frame, with this session and number in its head;
// empty: it is none.
std::string FrameOfMessage(const std::string& message, uint64_t session,
                           uint64_t number);
// And back, of a frame with its head.
std::string MessageOfFrame(const Frame& frame);

class GrpcCarrier : public Carrier {
 public:
  // Borrows `other`, whose peers have smaller ids.
  GrpcCarrier(Carrier& other, const SteadyClock& clock);
  ~GrpcCarrier() override;

  std::shared_ptr<SessionListener> Open(const Call& call,
                                        std::shared_ptr<RawSession> session);

  void Receive(absl::Duration timeout, std::vector<Inbound>& in) override;
  absl::Status Send(PeerId peer, std::string frame) override;
  void Cut(PeerId peer) override;
  void Wake() override { other_.Wake(); }
  // Cuts everybody. Call it before the host stops.
  void Close();

 private:
  class Peer;
  struct Inbox;
  struct Item;

  void TakeItem(Item& item, std::vector<Inbound>& in);
  void CutSilent();

  Carrier& other_;
  const SteadyClock& clock_;
  const std::shared_ptr<Inbox> inbox_;  // Calls outlive this.
  std::map<PeerId, std::shared_ptr<Peer>> peers_;
  // Since when, oldest first; some have said something since.
  std::deque<std::pair<PeerId, absl::Duration>> silent_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_TRANSPORT_GRPC_CARRIER_H_
