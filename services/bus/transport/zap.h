// Answers ZAP (rfc.zeromq.org/spec/27): may a peer with this proven CURVE key
// connect? Without it ZeroMQ serves every stranger.
//
// Threads  One of its own, until the destructor; methods may be called from any.
#ifndef CONCORDAT_SERVICES_BUS_TRANSPORT_ZAP_H_
#define CONCORDAT_SERVICES_BUS_TRANSPORT_ZAP_H_

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/base/mutex.h"
#include "services/common/bus_client/zmq_socket.h"

namespace concordat::bus {

class Zap {
 public:
  using MayConnect = std::function<bool(absl::string_view key)>;

  // Before any socket of `context` is bound.
  //   UNAVAILABLE  the context has one already.
  static absl::StatusOr<std::unique_ptr<Zap>> Start(const ZmqContext& context,
                                                    MayConnect may_connect);
  ~Zap();

  // Only peers of these domains are judged; others are refused.
  void AddDomain(std::string domain);
  // Lets this key in, whatever MayConnect says, until it is forgotten.
  void SetSelfTestKey(std::string key);

  uint64_t refused() const { return refused_; }

 private:
  Zap(ZmqSocket socket, MayConnect may_connect);
  void Run();
  void AnswerOne();
  bool Allowed(absl::string_view domain, absl::string_view key);

  ZmqSocket socket_;
  const MayConnect may_connect_;
  Waker stop_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> refused_{0};
  Mutex mu_;
  std::set<std::string, std::less<>> domains_ ABSL_GUARDED_BY(mu_);
  std::string self_test_key_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_TRANSPORT_ZAP_H_
