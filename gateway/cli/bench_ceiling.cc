#include "gateway/cli/bench_ceiling.h"

#include <fcntl.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

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
bool ReceiveFrom(void* socket, std::string& peer, zmq_msg_t& frame) {
  std::array<char, 64> id;
  const int size = zmq_recv(socket, id.data(), id.size(), 0);
  if (size < 0) return false;
  peer.assign(id.data(), static_cast<size_t>(size));
  return zmq_msg_recv(&frame, socket, 0) >= 0;
}

}  // namespace

absl::StatusOr<double> MeasureCeiling(const CeilingJob& job) {
  const std::string path = absl::StrCat(job.folder, "/ceiling");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
  if (file < 0) return absl::UnavailableError("ceiling: cannot make a file");
  const uint64_t batches = std::max<uint64_t>(job.events / job.batch_events, 1);
  const size_t frame_bytes = job.batch_events * job.event_bytes;
  // Zero-filled before use, as the log's segments are.
  const std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 64; ++i) {
    if (write(file, zeros.data(), zeros.size()) < 0) break;
  }
  fdatasync(file);

  KeyPair server_keys;
  zmq_curve_keypair(server_keys.public_key.data(),
                    server_keys.secret_key.data());
  const Context server_context(zmq_ctx_new());
  zmq_ctx_set(server_context.get(), ZMQ_IO_THREADS, 2);
  std::string ingest_at;
  std::string delivery_at;
  Socket ingest = Server(server_context.get(), server_keys, ingest_at);
  Socket delivery = Server(server_context.get(), server_keys, delivery_at);
  std::atomic<bool> failed{false};
  std::chrono::steady_clock::time_point end;

  std::thread reader([&] {
    const Context context(zmq_ctx_new());
    const Socket socket = Client(context.get(), server_keys, delivery_at);
    zmq_send(socket.get(), "r", 1, 0);
    for (uint64_t i = 0; i < batches && !failed; ++i) {
      zmq_msg_t frame;
      zmq_msg_init(&frame);
      if (zmq_msg_recv(&frame, socket.get(), 0) < 0) failed = true;
      zmq_msg_close(&frame);
      if (zmq_send(socket.get(), "a", 1, 0) < 0) failed = true;
    }
    end = std::chrono::steady_clock::now();
  });
  std::string reader_id;
  zmq_msg_t hello;
  zmq_msg_init(&hello);
  if (!ReceiveFrom(delivery.get(), reader_id, hello)) failed = true;
  zmq_msg_close(&hello);

  const auto start = std::chrono::steady_clock::now();
  std::thread writer([&] {
    const Context context(zmq_ctx_new());
    const Socket socket = Client(context.get(), server_keys, ingest_at);
    const uint64_t window =
        std::max<uint64_t>(job.in_flight_events / job.batch_events, 1);
    const std::string bytes(frame_bytes, 'x');
    uint64_t acked = 0;
    for (uint64_t sent = 0; acked < batches && !failed;) {
      if (sent < batches && sent - acked < window) {
        if (zmq_send(socket.get(), bytes.data(), bytes.size(), 0) < 0) {
          failed = true;
        }
        ++sent;
        continue;
      }
      char ack;
      if (zmq_recv(socket.get(), &ack, 1, 0) < 0) failed = true;
      ++acked;
    }
  });
  off_t at = 0;
  for (uint64_t i = 0; i < batches && !failed; ++i) {
    std::string peer;
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (!ReceiveFrom(ingest.get(), peer, frame)) {
      failed = true;
      break;
    }
    if (at + static_cast<off_t>(frame_bytes) > (64 << 20)) at = 0;
    if (pwrite(file, zmq_msg_data(&frame), zmq_msg_size(&frame), at) < 0 ||
        fdatasync(file) != 0) {
      failed = true;
    }
    at += static_cast<off_t>(frame_bytes);
    zmq_send(ingest.get(), peer.data(), peer.size(), ZMQ_SNDMORE);
    zmq_send(ingest.get(), "a", 1, 0);
    zmq_send(delivery.get(), reader_id.data(), reader_id.size(), ZMQ_SNDMORE);
    if (zmq_msg_send(&frame, delivery.get(), 0) < 0) {
      failed = true;
      zmq_msg_close(&frame);
    }
  }
  writer.join();
  reader.join();
  close(file);
  unlink(path.c_str());
  if (failed) return absl::UnavailableError("ceiling: a socket failed");
  return static_cast<double>(batches * job.batch_events) /
         std::chrono::duration<double>(end - start).count();
}

}  // namespace concordat::cli
