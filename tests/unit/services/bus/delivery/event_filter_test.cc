// What a filter picks.
//
// Mutant                                        Caught by
// "*" stands for one character, or to the end   AStarStandsForAnyCharacters
// one list is enough, or an empty one is none   EachListThatIsNotEmptyHasToMatch
// any text taken for a person                   RefusesWhatIsNoFilter
#include "services/bus/delivery/event_filter.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(EventFilterTest, AStarStandsForAnyCharacters) {
  const auto covers = [](absl::string_view pattern) {
    return GlobCovers(pattern, "concordat.police.v1.AddressChanged");
  };
  for (const char* pattern :
       {"concordat.police.v1.AddressChanged", "*", "concordat.police.*",
        "*.AddressChanged", "concordat.*.v1.*Changed", "*police*", "con*d",
        "concordat.police.v1.AddressChanged*", "**"}) {
    EXPECT_TRUE(covers(pattern)) << pattern;
  }
  for (const char* pattern :
       {"", "concordat.police.v1.Address", "*.Address", "concordat.nhs.*",
        "*police*police*", "concordat.police.v1.AddressChanged*Changed",
        "x*"}) {
    EXPECT_FALSE(covers(pattern)) << pattern;
  }
}

TEST(EventFilterTest, EachListThatIsNotEmptyHasToMatch) {
  const PersonKey person({7});
  HeaderView header;
  header.type = "a.v1.Fact";
  header.controller = "red";
  header.stream = "s";
  header.subject = person;
  EXPECT_TRUE(EventFilter().Wants(header));
  v1::Filter wire;
  wire.add_types("b.*");
  wire.add_types("a.*");
  wire.add_agencies("red");
  wire.add_persons(person.ToString());
  wire.add_streams("s");
  const auto filter = EventFilter::Of(wire);
  ASSERT_THAT(filter, IsOk());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(filter->Wants(header));
  HeaderView other = header;
  other.type = "c.v1.Fact";
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(filter->Wants(other));
  other = header;
  other.controller = "blue";
  EXPECT_FALSE(filter->Wants(other));
  other = header;
  other.stream = "t";
  EXPECT_FALSE(filter->Wants(other));
  other = header;
  other.subject = {};
  EXPECT_FALSE(filter->Wants(other));
}

TEST(EventFilterTest, RefusesWhatIsNoFilter) {
  v1::Filter wire;
  wire.add_persons("somebody");
  EXPECT_THAT(EventFilter::Of(wire),
              HasCode(absl::StatusCode::kInvalidArgument));
  wire.Clear();
  wire.add_types("");
  EXPECT_THAT(EventFilter::Of(wire),
              HasCode(absl::StatusCode::kInvalidArgument));
  wire.Clear();
  for (int i = 0; i <= EventFilter::kEntriesMax; ++i) wire.add_streams("s");
  EXPECT_THAT(EventFilter::Of(wire),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::bus
