// Reads the example of services/bus/PROTOCOL.md back.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/bus/session/session_server.h"
#include "services/common/event/codec.h"
#include "tests/support/fake_carrier.h"

namespace concordat::bus {
namespace {

constexpr PeerId kPeer = {1};

// The octets of each ```hex block, in order.
std::vector<std::string> ReadExample() {
  const char* source = std::getenv("CONCORDAT_SOURCE");
  std::ifstream file(absl::StrCat(source == nullptr ? "." : source,
                                  "/services/bus/PROTOCOL.md"));
  std::vector<std::string> blocks;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```hex") {
      inside = true;
      blocks.emplace_back();
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      std::istringstream octets(line);
      for (std::string octet; octets >> octet;) {
        blocks.back() += absl::HexStringToBytes(octet);
      }
    }
  }
  return blocks;
}

// The example's session.
class ExampleRandom : public Random {
 public:
  void Fill(uint8_t* out, size_t count) override {
    for (size_t i = 0; i < count; ++i) {
      out[i] = static_cast<uint8_t>(8 - i);
    }
  }
};

TEST(ProtocolExampleTest, TheBusSaysWhatTheExampleSays) {
  const std::vector<std::string> octets = ReadExample();
  ASSERT_EQ(octets.size(), 6u);
  v1::Registry proto;
  proto.set_environment(v1::ENVIRONMENT_DEMO);
  v1::Principal* police = proto.add_principals();
  police->set_name("police");
  police->set_agency("police-scotland");
  police->set_system("rms");
  police->set_role("police");
  const std::string key(40, '1');
  police->set_curve_public_key(key);
  const auto registry = PrincipalRegistry::Build(proto);
  ASSERT_TRUE(registry.ok()) << registry.status();

  testing::FakeCarrier carrier;
  testing::FakeSteadyClock clock;
  ExampleRandom random;
  SessionOptions options;
  options.environment = v1::ENVIRONMENT_DEMO;
  SessionServer server(options, carrier, clock, random, *registry);
  server.SetLog("0123456789abcdef", 1);
  server.SetEnd({41}, 0);
  std::vector<SessionEvent> events;
  const auto say = [&](const std::string& frame) {
    events.clear();
    carrier.Say(kPeer, key, frame);
    server.Poll(absl::ZeroDuration(), events);
  };

  say(octets[0]);
  EXPECT_EQ(absl::BytesToHexString(carrier.Take(kPeer)),
            absl::BytesToHexString(octets[1]));
  say(octets[2]);
  ASSERT_EQ(events.size(), 1u);
  const auto batch = DecodeBatch(events[0].body.view);
  ASSERT_TRUE(batch.ok()) << batch.status();
  ASSERT_EQ(batch->size(), 1u);
  EXPECT_EQ(batch->front().header.type, "concordat.police.v1.AddressChanged");
  v1::Receipts receipts;
  receipts.set_publish_number(events[0].number);
  receipts.set_epoch(1);
  v1::Accepted* accepted = receipts.add_accepted();
  accepted->set_count(1);
  accepted->set_first_sequence(42);
  accepted->set_accepted_time(1'700'000'000'000'001);
  ASSERT_TRUE(server.Send(events[0].session, FrameKind::kReceipts, receipts,
                          events[0].number));
  EXPECT_EQ(absl::BytesToHexString(carrier.Take(kPeer)),
            absl::BytesToHexString(octets[3]));
  say(octets[4]);
  EXPECT_TRUE(events.empty());
  say(octets[4]);
  EXPECT_EQ(absl::BytesToHexString(carrier.Take(kPeer)),
            absl::BytesToHexString(octets[5]));
}

}  // namespace
}  // namespace concordat::bus
