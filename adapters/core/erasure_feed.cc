#include "adapters/core/erasure_feed.h"

#include <optional>
#include <utility>

#include "services/common/projection/erasure_confirmation.h"

namespace concordat::edge {
namespace {

// How soon a stop is noticed, and what failed is tried again.
constexpr absl::Duration kTick = absl::Milliseconds(50);

}  // namespace

absl::StatusOr<std::unique_ptr<ErasureFeed>> ErasureFeed::Start(
    BusClient& bus, const bus::v1::Principal& self,
    std::shared_ptr<const TypeRegistry> types, Random& random,
    const Logger& log, Destroy destroy) {
  SubscribeOptions options;
  options.name = "erasures";
  options.types = {kPersonErasedType};
  options.own_place = true;  // Each is asked for again at each start.
  auto subscription = bus.Subscribe(std::move(options));
  if (!subscription.ok()) return subscription.status();
  std::unique_ptr<ErasureFeed> feed(
      new ErasureFeed(bus, self, std::move(types), random, log,
                      std::move(destroy), *std::move(subscription)));
  feed->thread_ = std::thread([raw = feed.get()] { raw->Run(); });
  return feed;
}

ErasureFeed::~ErasureFeed() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    stop_changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status ErasureFeed::Take(const View& view) {
  const auto destroyed = destroy_(view.header.subject);
  if (!destroyed.ok()) return destroyed.status();
  return ConfirmErasure(view, *destroyed, self_, bus_, *types_, random_);
}

void ErasureFeed::Run() {
  std::optional<Delivery> open;  // Not done with.
  while (!stopping_) {
    if (!open.has_value()) {
      auto delivery = subscription_->Next(kTick);
      if (absl::IsDeadlineExceeded(delivery.status())) continue;
      if (!delivery.ok()) {
        // For good, until the next start, which reads all of them again.
        log_.Error(
            "erasures cannot be read",
            {{"code", absl::StatusCodeToString(delivery.status().code())}});
        return;
      }
      open = *std::move(delivery);
    }
    const absl::Status taken = Take(open->view);
    if (taken.ok() || absl::IsInvalidArgument(taken)) {
      subscription_->Ack(open->number);
      open.reset();
    } else {
      log_.Error("an erasure is not done yet",
                 {{"code", absl::StatusCodeToString(taken.code())}});
      MutexLock lock(mu_);
      stop_changed_.WaitFor(mu_, kTick, [this] { return stopping_.load(); });
    }
  }
}

}  // namespace concordat::edge
