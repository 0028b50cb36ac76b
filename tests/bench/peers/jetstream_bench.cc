// NATS JetStream doing the job of `concordat bench`: asynchronous publishing,
// file storage, one durable pushed consumer that acknowledges.
//
// usage: jetstream_bench URL CA_FILE EVENTS IN_FLIGHT RATE LATENCY_EVENTS
//   CA_FILE  "" in the clear
#include <nats/nats.h>

#include <cstdio>
#include <string>
#include <thread>

#include "tests/bench/peers/peer_bench.h"

namespace {

using concordat::bench::Fail;
using concordat::bench::Latencies;
using concordat::bench::PacedPayload;
using concordat::bench::PeerJob;
using concordat::bench::PeerResult;

void Check(natsStatus status, const char* what) {
  if (status != NATS_OK) Fail(what, natsStatus_GetText(status));
}

natsConnection* Connect(const char* url, const char* ca) {
  natsOptions* options = nullptr;
  natsConnection* connection = nullptr;
  Check(natsOptions_Create(&options), "options");
  Check(natsOptions_SetURL(options, url), "url");
  if (ca[0] != '\0') {
    Check(natsOptions_SetSecure(options, true), "tls");
    Check(natsOptions_LoadCATrustedCertificates(options, ca), "ca");
  }
  Check(natsConnection_Connect(&connection, options), "connect");
  natsOptions_Destroy(options);
  return connection;
}

void OnAck(jsCtx*, natsMsg* message, jsPubAck*, jsPubAckErr* error, void*) {
  if (error != nullptr) Fail("publish", error->ErrText);
  natsMsg_Destroy(message);
}

PeerResult Run(const char* url, const char* ca, const PeerJob& job) {
  natsConnection* out = Connect(url, ca);
  natsConnection* in = Connect(url, ca);
  jsOptions options;
  jsOptions_Init(&options);
  options.PublishAsync.MaxPending = job.in_flight;
  options.PublishAsync.StallWait = 60'000;
  options.PublishAsync.AckHandler = OnAck;
  jsCtx* publisher = nullptr;
  jsCtx* reader = nullptr;
  Check(natsConnection_JetStream(&publisher, out, &options), "context");
  Check(natsConnection_JetStream(&reader, in, nullptr), "context");

  const std::string subject = "bench." + job.name;
  const char* subjects[] = {subject.c_str()};
  jsStreamConfig stream;
  jsStreamConfig_Init(&stream);
  stream.Name = job.name.c_str();
  stream.Subjects = subjects;
  stream.SubjectsLen = 1;
  stream.Storage = js_FileStorage;
  jsErrCode code;
  Check(js_AddStream(nullptr, publisher, &stream, nullptr, &code), "stream");

  jsSubOptions subscribe;
  jsSubOptions_Init(&subscribe);
  subscribe.ManualAck = true;
  subscribe.Config.Durable = "reader";
  subscribe.Config.AckPolicy = js_AckAll;
  subscribe.Config.MaxAckPending = 65'536;
  natsSubscription* subscription = nullptr;
  Check(js_SubscribeSync(&subscription, reader, subject.c_str(), nullptr,
                         &subscribe, &code),
        "subscribe");
  Check(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");

  PeerResult result;
  Latencies latencies(job);
  PacedPayload payload(job);
  std::thread receive([&] {
    while (!latencies.done()) {
      natsMsg* message = nullptr;
      Check(natsSubscription_NextMsg(&message, subscription, 60'000), "next");
      latencies.Came(natsMsg_GetData(message));
      if (latencies.AckIsDue()) Check(natsMsg_Ack(message, nullptr), "ack");
      natsMsg_Destroy(message);
    }
    result.delivered_s = payload.SecondsSinceStart();
  });
  for (int64_t i = 0; i < job.events; ++i) {
    const std::string& bytes = payload.WaitFor(i);
    Check(js_PublishAsync(publisher, subject.c_str(), bytes.data(),
                          static_cast<int>(bytes.size()), nullptr),
          "publish");
  }
  jsPubOptions complete;
  jsPubOptions_Init(&complete);
  complete.MaxWait = 60'000;
  Check(js_PublishAsyncComplete(publisher, &complete), "complete");
  result.acked_s = payload.SecondsSinceStart();
  receive.join();
  result.ages_s = std::move(latencies.ages_s());
  natsSubscription_Destroy(subscription);
  Check(js_DeleteStream(publisher, job.name.c_str(), nullptr, &code), "delete");
  jsCtx_Destroy(publisher);
  jsCtx_Destroy(reader);
  natsConnection_Destroy(out);
  natsConnection_Destroy(in);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr,
                 "usage: jetstream_bench URL CA_FILE EVENTS IN_FLIGHT RATE "
                 "LATENCY_EVENTS\n");
    return 2;
  }
  concordat::bench::MeasurePeer(
      argv + 3, [&](const PeerJob& job) { return Run(argv[1], argv[2], job); });
  nats_Close();
}
