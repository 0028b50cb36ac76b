// Mutants, each with the test that catches it:
//   processing id judged before the message is parsed  RefusesWhatIsBrokenFirst
//   processing id not judged                           TakesOnlyItsProcessingIds
//   AA before it is durable, or though it is not       NoAnswerWhenItIsNotSafe
//   an outsider's message spooled                      OfOutsidersItKeepsNotAByte
//   stale cohort: dropped                              SpoolsWhileTheCohortIsStale
//   same key for another content or sender             TakesAMessageSentAgainOnce
//   more than the inventory spooled                    SpoolsTheInventoryAlone
//   reject keeps the message                           ARejectHoldsReasonsAlone
#include "adapters/hl7v2/receiver.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::hl7v2 {
namespace {

using concordat::testing::IsOk;
using ::testing::HasSubstr;

const PersonKey kTorquil(std::array<uint8_t, 16>{2});

std::string Admission(absl::string_view chi, absl::string_view control = "H1",
                      absl::string_view processing = "T") {
  return absl::StrCat(
      "MSH|^~\\&|PAS|F|C|E|20251117090000||ADT^A01|", control, "|", processing,
      "|2.4\rPID|1|OLD|", chi,
      "^^^NHSSCOT^CHI||MARKERNAME^X||19790303|M|||MARKERSTREET\r"
      "OBX|1|TX|MARKERCLINICAL\rAL1|1||MARKERALLERGY\r");
}

class ReceiverTest : public ::testing::Test {
 protected:
  ReceiverTest() : mapping_(*Mapping::Build(Settings())) {
    directory_ = *PosixDirectory::Open(folder_.path());
    Open(edge::EdgeLimits());
    cohort_.Join(kTorquil, {{"chi", "0303790016", ""}});
    cohort_.Complete(Sequence{1});
  }
  static edge::v1::Hl7Edge Settings() {
    edge::v1::Hl7Edge settings;
    settings.mutable_listener()->add_processing_ids("T");
    settings.set_time_zone("Europe/London");
    auto& row = *settings.add_identifiers();
    row.set_authority("NHSSCOT");
    row.set_type("CHI");
    row.set_scheme("chi");
    return settings;
  }
  void Open(edge::EdgeLimits limits) {
    store_.reset();
    auto store = edge::EdgeStore::Open(*directory_, std::string(32, 'k'),
                                       random_, limits);
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    receiver_ = std::make_unique<Receiver>(mapping_, cohort_, *store_, "secret",
                                           clock_, random_);
  }
  std::string Send(const std::string& content) {
    return receiver_->Receive({content, false}).value_or("closed");
  }
  // Of the answer's MSA segment, or "closed".
  std::string Code(const std::string& content) {
    const std::string answer = Send(content);
    const auto message = Message::Parse(answer);
    if (!message.ok()) return answer;
    const Segment* msa = message->Find("MSA");
    return absl::StrCat(msa->Field(1), " ", msa->Field(2));
  }
  bool OnDisk(absl::string_view what) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder_.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (absl::StrContains(bytes, what)) return true;
    }
    return false;
  }

  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  const Mapping mapping_;
  edge::Cohort cohort_{"key", clock_};
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<edge::EdgeStore> store_;
  std::unique_ptr<Receiver> receiver_;
};

TEST_F(ReceiverTest, SpoolsTheInventoryAlone) {
  EXPECT_EQ(Code(Admission("0303790016")), "AA H1");
  const auto waiting = store_->Oldest();
  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(waiting->message,
            "MSH|^~\\&|PAS|F|C|E|20251117090000||ADT^A01|H1|T|2.4\r"
            "PID|||0303790016^^^NHSSCOT^CHI||MARKERNAME^X||19790303|M|||"
            "MARKERSTREET\r");
  for (const absl::string_view marker :
       {"MARKER", "0303790016", "NHSSCOT", "ADT^A01"}) {
    EXPECT_FALSE(OnDisk(marker)) << marker;
  }
}

TEST_F(ReceiverTest, OfOutsidersItKeepsNotAByte) {
  EXPECT_EQ(Code(Admission("1104550008")), "AA H1");
  EXPECT_EQ(store_->counts().not_in_cohort, 1u);
  EXPECT_EQ(store_->counts().waiting, 0u);
  EXPECT_FALSE(store_->Oldest().has_value());
  const size_t one = std::filesystem::file_size(folder_.PathOf("journal"));
  EXPECT_EQ(Code(Admission("1104550008") + std::string(5000, '\r')), "AA H1");
  const size_t two = std::filesystem::file_size(folder_.PathOf("journal"));
  // A count's record: as long whatever the message, and shorter than a name.
  EXPECT_LE(two - one, 48u);
}

TEST_F(ReceiverTest, SpoolsWhileTheCohortIsStale) {
  clock_.Advance(absl::Minutes(2));
  EXPECT_EQ(Code(Admission("1104550008")), "AA H1");
  EXPECT_EQ(store_->counts().waiting, 1u);
  EXPECT_EQ(store_->counts().not_in_cohort, 0u);
  EXPECT_FALSE(OnDisk("1104550008"));
}

TEST_F(ReceiverTest, TakesAMessageSentAgainOnce) {
  EXPECT_EQ(Code(Admission("0303790016")), "AA H1");
  EXPECT_EQ(Code(Admission("0303790016")), "AA H1");
  EXPECT_EQ(store_->counts().waiting, 1u);
  EXPECT_EQ(Code(Admission("0303790016", "H2")), "AA H2");
  EXPECT_EQ(Code(Admission("0303790016") + "NTE|1\r"), "AA H1");
  EXPECT_EQ(store_->counts().waiting, 3u);
}

TEST_F(ReceiverTest, TakesOnlyItsProcessingIds) {
  EXPECT_THAT(Send(Admission("0303790016", "H32", "P")),
              HasSubstr("MSA|AR|H32|this is not a live listener\r"));
  EXPECT_EQ(Code(Admission("0303790016", "H3", "D")), "AR H3");
  EXPECT_EQ(Code(Admission("0303790016", "H4", "")), "AR H4");
  EXPECT_EQ(Code(Admission("0303790016", "H5", "T^T")), "AA H5");
  EXPECT_EQ(store_->counts().refused, 3u);
}

TEST_F(ReceiverTest, RefusesWhatIsBrokenFirst) {
  EXPECT_EQ(Code(Admission("0303790016", "H6", "P") + "nonsense\r"), "AE H6");
  EXPECT_EQ(Code("PID|1\r"), "AR ");
  EXPECT_EQ(Code("MSH|^~\\&|PAS|F|C|E|1||ADT^A01|H33|T|2.4\rEVN|A01\r"
                 "PID|1||1104550008^^^NHSSCOT^CHI||CUTNA"),
            "AE H33");
  EXPECT_EQ(store_->counts().refused, 3u);
  EXPECT_EQ(Code(Admission("1104550008")), "AA H1");
}

TEST_F(ReceiverTest, ARejectHoldsReasonsAlone) {
  Send("MSH|^~\\&|PAS|F|C|E|1||ADT^A01|H33|T|2.4\rPID|1||11^^^A^B||CUTNA");
  receiver_->Receive({"MSH|^~\\&|PAS|F|C|E|1||BALNAMOON^CUTNA|H|T|2.4", true});
  receiver_->Lost(
      {"MSH|^~\\&|PAS|F|C|E|1||ADT^A01|H34|T|2.4\rPID|||CUTNA", true});
  const auto items = store_->items();
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].verdict.reason, "cut off in PID-5");
  EXPECT_EQ(items[0].verdict.message_type, "ADT^A01");
  EXPECT_EQ(items[1].verdict.message_type, "?^?");
  EXPECT_EQ(items[2].verdict.reason, "cut off: the connection ended");
  for (const edge::KeptItem& item : items) {
    EXPECT_TRUE(item.verdict.subject.empty());
    EXPECT_EQ(item.verdict.words, "");
  }
}

TEST_F(ReceiverTest, NoAnswerWhenItIsNotSafe) {
  edge::EdgeLimits limits;
  limits.bytes_max = 10;
  Open(limits);
  EXPECT_EQ(Send(Admission("0303790016")), "closed");
  EXPECT_EQ(Code(Admission("1104550008")), "AA H1");
}

}  // namespace
}  // namespace concordat::hl7v2
