// The keys that a person's groups are sealed with (DESIGN 6): one for what has no
// category, and one for each category of S4. Who has some of them opens what they are
// of and nothing else. Mutants of event_record.cc (views_mutants) and what each does:
//
//   a category sealed with the base key      TheBaseKeyOpensNoCategory
//   one key for all categories               OneCategorysKeyOpensNoOther
//   one key for all persons                  TheKeysAreTheirPersonsOwn
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/event_record.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

using bus::Record;
using bus::RecordKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::string_view kWrapping =
    "concordat wrapping keys 1\n"
    "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

TestEvent::Fields Fields(uint8_t person) {
  TestEvent::Fields fields;
  fields.id = absl::StrCat("id-", person);
  fields.person = person;
  fields.groups = {"routing", "personal", "offence", "clinical", "a victim"};
  return fields;
}

class SealedCategoryTest : public ::testing::Test {
 protected:
  // The records of one event of each of these persons, by their keys.
  void Seal(const std::vector<uint8_t>& persons) {
    bus::KeyRing ring(Wrapping(), random_);
    ring.AppendEmptyTable({}, bus::v1::ENVIRONMENT_DEMO, body_);
    bus::EventSealer sealer(ring, random_);
    bus::EventSealer::Place place;
    place.environment = bus::v1::ENVIRONMENT_DEMO;
    place.epoch = 1;
    for (const uint8_t person : persons) {
      const TestEvent event(Fields(person));
      ++place.sequence.value;
      sealer.Append(event.New(), place, body_);
      counts_.push_back(ring.CountOf(TestPerson(person)));
    }
    bus::RecordReader records(body_);
    Record record;
    while (records.Next(record)) {
      if (record.kind == RecordKind::kKeyTable) table_ = record;
      if (record.kind == RecordKind::kKey) keys_.push_back(record);
      if (record.kind == RecordKind::kEvent) events_.push_back(record);
    }
  }

  // The groups of an event that open with just these keys, as they stand in the
  // log; the rest are with keys that whoever reads does not have.
  absl::StatusOr<std::vector<uint32_t>> Open(size_t event,
                                             const std::set<size_t>& keys) {
    bus::KeyRing ring(Wrapping(), random_);
    absl::Status status = ring.ReadKeyTable(table_.bytes);
    for (const size_t key : keys) status.Update(ring.ReadKey(keys_[key].bytes));
    status.Update(ring.Unwrap({}));
    if (!status.ok()) return status;
    bus::EventOpener opener(ring);
    auto arena = std::make_shared<bus::Arena>();
    const auto opened = opener.Open(events_[event], *arena, arena);
    if (!opened.ok()) return opened.status();
    std::vector<uint32_t> groups;
    for (const bus::StoredGroup& group : opened->opened) {
      groups.push_back(group.number);
    }
    return groups;
  }

  static bus::WrappingKeys Wrapping() {
    return *bus::WrappingKeys::Parse(kWrapping);
  }

  SeededRandom random_{1};
  std::string body_;
  Record table_;
  std::vector<Record> keys_;
  std::vector<Record> events_;
  std::vector<size_t> counts_;
};

TEST_F(SealedCategoryTest, ThereIsAKeyForEachCategory) {
  Seal({1});
  ASSERT_EQ(keys_.size(), 3u);
  EXPECT_THAT(counts_, ElementsAre(3));
  const auto all = Open(0, {0, 1, 2});
  ASSERT_THAT(all, IsOk());
  EXPECT_THAT(*all, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(SealedCategoryTest, TheBaseKeyOpensNoCategory) {
  Seal({1});
  ASSERT_FALSE(keys_.empty());
  const auto opened = Open(0, {0});
  ASSERT_FALSE(opened.ok()) << "the base key opens it all";
  EXPECT_THAT(opened.status().message(), HasSubstr("the log has no key 2"));
}

TEST_F(SealedCategoryTest, OneCategorysKeyOpensNoOther) {
  Seal({1});
  ASSERT_EQ(keys_.size(), 3u);
  EXPECT_THAT(Open(0, {0, 1}).status().message(),
              HasSubstr("the log has no key 3"));
  EXPECT_THAT(Open(0, {0, 2}).status().message(),
              HasSubstr("the log has no key 2"));
  EXPECT_THAT(Open(0, {1, 2}).status().message(),
              HasSubstr("the log has no key 1"));
}

TEST_F(SealedCategoryTest, TheKeysAreTheirPersonsOwn) {
  Seal({1, 2});
  ASSERT_EQ(keys_.size(), 6u);
  EXPECT_THAT(Open(0, {0, 1, 2}), IsOk());
  EXPECT_THAT(Open(1, {3, 4, 5}), IsOk());
  EXPECT_THAT(Open(1, {0, 1, 2}).status().message(),
              HasSubstr("the log has no key 4"));
}

}  // namespace
}  // namespace concordat::testing
