// The real concordat-bus: who reached what, who knew what when, and the evidence.
//
// Mutant                                           Caught by
// deliveries, acknowledgements not recorded        TellsWhatWasDeliveredAcknowledgedAndOpened
// judged by the policy of now, not of then         TellsWhatWasDeliveredAcknowledgedAndOpened
// an opening without its person or its staff       TellsWhatWasDeliveredAcknowledgedAndOpened
// events that the caller may not see are told      AnAgencysGuardianIsToldOfItsOwn
// anybody may ask                                  OthersMayNotAsk
// a stored acknowledgement without its delivery    ACrashLosesNoAcknowledgedDelivery
// a start after a crash looks like any other       ACrashLosesNoAcknowledgedDelivery
// a restart begins the access log's tree anew      TheAccessLogsTreeGoesOnFromBundle…
// a byte of a bundle is free                       EveryByteOfABundleCounts
// a check of what was signed is left out           ABundleThatWasSignedAndIsNotTrueIsFound
#include "concordat/access/v1/service.pb.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "concordat/bus/v1/evidence.pb.h"
#include "services/common/base/system_clock.h"
#include "services/common/bundle/bundle.h"
#include "services/common/config/evidence_keys.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

using access::v1::Knowledge;
using access::v1::WhoKnewReport;
using ::testing::Contains;
using ::testing::Not;

constexpr char kWhoKnew[] = "concordat.access.v1.WhoKnewService/WhoKnew";
constexpr char kListAccess[] = "concordat.access.v1.AccessService/ListAccess";
constexpr uint64_t kHour = 3'600'000'000;

class WhoKnewTest : public BusProcessTest {
 protected:
  static std::string Person(int number) {
    return PersonKey({static_cast<uint8_t>(number)}).ToString();
  }
  absl::StatusOr<access::v1::WhoKnewResponse> WhoKnew(
      absl::string_view principal, int person, uint64_t at = 0,
      bool with_bundle = false) {
    access::v1::WhoKnewRequest request;
    request.set_subject(Person(person));
    request.set_at(at);
    request.set_with_bundle(with_bundle);
    return AskOf<access::v1::WhoKnewResponse>(principal, kWhoKnew, request);
  }
  WhoKnewReport Report(absl::string_view principal, int person,
                       uint64_t at = 0) {
    const auto response = WhoKnew(principal, person, at);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->report() : WhoKnewReport();
  }
  // What the event was to an agency; null: nothing is said of it.
  static const Knowledge* Of(const WhoKnewReport& report,
                             absl::string_view agency, uint64_t sequence) {
    for (const auto& knower : report.knowers()) {
      // Its people's role, not its edge's or its services'.
      if (knower.agency() != agency ||
          (knower.role() != "police" && knower.role() != "nhs-liaison")) {
        continue;
      }
      for (const Knowledge& knowledge : knower.events()) {
        if (knowledge.sequence() == sequence) return &knowledge;
      }
    }
    return nullptr;
  }
  void PassTime(std::string id, uint64_t to) {
    hub::v1::TimePassed passed;
    passed.set_to(to);
    ASSERT_TRUE(Publish(*Connect("player"),
                        Make("urn:concordat:concordat-operator:player",
                             "concordat-operator", std::move(id), 0, passed))
                    .accepted);
  }
  // Until what an agency acknowledged is on disk; false: it never was.
  bool WaitAcknowledged(absl::string_view agency, uint64_t sequence) {
    const absl::Time until = clock_.Now() + kLong;
    while (clock_.Now() < until) {
      const WhoKnewReport report = Report("coordinator", 1);
      const Knowledge* const is = Of(report, agency, sequence);
      if (is != nullptr && is->acknowledged_time() != 0) return true;
    }
    return false;
  }
  // A concern of police's, then a case that police and health are parties to, an
  // hour apart; health has read what it may.
  void TellOfOne() {
    const PublishOutcome concern =
        Publish(*Connect("police"), Concern("c-1", 1));
    concern_ = concern.sequence.value;
    PassTime("t-2", kStoryUs + kHour);
    const PublishOutcome opened =
        Publish(*Connect("service-mappa"), Opened("o-1", 1));
    opened_ = opened.sequence.value;
    end_ = opened.sequence;
    PassTime("t-3", kStoryUs + 2 * kHour);
    EXPECT_THAT(Tail("nhs"), Contains("o-1"));
    ASSERT_TRUE(WaitAcknowledged("nhs-tayside", opened_));
  }
  BundleKeys Keys() {
    BundleKeys keys;
    const auto key = LoadLogKey(bus_.data());
    EXPECT_THAT(key, IsOk());
    keys.log = *key;
    return keys;
  }
  // Once the tree has signed all of it.
  std::string BundleOf(int person) {
    const absl::Time until = clock_.Now() + kLong;
    while (clock_.Now() < until) {
      const auto response = WhoKnew("coordinator", person, 0, true);
      if (absl::IsUnavailable(response.status())) continue;
      EXPECT_THAT(response, IsOk());
      if (!response.ok()) return "";
      const auto checked = CheckBundle(response->bundle(), Keys());
      EXPECT_THAT(checked, IsOk());
      if (!checked.ok() || checked->checkpoint.size >= opened_) {
        return response->bundle();
      }
    }
    ADD_FAILURE() << "nothing was signed";
    return "";
  }

  SystemClock clock_;
  uint64_t concern_ = 0;
  uint64_t opened_ = 0;
};

TEST_F(WhoKnewTest, TellsWhatWasDeliveredAcknowledgedAndOpened) {
  TellOfOne();
  const auto channel =
      OpenChannel(bus_.data(), "concordat-bus", "gateway", kLong);
  ASSERT_THAT(channel, IsOk());
  bus::v1::ReadPersonRequest open;
  open.set_subject(Person(1));
  ASSERT_THAT(GenericCall(*channel, "concordat.bus.v1.BusService/ReadPerson",
                          open.SerializeAsString(),
                          {.principal = "coordinator", .staff = "m.carnbee"}),
              IsOk());
  const WhoKnewReport now = Report("coordinator", 1);
  ASSERT_EQ(now.events_size(), 2);
  EXPECT_EQ(now.events(0).type(), "concordat.police.v1.ConcernShared");
  EXPECT_EQ(now.events(0).accepted_time(), kStoryUs);
  EXPECT_EQ(now.environment(), "demo");
  const Knowledge* const opened = Of(now, "nhs-tayside", opened_);
  ASSERT_NE(opened, nullptr);
  EXPECT_TRUE(opened->could_see());
  EXPECT_THAT(opened->by_line(), HasSubstr("see["));
  EXPECT_EQ(opened->delivered_time(), kStoryUs + 2 * kHour);
  EXPECT_EQ(opened->acknowledged_time(), kStoryUs + 2 * kHour);
  EXPECT_NE(opened->delivered_groups(), 0u);
  const Knowledge* const concern = Of(now, "nhs-tayside", concern_);
  ASSERT_NE(concern, nullptr);
  EXPECT_FALSE(concern->could_see());
  EXPECT_EQ(concern->delivered_time(), 0u);
  EXPECT_FALSE(concern->because().empty());
  std::vector<std::string> openings;
  for (const auto& knower : now.knowers()) {
    for (const auto& opening : knower.openings()) {
      openings.push_back(absl::StrCat(knower.agency(), " ", opening.staff(),
                                      " via ", opening.via()));
    }
  }
  EXPECT_THAT(openings, Contains("mappa-tayside m.carnbee via gateway"));

  // An hour before there was no case: who controls the concern knew of it.
  const WhoKnewReport then = Report("guardian-police", 1, kStoryUs + 1);
  ASSERT_EQ(then.events_size(), 1);
  EXPECT_EQ(then.position(), concern_);
  const Knowledge* const own = Of(then, "police-scotland", concern_);
  ASSERT_NE(own, nullptr);
  EXPECT_TRUE(own->could_see());
  EXPECT_EQ(own->delivered_time(), 0u);
  // The arrangement had nothing; what it opened later had happened by then.
  const WhoKnewReport before = Report("coordinator", 1, kStoryUs + 1);
  EXPECT_EQ(before.events_size(), 0);
  ASSERT_EQ(before.told_later_size(), 1);
  EXPECT_EQ(before.told_later(0).sequence(), opened_);
  EXPECT_THAT(WhoKnew("coordinator", 7), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(WhoKnewTest, AnAgencysGuardianIsToldOfItsOwn) {
  TellOfOne();
  const WhoKnewReport report = Report("guardian-nhs", 1);
  for (const auto& event : report.events()) {
    EXPECT_NE(event.sequence(), concern_);
  }
  for (const auto& knower : report.knowers()) {
    EXPECT_EQ(knower.agency(), "nhs-tayside");
  }
  access::v1::ListAccessRequest request;
  request.set_subject(Person(1));
  request.add_operations(policy::v1::OPERATION_DISCLOSURE);
  // Police control the concern: whom it went to is theirs to know.
  ASSERT_THAT(Tail("coordinator"), Contains("c-1"));
  const absl::Time until = clock_.Now() + kLong;
  std::vector<std::string> agencies;
  while (agencies.empty() && clock_.Now() < until) {
    const auto told = AskOf<access::v1::ListAccessResponse>(
        "guardian-police", kListAccess, request);
    ASSERT_THAT(told, IsOk());
    for (const auto& row : told->accesses()) {
      if (row.agency() != "mappa-tayside") continue;
      EXPECT_THAT(row.sequences(), ElementsAre(concern_));
      agencies.push_back(row.agency());
    }
  }
  EXPECT_THAT(agencies, Not(IsEmpty()));
}

TEST_F(WhoKnewTest, OthersMayNotAsk) {
  for (const char* profile : {"admin", "police", "nhs", "service-mappa"}) {
    EXPECT_THAT(WhoKnew(profile, 1),
                HasCode(absl::StatusCode::kPermissionDenied))
        << profile;
    EXPECT_THAT(AskOf<access::v1::ListAccessResponse>(
                    profile, kListAccess, access::v1::ListAccessRequest()),
                HasCode(absl::StatusCode::kPermissionDenied))
        << profile;
  }
  access::v1::WhoKnewRequest bad;
  bad.set_subject("Torquil");
  EXPECT_THAT(AskOf<access::v1::WhoKnewResponse>("coordinator", kWhoKnew, bad),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(WhoKnewTest, ACrashLosesNoAcknowledgedDelivery) {
  TellOfOne();
  bus_.Kill();
  bus_.Start();
  const WhoKnewReport report = Report("coordinator", 1);
  const Knowledge* const opened = Of(report, "nhs-tayside", opened_);
  ASSERT_NE(opened, nullptr);
  EXPECT_NE(opened->acknowledged_time(), 0u);
  ASSERT_EQ(report.could_not_know_size(), 1);
  EXPECT_EQ(report.could_not_know(0).what(), "hub down");
  EXPECT_THAT(report.could_not_know(0).words(),
              HasSubstr("there may be no record"));
  ASSERT_EQ(bus_.Stop(), 0);
  bus_.Start();
  const WhoKnewReport after = Report("coordinator", 1);
  ASSERT_EQ(after.could_not_know_size(), 2);
  EXPECT_THAT(after.could_not_know(1).words(),
              Not(HasSubstr("there may be no record")));
}

TEST_F(WhoKnewTest, EveryByteOfABundleCounts) {
  TellOfOne();
  const std::string bundle = BundleOf(1);
  const BundleKeys keys = Keys();
  const auto checked = CheckBundle(bundle, keys);
  ASSERT_THAT(checked, IsOk());
  EXPECT_EQ(checked->bundle.person_events(), 2u);
  EXPECT_EQ(checked->bundle.events_size(), 2);
  EXPECT_GE(checked->bundle.records_size(), 2);
  EXPECT_THAT(checked->limits, Not(IsEmpty()));
  EXPECT_EQ(checked->completeness.through, checked->checkpoint.size);
  EXPECT_EQ(checked->completeness.events, 2u);
  EXPECT_EQ(checked->completeness.shown, 2u);
  EXPECT_THAT(checked->completeness.not_shown, IsEmpty());
  // Of each it says who signed it, or that nobody did.
  for (const auto& event : checked->bundle.report().events()) {
    EXPECT_EQ(event.signed_by().empty(), event.not_signed());
  }
  for (size_t at = 0; at < bundle.size(); ++at) {
    std::string flipped = bundle;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    EXPECT_FALSE(CheckBundle(flipped, keys).ok()) << at;
  }
  for (const size_t length :
       {size_t{0}, bundle.size() / 2, bundle.size() - 1}) {
    EXPECT_FALSE(CheckBundle(bundle.substr(0, length), keys).ok()) << length;
  }
  EXPECT_FALSE(CheckBundle(bundle + "\n", keys).ok());
  BundleKeys others = keys;
  others.log = Ed25519Signer(Ed25519Seed{7}).public_key();
  EXPECT_THAT(CheckBundle(bundle, others),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(WhoKnewTest, TheAccessLogsTreeGoesOnFromBundleToBundle) {
  TellOfOne();
  const auto signed_of = [this] {
    const auto checked = CheckBundle(BundleOf(1), Keys());
    EXPECT_THAT(checked, IsOk());
    return *ParseCheckpoint(
        ParseNote(checked->bundle.access_checkpoint())->text);
  };
  const Checkpoint before = signed_of();
  bus_.Kill();
  bus_.Start();
  const Checkpoint after = signed_of();
  ASSERT_GT(after.size, before.size);
  bus::v1::ProveAccessRequest request;
  request.set_from_size(before.size);
  request.set_to_size(after.size);
  const auto proof = AskOf<bus::v1::ProveAccessResponse>(
      "coordinator", "concordat.bus.v1.EvidenceService/ProveAccess", request);
  ASSERT_THAT(proof, IsOk());
  std::vector<TreeHash> hashes;
  for (const std::string& bytes : proof->hashes()) {
    hashes.push_back(TreeHashOf(bytes).value_or(TreeHash()));
  }
  EXPECT_THAT(CheckConsistency(before.size, after.size, before.root, after.root,
                               hashes),
              IsOk());
}

TEST_F(WhoKnewTest, ABundleThatWasSignedAndIsNotTrueIsFound) {
  TellOfOne();
  const BundleKeys keys = Keys();
  const auto signer = LoadLogSigner(bus_.data());
  ASSERT_THAT(signer, IsOk());
  const auto whole = CheckBundle(BundleOf(1), keys);
  ASSERT_THAT(whole, IsOk());
  using access::v1::Bundle;
  const auto found = [&](const std::function<void(Bundle&)>& change) {
    Bundle bundle = whole->bundle;
    change(bundle);
    return absl::IsDataLoss(
        CheckBundle(SealBundle(bundle, whole->checkpoint.origin, *signer), keys)
            .status());
  };
  EXPECT_FALSE(found([](Bundle&) {}));
  const auto knowledge = [this](Bundle& bundle) -> Knowledge& {
    return const_cast<Knowledge&>(*Of(bundle.report(), "nhs-tayside", opened_));
  };
  EXPECT_TRUE(found([](Bundle& b) { b.mutable_report()->clear_subject(); }));
  EXPECT_TRUE(found([](Bundle& b) {
    b.mutable_report()->set_subject(PersonKey({9}).ToString());
  }));
  EXPECT_TRUE(found([](Bundle& b) { b.mutable_events()->RemoveLast(); }));
  EXPECT_TRUE(found([](Bundle& b) { *b.add_events() = b.events(0); }));
  EXPECT_TRUE(found(
      [](Bundle& b) { (*b.mutable_events(0)->mutable_leaf())[20] ^= 1; }));
  EXPECT_TRUE(found(
      [](Bundle& b) { (*b.mutable_events(0)->mutable_proof(0))[3] ^= 1; }));
  EXPECT_TRUE(found([](Bundle& b) {
    b.mutable_events(0)->mutable_view()->swap(
        *b.mutable_events(1)->mutable_view());
  }));
  EXPECT_TRUE(found([](Bundle& b) {
    b.mutable_events(0)->set_of_person(b.events(1).of_person());
  }));
  EXPECT_TRUE(found([](Bundle& b) { b.set_person_events(1); }));
  EXPECT_TRUE(found([](Bundle& b) {
    b.mutable_report()->mutable_events(0)->set_controller("nobody");
  }));
  EXPECT_TRUE(found([](Bundle& b) {
    b.mutable_report()->mutable_events(0)->set_accepted_time(5);
  }));
  EXPECT_TRUE(found([](Bundle& b) { b.mutable_records()->RemoveLast(); }));
  EXPECT_TRUE(found(
      [](Bundle& b) { (*b.mutable_records(0)->mutable_record())[5] ^= 1; }));
  EXPECT_TRUE(
      found([](Bundle& b) { b.set_access_checkpoint(b.checkpoint()); }));
  EXPECT_TRUE(found([](Bundle& b) { b.clear_checkpoint(); }));
  EXPECT_TRUE(found([&](Bundle& b) { knowledge(b).set_delivered_time(5); }));
  EXPECT_TRUE(
      found([&](Bundle& b) { knowledge(b).set_delivered_groups(0x55); }));
  EXPECT_TRUE(found([&](Bundle& b) { knowledge(b).set_acknowledged_time(5); }));
  EXPECT_TRUE(found([&](Bundle& b) {
    knowledge(b).set_acknowledged_record(knowledge(b).delivered_record());
  }));
  EXPECT_TRUE(found([&](Bundle& b) {
    const_cast<Knowledge&>(*Of(b.report(), "nhs-tayside", concern_)) =
        knowledge(b);
    const_cast<Knowledge&>(*Of(b.report(), "nhs-tayside", opened_))
        .set_sequence(concern_);
  }));
}

}  // namespace
}  // namespace concordat
