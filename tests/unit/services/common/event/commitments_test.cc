// Mutants this file catches:
//   a header field left out of the digest      EveryHeaderFieldCounts
//   traceparent put into it                    TraceparentDoesNot
//   empty group's commitment left out          EmptyGroupsAreCommittedTo
//   salts equal for two groups                 KnownAnswer
//   lengths left out of the canonical header   FieldsDoNotRunTogether
//   duplicate form with recorded_time in it    DuplicateForm
#include "services/common/event/commitments.h"

#include <functional>
#include <set>

#include "absl/strings/escaping.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;

Header AHeader() {
  Header h;
  h.source = "urn:concordat:police-scotland:rms";
  h.type = "concordat.police.v1.AddressChanged";
  h.controller = "police-scotland";
  h.purpose = "MAPPA_RISK_MANAGEMENT";
  h.gateway = "G1";
  h.id = "019a9f2c-0000-7000-8000-000000000109";
  h.subject = PersonKey({1, 2, 3});
  h.stream = "visit/1";
  h.expected_version = Sequence{5};
  h.time_us = 1763673300000000;
  h.recorded_us = 1763673300000001;
  h.effective_us = 1763673300000002;
  h.time_precision = bus::v1::TIME_PRECISION_MINUTE;
  h.regime = bus::v1::REGIME_PART3;
  h.basis = bus::v1::BASIS_OBSERVED;
  h.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
  h.subject_role = "suspect";
  h.on_behalf_of = "PC-1";
  h.correlation = "c-1";
  h.causation = "c-2";
  h.corrects = "e-1";
  h.retracts = "e-2";
  h.traceparent = "00-1-2-01";
  return h;
}

Event AnEvent(const TypeRegistry& types) {
  police::v1::AddressChanged message;
  message.set_basis("NOTIFIED");
  message.set_to_uprn(999000000012);
  testing::SeededRandom random;
  absl::StatusOr<Event> event = MakeEvent(types, AHeader(), message, random);
  EXPECT_THAT(event, IsOk());
  return *event;
}

Commitments CommitTo(const TypeRegistry& types, const Event& event) {
  const EventView view = AsView(event);
  return Commit(view.header, *types.Find(event.header.type), view.groups,
                event.seed);
}

// What somebody sees who may see the groups in `mask`, and the header group.
View ViewOf(const TypeRegistry& types, const Event& event, uint32_t mask,
            bool header_shown) {
  const Commitments all = CommitTo(types, event);
  View view;
  view.header = event.header;
  const auto& groups = types.Find(event.header.type)->groups();
  for (size_t i = 0; i < groups.size(); ++i) {
    const uint32_t number = groups[i].number;
    if ((mask >> number & 1) == 0) {
      view.commitments.push_back({number, all.groups[i]});
      continue;
    }
    std::string data;
    for (const auto& group : event.groups) {
      if (group.number == number) data = group.data;
    }
    view.groups.push_back({number, data, all.salts[i]});
  }
  if (header_shown) {
    view.header_salt = all.header_salt;
  } else {
    view.header_commitment = all.header;
    view.header.on_behalf_of.clear();
    view.header.correlation.clear();
    view.header.causation.clear();
  }
  return view;
}

class CommitmentsTest : public ::testing::Test {
 protected:
  std::shared_ptr<const TypeRegistry> types_ = *testing::DemoTypes();
};

// Computed apart from this code, with Python's hashlib.
TEST_F(CommitmentsTest, KnownAnswer) {
  Seed seed;
  for (size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<uint8_t>(i);
  const Salt salt = SaltOf(seed, 2);
  EXPECT_EQ(absl::BytesToHexString(
                {reinterpret_cast<const char*>(salt.data()), salt.size()}),
            "12acc4587665bd0475b477ff4f30c591");
  const Digest commitment = CommitGroup(salt, 2, "bytes");
  EXPECT_EQ(
      absl::BytesToHexString({reinterpret_cast<const char*>(commitment.data()),
                              commitment.size()}),
      "b7e55d023531ed8e77173c71463daf9368782f6a4e36e3ef6c34c260bcbc2b02");
  Event event;
  event.header = AHeader();
  event.groups = {{0, "zero"}, {2, "two"}};
  event.seed = seed;
  const Digest digest = CommitTo(*types_, event).digest;
  EXPECT_EQ(absl::BytesToHexString(
                {reinterpret_cast<const char*>(digest.data()), digest.size()}),
            "22e0f3a0a7c800e9f975af6f1bc437b251341b600783ddb21d58d40e4c06feeb");
}

TEST_F(CommitmentsTest, EveryHeaderFieldCounts) {
  const std::function<void(Header&)> changes[] = {
      [](Header& h) { h.source += "x"; },
      [](Header& h) { h.controller += "x"; },
      [](Header& h) { h.purpose += "x"; },
      [](Header& h) { h.gateway += "x"; },
      [](Header& h) { h.id += "x"; },
      [](Header& h) { h.subject = PersonKey(); },
      [](Header& h) { h.stream += "x"; },
      [](Header& h) { h.expected_version = Sequence{0}; },
      [](Header& h) { h.expected_version.reset(); },
      [](Header& h) { ++h.time_us; },
      [](Header& h) { ++h.recorded_us; },
      [](Header& h) { ++h.effective_us; },
      [](Header& h) { h.time_precision = bus::v1::TIME_PRECISION_DAY; },
      [](Header& h) { h.regime = bus::v1::REGIME_GDPR; },
      [](Header& h) { h.basis = bus::v1::BASIS_OPINION; },
      [](Header& h) { h.classification = bus::v1::CLASSIFICATION_OFFICIAL; },
      [](Header& h) { h.subject_role += "x"; },
      [](Header& h) { h.on_behalf_of += "x"; },
      [](Header& h) { h.correlation += "x"; },
      [](Header& h) { h.causation += "x"; },
      [](Header& h) { h.corrects += "x"; },
      [](Header& h) { h.retracts += "x"; },
  };
  const Event event = AnEvent(*types_);
  std::set<Digest> digests = {CommitTo(*types_, event).digest};
  for (const auto& change : changes) {
    Event changed = event;
    change(changed.header);
    EXPECT_TRUE(digests.insert(CommitTo(*types_, changed).digest).second)
        << digests.size();
  }
  Event changed = event;
  changed.header.traceparent = "another";
  EXPECT_EQ(CommitTo(*types_, changed).digest, event.digest);
}

TEST_F(CommitmentsTest, FieldsDoNotRunTogether) {
  Event a = AnEvent(*types_);
  Event b = a;
  a.header.purpose = "AB";
  a.header.gateway = "C";
  b.header.purpose = "A";
  b.header.gateway = "BC";
  EXPECT_NE(CommitTo(*types_, a).digest, CommitTo(*types_, b).digest);
  EXPECT_NE(CanonicalForDuplicate(AsView(a.header)),
            CanonicalForDuplicate(AsView(b.header)));
}

TEST_F(CommitmentsTest, EmptyGroupsAreCommittedTo) {
  const Event event = AnEvent(*types_);  // Has no effective_on, which is S2.
  const Commitments all = CommitTo(*types_, event);
  ASSERT_EQ(all.group_count, 3u);
  EXPECT_EQ(all.groups[1], CommitGroup(all.salts[1], 1, ""));
}

TEST_F(CommitmentsTest, EveryViewGivesTheDigest) {
  const Event event = AnEvent(*types_);
  for (uint32_t mask = 0; mask < 8; ++mask) {
    for (const bool header_shown : {false, true}) {
      const View view = ViewOf(*types_, event, mask, header_shown);
      absl::StatusOr<Digest> digest = DigestOfView(view);
      ASSERT_THAT(digest, IsOk());
      EXPECT_EQ(*digest, event.digest) << mask;
    }
  }
}

TEST_F(CommitmentsTest, AChangedViewDoesNot) {
  const Event event = AnEvent(*types_);
  const View view = ViewOf(*types_, event, 0b101, true);
  const std::function<void(View&)> changes[] = {
      [](View& v) { v.groups[0].data += "x"; },
      [](View& v) { v.groups[1].salt[0] ^= 1; },
      [](View& v) { v.groups[0].number = 3; },
      [](View& v) { v.groups.pop_back(); },
      [](View& v) { v.commitments.clear(); },
      [](View& v) { v.commitments[0].hash[0] ^= 1; },
      [](View& v) { v.header.causation = "another"; },
      [](View& v) { ++v.header.time_us; },
      [](View& v) { (*v.header_salt)[0] ^= 1; },
  };
  for (const auto& change : changes) {
    View changed = view;
    change(changed);
    absl::StatusOr<Digest> digest = DigestOfView(changed);
    ASSERT_THAT(digest, IsOk());
    EXPECT_NE(*digest, event.digest);
  }
  View twice = view;
  twice.commitments.push_back({0, {}});
  EXPECT_THAT(DigestOfView(twice), HasCode(absl::StatusCode::kInvalidArgument));
  View none = view;
  none.header_salt.reset();
  EXPECT_THAT(DigestOfView(none), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(CommitmentsTest, DuplicateForm) {
  const Header header = AHeader();
  Header again = header;
  again.recorded_us += 5;
  again.traceparent = "another";
  EXPECT_EQ(CanonicalForDuplicate(AsView(header)),
            CanonicalForDuplicate(AsView(again)));
  again.causation = "another";
  EXPECT_NE(CanonicalForDuplicate(AsView(header)),
            CanonicalForDuplicate(AsView(again)));
  again = header;
  ++again.time_us;
  EXPECT_NE(CanonicalForDuplicate(AsView(header)),
            CanonicalForDuplicate(AsView(again)));
}

}  // namespace
}  // namespace concordat
