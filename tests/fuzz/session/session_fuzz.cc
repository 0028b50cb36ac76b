// A peer that may say anything to a port of the bus, and a bus that may say
// anything to a client. The input is a list of frames, each with two bytes of
// length before it, where bit 15 asks for a right head instead of a random one,
// so that bodies are reached too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/bus/session/session_server.h"
#include "services/common/base/check.h"
#include "services/common/bus_client/client_session.h"
#include "tests/support/fake_carrier.h"
#include "tests/support/seeded_random.h"

namespace concordat::bus {
namespace {

constexpr PeerId kPeer = {1};
constexpr PeerId kHonest = {2};

std::shared_ptr<const PrincipalRegistry> MakeRegistry() {
  v1::Registry proto;
  proto.set_environment(v1::ENVIRONMENT_DEMO);
  v1::Principal* police = proto.add_principals();
  police->set_name("police");
  police->set_agency("police-scotland");
  police->set_system("rms");
  police->set_role("police");
  police->set_curve_public_key(std::string(40, '1'));
  auto registry = PrincipalRegistry::Build(proto);
  CONCORDAT_CHECK(registry.ok());
  return *registry;
}

std::optional<std::string> NextFrame(absl::string_view& input, uint64_t session,
                                     uint64_t& number) {
  if (input.size() < 2) return std::nullopt;
  const auto low = static_cast<uint8_t>(input[0]);
  const auto high = static_cast<uint8_t>(input[1]);
  input.remove_prefix(2);
  const size_t size =
      std::min<size_t>(low | ((high & 0x7fu) << 8), input.size());
  const absl::string_view bytes = input.substr(0, size);
  input.remove_prefix(size);
  if ((high & 0x80) == 0 || bytes.empty()) return std::string(bytes);
  const auto kind = static_cast<FrameKind>(1 + (bytes[0] & 0x0f) % 13);
  return MakeFrame({kind, session, ++number}, bytes.substr(1));
}

void AttackBus(absl::string_view input, Port port) {
  static const auto registry = MakeRegistry();
  static const std::string key(40, '1');
  testing::FakeCarrier carrier;
  testing::FakeSteadyClock clock;
  testing::SeededRandom random(1);
  SessionOptions options;
  options.port = port;
  options.environment = v1::ENVIRONMENT_DEMO;
  options.credit_events = 300;
  SessionServer server(options, carrier, clock, random, registry);
  ClientSession honest({"police-scotland", "police", v1::ENVIRONMENT_DEMO, ""});
  ClientSession opener({"police-scotland", "police", v1::ENVIRONMENT_DEMO, ""});
  std::vector<SessionEvent> events;
  carrier.Say(kHonest, key, honest.Hello(clock.Elapsed()));
  carrier.Say(kPeer, key, opener.Hello(clock.Elapsed()));
  server.Poll(absl::ZeroDuration(), events);
  CONCORDAT_CHECK(events.size() == 2);
  const uint64_t session = events[1].session.value;
  uint64_t number = 1;
  size_t in_flight = 0;
  while (const auto frame = NextFrame(input, session, number)) {
    carrier.Say(kPeer, key, *frame);
    events.clear();
    server.Poll(absl::ZeroDuration(), events);
    for (const SessionEvent& event : events) {
      // What reaches the core is in order and within its bounds.
      CONCORDAT_CHECK(event.session.value == session);
      if (event.what != SessionEvent::What::kBody) continue;
      CONCORDAT_CHECK(event.principal != nullptr);
      CONCORDAT_CHECK(event.body.view.size() <= kFrameBytesMax);
      if (event.kind != FrameKind::kPublish) continue;
      CONCORDAT_CHECK(port == Port::kIngest);
      CONCORDAT_CHECK(++in_flight <= options.credit_events);
      if (in_flight % 2 == 0) {
        server.Send(event.session, FrameKind::kReceipts, "", event.number);
        --in_flight;
      }
    }
  }
  // The honest one never notices.
  const std::string welcome = carrier.Take(kHonest);
  CONCORDAT_CHECK(honest.Receive(welcome, clock.Elapsed()).heard ==
                  ClientSession::Heard::kWelcomed);
  carrier.Say(kHonest, key,
              honest.Send(FrameKind::kHeartbeat, "", clock.Elapsed()));
  events.clear();
  server.Poll(absl::ZeroDuration(), events);
  CONCORDAT_CHECK(events.empty() && server.open_sessions() >= 1);
}

void AttackClient(absl::string_view input) {
  ClientSession session(
      {"police-scotland", "police", v1::ENVIRONMENT_DEMO, ""});
  session.Hello(absl::ZeroDuration());
  uint64_t number = 0;
  bool ended = false;
  while (const auto frame = NextFrame(input, 77, number)) {
    const auto output = session.Receive(*frame, absl::ZeroDuration());
    // Once over, it is over.
    CONCORDAT_CHECK(!ended || output.heard == ClientSession::Heard::kNothing);
    ended |= output.heard == ClientSession::Heard::kEnded;
  }
}

}  // namespace
}  // namespace concordat::bus

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::string_view input(reinterpret_cast<const char*>(data) + 1,
                                size - 1);
  if (data[0] % 3 == 0) {
    concordat::bus::AttackClient(input);
  } else {
    concordat::bus::AttackBus(input, data[0] % 3 == 1
                                         ? concordat::bus::Port::kIngest
                                         : concordat::bus::Port::kDelivery);
  }
  return 0;
}
