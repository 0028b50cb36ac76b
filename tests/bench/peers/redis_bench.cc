// Redis Streams doing the job of `concordat bench`: XADD pipelined, one
// consumer of a group that reads what is new and acknowledges it. With the
// server's `appendfsync always` a reply comes after the disk has it.
//
// usage: redis_bench PORT EVENTS IN_FLIGHT RATE LATENCY_EVENTS
#include <hiredis/hiredis.h>
#include <poll.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/bench/peers/peer_bench.h"

namespace {

using concordat::bench::Fail;
using concordat::bench::kAckEvery;
using concordat::bench::Latencies;
using concordat::bench::PacedPayload;
using concordat::bench::PeerJob;
using concordat::bench::PeerResult;

struct Freer {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, Freer>;
using Reply = std::unique_ptr<redisReply, Freer>;
using Words = std::vector<std::string>;

Context Connect(int port) {
  Context context(redisConnect("127.0.0.1", port));
  if (context == nullptr || context->err != 0) {
    Fail("connect", context == nullptr ? "no memory" : context->errstr);
  }
  return context;
}

void Append(redisContext& context, const Words& words) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(&context, static_cast<int>(words.size()), texts.data(),
                         sizes.data());
}

Reply Checked(redisContext& context, int status, void* reply) {
  if (status != REDIS_OK) Fail("reply", context.errstr);
  Reply owned(static_cast<redisReply*>(reply));
  if (owned != nullptr && owned->type == REDIS_REPLY_ERROR) {
    Fail("reply", owned->str);
  }
  return owned;
}

Reply Next(redisContext& context) {
  void* reply = nullptr;
  const int status = redisGetReply(&context, &reply);
  return Checked(context, status, reply);
}

void Call(redisContext& context, const Words& words) {
  Append(context, words);
  Next(context);
}

void Flush(redisContext& context) {
  for (int done = 0; done == 0;) {
    if (redisBufferWrite(&context, &done) != REDIS_OK) {
      Fail("write", context.errstr);
    }
  }
}

// Takes the confirmations that are there; with `wait`, one at least.
int64_t TakeConfirmations(redisContext& context, bool wait) {
  int64_t taken = 0;
  if (wait) {
    Next(context);
    ++taken;
  } else {
    pollfd item = {context.fd, POLLIN, 0};
    if (poll(&item, 1, 0) > 0 && redisBufferRead(&context) != REDIS_OK) {
      Fail("read", context.errstr);
    }
  }
  for (;; ++taken) {
    void* reply = nullptr;
    const int status = redisReaderGetReply(context.reader, &reply);
    if (Checked(context, status, reply) == nullptr) return taken;
  }
}

void Receive(int port, const PeerJob& job, Latencies& latencies) {
  const Context context = Connect(port);
  const Words read = {"XREADGROUP", "GROUP", "readers",
                      "reader",     "COUNT", std::to_string(kAckEvery),
                      "BLOCK",      "60000", "STREAMS",
                      job.name,     ">"};
  Words ack = {"XACK", job.name, "readers"};
  while (!latencies.done()) {
    const bool acks = ack.size() > 3;
    if (acks) Append(*context, ack);
    ack.resize(3);
    Append(*context, read);
    if (acks) Next(*context);
    const Reply reply = Next(*context);
    if (reply->type == REDIS_REPLY_NIL) Fail("read", "nothing for a minute");
    const redisReply* const entries = reply->element[0]->element[1];
    for (size_t i = 0; i < entries->elements; ++i) {
      const redisReply* const entry = entries->element[i];
      latencies.Came(entry->element[1]->element[1]->str);
      ack.emplace_back(entry->element[0]->str, entry->element[0]->len);
    }
  }
  Call(*context, ack);
}

PeerResult Run(int port, const PeerJob& job) {
  const Context context = Connect(port);
  Call(*context, {"XGROUP", "CREATE", job.name, "readers", "0", "MKSTREAM"});
  PeerResult result;
  Latencies latencies(job);
  PacedPayload payload(job);
  std::thread receive([&] {
    Receive(port, job, latencies);
    result.delivered_s = payload.SecondsSinceStart();
  });
  Words add = {"XADD", job.name, "*", "d", ""};
  int64_t in_flight = 0;
  for (int64_t i = 0; i < job.events; ++i) {
    // What is appended goes out when it must: the client's own pipelining.
    if (in_flight == job.in_flight) {
      in_flight -= TakeConfirmations(*context, true);
    }
    add.back() = payload.WaitFor(i);
    Append(*context, add);
    ++in_flight;
    if (job.rate > 0) {
      Flush(*context);
      in_flight -= TakeConfirmations(*context, false);
    }
  }
  while (in_flight > 0) in_flight -= TakeConfirmations(*context, true);
  result.acked_s = payload.SecondsSinceStart();
  receive.join();
  result.ages_s = std::move(latencies.ages_s());
  Call(*context, {"DEL", job.name});
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(
        stderr,
        "usage: redis_bench PORT EVENTS IN_FLIGHT RATE LATENCY_EVENTS\n");
    return 2;
  }
  concordat::bench::MeasurePeer(argv + 2, [&](const PeerJob& job) {
    return Run(std::atoi(argv[1]), job);
  });
}
