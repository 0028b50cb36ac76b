// Somebody with marks planted by several doors is erased from a whole hub: every
// service confirms, and no file and no backup has a mark.
//
// Mutant                                            Caught by
// a service that never confirms                     EveryServiceForgetsAndSaysSo
// identity keeps the name, or finds it              the same
// who is erased is still an alert's, a case's       the same
// an access log has what was looked at, or no       the same
//   longer says who looked
// complete while a gateway has drafts, or a copy    the same
//   of the key file is somewhere
// what is done at a gateway and not confirmed is    ErasureAtGatewayTest
//   said to be done
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gateway/signin/sealed_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/ids.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "tests/support/hub_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;

constexpr absl::Duration kLong = absl::Seconds(60);
// A name, a number of the council's, and the reference of a record.
constexpr char kName[] = "Qzxmarkham";
constexpr char kNumber[] = "DCC-70917";
constexpr char kRecord[] = "OM-QZX-1";

constexpr char kAuthor[] = "mc";

// Somebody writes of the person at a gateway of this directory, and of another.
std::unique_ptr<gateway::SealedStore> PlantDraft(const DataDirectory& data,
                                                 const std::string& subject) {
  static const auto* const kClock = new SystemClock;
  static auto* const random = new SystemRandom;
  EXPECT_THAT(data.StateFolder("gateway"), IsOk());
  const auto secret = data.LoadSecret("gateway");
  EXPECT_THAT(secret, IsOk());
  auto store =
      gateway::SealedStore::Open(data.PathOf(gateway::kSealedStoreFile),
                                 secret.value_or(""), *kClock, *random);
  EXPECT_THAT(store, IsOk());
  if (!store.ok()) return nullptr;
  const gateway::Person author = {.account = kAuthor,
                                  .principal = "coordinator"};
  EXPECT_THAT((*store)->PutDraft(author, "minute", subject), IsOk());
  EXPECT_THAT((*store)->PutDraft(author, "other", "somebody else"), IsOk());
  return *std::move(store);
}

class ErasureTest : public testing::HubFixture {
 protected:
  std::string Plant() {
    const std::string registered = Until(
        {"call", "identity.Register",
         absl::StrCat(R"({"command":{"requestId":"r-1"},"familyName":")", kName,
                      R"(","givenName":"Torquil","birthDate":"1979-03-03",)"
                      R"("identifiers":[{"scheme":"council","value":")",
                      kNumber, R"("}]})"),
         "--profile", "socialwork", "--json"});
    const std::string subject = Field(registered, "subject");
    EXPECT_THAT(subject, HasSubstr("p-"));
    Until(
        {"call", "police.StartManagement",
         absl::StrCat(R"({"command":{"requestId":"r-2"},"subject":")", subject,
                      R"(","management":{"category":"SONR","managementRef":")",
                      kRecord, R"("}})"),
         "--profile", "police"});
    Until(
        {"call", "socialwork.CompleteAssessment",
         absl::StrCat(R"({"command":{"requestId":"r-3"},"subject":")", subject,
                      R"(","assessment":{"assessmentRef":"A-1","tool":)"
                      R"("RM2000","level":"HIGH"}})"),
         "--profile", "socialwork"});
    return subject;
  }
  static std::vector<std::string> FilesWith(const std::string& folder,
                                            const std::string& mark) {
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::stringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      if (absl::StrContains(text.str(), mark)) {
        found.push_back(entry.path().string());
      }
    }
    return found;
  }
};

TEST_F(ErasureTest, EveryServiceForgetsAndSaysSo) {
  const std::string subject = Plant();
  EXPECT_THAT(Until({"person", "pack", subject, "--profile", "police"}),
              HasSubstr(kRecord));
  testing::TempDir folder;
  const std::string backup = folder.PathOf("backup");
  ASSERT_THAT(hub_.Run({"log", "backup", "--to", backup}), IsOk());
  Erase(subject);
  // Alerts, identity, mappa and nhs by themselves. nhs was told nothing of this
  // person: it is not waited for.
  const SystemSteadyClock clock;
  const absl::Duration end = clock.Elapsed() + kLong;
  std::string list;
  const auto confirmed = [&](const char* system) {
    const size_t at = list.find(
        absl::StrCat("  confirmed  urn:concordat:mappa-tayside:", system));
    return at != std::string::npos;
  };
  do {
    list = hub_.Run({"erasure", "list"}).value_or("");
  } while (
      !(confirmed("alerts") && confirmed("identity") && confirmed("mappa")) &&
      clock.Elapsed() < end);
  EXPECT_TRUE(confirmed("alerts")) << list;
  EXPECT_TRUE(confirmed("identity")) << list;
  EXPECT_TRUE(confirmed("mappa")) << list;
  EXPECT_THAT(list, HasSubstr("waits for  police-scotland"));
  EXPECT_THAT(list, HasSubstr("waits for  dundee-city-council"));
  // What no event reaches is waited for until somebody was there.
  EXPECT_THAT(list, HasSubstr("by hand    gateway: NOT YET: concordat erasure "
                              "at-gateway PERSON-KEY"));
  EXPECT_THAT(list, HasSubstr("by hand    key-file-copies: NOT YET"));
  PlantDraft(hub_.data(), subject);
  const auto done = hub_.Run({"erasure", "at-gateway", subject});
  ASSERT_THAT(done, IsOk());
  EXPECT_THAT(*done, HasSubstr("1 drafts and reasons destroyed"));
  const std::string ref =
      list.substr(list.find("E-"), list.find("  ") - list.find("E-"));
  for (const char* step : {"key-file-copies", "identity-copies"}) {
    EXPECT_THAT(hub_.Run({"erasure", "confirm", ref, "--step", step}), IsOk());
  }
  list = hub_.Run({"erasure", "list"}).value_or("");
  EXPECT_THAT(list, HasSubstr("by hand    gateway: done, "));
  EXPECT_THAT(list, HasSubstr("by admin: 1 records"));
  EXPECT_FALSE(absl::StrContains(list, "NOT YET")) << list;
  EXPECT_FALSE(absl::StrContains(list, "complete")) << list;

  // Nobody finds the person, by name or number, nor anything that was told.
  const auto found =
      hub_.Run({"person", "find", kName, "--profile", "socialwork"});
  EXPECT_FALSE(found.ok() && absl::StrContains(*found, kName));
  const auto pack =
      hub_.Run({"person", "pack", subject, "--profile", "police"});
  ASSERT_THAT(pack, IsOk());
  EXPECT_THAT(*pack, HasSubstr("neither confirms nor denies"));

  // Who looked at the person, and that it is erased, is what an access log is for.
  const auto looked =
      hub_.Run({"access", "--person", subject, "--profile", "coordinator"});
  ASSERT_THAT(looked, IsOk());
  EXPECT_THAT(*looked, HasSubstr("consultation"));

  for (const std::string& program : Services()) hub_.Stop(program);
  int access_logs = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(hub_.data().path())) {
    if (!entry.is_directory() || entry.path().filename() != "access") continue;
    ++access_logs;
    for (const char* mark : {kName, kNumber, kRecord, "Torquil"}) {
      EXPECT_THAT(FilesWith(entry.path().string(), mark), ::testing::IsEmpty())
          << entry.path() << " " << mark;
    }
  }
  EXPECT_GE(access_logs, static_cast<int>(Services().size()));
  // A stream is named by its producer's record: the spine keeps that.
  for (const char* mark : {kName, kNumber}) {
    SCOPED_TRACE(mark);
    EXPECT_THAT(FilesWith(hub_.data().path(), mark), ::testing::IsEmpty());
    EXPECT_THAT(FilesWith(backup, mark), ::testing::IsEmpty());
  }
}

TEST_F(ErasureTest, ACopyOfIdentitysDatabasePutBackIsErasedAtTheStart) {
  const std::string subject = Plant();
  const std::string database = hub_.data().PathOf("identity/identity.sqlite");
  const std::vector<std::string> describe = {
      "call", "identity.DescribeMany",
      absl::StrCat(R"({"subjects":[")", subject, R"("]})"), "--profile",
      "socialwork"};
  EXPECT_THAT(Until(describe), HasSubstr(kName));
  // Stopped, so that one file is all of it.
  ASSERT_EQ(hub_.Stop("concordat-identity"), 0);
  testing::TempDir folder;
  const std::string copy = folder.PathOf("identity.sqlite");
  std::filesystem::copy_file(database, copy);
  hub_.Start("concordat-identity");
  EXPECT_THAT(Until(describe), HasSubstr(kName));
  Erase(subject);
  const SystemSteadyClock clock;
  const absl::Duration end = clock.Elapsed() + kLong;
  std::string list;
  do {
    list = hub_.Run({"erasure", "list"}).value_or("");
  } while (!absl::StrContains(
               list, "  confirmed  urn:concordat:mappa-tayside:identity") &&
           clock.Elapsed() < end);
  EXPECT_THAT(list,
              HasSubstr("confirmed  urn:concordat:mappa-tayside:identity"));

  ASSERT_EQ(hub_.Stop("concordat-identity"), 0);
  for (const char* more : {"-wal", "-shm"}) {
    std::filesystem::remove(absl::StrCat(database, more));
  }
  std::filesystem::copy_file(copy, database,
                             std::filesystem::copy_options::overwrite_existing);
  const std::string key(PersonKey::Parse(subject).value().bytes());
  const std::string home = hub_.data().PathOf("identity");
  const auto with_key = [&] {
    std::vector<std::string> found = FilesWith(home, key);
    std::erase_if(found, [&](const std::string& path) {
      return !absl::StartsWith(path, database);
    });
    return found;
  };
  ASSERT_THAT(with_key(), ::testing::SizeIs(1));
  hub_.Start("concordat-identity");
  // It answers when it has read the log to its end, and not before.
  EXPECT_THAT(Until(describe), ::testing::Not(HasSubstr(kName)));
  ASSERT_EQ(hub_.Stop("concordat-identity"), 0);
  EXPECT_THAT(with_key(), ::testing::IsEmpty());
}

// No program runs: it is done on the files.
TEST(ErasureAtGatewayTest, ForgetsWhoItIsToldOf) {
  testing::HubProcesses hub;
  const std::string subject = PersonKey({7}).ToString();
  const std::vector<std::string> command = {"erasure", "at-gateway", subject};
  EXPECT_THAT(hub.Run(command).status().message(),
              HasSubstr("no gateway has run"));
  const auto store = PlantDraft(hub.data(), subject);
  ASSERT_NE(store, nullptr);
  // It is destroyed; nobody can be told so here, and that is not passed over.
  const absl::Status done = hub.Run(command).status();
  EXPECT_THAT(done.message(), HasSubstr("1 drafts and reasons destroyed, and "
                                        "that is not confirmed: "));
  EXPECT_THAT(done.message(),
              HasSubstr("confirm REF --step gateway --destroyed 1"));
  const gateway::Person author = {.account = kAuthor,
                                  .principal = "coordinator"};
  const auto left = store->ListDrafts(author);
  ASSERT_THAT(left, IsOk());
  ASSERT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().name, "other");
  EXPECT_THAT(hub.Run({"erasure", "at-gateway", "Qzxmarkham"}).status(),
              ::testing::Not(IsOk()));
}

}  // namespace
}  // namespace concordat
