// A small bus on real sockets: the real sessions and carrier, and behind them a
// core of a few lines that keeps events in memory. For tests of what lies
// between a client and the bus.
//
// Threads  Two of its own, one for each port; methods may be called from any.
#ifndef CONCORDAT_TESTS_SUPPORT_SOCKET_BUS_H_
#define CONCORDAT_TESTS_SUPPORT_SOCKET_BUS_H_

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "services/bus/session/session_server.h"
#include "services/bus/transport/zmq_carrier.h"
#include "services/common/base/mutex.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat::testing {

// What survives a restart of SocketBus: its log and places.
struct SocketBusLog {
  Mutex mu;
  std::vector<View> events ABSL_GUARDED_BY(mu);
  std::map<std::pair<std::string, std::string>, uint64_t> by_id
      ABSL_GUARDED_BY(mu);
  std::map<std::string, uint64_t> places ABSL_GUARDED_BY(mu);
};

class SocketBus {
 public:
  struct Options {
    bus::SessionOptions session;  // `port` is set for each.
    CurvePair keys = NewCurvePair();
    std::string ingest = "tcp://127.0.0.1:0";
    std::string delivery = "tcp://127.0.0.1:0";
    // Receipts of this many Publish frames are never sent.
    int receipts_lost = 0;
    // Frames waiting for one peer of the delivery port.
    int send_frames_max = 16384;
  };

  // Principals of the registry, with new keys; each has the agency "agency-N"
  // and the role "role-N" of its place in this list.
  class Members {
   public:
    explicit Members(int count);
    // With the N-th one marked as revoked.
    std::shared_ptr<const PrincipalRegistry> Registry(int revoked = -1) const;
    const CurvePair& keys(int n) const {
      return keys_.at(static_cast<size_t>(n));
    }
    ClientIdentity identity(int n) const;

   private:
    std::vector<CurvePair> keys_;
  };

  SocketBus(Options options, const Members& members, SocketBusLog& log);
  ~SocketBus();

  const CurvePair& keys() const { return options_.keys; }
  const std::string& ingest() const { return ingest_->endpoint(); }
  const std::string& delivery() const { return delivery_->endpoint(); }

  // A client of this bus, as the N-th member.
  ZmqBusClientOptions ClientOptions(const Members& members, int n) const;

  void ReplaceRegistry(std::shared_ptr<const PrincipalRegistry> registry);
  // Refusals of the ingest port, and its carrier's counts.
  std::map<bus::v1::Refusal, uint64_t> refused() const;
  bus::CarrierStats stats() const { return ingest_->stats(); }
  bus::CarrierStats delivery_stats() const { return delivery_->stats(); }
  size_t ingest_sessions() const { return sessions_; }
  // Waits until `is_so()`. False: not in time.
  static bool Await(const std::function<bool()>& is_so,
                    absl::Duration timeout = absl::Seconds(10));

 private:
  struct Reader {
    std::string place;
    bool durable = false;
    uint64_t scanned = 0;
    uint64_t delivered = 0;  // Numbers given out.
    uint64_t acked = 0;
    uint64_t credit = 0;
    std::deque<uint64_t> positions;  // Of what is not acknowledged.
  };

  void RunIngest();
  void RunDelivery();
  void Accept(bus::SessionServer& sessions, const bus::SessionEvent& event);
  bool Subscribe(const bus::SessionEvent& event, Reader& reader,
                 bus::SessionServer& sessions);
  bool Deliver(bus::SessionId session, Reader& reader,
               bus::SessionServer& sessions);
  void Ack(const bus::SessionEvent& event, Reader& reader,
           bus::SessionServer& sessions);
  Sequence End() const;

  const Options options_;
  SocketBusLog& log_;
  SystemSteadyClock clock_;
  SystemRandom random_;
  mutable Mutex mu_;
  std::shared_ptr<const PrincipalRegistry> registry_ ABSL_GUARDED_BY(mu_);
  std::map<bus::v1::Refusal, uint64_t> refused_ ABSL_GUARDED_BY(mu_);
  std::atomic<int> registry_version_{0};
  std::atomic<size_t> sessions_{0};
  std::atomic<int> receipts_lost_;
  std::atomic<bool> stopping_{false};
  std::unique_ptr<bus::ZmqHub> hub_;
  std::unique_ptr<bus::ZmqCarrier> ingest_;
  std::unique_ptr<bus::ZmqCarrier> delivery_;
  std::thread ingest_thread_;
  std::thread delivery_thread_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_SOCKET_BUS_H_
