// RabbitMQ doing the job of `concordat bench`: persistent messages to a quorum
// queue with publisher confirms, one consumer that acknowledges.
//
// usage: rabbitmq_bench PORT EVENTS IN_FLIGHT RATE LATENCY_EVENTS
#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/bench/peers/peer_bench.h"

namespace {

using concordat::bench::Fail;
using concordat::bench::Latencies;
using concordat::bench::PacedPayload;
using concordat::bench::PeerJob;
using concordat::bench::PeerResult;

constexpr amqp_channel_t kChannel = 1;
constexpr uint16_t kPrefetch = 4096;
constexpr long kPatienceSeconds = 60;

void Check(const amqp_rpc_reply_t& reply, const char* what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  Fail(what, reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION
                 ? amqp_error_string2(reply.library_error)
                 : "the server refuses");
}

void Check(amqp_connection_state_t connection, const char* what) {
  Check(amqp_get_rpc_reply(connection), what);
}

void Check(int status, const char* what) {
  if (status != AMQP_STATUS_OK) Fail(what, amqp_error_string2(status));
}

amqp_connection_state_t Connect(int port) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t* const socket = amqp_tcp_socket_new(connection);
  Check(amqp_socket_open(socket, "127.0.0.1", port), "connect");
  Check(amqp_login(connection, "/", 0, AMQP_DEFAULT_FRAME_SIZE, 0,
                   AMQP_SASL_METHOD_PLAIN, "guest", "guest"),
        "login");
  amqp_channel_open(connection, kChannel);
  Check(connection, "channel");
  return connection;
}

void Disconnect(amqp_connection_state_t connection) {
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}

// Confirmations not yet counted are those of the tags above `confirmed`.
// Takes what is there; with `wait`, one frame at least.
void TakeConfirmations(amqp_connection_state_t connection, bool wait,
                       int64_t& confirmed) {
  for (;; wait = false) {
    const timeval patience = {wait ? kPatienceSeconds : 0, 0};
    amqp_frame_t frame;
    const int status =
        amqp_simple_wait_frame_noblock(connection, &frame, &patience);
    if (status == AMQP_STATUS_TIMEOUT && !wait) break;
    Check(status, "confirm");
    if (frame.frame_type != AMQP_FRAME_METHOD ||
        frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
      Fail("confirm", "something else came");
    }
    const auto* const ack =
        static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
    // One queue confirms in order, so a single one stands for all before it.
    confirmed = std::max(confirmed, static_cast<int64_t>(ack->delivery_tag));
  }
  amqp_maybe_release_buffers(connection);
}

void Receive(amqp_connection_state_t connection, Latencies& latencies) {
  while (!latencies.done()) {
    amqp_envelope_t envelope;
    const timeval patience = {kPatienceSeconds, 0};
    amqp_maybe_release_buffers(connection);
    Check(amqp_consume_message(connection, &envelope, &patience, 0), "consume");
    latencies.Came(envelope.message.body.bytes);
    if (latencies.AckIsDue()) {
      Check(amqp_basic_ack(connection, kChannel, envelope.delivery_tag, 1),
            "ack");
    }
    amqp_destroy_envelope(&envelope);
  }
}

PeerResult Run(int port, const PeerJob& job) {
  amqp_connection_state_t out = Connect(port);
  amqp_connection_state_t in = Connect(port);
  const amqp_bytes_t queue = amqp_cstring_bytes(job.name.c_str());
  amqp_table_entry_t quorum;
  quorum.key = amqp_cstring_bytes("x-queue-type");
  quorum.value.kind = AMQP_FIELD_KIND_UTF8;
  quorum.value.value.bytes = amqp_cstring_bytes("quorum");
  amqp_queue_declare(out, kChannel, queue, 0, 1, 0, 0, {1, &quorum});
  Check(out, "queue");
  amqp_confirm_select(out, kChannel);
  Check(out, "confirms");
  amqp_basic_qos(in, kChannel, 0, kPrefetch, 0);
  Check(in, "prefetch");
  amqp_basic_consume(in, kChannel, queue, amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  Check(in, "consumer");

  PeerResult result;
  Latencies latencies(job);
  PacedPayload payload(job);
  std::thread receive([&] {
    Receive(in, latencies);
    result.delivered_s = payload.SecondsSinceStart();
  });
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  int64_t confirmed = 0;
  for (int64_t i = 0; i < job.events; ++i) {
    if (i - confirmed == job.in_flight || job.rate > 0) {
      TakeConfirmations(out, i - confirmed == job.in_flight, confirmed);
    }
    const std::string& bytes = payload.WaitFor(i);
    Check(amqp_basic_publish(out, kChannel, amqp_empty_bytes, queue, 0, 0,
                             &properties,
                             {bytes.size(), const_cast<char*>(bytes.data())}),
          "publish");
  }
  while (confirmed < job.events) TakeConfirmations(out, true, confirmed);
  result.acked_s = payload.SecondsSinceStart();
  receive.join();
  result.ages_s = std::move(latencies.ages_s());
  amqp_queue_delete(out, kChannel, queue, 0, 0);
  Check(out, "delete");
  Disconnect(in);
  Disconnect(out);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(
        stderr,
        "usage: rabbitmq_bench PORT EVENTS IN_FLIGHT RATE LATENCY_EVENTS\n");
    return 2;
  }
  concordat::bench::MeasurePeer(argv + 2, [&](const PeerJob& job) {
    return Run(std::atoi(argv[1]), job);
  });
}
