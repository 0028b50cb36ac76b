// Bugs this file catches:
//   a stamp of other bytes, or of an old request, taken    Stamps.WhatDoesNotHold…
//   an authority that is nobody's believed                 Stamps.OfAStranger…
//   an authority that is away, and nobody told             Stamps.WaitingTooLong…
//   every checkpoint stamped, or none after the first      Stamps.AreAskedForWhenDue
//   stamps that a restart forgets                          Stamps.AreThereAfter…
// The authority is OpenSSL's own (`openssl ts`), with keys made here.
#include "services/bus/evidence/stamp_keeper.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "services/common/evidence/timestamp.h"
#include "tests/support/fake_disk.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/openssl_authority.h"

namespace concordat::testing {
namespace {

using ::testing::HasSubstr;

class Stamps : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new OpensslAuthority;
    stranger_ = new OpensslAuthority;
  }
  static void TearDownTestSuite() {
    delete authority_;
    delete stranger_;
  }

  // Between the keeper and the authority.
  class Wire : public bus::StampAuthority {
   public:
    absl::StatusOr<std::string> Ask(absl::string_view request) override {
      ++asked;
      if (is_away) return absl::UnavailableError("no route");
      if (!answer.empty()) return answer;
      return to->Answer(request);
    }
    OpensslAuthority* to = authority_;
    int asked = 0;
    bool is_away = false;
    std::string answer;
  };

  void SetUp() override { Reopen(); }
  void Reopen() {
    bus::StampOptions options;
    options.roots = authority_->roots();
    options.every = absl::Seconds(100);
    options.late_after = absl::Seconds(200);
    options.retry_after = absl::Seconds(10);
    auto keeper = bus::StampKeeper::Open(options, disk_, wire_, random_);
    ASSERT_THAT(keeper, IsOk());
    keeper_ = *std::move(keeper);
  }
  std::string NoteOf(uint64_t size) const {
    return SignCheckpoint({"demo.concordat/log/0a/1", size, HashLeaf("x"), {}},
                          log_);
  }
  Troubles At(absl::Duration now) const {
    Troubles troubles;
    keeper_->Judge(now, troubles);
    return troubles;
  }

  static OpensslAuthority* authority_;
  static OpensslAuthority* stranger_;
  const Ed25519Signer log_{Ed25519Seed{1}};
  FakeDisk disk_;
  SeededRandom random_;
  Wire wire_;
  std::unique_ptr<bus::StampKeeper> keeper_;
};
OpensslAuthority* Stamps::authority_ = nullptr;
OpensslAuthority* Stamps::stranger_ = nullptr;

TEST_F(Stamps, AreAskedForWhenDue) {
  keeper_->Step(NoteOf(5), absl::Seconds(1));
  EXPECT_EQ(keeper_->Now().size, 5u);
  keeper_->Step(NoteOf(5), absl::Seconds(150));
  keeper_->Step(NoteOf(6), absl::Seconds(50));
  EXPECT_EQ(wire_.asked, 1);
  keeper_->Step(NoteOf(7), absl::Seconds(101));
  EXPECT_EQ(keeper_->Now().size, 7u);
  EXPECT_EQ(wire_.asked, 2);
  EXPECT_THAT(At(absl::Hours(1)), ::testing::IsEmpty());
}

TEST_F(Stamps, AreThereAfterARestart) {
  keeper_->Step(NoteOf(5), absl::Seconds(1));
  const auto [note, response] = keeper_->Newest();
  EXPECT_EQ(note, NoteOf(5));
  const auto at = CheckStamp(response, ParseNote(note)->text, std::nullopt,
                             authority_->roots());
  ASSERT_THAT(at, IsOk());
  EXPECT_EQ(*at, keeper_->Now().at);
  Reopen();
  EXPECT_EQ(keeper_->Now().size, 5u);
  EXPECT_EQ(keeper_->Newest().second, response);

  std::string damaged = disk_.Contents("5.tsr");
  damaged[damaged.size() / 2] =
      static_cast<char>(damaged[damaged.size() / 2] ^ 1);
  disk_.Overwrite("5.tsr", damaged);
  Reopen();
  EXPECT_EQ(keeper_->Now().size, 0u);
}

TEST_F(Stamps, WhatDoesNotHoldIsNotKept) {
  const std::string text = ParseNote(NoteOf(5))->text;
  const std::string good = *authority_->Answer(EncodeStampRequest(text, 7));
  EXPECT_THAT(CheckStamp(good, text, 7, authority_->roots()), IsOk());
  EXPECT_THAT(CheckStamp(good, text, 8, authority_->roots()),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckStamp(good, text + "x", 7, authority_->roots()),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckStamp(good, text, 7, "no certificate"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(CheckStamp("nothing", text, 7, authority_->roots()),
              HasCode(absl::StatusCode::kInvalidArgument));
  // A good one, of another request.
  wire_.answer = good;
  keeper_->Step(NoteOf(5), absl::Seconds(1));
  EXPECT_EQ(keeper_->Now().size, 0u);
  EXPECT_THAT(keeper_->Now().last_failure, HasSubstr("another request"));
  EXPECT_THAT(*disk_.List(), ::testing::IsEmpty());
}

TEST_F(Stamps, OfAStrangerAreNotTaken) {
  wire_.to = stranger_;
  keeper_->Step(NoteOf(5), absl::Seconds(1));
  EXPECT_EQ(keeper_->Now().size, 0u);
  EXPECT_THAT(keeper_->Now().last_failure, HasSubstr("does not hold"));
}

TEST_F(Stamps, WaitingTooLongIsAnAlarm) {
  wire_.is_away = true;
  keeper_->Step(NoteOf(5), absl::Seconds(10));
  keeper_->Step(NoteOf(6), absl::Seconds(15));
  EXPECT_EQ(wire_.asked, 1);  // Not at once again.
  keeper_->Step(NoteOf(6), absl::Seconds(25));
  EXPECT_EQ(wire_.asked, 2);
  EXPECT_THAT(At(absl::Seconds(200)), ::testing::IsEmpty());
  const Troubles late = At(absl::Seconds(220));
  ASSERT_EQ(late.size(), 1u);
  EXPECT_EQ(late[0].code, "stamp");
  EXPECT_THAT(late[0].what, HasSubstr("no route"));
  wire_.is_away = false;
  keeper_->Step(NoteOf(7), absl::Seconds(230));
  EXPECT_THAT(At(absl::Seconds(231)), ::testing::IsEmpty());
}

}  // namespace
}  // namespace concordat::testing
