// The doors of a hub that runs: gRPC with mutual TLS, ZeroMQ, MLLP.
#ifndef CONCORDAT_GATEWAY_CLI_DEMO_HUB_DOORS_H_
#define CONCORDAT_GATEWAY_CLI_DEMO_HUB_DOORS_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "gateway/cli/demo/player.h"
#include "gateway/cli/event_door.h"
#include "gateway/cli/hub.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {

class HubDoors : public StoryDoors {
 public:
  // `clock` outlives it.
  HubDoors(DataDirectory data, const SteadyClock& clock);

  absl::StatusOr<std::string> Call(absl::string_view profile,
                                   absl::string_view method,
                                   const std::string& json) override;
  absl::StatusOr<bool> Publish(absl::string_view profile,
                               const std::string& event) override;
  absl::Status DropFile(const std::string& name,
                        const std::string& bytes) override;
  absl::StatusOr<std::string> SendHl7(const std::string& message) override;
  absl::StatusOr<std::vector<SentText>> TakeTexts(size_t at_least) override;
  absl::Status Settle() override;

  // The hub as this profile sees it.
  absl::StatusOr<Hub*> As(absl::string_view profile);

 private:
  // Messages wait at the edge after they have been answered.
  absl::Status WaitForEdge();

  const DataDirectory data_;
  const SteadyClock& clock_;
  Mutex mu_;
  std::map<std::string, std::unique_ptr<Hub>, std::less<>> hubs_
      ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::unique_ptr<EventDoor>, std::less<>> doors_;
  std::set<std::string> before_;  // Mails that were there when this was made.
  std::set<std::string> taken_;
};

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DEMO_HUB_DOORS_H_
