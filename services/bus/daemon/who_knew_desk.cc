#include "services/bus/daemon/who_knew_desk.h"

namespace concordat::bus {

bool WhoKnewDesk::Post(std::function<void()> work) {
  MutexLock lock(mu_);
  if (background_ == nullptr || waiting_ >= kWaitingMax) return false;
  ++waiting_;
  background_->Post([this, work = std::move(work)] {
    work();
    MutexLock done(mu_);
    --waiting_;
  });
  return true;
}

void WhoKnewDesk::Stop() {
  std::unique_ptr<Background> background;
  {
    MutexLock lock(mu_);
    background = std::move(background_);
  }
  // Its destructor does what was posted.
}

void WhoKnewDesk::Serve(ServerHost& host) {
  using access::v1::WhoKnewRequest;
  using access::v1::WhoKnewResponse;
  host.HandleLater<WhoKnewRequest, WhoKnewResponse>(
      "concordat.access.v1.WhoKnewService/WhoKnew", {},
      [this](const Call& call, const WhoKnewRequest& request,
             Reply<WhoKnewResponse> reply) {
        const bool is_taken = Post([this, call, request, reply] {
          auto known = who_knew_.Ask(*call.registry, *call.principal,
                                     call.purpose, request);
          if (!known.ok()) return reply(known.status());
          WhoKnewResponse response;
          if (request.with_bundle()) {
            auto bundle = bundles_.Make(*known);
            if (!bundle.ok()) return reply(bundle.status());
            response.set_bundle(*std::move(bundle));
          }
          *response.mutable_report() = std::move(known->report);
          reply(std::move(response));
        });
        if (!is_taken) {
          reply(absl::ResourceExhaustedError(
              "too many ask who knew what; try again"));
        }
      });
}

}  // namespace concordat::bus
