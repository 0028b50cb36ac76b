#include "adapters/core/decision_feed.h"

#include <utility>

#include "services/common/projection/erasure_confirmation.h"

namespace concordat::edge {
namespace {

// How soon silence is looked at: the log grows by events that are not for us.
constexpr absl::Duration kTick = absl::Milliseconds(20);

SubscribeOptions Options() {
  SubscribeOptions options;
  options.name = "sharing-decisions";
  options.types = {"concordat.nhs.v1.SharingDecided",
                   "concordat.nhs.v1.SharingEnded", kPersonErasedType};
  options.own_place = true;  // Kept in memory: from the beginning.
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DecisionFeed>> DecisionFeed::Start(
    BusClient& bus, SharingDecisions& decisions, const Logger& log) {
  auto subscription = bus.Subscribe(Options());
  if (!subscription.ok()) return subscription.status();
  std::unique_ptr<DecisionFeed> feed(
      new DecisionFeed(bus, *std::move(subscription), decisions, log));
  feed->thread_ = std::thread([raw = feed.get()] { raw->Run(); });
  return feed;
}

DecisionFeed::~DecisionFeed() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

bool DecisionFeed::BeginAnew(absl::string_view why) {
  log_.Error("sharing decisions are read anew", {{"why", why}});
  decisions_.Forget();
  subscription_.reset();
  auto subscription = bus_.Subscribe(Options());
  if (!subscription.ok()) return false;
  subscription_ = *std::move(subscription);
  return true;
}

void DecisionFeed::Run() {
  while (!stopping_) {
    const auto delivery = subscription_->Next(kTick);
    if (delivery.ok() && delivery->backfill_cause != Sequence()) {
      // What ended the decision may have been read already.
      if (!BeginAnew("policy shows more of the past")) break;
    } else if (delivery.ok()) {
      const absl::Status folded = decisions_.Fold(delivery->view);
      if (!folded.ok()) log_.Error("a sharing decision cannot be read");
      subscription_->Ack(delivery->number);
    } else if (absl::IsDataLoss(delivery.status())) {
      if (!BeginAnew("what was read is no longer in the log")) break;
    } else if (!absl::IsDeadlineExceeded(delivery.status())) {
      // For good: nothing leaves the board until somebody looks.
      log_.Error(
          "sharing decisions cannot be read",
          {{"code", absl::StatusCodeToString(delivery.status().code())}});
      break;
    }
    const Sequence end = subscription_->log_end();
    const Sequence scanned = subscription_->scanned_through();
    log_end_ = end.value;
    decisions_.SetCurrent(subscription_->connected() && scanned >= end,
                          scanned);
  }
  decisions_.SetCurrent(false, decisions_.position());
}

}  // namespace concordat::edge
