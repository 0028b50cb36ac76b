// Retention at the real concordat-bus: asked for, confirmed, recorded, and what is
// left of it for readers after a SIGKILL. What each test catches, besides what
// RetentionTest names:
//
//   an agreement that is adopted is not looked at   RemovesWhatIsPastItsPeriod…
//   the file's period beats an agreement's that is
//     shorter, or one that is longer                the same
//   what one person asked for is done by another's
//     terms                                         the same
//   it is not said or recorded by what it is kept   the same
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/integration/bus/signed_text.h"

namespace concordat {
namespace {

constexpr uint64_t kSegmentBytes = uint64_t{64} << 20;
constexpr size_t kFillerBytes = 240 * 1024;
// More than a segment of them.
constexpr int kFillers = 280;
constexpr uint64_t kYearUs = uint64_t{366} * 24 * 3600 * 1'000'000;

class RetentionProcessTest : public BusProcessTest {
 protected:
  void SetUp() override {
    BusProcessTest::SetUp();
    // Police may also publish what fills a segment soon.
    const std::string path = bus_.data().PathOf("registry.textproto");
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    const std::string types = "types: \"concordat.police.v1.*\"";
    std::ofstream(path) << absl::StrReplaceAll(
        text.str(),
        {{types, types + " types: \"concordat.hub.v1.LoadSample\""}});
  }
  // Longer than what the demo's agreement says.
  void WritePolicy() {
    std::ofstream(bus_.data().PathOf("retention.textproto"))
        << "version: 7 effective: \"2026-01-01\" months_after_case: 60 "
           "months_after_event: 60\n";
  }
  // Another agreement of the police, adopted in this version.
  void Agree(int version, int months) {
    ASSERT_THAT(
        AskOf<bus::v1::AdoptAgreementResponse>(
            "admin", "concordat.bus.v1.AgreementService/AdoptAgreement",
            testing::KeepingFor(bus_.data(), "inquiry", version, months)),
        IsOk());
  }
  void LetTimePass(uint64_t to_us, const std::string& id) {
    hub::v1::TimePassed passed;
    passed.set_to(to_us);
    ASSERT_TRUE(Publish(*Connect("player"),
                        Make("urn:concordat:concordat-operator:player",
                             "concordat-operator", id, 0, passed))
                    .accepted);
  }
  Event Filler(int number) {
    hub::v1::LoadSample sample;
    sample.set_number(static_cast<uint64_t>(number));
    sample.set_filler(std::string(kFillerBytes, 'x'));
    return Make(kPolice, "police-scotland", absl::StrCat("filler-", number), 3,
                sample);
  }
  absl::StatusOr<bus::v1::RunRetentionResponse> Run(
      std::optional<uint64_t> confirmed = std::nullopt,
      absl::string_view principal = "admin") {
    bus::v1::RunRetentionRequest request;
    if (confirmed) request.set_confirmed_count(*confirmed);
    request.set_why("the yearly run");
    CallOptions options;
    options.timeout = kLong * 2;
    if (confirmed) {
      return AskByTwo<bus::v1::RunRetentionResponse>("RunRetention", request,
                                                     options);
    }
    return Ask<bus::v1::RunRetentionResponse>(principal, "RunRetention",
                                              request, options);
  }
  // Asks until the index has the first segment and nobody holds it back.
  absl::StatusOr<bus::v1::RunRetentionResponse> RunOnceItIsThere() {
    const absl::Duration end = SteadyNow() + kLong;
    for (;;) {
      auto answer = Run();
      if (!answer.ok() || answer->segments() > 0 || SteadyNow() > end) {
        return answer;
      }
    }
  }
  // Of every event that a service with the right to all may read.
  std::map<std::string, View> ReadAll(RemovedEvents* removed) {
    std::map<std::string, View> views;
    const auto client = Connect("service-alerts");
    const Sequence end = {LogStatus().end_sequence()};
    auto subscription = *client->Subscribe({});
    while (subscription->scanned_through() < end) {
      const auto delivery = subscription->Next(absl::Milliseconds(200));
      if (!delivery.ok()) continue;
      views[delivery->view.header.id] = delivery->view;
      subscription->Ack(delivery->number);
    }
    *removed = subscription->removed();
    return views;
  }
  static std::string Output(const std::string& command, int* status) {
    FILE* const pipe =
        popen(absl::StrCat(std::getenv("CONCORDAT_BIN"), "/", command, " 2>&1")
                  .c_str(),
              "r");
    std::string output;
    std::array<char, 4096> part;
    while (std::fgets(part.data(), part.size(), pipe)) output += part.data();
    *status = pclose(pipe);
    return output;
  }
};

TEST_F(RetentionProcessTest, RemovesWhatIsPastItsPeriodAndSaysSo) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*Connect("service-mappa"), Opened("o-1", 1)).accepted);
  ASSERT_TRUE(Publish(*police, Concern("with-case", 1)).accepted);
  ASSERT_TRUE(Publish(*police, Concern("without", 2)).accepted);
  // A name that stays behind.
  SubscribeOptions slow;
  slow.name = "slow";
  const auto reader = Connect("service-alerts");
  auto behind = *reader->Subscribe(slow);
  ASSERT_THAT(behind->Next(kLong), IsOk());
  for (int i = 0; i < kFillers; ++i) {
    ASSERT_TRUE(Publish(*police, Filler(i)).accepted) << i;
  }
  LetTimePass(kStoryUs + 3 * kYearUs, "t-2");

  // No policy, no right, another count: nothing.
  EXPECT_THAT(Run(), HasCode(absl::StatusCode::kFailedPrecondition));
  WritePolicy();
  EXPECT_THAT(Run(std::nullopt, "police"),
              HasCode(absl::StatusCode::kPermissionDenied));
  auto looked = Run();
  ASSERT_THAT(looked, IsOk());
  EXPECT_EQ(looked->count(), 0u);
  const absl::Duration end = SteadyNow() + kLong;
  while (looked->waits_for().empty() && SteadyNow() < end) looked = Run();
  ASSERT_EQ(looked->waits_for_size(), 1);
  EXPECT_THAT(looked->waits_for(0), HasSubstr("mappa-tayside/service/slow"));
  // It catches up.
  const Sequence last = {LogStatus().end_sequence()};
  while (behind->scanned_through() < last) {
    const auto next = behind->Next(absl::Milliseconds(200));
    if (next.ok()) behind->Ack(next->number);
  }
  looked = RunOnceItIsThere();
  ASSERT_THAT(looked, IsOk());
  EXPECT_FALSE(looked->done());
  EXPECT_EQ(looked->policy_version(), 7u);
  EXPECT_EQ(looked->segments(), 1u);
  EXPECT_GT(looked->count(), 200u);
  std::map<std::string, uint64_t> removed, kept;
  for (const auto& each : looked->removed()) {
    EXPECT_EQ(each.month(), 202511u);
    removed[each.type()] = each.events();
  }
  EXPECT_EQ(removed["concordat.police.v1.ConcernShared"], 1u);
  EXPECT_EQ(removed["concordat.hub.v1.LoadSample"] + 1, looked->count());
  for (const auto& each : looked->kept()) kept[each.because()] = each.events();
  EXPECT_EQ(kept["open-case"], 1u);
  EXPECT_GE(kept["policy"], 3u);  // Types, an agreement, the case.
  EXPECT_GE(kept["hub-record"], 2u);
  EXPECT_THAT(Run(looked->count() + 1),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(LogStatus().removed_events(), 0u);
  // One asks; then an agreement keeps the police's for longer.
  EXPECT_THAT(looked->agreements(), ElementsAre("tayside-demo version 8"));
  bus::v1::RunRetentionRequest asked;
  asked.set_confirmed_count(looked->count());
  asked.set_why("the yearly run");
  const auto by_one =
      Ask<bus::v1::RunRetentionResponse>("admin", "RunRetention", asked);
  ASSERT_THAT(by_one, IsOk());
  asked.set_approval(by_one->asked().approval());
  asked.set_why("");
  Agree(1, 84);
  EXPECT_THAT(Ask<bus::v1::RunRetentionResponse>("second-operator",
                                                 "RunRetention", asked),
              HasCode(absl::StatusCode::kFailedPrecondition));
  const auto longer = Run();
  ASSERT_THAT(longer, IsOk());
  EXPECT_EQ(longer->count(), 0u);
  uint64_t by_inquiry = 0;
  for (const auto& each : longer->kept()) {
    if (each.by().empty()) continue;
    EXPECT_EQ(each.because(), "event-period");
    EXPECT_EQ(each.by(), "inquiry version 1");
    by_inquiry += each.events();
  }
  EXPECT_EQ(by_inquiry, looked->count());
  // A newer version of it for less, and what was asked for is of other terms.
  Agree(2, 6);
  EXPECT_THAT(Ask<bus::v1::RunRetentionResponse>("second-operator",
                                                 "RunRetention", asked),
              HasCode(absl::StatusCode::kFailedPrecondition));
  looked = Run();
  ASSERT_THAT(looked, IsOk());
  EXPECT_EQ(looked->count(), asked.confirmed_count());
  EXPECT_EQ(LogStatus().removed_events(), 0u);
  int code = -1;
  EXPECT_THAT(
      Output(absl::StrCat("concordat retention --data ", bus_.data().path()),
             &code),
      AllOf(HasSubstr(absl::StrCat(looked->count(), " events would be")),
            HasSubstr("the periods of tayside-demo version 8, inquiry version "
                      "2; 1 segments")));
  EXPECT_EQ(code, 0);

  const uint64_t bytes = LogStatus().bytes();
  const auto done = Run(looked->count());
  ASSERT_THAT(done, IsOk());
  EXPECT_TRUE(done->done());
  EXPECT_EQ(done->count(), looked->count());
  EXPECT_EQ(done->failed(), "");
  EXPECT_GT(done->freed_bytes(), looked->count() * kFillerBytes / 2);
  EXPECT_LT(std::filesystem::file_size(
                bus_.data().PathOf("bus/log/segment-00000001")),
            kSegmentBytes / 4);
  const auto left = RunOnceItIsThere();
  ASSERT_THAT(left, IsOk());
  EXPECT_EQ(left->count(), 0u);

  for (const bool restarted : {false, true}) {
    SCOPED_TRACE(restarted);
    if (restarted) {
      bus_.Kill();
      bus_.Start();
    }
    const auto status = LogStatus();
    EXPECT_EQ(status.removed_events(), looked->count());
    EXPECT_GT(status.removed_time(), 0u);
    EXPECT_LE(status.removed_through(), looked->through());
    EXPECT_LT(status.bytes(), bytes);
    RemovedEvents told;
    const auto views = ReadAll(&told);
    EXPECT_EQ(told.through.value, status.removed_through());
    EXPECT_EQ(told.at_us, status.removed_time());
    EXPECT_TRUE(views.contains("with-case"));
    EXPECT_TRUE(views.contains("o-1"));
    EXPECT_FALSE(views.contains("without"));
    EXPECT_FALSE(views.contains("filler-0"));
    EXPECT_TRUE(views.contains(absl::StrCat("filler-", kFillers - 1)));
    // What was done stands in the log.
    hub::v1::RetentionStarted started;
    hub::v1::RetentionEnded ended;
    for (const auto& [id, view] : views) {
      const std::string& type = view.header.type;
      std::string data;
      for (const auto& group : view.groups) data += group.data;
      if (type == "concordat.hub.v1.RetentionStarted") {
        EXPECT_TRUE(started.ParseFromString(data));
      } else if (type == "concordat.hub.v1.RetentionEnded") {
        EXPECT_TRUE(ended.ParseFromString(data));
      }
    }
    EXPECT_EQ(started.by(), "second-operator");
    EXPECT_EQ(started.why(), "the yearly run");
    EXPECT_EQ(started.policy_version(), 7u);
    EXPECT_THAT(started.agreements(),
                ElementsAre("tayside-demo version 8", "inquiry version 2"));
    EXPECT_EQ(started.events(), looked->count());
    EXPECT_EQ(ended.events(), looked->count());
    EXPECT_EQ(ended.freed_bytes(), done->freed_bytes());
    EXPECT_EQ(ended.removed_size(), 2);
    EXPECT_EQ(ended.failed(), "");
  }
  EXPECT_EQ(bus_.Stop(), 0);
  const std::string checked = Output(
      absl::StrCat("concordat-log-fsck --data ", bus_.data().path()), &code);
  EXPECT_EQ(code, 0);
  EXPECT_THAT(checked, HasSubstr("good"));
  EXPECT_THAT(checked,
              HasSubstr(absl::StrCat(looked->count(), " events were removed")));
}

}  // namespace
}  // namespace concordat
