#include "services/bus/transport/zap.h"

#include <array>
#include <utility>
#include <vector>

namespace concordat::bus {
namespace {

constexpr size_t kRequestFrames = 7;  // With CURVE, whose credential is a key.
constexpr size_t kKeyBytes = 32;

}  // namespace

absl::StatusOr<std::unique_ptr<Zap>> Zap::Start(const ZmqContext& context,
                                                MayConnect may_connect) {
  ZmqSocket socket(context, ZMQ_REP);
  absl::Status status = socket.Set(ZMQ_LINGER, 0);
  if (status.ok()) status = socket.Bind("inproc://zeromq.zap.01");
  if (!status.ok()) return status;
  return std::unique_ptr<Zap>(
      new Zap(std::move(socket), std::move(may_connect)));
}

Zap::Zap(ZmqSocket socket, MayConnect may_connect)
    : socket_(std::move(socket)),
      may_connect_(std::move(may_connect)),
      thread_([this] { Run(); }) {}

Zap::~Zap() {
  stopping_ = true;
  stop_.Wake();
  thread_.join();
}

void Zap::AddDomain(std::string domain) {
  MutexLock lock(mu_);
  domains_.insert(std::move(domain));
}

void Zap::SetSelfTestKey(std::string key) {
  MutexLock lock(mu_);
  self_test_key_ = std::move(key);
}

void Zap::Run() {
  while (!stopping_) {
    std::array<zmq_pollitem_t, 2> items = {{
        {socket_.get(), 0, ZMQ_POLLIN, 0},
        {nullptr, stop_.fd(), ZMQ_POLLIN, 0},
    }};
    zmq_poll(items.data(), items.size(), -1);
    if ((items[0].revents & ZMQ_POLLIN) != 0) AnswerOne();
  }
}

void Zap::AnswerOne() {
  std::vector<ZmqMessage> request;
  do {
    std::optional<ZmqMessage> part = socket_.Receive();
    if (!part) return;
    request.push_back(*std::move(part));
  } while (request.back().more());

  std::string key;
  bool allowed = false;
  if (request.size() == kRequestFrames && request[0].view() == "1.0" &&
      request[5].view() == "CURVE" && request[6].view().size() == kKeyBytes) {
    std::array<char, 41> text = {};
    zmq_z85_encode(text.data(),
                   reinterpret_cast<const uint8_t*>(request[6].view().data()),
                   kKeyBytes);
    key = text.data();
    allowed = Allowed(request[2].view(), key);
  }
  if (!allowed) ++refused_;
  const absl::string_view id =
      request.size() > 1 ? request[1].view() : absl::string_view();
  socket_.Send(ZmqMessage::Copy("1.0"), true);
  socket_.Send(ZmqMessage::Copy(id), true);
  socket_.Send(ZmqMessage::Copy(allowed ? "200" : "400"), true);
  socket_.Send(ZmqMessage::Copy(allowed ? "OK" : "no such key"), true);
  socket_.Send(ZmqMessage::Copy(allowed ? key : ""), true);  // User-Id.
  socket_.Send(ZmqMessage(), false);
}

bool Zap::Allowed(absl::string_view domain, absl::string_view key) {
  {
    MutexLock lock(mu_);
    if (!domains_.contains(domain)) return false;
    if (!self_test_key_.empty() && key == self_test_key_) return true;
  }
  return may_connect_(key);
}

}  // namespace concordat::bus
