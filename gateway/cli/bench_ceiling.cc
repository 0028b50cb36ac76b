#include "gateway/cli/bench_ceiling.h"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gateway/cli/bench_load.h"

namespace concordat::cli {
namespace {

struct ContextCloser {
  void operator()(void* context) const { zmq_ctx_term(context); }
};
struct SocketCloser {
  void operator()(void* socket) const { zmq_close(socket); }
};
using Context = std::unique_ptr<void, ContextCloser>;
using Socket = std::unique_ptr<void, SocketCloser>;
using Key = std::array<char, 41>;

struct KeyPair {
  Key public_key = {};
  Key secret_key = {};
};

void SetInt(void* socket, int option, int value) {
  zmq_setsockopt(socket, option, &value, sizeof value);
}

Socket Make(void* context, int type) {
  Socket socket(zmq_socket(context, type));
  SetInt(socket.get(), ZMQ_LINGER, 0);
  SetInt(socket.get(), ZMQ_RCVTIMEO, 10'000);
  SetInt(socket.get(), ZMQ_SNDTIMEO, 10'000);
  return socket;
}

Socket Server(void* context, const KeyPair& keys, std::string& endpoint) {
  Socket socket = Make(context, ZMQ_ROUTER);
  SetInt(socket.get(), ZMQ_CURVE_SERVER, 1);
  zmq_setsockopt(socket.get(), ZMQ_CURVE_SECRETKEY, keys.secret_key.data(), 41);
  zmq_bind(socket.get(), "tcp://127.0.0.1:*");
  std::array<char, 256> bound = {};
  size_t size = bound.size();
  zmq_getsockopt(socket.get(), ZMQ_LAST_ENDPOINT, bound.data(), &size);
  endpoint = bound.data();
  return socket;
}

Socket Client(void* context, const KeyPair& server, const std::string& to) {
  KeyPair keys;
  zmq_curve_keypair(keys.public_key.data(), keys.secret_key.data());
  Socket socket = Make(context, ZMQ_DEALER);
  zmq_setsockopt(socket.get(), ZMQ_CURVE_SERVERKEY, server.public_key.data(),
                 41);
  zmq_setsockopt(socket.get(), ZMQ_CURVE_PUBLICKEY, keys.public_key.data(), 41);
  zmq_setsockopt(socket.get(), ZMQ_CURVE_SECRETKEY, keys.secret_key.data(), 41);
  zmq_connect(socket.get(), to.c_str());
  return socket;
}

// One two-part message: the peer's routing id and the frame.
bool ReceiveFrom(void* socket, std::string& peer, zmq_msg_t& frame, int flags) {
  std::array<char, 64> id;
  const int size = zmq_recv(socket, id.data(), id.size(), flags);
  if (size < 0) return false;
  peer.assign(id.data(), static_cast<size_t>(size));
  return zmq_msg_recv(&frame, socket, 0) >= 0;
}

bool SendTo(void* socket, const std::string& peer, zmq_msg_t& frame) {
  return zmq_send(socket, peer.data(), peer.size(), ZMQ_SNDMORE) >= 0 &&
         zmq_msg_send(&frame, socket, 0) >= 0;
}

// A file as the log's segments are: zero-filled before use.
class ZeroedFile {
 public:
  explicit ZeroedFile(std::string path)
      : path_(std::move(path)),
        file_(open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600)) {
    const std::string zeros(1 << 20, '\0');
    for (size_t at = 0; at < kBytes; at += zeros.size()) {
      if (write(file_, zeros.data(), zeros.size()) < 0) break;
    }
    fdatasync(file_);
  }
  ~ZeroedFile() {
    close(file_);
    unlink(path_.c_str());
  }
  bool Append(zmq_msg_t& frame) {
    const size_t count = zmq_msg_size(&frame);
    if (at_ + count > kBytes) at_ = 0;
    const ssize_t written =
        pwrite(file_, zmq_msg_data(&frame), count, static_cast<off_t>(at_));
    at_ += count;
    return written == static_cast<ssize_t>(count);
  }
  bool Sync() { return fdatasync(file_) == 0; }

 private:
  static constexpr size_t kBytes = 64u << 20;
  const std::string path_;
  const int file_;
  size_t at_ = 0;
};

using Clock = std::chrono::steady_clock;

// Writer, server and reader of one job.
class Run {
 public:
  explicit Run(const CeilingJob& job)
      : job_(job),
        frames_(std::max<uint64_t>(job.events / job.batch_events, 1)),
        frame_bytes_(job.batch_events * job.event_bytes),
        file_(absl::StrCat(job.folder, "/ceiling")),
        server_context_(zmq_ctx_new()),
        sent_(frames_) {
    zmq_curve_keypair(keys_.public_key.data(), keys_.secret_key.data());
    zmq_ctx_set(server_context_.get(), ZMQ_IO_THREADS, 2);
    ingest_ = Server(server_context_.get(), keys_, ingest_at_);
    delivery_ = Server(server_context_.get(), keys_, delivery_at_);
    latencies_s_.reserve(frames_);
  }

  absl::StatusOr<Ceiling> Measure() {
    std::thread reader([this] { Read(); });
    std::string reader_id;
    zmq_msg_t hello;
    zmq_msg_init(&hello);
    if (!ReceiveFrom(delivery_.get(), reader_id, hello, 0)) failed_ = true;
    zmq_msg_close(&hello);
    start_ = Clock::now();
    std::thread writer([this] { Write(); });
    Serve(reader_id);
    writer.join();
    reader.join();
    if (failed_) return absl::UnavailableError("ceiling: a socket failed");
    latencies_s_.erase(
        latencies_s_.begin(),
        latencies_s_.begin() + static_cast<ptrdiff_t>(frames_ / 10));
    return Ceiling{static_cast<double>(frames_ * job_.batch_events) / took_s_,
                   1e3 * Quantile(latencies_s_, 0.50),
                   1e3 * Quantile(latencies_s_, 0.99)};
  }

 private:
  double SecondsSince(Clock::time_point from) const {
    return std::chrono::duration<double>(Clock::now() - from).count();
  }

  void Read() {
    const Context context(zmq_ctx_new());
    const Socket socket = Client(context.get(), keys_, delivery_at_);
    zmq_send(socket.get(), "r", 1, 0);
    for (uint64_t i = 0; i < frames_ && !failed_; ++i) {
      zmq_msg_t frame;
      zmq_msg_init(&frame);
      if (zmq_msg_recv(&frame, socket.get(), 0) < 0) failed_ = true;
      zmq_msg_close(&frame);
      latencies_s_.push_back(SecondsSince(sent_[i]));
      if (zmq_send(socket.get(), "a", 1, 0) < 0) failed_ = true;
    }
    took_s_ = SecondsSince(start_);
  }

  void Write() {
    const Context context(zmq_ctx_new());
    const Socket socket = Client(context.get(), keys_, ingest_at_);
    const uint64_t window =
        std::max<uint64_t>(job_.in_flight_events / job_.batch_events, 1);
    const std::string bytes(frame_bytes_, 'x');
    uint64_t acked = 0;
    for (uint64_t sent = 0; acked < frames_ && !failed_;) {
      const bool may_send = sent < frames_ && sent - acked < window;
      char ack;
      if (zmq_recv(socket.get(), &ack, 1, may_send ? ZMQ_DONTWAIT : 0) >= 0) {
        ++acked;
        continue;
      }
      if (!may_send) {
        failed_ = true;
        continue;
      }
      if (job_.rate > 0) {
        std::this_thread::sleep_until(
            start_ + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(
                             static_cast<double>(sent) / job_.rate)));
      }
      sent_[sent++] = Clock::now();
      if (zmq_send(socket.get(), bytes.data(), bytes.size(), 0) < 0) {
        failed_ = true;
      }
    }
  }

  // What waits shares a sync, as in the bus.
  void Serve(const std::string& reader) {
    std::string writer;
    std::deque<zmq_msg_t> group;  // Stay where they are.
    for (uint64_t served = 0; served < frames_ && !failed_;) {
      group.clear();
      for (size_t bytes = 0; bytes < kSyncBytes;) {
        const int flags = group.empty() ? 0 : ZMQ_DONTWAIT;
        zmq_msg_t& frame = group.emplace_back();
        zmq_msg_init(&frame);
        if (!ReceiveFrom(ingest_.get(), writer, frame, flags)) {
          group.pop_back();
          if (group.empty()) failed_ = true;
          break;
        }
        bytes += zmq_msg_size(&frame);
        if (!file_.Append(frame)) failed_ = true;
      }
      if (!file_.Sync()) failed_ = true;
      for (zmq_msg_t& frame : group) {
        zmq_msg_t ack;
        zmq_msg_init_size(&ack, 1);
        if (!SendTo(ingest_.get(), writer, ack) ||
            !SendTo(delivery_.get(), reader, frame)) {
          failed_ = true;
        }
      }
      served += group.size();
    }
  }

  static constexpr size_t kSyncBytes = 128 * 1024;
  const CeilingJob& job_;
  const uint64_t frames_;
  const size_t frame_bytes_;
  ZeroedFile file_;
  KeyPair keys_;
  const Context server_context_;
  std::string ingest_at_;
  std::string delivery_at_;
  Socket ingest_;
  Socket delivery_;
  std::atomic<bool> failed_{false};
  Clock::time_point start_;
  // Written before the frame is sent, read after it has come back.
  std::vector<Clock::time_point> sent_;
  std::vector<double> latencies_s_;
  double took_s_ = 0;
};

}  // namespace

absl::StatusOr<Ceiling> MeasureCeiling(const CeilingJob& job) {
  return Run(job).Measure();
}

}  // namespace concordat::cli
