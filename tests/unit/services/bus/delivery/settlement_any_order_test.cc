// What becomes of deliveries that are settled singly, in any order of everything
// that may happen.
//
// Mutant                                            Caught by
// any of settlement_test's, or one of               NothingIsLostWhateverHappens
// settlement_ahead_test's, in a mix nobody thought
// of
#include <map>
#include <memory>
#include <random>
#include <set>

#include "tests/unit/services/bus/delivery/settlement_fixture.h"

namespace concordat::bus {
namespace {

using ::testing::IsEmpty;

// Three members, six keys and none, failures, dead members, operators, what goes
// ahead of live, and lives that end; from the newest place that was stored, or from
// an older one.
class AnyOrder {
 public:
  AnyOrder(uint32_t seed, bool stores_each) : dice_(seed), each_(stores_each) {
    Restart();
  }
  void Run() {
    for (int step = 0; step < 1500; ++step) Step();
    // Then everybody is well, and the operator has everything delivered again.
    for (int round = 0; round < 4000 && (done_.size() < kEvents || !Quiet());
         ++round) {
      now_ += absl::Seconds(8);
      settlement_->Tick(now_);
      Offer();
      Send();
      while (!out_.empty()) Done(out_.begin());
      for (const Row& row : settlement_->Rows()) {
        settlement_->Redrive(row.order, absl::ZeroDuration());
      }
    }
    EXPECT_EQ(done_.size(), kEvents);
    EXPECT_EQ(settlement_->acknowledged().value, kEvents);
    EXPECT_THAT(settlement_->Rows(), IsEmpty());
    EXPECT_THAT(settlement_->place({kEvents}).settled, IsEmpty());
    if (!each_) return;
    for (const auto& [sequence, times] : done_) EXPECT_EQ(times, 1) << sequence;
  }

 private:
  static constexpr uint64_t kEvents = 300;
  using Out = std::map<std::pair<SessionId, uint64_t>, uint64_t>;

  static uint64_t KeyOf(uint64_t sequence) { return sequence % 7; }
  bool Quiet() const { return settlement_->Rows().empty() && out_.empty(); }
  uint32_t Below(uint32_t bound) { return dice_() % bound; }

  void Step() {
    now_ += absl::Milliseconds(Below(400));
    settlement_->Tick(now_);
    switch (Below(8)) {
      case 0:
        if (Below(4) == 0) OfferAhead();
        return Offer();
      case 1:
      case 2:
        return Send();
      case 3:
      case 4:
        if (!out_.empty()) Done(AnyOut());
        break;
      case 5:
        if (!out_.empty()) Nack(AnyOut());
        break;
      case 6:
        if (Below(6) == 0) Gone({1 + Below(3)});
        if (Below(4) == 0) Operate();
        break;
      default:
        if (Below(10) == 0) Restart();
    }
    if (each_ || Below(5) == 0) stored_ = settlement_->place({scanned_});
  }
  Out::iterator AnyOut() {
    return std::next(out_.begin(), Below(static_cast<uint32_t>(out_.size())));
  }
  void Offer() {
    for (int i = 0; i < 5 && scanned_ < kEvents && settlement_->TakesMore();
         ++i) {
      ++scanned_;
      settlement_->Offer({{scanned_}, {0}}, KeyOf(scanned_), {scanned_}, {1});
    }
  }
  // One that live has not come to, with those of its key before it.
  void OfferAhead() {
    const uint64_t last = scanned_ + 1 + Below(20);
    if (last > kEvents) return;
    const uint64_t key = KeyOf(last);
    for (uint64_t each = scanned_ + 1; each <= last; ++each) {
      if (each == last || (key != 0 && KeyOf(each) == key)) {
        settlement_->OfferAhead({each}, KeyOf(each), {scanned_}, {1});
      }
    }
  }
  void Send() {
    const SessionId member = {1 + Below(3)};
    for (int i = 0; i < 3; ++i) {
      const auto next = settlement_->ready();
      if (!next) return;
      const uint64_t sequence = next->id.sequence.value;
      if (KeyOf(sequence) != 0) {
        for (const auto& [who, other] : out_) {
          EXPECT_NE(KeyOf(other), KeyOf(sequence)) << "two of a key are out";
        }
      }
      settlement_->Sent(next->order, member, ++number_, 10, {1});
      out_[{member, number_}] = sequence;
    }
  }
  void Done(Out::iterator out) {
    const uint64_t sequence = out->second;
    ASSERT_TRUE(settlement_->Done(out->first.first, out->first.second));
    out_.erase(out);
    ++done_[sequence];
    const uint64_t key = KeyOf(sequence);
    if (!each_ || key == 0) return;
    // Those of its key before it are done with, or have been parked.
    for (uint64_t before = key; before < sequence; before += 7) {
      EXPECT_TRUE(done_.contains(before) || parked_.contains(before))
          << before << " is not done with before " << sequence;
    }
  }
  void Nack(Out::iterator out) {
    ASSERT_TRUE(settlement_->Nack(out->first.first, out->first.second,
                                  absl::ZeroDuration(), "no"));
    out_.erase(out);
  }
  void Gone(SessionId member) {
    settlement_->Gone(member);
    std::erase_if(out_,
                  [&](const auto& each) { return each.first.first == member; });
  }
  void Operate() {
    for (const Row& row : settlement_->Rows()) {
      if (Below(3) == 0 && settlement_->Park(row.order)) {
        parked_.insert(row.id.sequence.value);
      } else if (Below(2) == 0) {
        settlement_->Redrive(row.order, absl::Milliseconds(Below(900)));
      }
    }
  }
  void Restart() {
    out_.clear();
    settlement_ = std::make_unique<Settlement>(stored_, limits_, kStarted, now_,
                                               limits_.backoff_max);
    settlement_->Tick(now_);
    scanned_ = stored_.acknowledged.value;
  }

  const RedeliveryLimits limits_ = {3, absl::Seconds(1), absl::Seconds(8), 60,
                                    40};
  std::mt19937 dice_;
  const bool each_;
  std::unique_ptr<Settlement> settlement_;
  Place stored_;
  absl::Duration now_ = absl::Seconds(1);
  uint64_t scanned_ = 0;
  uint64_t number_ = 0;
  Out out_;
  std::map<uint64_t, int> done_;  // How often.
  std::set<uint64_t> parked_;
};

TEST(SettlementInAnyOrderTest, NothingIsLostWhateverHappens) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    for (const bool stores_each : {true, false}) {
      SCOPED_TRACE(::testing::Message()
                   << "seed " << seed << ", each change is "
                   << (stores_each ? "" : "not ") << "stored");
      AnyOrder(seed, stores_each).Run();
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace concordat::bus
