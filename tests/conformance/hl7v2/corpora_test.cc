// Messages that others wrote, through a real socket: every valid one is
// answered with MSA-2 = MSH-10, every broken one gets an answer or a closed
// socket, and the next message is answered. The messages are read from
// $CONCORDAT_CORPORA, or shared/corpora beside the repository's folder; where
// there are none the test is skipped.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "adapters/hl7v2/mllp_server.h"
#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/fake_clock.h"
#include "tests/support/mllp_client.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::hl7v2 {
namespace {

namespace fs = std::filesystem;
using concordat::testing::AckOf;
using concordat::testing::IsOk;

std::optional<fs::path> Corpora() {
  std::vector<fs::path> places;
  if (const char* named = std::getenv("CONCORDAT_CORPORA")) {
    places.emplace_back(named);
  }
  if (const char* source = std::getenv("CONCORDAT_SOURCE")) {
    places.push_back(fs::path(source) / ".." / "shared" / "corpora");
    places.push_back(fs::path(source) / ".." / ".." / "shared" / "corpora");
  }
  for (const fs::path& place : places) {
    if (fs::exists(place / "hl7v2" / "MANIFEST.tsv")) return place;
  }
  return std::nullopt;
}

std::string Read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Sample {
  std::string path;
  std::string label;
  std::string expectation;
  std::string text;
};

std::vector<Sample> Samples(const fs::path& corpora) {
  std::vector<Sample> samples;
  for (const char* const folder : {"hl7v2", "hl7v2-pairs"}) {
    const std::string manifest = Read(corpora / folder / "MANIFEST.tsv");
    for (const absl::string_view line : absl::StrSplit(manifest, '\n')) {
      const std::vector<std::string> row = absl::StrSplit(line, '\t');
      if (row.size() < 9 || row[0] == "path") continue;
      fs::path file = corpora / row[0];
      if (row[2] == "pair") file /= "input.hl7";
      if (!fs::is_regular_file(file)) continue;
      samples.push_back({row[0], row[2], row[8], Read(file)});
    }
  }
  return samples;
}

// MSH-10 as a reader of text files finds it, by none of our code.
std::string ControlId(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  text = absl::StripLeadingAsciiWhitespace(text);
  if (text.size() < 4) return "";
  const std::vector<std::string> fields =
      absl::StrSplit(text.substr(0, text.find_first_of("\r\n")), text[3]);
  return fields.size() > 9 ? fields[9] : "";
}

class CorporaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto corpora = Corpora();
    if (!corpora.has_value()) GTEST_SKIP() << "there are no corpora here";
    samples_ = Samples(*corpora);
    ASSERT_GT(samples_.size(), 200u);
    edge::v1::Hl7Edge settings;
    for (const char* const id : {"P", "T", "D"}) {
      settings.mutable_listener()->add_processing_ids(id);
    }
    settings.set_time_zone("Europe/London");
    mapping_.emplace(*Mapping::Build(settings));
    directory_ = *PosixDirectory::Open(folder_.path());
    store_ = *edge::EdgeStore::Open(*directory_, std::string(32, 'k'), random_);
    cohort_.Complete(Sequence{1});
    receiver_ = std::make_unique<Receiver>(*mapping_, cohort_, *store_,
                                           "secret", clock_, random_);
    server_ =
        *MllpServer::Start(MllpServerOptions(), NewClearStreams(), *receiver_);
    client_ = std::make_unique<concordat::testing::MllpClient>(server_->port());
  }
  // A sample that holds frame bytes is several frames, with several answers.
  void ExpectTheNextIsAnswered(const std::string& sample,
                               const std::string& after) {
    if (sample.find_first_of("\x0B\x1C") != std::string::npos) {
      client_->Close();
    }
    EXPECT_EQ(AckOf(client_->Ask("MSH|^~\\&|A|B|C|D|20251127||ADT^A01|NEXT|T|"
                                 "2.4\rPID|1||7^^^X^Y\r")),
              "AA NEXT")
        << after;
  }

  std::vector<Sample> samples_;
  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  std::optional<Mapping> mapping_;
  edge::Cohort cohort_{"key", clock_};
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<edge::EdgeStore> store_;
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<MllpServer> server_;
  std::unique_ptr<concordat::testing::MllpClient> client_;
};

TEST_F(CorporaTest, EveryValidMessageIsAnsweredWithItsControlId) {
  size_t valid = 0, accepted = 0;
  for (const Sample& sample : samples_) {
    if (sample.label != "valid" && sample.label != "pair") continue;
    // One pair is a folder of batches.
    if (!absl::StrContains(sample.text.substr(0, 16), "MSH")) continue;
    // As they are, and with CR alone as on the wire.
    for (const std::string& text :
         {sample.text,
          absl::StrReplaceAll(sample.text, {{"\r\n", "\r"}, {"\n", "\r"}})}) {
      ++valid;
      const std::string ack = AckOf(client_->Ask(text));
      EXPECT_EQ(ack.substr(std::min<size_t>(ack.size(), 3)), ControlId(text))
          << sample.path << ": " << ack;
      if (absl::StartsWith(ack, "AA ")) ++accepted;
    }
  }
  std::printf("%zu valid messages, %zu taken\n", valid, accepted);
  EXPECT_GT(valid, 400u);
  // The rest has no MSH-11 that this listener takes, or lacks its patient.
  EXPECT_GT(accepted * 10, valid * 6);
}

TEST_F(CorporaTest, EveryBrokenOneGetsAnAnswerOrAClosedSocket) {
  size_t broken = 0;
  for (const Sample& sample : samples_) {
    if (sample.label == "valid" || sample.label == "pair") continue;
    ++broken;
    const std::string ack = AckOf(client_->Ask(sample.text));
    EXPECT_NE(ack, "no MSA") << sample.path;
    const bool must_fail =
        sample.label == "malformed" &&
        (absl::StartsWith(sample.expectation, "syntax: ") ||
         absl::StartsWith(sample.expectation, "version: ") ||
         absl::StartsWith(sample.expectation, "batch: ")) &&
        !absl::StrContains(sample.expectation, "legal by HL7");
    if (must_fail) {
      EXPECT_FALSE(absl::StartsWith(ack, "AA")) << sample.path;
    }
    ExpectTheNextIsAnswered(sample.text, sample.path);
  }
  EXPECT_GT(broken, 100u);
}

// Each sample cut off at many places, with and without the frame's end.
TEST_F(CorporaTest, WhateverIsCutOffTheNextIsAnswered) {
  for (size_t i = 0; i < samples_.size(); i += 19) {
    const std::string& text = samples_[i].text;
    if (text.find_first_of("\x0B\x1C") != std::string::npos) continue;
    for (size_t part = 1; part < 4; ++part) {
      const std::string cut = text.substr(0, text.size() * part / 4);
      EXPECT_NE(AckOf(client_->Ask(cut)), "no MSA") << samples_[i].path;
      // Another frame begins inside this one.
      client_->SendRaw(absl::StrCat("\x0B", cut));
      ASSERT_TRUE(client_->SendRaw(
          MllpFrame("MSH|^~\\&|A|B|C|D|1||ADT^A01|N2|T|2.4\rPID|1\r")));
      EXPECT_NE(AckOf(client_->Receive()).substr(0, 2), "AA");
      EXPECT_EQ(AckOf(client_->Receive()), "AA N2") << samples_[i].path;
    }
  }
}

TEST_F(CorporaTest, NotAByteOfOutsidersIsOnTheDisk) {
  for (const Sample& sample : samples_) client_->Ask(sample.text);
  // Nobody is in this cohort: the journal holds counts and reasons alone.
  EXPECT_EQ(store_->counts().waiting, 0u);
  EXPECT_EQ(store_->counts().held, 0u);
  for (const edge::KeptItem& item : store_->items()) {
    EXPECT_EQ(item.verdict.outcome, edge::v1::OUTCOME_REFUSED);
    EXPECT_EQ(item.verdict.words, "");
  }
}

}  // namespace
}  // namespace concordat::hl7v2
