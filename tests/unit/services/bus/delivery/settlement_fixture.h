#ifndef CONCORDAT_TESTS_UNIT_SERVICES_BUS_DELIVERY_SETTLEMENT_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_BUS_DELIVERY_SETTLEMENT_FIXTURE_H_

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/settlement.h"

namespace concordat::bus {

inline constexpr SessionId kOne = {1};
inline constexpr SessionId kTwo = {2};
inline const absl::Time kStarted = absl::FromUnixSeconds(1'764'000'000);

class SettlementTest : public ::testing::Test {
 protected:
  SettlementTest() { Restart({}); }

  void Restart(Place place) {
    settlement_ = std::make_unique<Settlement>(
        std::move(place), limits_, started_, now_, limits_.backoff_max);
    numbers_.clear();
    live_ = settlement_->acknowledged().value;
    settlement_->Tick(now_);
  }
  // As stored, and another life from it.
  void Restart() { Restart(settlement_->place({scanned_})); }
  void Offer(uint64_t sequence, uint64_t key) {
    scanned_ = std::max(scanned_, sequence);
    live_ = sequence;
    settlement_->Offer({{sequence}, {0}}, key, {sequence}, {1});
  }
  // Ahead of live.
  void OfferAhead(uint64_t sequence, uint64_t key) {
    settlement_->OfferAhead({sequence}, key, {live_}, {1});
  }
  void Backfill(uint64_t sequence, uint64_t cause) {
    settlement_->Offer({{sequence}, {cause}}, 0, {live_}, {1});
  }
  // Everything that may go out goes to `member`: the sequences.
  std::vector<uint64_t> Send(SessionId member = kOne) {
    std::vector<uint64_t> sent;
    while (const auto next = settlement_->ready()) {
      const uint64_t number = ++numbers_[member];
      settlement_->Sent(next->order, member, number, 10, {shown_});
      sent.push_back(next->id.sequence.value);
      number_of_[next->id.sequence.value] = number;
      attempt_ = next->attempt;
    }
    return sent;
  }
  void Done(uint64_t sequence, SessionId member = kOne) {
    EXPECT_TRUE(settlement_->Done(member, number_of_[sequence])) << sequence;
  }
  void Nack(uint64_t sequence, absl::Duration delay = absl::ZeroDuration(),
            SessionId member = kOne) {
    EXPECT_TRUE(settlement_->Nack(member, number_of_[sequence], delay, "why"));
  }
  void After(absl::Duration time) {
    now_ += time;
    settlement_->Tick(now_);
  }
  // Nacks it until it is set aside.
  void SetAside(uint64_t sequence) {
    for (uint32_t i = 0; i < limits_.attempts; ++i) {
      After(limits_.backoff_max);
      EXPECT_THAT(Send(), ::testing::ElementsAre(sequence));
      Nack(sequence);
    }
  }
  uint64_t floor() const { return settlement_->acknowledged().value; }

  RedeliveryLimits limits_ = {3, absl::Seconds(1), absl::Seconds(8), 4, 8};
  std::unique_ptr<Settlement> settlement_;
  absl::Time started_ = kStarted;
  absl::Duration now_ = absl::Seconds(1);
  uint64_t scanned_ = 0;
  uint64_t live_ = 0;  // In this life.
  std::map<SessionId, uint64_t> numbers_;
  std::map<uint64_t, uint64_t> number_of_;
  uint32_t attempt_ = 0;
  uint64_t shown_ = 5;  // Policy position of what is sent.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_BUS_DELIVERY_SETTLEMENT_FIXTURE_H_
