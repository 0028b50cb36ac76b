// Mutants this file catches:
//   message not checked, or split by another rule   Binds, RefusesABrokenRule
//   clock stepping back gives an id that sorts back  UuidsOnlyGrow
//   derived id without n, or without lengths         DerivedIds
//   seed without the source                          SeedsOfADoor
#include "services/common/event/make_event.h"

#include <set>

#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "re2/re2.h"
#include "services/common/event/commitments.h"
#include "tests/support/demo_types.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

Header AHeader() {
  Header header;
  header.source = "urn:concordat:police-scotland:rms";
  header.id = "1";
  return header;
}

TEST(MakeEvent, Binds) {
  const auto types = *testing::DemoTypes();
  testing::SeededRandom random;
  police::v1::VisitRecorded message;
  message.set_mode("HOME");
  message.set_seen(true);
  message.add_environment_codes("ALCOHOL");
  message.clear_environment_codes();
  message.add_joint_with("dundee-city-council");
  absl::StatusOr<Event> event = MakeEvent(*types, AHeader(), message, random);
  ASSERT_THAT(event, IsOk());
  EXPECT_EQ(event->header.type, "concordat.police.v1.VisitRecorded");
  ASSERT_EQ(event->groups.size(), 2u);
  EXPECT_EQ(event->groups[0].number, 0u);
  EXPECT_EQ(event->groups[1].number, 1u);
  police::v1::VisitRecorded group;
  ASSERT_TRUE(group.ParseFromString(event->groups[1].data));
  EXPECT_TRUE(group.seen());
  EXPECT_EQ(group.mode(), "");
  const EventView view = AsView(*event);
  EXPECT_EQ(Commit(view.header, *types->Find(view.header.type), view.groups,
                   view.seed)
                .digest,
            event->digest);
  EXPECT_NE(event->seed, Seed{});
}

TEST(MakeEvent, RefusesABrokenRule) {
  const auto types = *testing::DemoTypes();
  testing::SeededRandom random;
  police::v1::VisitRecorded message;
  const absl::Status status =
      MakeEvent(*types, AHeader(), message, random).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(status.message(), "mode: required, and absent or empty");
  Header header = AHeader();
  header.type = "concordat.police.v1.ChargeRecorded";
  EXPECT_THAT(MakeEvent(*types, header, message, random),
              HasCode(absl::StatusCode::kInvalidArgument));
  header.type = "concordat.police.v1.Nothing";
  EXPECT_THAT(MakeEvent(*types, header, "", Seed{}),
              HasCode(absl::StatusCode::kNotFound));
  header = AHeader();
  header.id = "";
  message.set_mode("HOME");
  message.set_seen(false);
  EXPECT_EQ(MakeEvent(*types, header, message, random).status().message(),
            "id: missing");
  // Said out loud that nobody was seen: that is an answer.
  EXPECT_THAT(MakeEvent(*types, AHeader(), message, random), IsOk());
}

TEST(MakeEvent, AnUrgentOneIsMadeAllTheSame) {
  const auto types = *testing::DemoTypes();
  testing::SeededRandom random;
  police::v1::ChargeRecorded message;
  message.set_offence_group("NO_SUCH_GROUP");
  EXPECT_THAT(MakeEvent(*types, AHeader(), message, random), IsOk());
}

TEST(UuidV7, UuidsOnlyGrow) {
  testing::SeededRandom random;
  UuidV7 uuids(random);
  const RE2 form(
      "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::string last;
  const uint64_t start = 1763673300123456;
  for (uint64_t i = 0; i < 5000; ++i) {
    const uint64_t now = i < 2500 ? start + i / 3 : start - 60'000'000;
    const std::string id = uuids.Next(now);
    EXPECT_TRUE(RE2::FullMatch(id, form)) << id;
    EXPECT_GT(id, last);
    last = id;
  }
  // 2025-11-20T21:15:00.123Z in milliseconds is 0x019aa31edc9b.
  EXPECT_EQ(UuidV7(random).Next(start).substr(0, 13), "019aa31e-dc9b");
}

TEST(DerivedId, DerivedIds) {
  const std::string id = DerivedId("mappa", "request-1", 0);
  EXPECT_EQ(id, DerivedId("mappa", "request-1", 0));
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(id[14], '8');
  const std::set<std::string> all = {id, DerivedId("mappa", "request-1", 1),
                                     DerivedId("mappa", "request-2", 0),
                                     DerivedId("police", "request-1", 0),
                                     DerivedId("mappar", "equest-1", 0)};
  EXPECT_EQ(all.size(), 5u);
}

TEST(SeedFor, SeedsOfADoor) {
  const std::string key(32, 'k');
  EXPECT_EQ(SeedFor(key, "source", "id"), SeedFor(key, "source", "id"));
  const std::set<Seed> all = {SeedFor(key, "source", "id"),
                              SeedFor(key, "source", "id2"),
                              SeedFor(key, "source2", "id"),
                              SeedFor(std::string(32, 'l'), "source", "id"),
                              SeedFor(key, "a b", "c"),
                              SeedFor(key, "a", "b c")};
  EXPECT_EQ(all.size(), 6u);
}

}  // namespace
}  // namespace concordat
