// What an event costs to encode, decode, check and bind: one of 512 bytes of
// data as in the throughput budget, and a small one with patterns and codes.
// Run with CONCORDAT_SOURCE and CONCORDAT_BUILD set.
#include <benchmark/benchmark.h>

#include "concordat/hub/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "services/common/base/check.h"
#include "services/common/event/codec.h"
#include "services/common/event/commitments.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"

namespace concordat {
namespace {

const TypeRegistry& Types() {
  static const auto types = *testing::DemoTypes();
  return *types;
}

Header AHeader(std::string type) {
  Header h;
  h.source = "urn:concordat:police-scotland:rms";
  h.type = std::move(type);
  h.controller = "police-scotland";
  h.purpose = "MAPPA_RISK_MANAGEMENT";
  h.gateway = "G1";
  h.id = "019a9f2c-0000-7000-8000-000000000109";
  h.subject = PersonKey({1, 2, 3});
  h.stream = "load/1";
  h.time_us = 1763673300000000;
  h.recorded_us = 1763673300000001;
  h.regime = bus::v1::REGIME_PART3;
  h.basis = bus::v1::BASIS_OBSERVED;
  h.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
  return h;
}

Event Load() {
  hub::v1::LoadSample message;
  message.set_number(12345);
  message.set_filler(std::string(505, 'x'));
  auto event = MakeEvent(Types(), AHeader("concordat.hub.v1.LoadSample"),
                         message.SerializeAsString(), Seed{7});
  CONCORDAT_CHECK(event.ok());
  return *event;
}

Event Concern() {
  police::v1::ConcernShared message;
  message.set_concern_type("SEEN_WITH_CHILD");
  message.set_incident_ref("INC-102");
  message.set_urgency("ROUTINE");
  auto event = MakeEvent(Types(), AHeader("concordat.police.v1.ConcernShared"),
                         message.SerializeAsString(), Seed{7});
  CONCORDAT_CHECK(event.ok());
  return *event;
}

void BM_Encode(benchmark::State& state) {
  const Event event = Load();
  const EventView view = AsView(event);
  BatchEncoder encoder;
  for (auto _ : state) {
    for (int i = 0; i < 256; ++i) encoder.Add(view);
    benchmark::DoNotOptimize(encoder.Take());
  }
  state.SetItemsProcessed(state.iterations() * 256);
}
BENCHMARK(BM_Encode);

void BM_Decode(benchmark::State& state) {
  const Event event = Load();
  BatchEncoder encoder;
  for (int i = 0; i < 256; ++i) encoder.Add(AsView(event));
  const std::string bytes = encoder.Take();
  for (auto _ : state) {
    auto events = DecodeBatch(bytes);
    CONCORDAT_CHECK(events.ok());
    benchmark::DoNotOptimize(events);
  }
  state.SetItemsProcessed(state.iterations() * 256);
  state.counters["bytes/event"] = static_cast<double>(bytes.size()) / 256;
}
BENCHMARK(BM_Decode);

void Check(benchmark::State& state, const Event& event) {
  const EventView view = AsView(event);
  const EventType& type = *Types().Find(view.header.type);
  std::vector<std::string> faults;
  for (auto _ : state) {
    CONCORDAT_CHECK(type.Check(view.groups, &faults).ok() && faults.empty());
  }
}
void BM_CheckLoad(benchmark::State& state) { Check(state, Load()); }
BENCHMARK(BM_CheckLoad);
void BM_CheckConcern(benchmark::State& state) { Check(state, Concern()); }
BENCHMARK(BM_CheckConcern);

void BM_Commit(benchmark::State& state) {
  const Event event = Load();
  const EventView view = AsView(event);
  const EventType& type = *Types().Find(view.header.type);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Commit(view.header, type, view.groups, view.seed));
  }
}
BENCHMARK(BM_Commit);

void BM_MakeEvent(benchmark::State& state) {
  hub::v1::LoadSample message;
  message.set_number(12345);
  message.set_filler(std::string(505, 'x'));
  const std::string bytes = message.SerializeAsString();
  for (auto _ : state) {
    benchmark::DoNotOptimize(MakeEvent(
        Types(), AHeader("concordat.hub.v1.LoadSample"), bytes, Seed{7}));
  }
}
BENCHMARK(BM_MakeEvent);

}  // namespace
}  // namespace concordat

BENCHMARK_MAIN();
