// Mutant                                        Caught by
// cursor saved before the event is applied      ACrashInTheMiddleAppliesOnce
// applied and cursor in two transactions        ACrashInTheMiddleAppliesOnce
// acknowledged before it is applied             WhatFailsComesAgain
// re-delivery applied again                     EveryEffectOnceWhateverIsSent…
// back-fill moves the live place back           EveryEffectOnceWhateverIsSent…
// judged_through says more than was applied     JudgedIsOnlyWhatWasApplied
// new version reads the old file                ANewVersionIsBuiltAnew
// what a lost part of the log left is kept      ALostPlaceIsBuiltAnew
// a wider view of what was applied passed over  MoreOfAnAppliedEventBuildsAnew
// applied after what came after it              AnOlderEventBuildsAnew
// forgotten when it dies before the next start  MoreOfAnAppliedEventBuildsAnew
// the last one counts as older                  WhatIsShownLateAndIsTheNewest…
// a transaction for each of a thousand at hand  WhatHasComeIsAppliedTogether
// one that fails holds up what came before it   AfterAFailureEachIsAppliedAlone
#include "services/common/projection/projection.h"

#include <filesystem>
#include <optional>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;

// Writes down the stream of each event; fails on demand after it wrote.
class Journal : public ReadModel {
 public:
  explicit Journal(int version = 1) : version_(version) {}
  int version() const override { return version_; }
  std::string schema() const override {
    return "CREATE TABLE IF NOT EXISTS journal("
           "n INTEGER PRIMARY KEY, stream TEXT NOT NULL);";
  }
  absl::Status Apply(const View& view, Database& database) override {
    const absl::Status written = database.Run(
        "INSERT INTO journal(stream) VALUES(?1)",
        {absl::StrCat(view.header.stream, view.groups.size() > 1 ? "+" : "")});
    if (!written.ok()) return written;
    if (failures_-- > 0) return absl::UnavailableError("the bus is away");
    MutexLock lock(mu_);
    applied_ = true;
    changed_.NotifyAll();
    return absl::OkStatus();
  }
  void Fail(int times) { failures_ = times; }
  bool WaitUntilApplied(absl::Duration timeout) {
    MutexLock lock(mu_);
    return changed_.WaitFor(mu_, timeout, [this] { return applied_; });
  }

 private:
  const int version_;
  int failures_ = 0;
  Mutex mu_;
  CondVar changed_;
  bool applied_ = false;
};

class ProjectionTest : public ::testing::Test {
 protected:
  void Publish(const std::string& stream) {
    Event event;
    event.header.source = "urn:concordat:test:test";
    event.header.type = "concordat.hub.v1.LoadSample";
    event.header.id = absl::StrCat("id-", ++published_);
    event.header.stream = stream;
    event.groups = {{0, "some"}, {2, " more"}};
    ASSERT_THAT(PublishAndWait(*client_, {event}, absl::Seconds(5)), IsOk());
  }
  std::unique_ptr<Projection> Open(ReadModel& model) {
    auto projection = Projection::Open(
        {.folder = folder_.path(), .name = "journal", .types = {}}, model,
        *client_);
    EXPECT_THAT(projection, IsOk());
    return *std::move(projection);
  }
  static void CatchUp(Projection& projection) {
    while (true) {
      const auto stepped = projection.Step(absl::ZeroDuration());
      ASSERT_THAT(stepped, IsOk());
      if (!*stepped) return;
    }
  }
  static std::vector<std::string> Rows(Projection& projection) {
    std::vector<std::string> rows;
    EXPECT_THAT(projection.database().Query(
                    "SELECT stream FROM journal ORDER BY n", {},
                    [&](const SqlRow& row) { rows.push_back(row.Text(0)); }),
                IsOk());
    return rows;
  }

  testing::TempDir folder_;
  testing::FakeClock clock_;
  testing::FakeBus bus_{clock_};
  // Policy, so to speak: streams it sees nothing of, and those it sees whole.
  std::set<std::string> hidden_;
  std::set<std::string> whole_;
  std::unique_ptr<BusClient> client_ = bus_.Connect(
      "service-nhs", [this](const View& all) -> std::optional<View> {
        if (hidden_.count(all.header.stream) > 0) return std::nullopt;
        View view = all;
        if (whole_.count(all.header.stream) == 0) view.groups.resize(1);
        return view;
      });
  int published_ = 0;
};

TEST_F(ProjectionTest, FollowsFromItsPlaceAcrossRestarts) {
  Journal model;
  Publish("a");
  Publish("b");
  {
    const auto projection = Open(model);
    CatchUp(*projection);
    EXPECT_TRUE(projection->ready());
    EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
  }
  Publish("c");
  const auto projection = Open(model);
  EXPECT_EQ(projection->judged_through(), Sequence{2});
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b", "c"));
}

TEST_F(ProjectionTest, ACrashInTheMiddleAppliesOnce) {
  Journal model;
  Publish("a");
  Publish("b");
  {
    const auto projection = Open(model);
    // It writes "a" and dies before the commit.
    model.Fail(1);
    ASSERT_THAT(projection->Step(absl::ZeroDuration()),
                HasCode(absl::StatusCode::kUnavailable));
  }
  const auto projection = Open(model);
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
}

TEST_F(ProjectionTest, WhatFailsComesAgain) {
  Journal model;
  Publish("a");
  Publish("b");
  const auto projection = Open(model);
  model.Fail(2);
  EXPECT_FALSE(projection->Step(absl::ZeroDuration()).ok());
  EXPECT_FALSE(projection->Step(absl::ZeroDuration()).ok());
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
}

TEST_F(ProjectionTest, WhatHasComeIsAppliedTogether) {
  Journal model;
  const auto projection = Open(model);
  for (const char* stream : {"a", "b", "c"}) Publish(stream);
  EXPECT_THAT(projection->Step(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b", "c"));
  EXPECT_EQ(projection->judged_through(), Sequence{3});
}

TEST_F(ProjectionTest, AfterAFailureEachIsAppliedAlone) {
  Journal model;
  const auto projection = Open(model);
  for (const char* stream : {"a", "b", "c"}) Publish(stream);
  model.Fail(1);
  EXPECT_FALSE(projection->Step(absl::ZeroDuration()).ok());
  EXPECT_TRUE(Rows(*projection).empty());
  EXPECT_THAT(projection->Step(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(Rows(*projection), ElementsAre("a"));
  EXPECT_EQ(projection->judged_through(), Sequence{1});
  // So that one that fails for good holds up none before it.
  EXPECT_THAT(projection->Step(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
  CatchUp(*projection);
  Publish("d");
  Publish("e");
  EXPECT_THAT(projection->Step(absl::ZeroDuration()), IsOk());
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(ProjectionTest, JudgedIsOnlyWhatWasApplied) {
  Journal model;
  const auto projection = Open(model);
  Publish("a");
  EXPECT_EQ(projection->judged_through(), Sequence{0});
  model.Fail(1);
  EXPECT_FALSE(projection->Step(absl::ZeroDuration()).ok());
  EXPECT_EQ(projection->judged_through(), Sequence{0});
  CatchUp(*projection);
  EXPECT_EQ(projection->judged_through(), Sequence{1});
  EXPECT_EQ(projection->log_end(), Sequence{1});
}

TEST_F(ProjectionTest, EveryEffectOnceWhateverIsSentAgain) {
  Journal model;
  for (const char* stream : {"a", "b", "c"}) Publish(stream);
  {
    const auto projection = Open(model);
    CatchUp(*projection);
    bus_.Backfill("service-nhs", Sequence{3}, {Sequence{1}, Sequence{2}});
    CatchUp(*projection);
    EXPECT_THAT(Rows(*projection), ElementsAre("a", "b", "c"));
  }
  Publish("d");
  const auto projection = Open(model);
  EXPECT_EQ(projection->judged_through(), Sequence{3});  // Still after "c".
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b", "c", "d"));
}

TEST_F(ProjectionTest, ANewVersionIsBuiltAnew) {
  Journal old_model;
  Publish("a");
  {
    const auto projection = Open(old_model);
    CatchUp(*projection);
  }
  Journal new_model(2);
  const auto projection = Open(new_model);
  EXPECT_TRUE(Rows(*projection).empty());
  EXPECT_TRUE(std::filesystem::exists(folder_.PathOf("journal.v1.db")));
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a"));
  EXPECT_FALSE(std::filesystem::exists(folder_.PathOf("journal.v1.db")));
}

TEST_F(ProjectionTest, TheEndOfASubscriptionIsSaid) {
  Journal model;
  const auto projection = Open(model);
  bus_.EndSubscriptions("service-nhs", absl::PermissionDeniedError("revoked"));
  EXPECT_THAT(projection->Step(absl::ZeroDuration()),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(ProjectionTest, ALostPlaceIsBuiltAnew) {
  Journal model;
  Publish("a");
  {
    const auto projection = Open(model);
    CatchUp(*projection);
    bus_.EndSubscriptions("service-nhs", absl::DataLossError("forked"));
    EXPECT_THAT(projection->Step(absl::ZeroDuration()),
                HasCode(absl::StatusCode::kDataLoss));
  }
  const auto projection = Open(model);
  EXPECT_TRUE(Rows(*projection).empty());
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a"));
}

TEST_F(ProjectionTest, MoreOfAnAppliedEventBuildsAnew) {
  Journal model;
  Publish("a");
  Publish("b");
  {
    const auto projection = Open(model);
    CatchUp(*projection);
    whole_ = {"a"};
    bus_.Backfill("service-nhs", Sequence{2}, {Sequence{1}});
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(projection->Step(absl::ZeroDuration()),
                  HasCode(absl::StatusCode::kDataLoss));
    }
    EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
  }
  const auto projection = Open(model);
  EXPECT_EQ(projection->judged_through(), Sequence{0});
  EXPECT_FALSE(projection->ready());
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a+", "b"));
}

TEST_F(ProjectionTest, AnOlderEventBuildsAnew) {
  Journal model;
  hidden_ = {"a"};
  Publish("a");
  Publish("b");
  {
    const auto projection = Open(model);
    CatchUp(*projection);
    hidden_.clear();
    bus_.Backfill("service-nhs", Sequence{2}, {Sequence{1}});
    EXPECT_THAT(projection->Step(absl::ZeroDuration()),
                HasCode(absl::StatusCode::kDataLoss));
  }
  const auto projection = Open(model);
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
}

TEST_F(ProjectionTest, WhatIsShownLateAndIsTheNewestIsApplied) {
  Journal model;
  hidden_ = {"b", "c"};
  for (const char* stream : {"a", "b", "c"}) Publish(stream);
  {
    const auto projection = Open(model);
    CatchUp(*projection);
    EXPECT_THAT(Rows(*projection), ElementsAre("a"));
    hidden_ = {"c"};
    bus_.Backfill("service-nhs", Sequence{3}, {Sequence{2}});
    CatchUp(*projection);
    EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
  }
  // Its place is still after "a".
  const auto projection = Open(model);
  CatchUp(*projection);
  EXPECT_THAT(Rows(*projection), ElementsAre("a", "b"));
}

TEST_F(ProjectionTest, AThreadFollowsAndTriesAgain) {
  Journal model;
  const auto projection = Open(model);
  model.Fail(1);
  Mutex mu;
  CondVar changed;
  int failures = 0;
  {
    const ProjectionThread thread(*projection, [&](const absl::Status&) {
      MutexLock lock(mu);
      ++failures;
      changed.NotifyAll();
    });
    Publish("a");
    {
      MutexLock lock(mu);
      EXPECT_TRUE(
          changed.WaitFor(mu, absl::Seconds(5), [&] { return failures == 1; }));
    }
    EXPECT_TRUE(model.WaitUntilApplied(absl::Seconds(5)));
  }
  EXPECT_THAT(Rows(*projection), ElementsAre("a"));
}

}  // namespace
}  // namespace concordat
