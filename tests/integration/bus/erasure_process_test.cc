// Erasure at the real concordat-bus, in the log, in what is read of it, and in a
// backup of before. What each test catches:
//
//   erased without a second person, or of another count   NeedsTwoPeople…
//   a hold, or an open case, passed over                  the same
//   payload still opened with all keys that exist         NothingOpensWhatWasErased
//   that a restore lost events is told nobody             the same
//   a backup of before that opens it again                the same
//   a log that no longer agrees with its tree, erased     the same
//     or restored
//   who had some of it not told; anybody else told; by   WhoHadSomethingIsTold…
//     anybody of an agency read whose it was, or confirmed
//   the wrapping key of before not destroyed              the same, and AChange…
//   a change that was cut off never ended                 AChangeThatWasCutOff…
//   a restriction without the right to it                 ARestriction…
//   another's among an agency's own; one that was lifted  AnAgencyReads…
//     that stands, or the other way
//   what one incident told of somebody else goes, too,    OfOneIncident…
//     or stays readable with them
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "tests/integration/bus/erasure_fixture.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

TEST_F(ErasureProcessTest, NeedsTwoPeopleItsCountAndNothingAgainstIt) {
  const auto police = Connect("police");
  const auto none = Erasures<bus::v1::ListErasuresResponse>(
      "admin", "ListErasures", bus::v1::ListErasuresRequest());
  ASSERT_THAT(none, IsOk());
  EXPECT_EQ(none->erasures_size(), 0);
  ASSERT_TRUE(
      Publish(*Connect("service-mappa"), Opened("o-1", kPerson)).accepted);
  ASSERT_TRUE(Publish(*police, Marked("c-1", kPerson)).accepted);
  EXPECT_THAT((Erasures<bus::v1::ErasePersonResponse>("police", "ErasePerson",
                                                      Of(kPerson))),
              HasCode(absl::StatusCode::kPermissionDenied));
  auto looked = Erasures<bus::v1::ErasePersonResponse>("admin", "ErasePerson",
                                                       Of(kPerson));
  ASSERT_THAT(looked, IsOk());
  EXPECT_EQ(looked->count(), 1u);
  EXPECT_THAT(looked->blocked_because(), ElementsAre("open-case"));
  EXPECT_THAT(looked->told(),
              ElementsAre("mappa-tayside", "nhs-tayside", "police-scotland"));
  EXPECT_THAT(Erase(kPerson, 1),
              HasCode(absl::StatusCode::kFailedPrecondition));
  CloseCase("x-1", kPerson);

  bus::v1::PlaceHoldRequest place;
  place.set_subject(KeyText(kPerson));
  place.set_reason("SIGNIFICANT_CASE_REVIEW");
  place.set_review_on("2025-01-01");
  const auto placed = ByTwo<bus::v1::HoldResponse>("PlaceHold", place);
  ASSERT_THAT(placed, IsOk());
  EXPECT_THAT(Erase(kPerson, 2),
              HasCode(absl::StatusCode::kFailedPrecondition));
  const auto holds = Erasures<bus::v1::ListHoldsResponse>(
      "admin", "ListHolds", bus::v1::ListHoldsRequest());
  ASSERT_THAT(holds, IsOk());
  ASSERT_EQ(holds->holds_size(), 1);
  EXPECT_TRUE(holds->holds(0).review_due());
  bus::v1::LiftHoldRequest lift;
  lift.set_hold_ref(placed->hold_ref());
  ASSERT_THAT(ByTwo<bus::v1::HoldResponse>("LiftHold", lift), IsOk());
  EXPECT_THAT(ByTwo<bus::v1::HoldResponse>("LiftHold", lift),
              HasCode(absl::StatusCode::kNotFound));

  // The hold itself is about the person.
  looked = Erasures<bus::v1::ErasePersonResponse>("admin", "ErasePerson",
                                                  Of(kPerson));
  ASSERT_THAT(looked, IsOk());
  EXPECT_THAT(looked->blocked_because(), IsEmpty());
  EXPECT_THAT(Erase(kPerson, looked->count() + 1),
              HasCode(absl::StatusCode::kFailedPrecondition));
  bus::v1::ErasePersonRequest alone = Of(kPerson);
  alone.set_confirmed_count(looked->count());
  alone.set_why("alone");
  const auto asked =
      Erasures<bus::v1::ErasePersonResponse>("admin", "ErasePerson", alone);
  ASSERT_THAT(asked, IsOk());
  EXPECT_TRUE(asked->erasure_ref().empty());
  alone.set_approval(asked->asked().approval());
  EXPECT_THAT(
      (Erasures<bus::v1::ErasePersonResponse>("admin", "ErasePerson", alone)),
      HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(ReadPerson("police", kPerson), ::testing::Contains("c-1"));
}

TEST_F(ErasureProcessTest, NothingOpensWhatWasErasedNeitherLogNorBackup) {
  const auto police = Connect("police");
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(
        Publish(*police, Marked(absl::StrCat("c-", i), kPerson)).accepted);
    ASSERT_TRUE(
        Publish(*police, Concern(absl::StrCat("d-", i), kOther)).accepted);
  }
  const std::string& data = bus_.data().path();
  testing::TempDir folder;
  const std::string backup = folder.PathOf("backup");
  std::string output;
  ASSERT_EQ(
      Run(absl::StrCat("concordat log backup --data ", data, " --to ", backup),
          &output),
      0)
      << output;
  const auto erased = Erase(kPerson, 5);
  ASSERT_THAT(erased, IsOk());
  EXPECT_EQ(erased->erased_keys(), 1u);
  EXPECT_FALSE(erased->erasure_ref().empty());
  // At once, to readers of all kinds.
  EXPECT_THAT(Told("police", kPerson), IsEmpty());
  bus::v1::ReadPersonRequest read;
  read.set_subject(KeyText(kPerson));
  const auto said =
      Ask<bus::v1::ReadPersonResponse>("police", "ReadPerson", read);
  ASSERT_THAT(said, IsOk());
  EXPECT_EQ(said->removed(), 5u);
  EXPECT_THAT(ReadPerson("police", kOther), ::testing::SizeIs(5));
  // A repeat is a duplicate still; something new is taken, under another key.
  const PublishOutcome repeat = Publish(*police, Marked("c-1", kPerson));
  EXPECT_TRUE(repeat.duplicate);
  ASSERT_TRUE(Publish(*police, Concern("later", kPerson)).accepted);
  EXPECT_THAT(Told("police", kPerson), ElementsAre("later"));
  // The tree is over what stays: nothing of it has moved.
  ExpectVerifies();

  EXPECT_EQ(bus_.Stop(), 0);
  EXPECT_EQ(FilesWith(data, kMark), 0);
  EXPECT_EQ(OpenAll(data).marked, 0);
  output.clear();
  EXPECT_EQ(Run(absl::StrCat("concordat-log-fsck --data ", data), &output), 0);
  EXPECT_THAT(output, HasSubstr("5 erased"));
  EXPECT_THAT(output, HasSubstr("good"));

  // The backup of before, beside every key that exists.
  std::filesystem::rename(absl::StrCat(data, "/bus/log"),
                          folder.PathOf("away"));
  std::filesystem::remove_all(absl::StrCat(data, "/bus/index"));
  output.clear();
  ASSERT_EQ(Run(absl::StrCat("concordat log restore --data ", data, " --from ",
                             backup),
                &output),
            0)
      << output;
  const Readable restored = OpenAll(data);
  EXPECT_EQ(restored.marked, 0);
  EXPECT_GE(restored.events, 5);
  EXPECT_EQ(FilesWith(backup, kMark), 0);
  bus_.Start();
  EXPECT_THAT(Told("police", kPerson), IsEmpty());
  EXPECT_THAT(ReadPerson("police", kOther), ::testing::SizeIs(5));
  ExpectVerifies();
  // What came between the backup and the restore is lost: who asks who knew is told.
  output.clear();
  EXPECT_EQ(Run(absl::StrCat("concordat who-knew --person ", KeyText(kOther),
                             " --profile guardian-police --json --data ", data),
                &output),
            0)
      << output;
  EXPECT_THAT(output, HasSubstr("\"events lost\""));
}

// The test above could not fail if marks were not found where nothing is erased.
TEST_F(ErasureProcessTest, AMarkThatIsNotErasedIsFound) {
  ASSERT_TRUE(Publish(*Connect("police"), Marked("c-1", kPerson)).accepted);
  EXPECT_EQ(bus_.Stop(), 0);
  EXPECT_EQ(OpenAll(bus_.data().path()).marked, 1);
  EXPECT_EQ(FilesWith(bus_.data().path(), kMark), 0);  // Sealed.
}

TEST_F(ErasureProcessTest, WhoHadSomethingIsToldAndAskedToConfirm) {
  const auto police = Connect("police");
  ASSERT_TRUE(
      Publish(*Connect("service-mappa"), Opened("o-1", kPerson)).accepted);
  ASSERT_TRUE(Publish(*police, Marked("c-1", kPerson)).accepted);
  CloseCase("x-1", kPerson);
  const auto erased = Erase(kPerson, 1);
  ASSERT_THAT(erased, IsOk());
  // By the log, whatever the agreements say; and nobody else.
  for (const auto& [principal, guardian, told] :
       {std::tuple("police", "guardian-police", 1),
        std::tuple("nhs", "guardian-nhs", 1),
        std::tuple("socialwork", "guardian-council", 0)}) {
    SCOPED_TRACE(principal);
    end_ = {LogStatus().end_sequence()};
    EXPECT_EQ(::testing::Value(Tail(principal),
                               ::testing::Contains(erased->erasure_ref())),
              told == 1);
    // Whose it was only they read who answer for it.
    EXPECT_THAT((Erasures<bus::v1::ListErasuresResponse>(
                    principal, "ListErasures", bus::v1::ListErasuresRequest())),
                HasCode(absl::StatusCode::kPermissionDenied));
    const auto list = Erasures<bus::v1::ListErasuresResponse>(
        guardian, "ListErasures", bus::v1::ListErasuresRequest());
    ASSERT_THAT(list, IsOk());
    ASSERT_EQ(list->erasures_size(), told);
    if (told == 1) EXPECT_EQ(list->erasures(0).subject(), KeyText(kPerson));
  }
  bus::v1::ConfirmErasureRequest confirm;
  confirm.set_erasure_ref(erased->erasure_ref());
  confirm.set_destroyed(3);
  EXPECT_THAT((Erasures<bus::v1::ConfirmErasureResponse>(
                  "guardian-council", "ConfirmErasure", confirm)),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT((Erasures<bus::v1::ConfirmErasureResponse>(
                  "police", "ConfirmErasure", confirm)),
              HasCode(absl::StatusCode::kPermissionDenied));
  ASSERT_THAT((Erasures<bus::v1::ConfirmErasureResponse>(
                  "guardian-police", "ConfirmErasure", confirm)),
              IsOk());
  const auto list = Erasures<bus::v1::ListErasuresResponse>(
      "admin", "ListErasures", bus::v1::ListErasuresRequest());
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->erasures_size(), 1);
  const bus::v1::Erasure& erasure = list->erasures(0);
  EXPECT_TRUE(erasure.keys_destroyed());
  EXPECT_EQ(erasure.subject(), "");
  EXPECT_EQ(erasure.asked_by(), "admin");
  EXPECT_EQ(erasure.agreed_by(), "second-operator");
  int confirmed = 0;
  for (const auto& one : erasure.confirmations()) {
    if (one.confirmed_time() == 0) continue;
    ++confirmed;
    EXPECT_EQ(one.holder(), "police-scotland");
    EXPECT_EQ(one.destroyed(), 3u);
  }
  EXPECT_EQ(confirmed, 1);
  EXPECT_EQ(erasure.waits_for() + 1,
            static_cast<uint32_t>(erasure.confirmations_size()));
  EXPECT_GE(erasure.confirmations_size(), 3 + 4);  // Agencies and services.
}

TEST_F(ErasureProcessTest, AChangeOfTheWrappingKeyStopsNobody) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Marked("c-1", kPerson)).accepted);
  const auto changed = ByTwo<bus::v1::ChangeWrappingKeyResponse>(
      "ChangeWrappingKey", bus::v1::ChangeWrappingKeyRequest());
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->wrapping_key(), 2u);
  EXPECT_GE(changed->keys(), 2u);
  ASSERT_TRUE(Publish(*police, Marked("c-2", kPerson)).accepted);
  std::stringstream file;
  file << std::ifstream(bus_.data().PathOf("keys/wrapping.key")).rdbuf();
  EXPECT_THAT(file.str(), HasSubstr("\n2 "));
  EXPECT_FALSE(absl::StrContains(file.str(), "\n1 "));
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(ReadPerson("police", kPerson), ElementsAre("c-1", "c-2"));
}

TEST_F(ErasureProcessTest, AChangeThatWasCutOffIsEndedAtTheNextStart) {
  ASSERT_TRUE(Publish(*Connect("police"), Marked("c-1", kPerson)).accepted);
  EXPECT_EQ(bus_.Stop(), 0);
  // As a bus leaves it that dies after the first step.
  const std::string path = bus_.data().PathOf("keys/wrapping.key");
  std::ofstream(path, std::ios::app) << "2 " << std::string(64, 'a') << "\n";
  bus_.Start();
  std::stringstream file;
  const absl::Duration end = SteadyNow() + kLong;
  do {
    file.str("");
    file << std::ifstream(path).rdbuf();
  } while (!absl::StrContains(file.str(), "1\n3 ") && SteadyNow() < end);
  EXPECT_FALSE(absl::StrContains(file.str(), "\n1 "));
  EXPECT_FALSE(absl::StrContains(file.str(), "\n2 "));
  EXPECT_THAT(ReadPerson("police", kPerson), ElementsAre("c-1"));
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(ReadPerson("police", kPerson), ElementsAre("c-1"));
}

TEST_F(ErasureProcessTest, TheKeyFileUnderCustodyStartsWithEnoughShares) {
  ASSERT_TRUE(Publish(*Connect("police"), Marked("c-1", kPerson)).accepted);
  EXPECT_EQ(bus_.Stop(), 0);
  testing::TempDir folder;
  const std::string shares = folder.PathOf("shares");
  const std::string split =
      absl::StrCat("concordat wrapping-key split --data ", bus_.data().path(),
                   " --need 2 --shares 3 --to ");
  std::string output;
  ASSERT_EQ(Run(split + shares, &output), 0) << output;
  EXPECT_NE(Run(split + folder.PathOf("more"), &output), 0);
  EXPECT_THAT(output, HasSubstr("2 shares open it, and 0"));
  for (const char* name : {"share-1", "share-3"}) {
    std::filesystem::copy(shares + "/" + name,
                          bus_.data().PathOf("keys/shares/") + name);
  }
  bus_.Start();
  std::filesystem::remove_all(bus_.data().PathOf("keys/shares"));
  ASSERT_THAT(ByTwo<bus::v1::ChangeWrappingKeyResponse>(
                  "ChangeWrappingKey", bus::v1::ChangeWrappingKeyRequest()),
              IsOk());
  EXPECT_THAT(ReadPerson("police", kPerson), ElementsAre("c-1"));
}

TEST_F(ErasureProcessTest, OfOneIncidentEachPersonsPartGoesAlone) {
  // What concerns several is told of each, in one batch.
  std::vector<Event> set;
  set.push_back(Marked("c-1", kPerson));
  set.push_back(Concern("d-1", kOther));
  const auto published =
      PublishAndWait(*Connect("police"), std::move(set), kLong);
  ASSERT_THAT(published, IsOk());
  for (const PublishOutcome& each : *published) ASSERT_TRUE(each.accepted);
  ASSERT_THAT(Erase(kPerson, 1), IsOk());
  EXPECT_THAT(Told("police", kPerson), IsEmpty());
  EXPECT_THAT(ReadPerson("police", kOther), ElementsAre("d-1"));
  police::v1::ConcernShared concern;
  ASSERT_TRUE(concern.ParseFromString(last_.Data()));
  EXPECT_EQ(concern.incident_ref(), "INC-d-1");
  EXPECT_EQ(bus_.Stop(), 0);
  EXPECT_EQ(OpenAll(bus_.data().path()).marked, 0);
}

// What it does to views: policy_test; end to end: restriction_process_test.
TEST_F(ErasureProcessTest, ARestrictionNeedsTheRight) {
  bus::v1::RestrictProcessingRequest request;
  request.set_subject(KeyText(kPerson));
  request.set_restricted(true);
  request.set_reason("ACCURACY_CONTESTED");
  request.set_why("the person says it was somebody else");
  EXPECT_THAT((Erasures<bus::v1::RestrictProcessingResponse>(
                  "police", "RestrictProcessing", request)),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(ErasureProcessTest, AnAgencyReadsItsOwnRestrictions) {
  const auto list = [this](absl::string_view principal) {
    return Erasures<bus::v1::ListRestrictionsResponse>(
        principal, "ListRestrictions", bus::v1::ListRestrictionsRequest());
  };
  EXPECT_THAT(list("police"), HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(list("admin"), HasCode(absl::StatusCode::kPermissionDenied));
  for (const bool restricted : {true, false, true}) {
    bus::v1::RestrictProcessingRequest request;
    request.set_subject(KeyText(kPerson));
    request.set_restricted(restricted);
    if (restricted) request.set_reason("OBJECTION_PENDING");
    ASSERT_THAT((ByTwo<bus::v1::RestrictProcessingResponse>(
                    "RestrictProcessing", request, "service-manager",
                    "guardian-council")),
                IsOk());
  }
  const auto own = list("guardian-council");
  ASSERT_THAT(own, IsOk());
  ASSERT_EQ(own->restrictions_size(), 2);
  const bus::v1::Restriction& first = own->restrictions(0);
  EXPECT_EQ(first.subject(), KeyText(kPerson));
  EXPECT_EQ(first.reason(), "OBJECTION_PENDING");
  EXPECT_EQ(first.asked_by(), "service-manager");
  EXPECT_EQ(first.agreed_by(), "guardian-council");
  EXPECT_GE(first.to(), first.from());
  EXPECT_EQ(first.lifted_asked_by(), "service-manager");
  EXPECT_EQ(own->restrictions(1).to(), 0u);
  const auto others = list("guardian-nhs");
  ASSERT_THAT(others, IsOk());
  EXPECT_EQ(others->restrictions_size(), 0);
}

}  // namespace
}  // namespace concordat
