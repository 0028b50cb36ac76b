// Tells the roles on duty that there is an alert, by mail or webhook, and never
// whom or what it is about. That it did so, or could not, is an event.
//
// At least once: a notice is published as told only after the server took it, so a
// crash in between sends it once more, with the same name and reference. Exactly
// once does not exist for mail. It folds the log from its start, so that what was
// told before a restart is known.
//
// Threads  One that folds (Run), and kWorkers that send.
// Overload Notices wait in the fold, at most Notices::kPendingMax; kWorkers are
//          under way at a time. A silent server holds up only its own.
#ifndef CONCORDAT_SERVICES_ALERTS_NOTIFY_NOTIFIER_H_
#define CONCORDAT_SERVICES_ALERTS_NOTIFY_NOTIFIER_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/notifier.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/alerts/notify/notices.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"
#include "services/common/telemetry/log.h"

namespace concordat::alerts {

struct Contact {
  std::string channel;  // MAIL or WEBHOOK.
  std::string address;
};
// Identity's answer; nothing: none is set. An error: it could not be asked, and is
// asked again.
using ContactSource =
    std::function<absl::StatusOr<std::optional<Contact>>(const RoleName&)>;

// Where a program of this data directory takes mail, "127.0.0.1:7425".
using ServerSource =
    std::function<absl::StatusOr<std::string>(const std::string& program)>;

// Bounds of the settings.
//   INVALID_ARGUMENT  names the field.
absl::Status CheckNotifierSettings(const v1::NotifierSettings& settings);

class Notifier {
 public:
  static constexpr int kWorkers = 4;

  // Everything borrowed outlives it. `self` is the service's own principal.
  Notifier(v1::NotifierSettings settings, RoleDirectory roles,
           ContactSource contacts, ServerSource servers, BusClient& bus,
           std::shared_ptr<const TypeRegistry> types,
           const bus::v1::Principal& self, const Clock& clock,
           const SteadyClock& steady, Random& random, const Logger& log);
  ~Notifier();  // Stop().

  void Start();
  // Ends what is under way; it is sent again after the next start.
  void Stop();

 private:
  // How far a notice has come in this process.
  struct Progress {
    bool under_way = false;
    uint32_t attempts = 0;
    absl::Duration not_before;  // By the steady clock.
    std::string channel;
    std::string outcome;  // Not empty: known, and owed to the log.
  };

  void Run();
  void Work();
  // The next notice whose time has come, marked as under way; nothing: none yet.
  std::optional<Notice> Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sends once; fills channel and, when it is settled, outcome.
  void Attempt(const Notice& notice, Progress& progress);
  absl::Status SendTo(const Contact& contact, const Notice& notice);
  absl::StatusOr<v1::MailSettings> MailServer() const;
  // Whether the log has it.
  bool Publish(const Notice& notice, const Progress& progress);
  absl::Duration WaitAfter(uint32_t attempts) const;

  const v1::NotifierSettings settings_;
  const ContactSource contacts_;
  const ServerSource servers_;
  BusClient& bus_;
  const std::shared_ptr<const TypeRegistry> types_;
  const bus::v1::Principal self_;
  const Clock& clock_;
  const SteadyClock& steady_;
  Random& random_;
  const Logger& log_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;

  Mutex mu_;
  CondVar changed_;
  Notices notices_ ABSL_GUARDED_BY(mu_);
  bool caught_up_ ABSL_GUARDED_BY(mu_) = false;
  std::map<std::string, Progress> progress_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_NOTIFY_NOTIFIER_H_
