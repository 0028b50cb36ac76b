// Sends one notice to one address, by mail or webhook. Each call waits for its
// outcome, at most a few step time-outs.
//
// OK means that the server took it. Before that a broken connection says nothing:
// the notice may have been taken, and is sent again with the same name.
//
// Threads  Any; a call at a time for each thread.
// Errors   FAILED_PRECONDITION  it will not work by trying again: refused for
//                               good, no TLS where it is required.
//          UNAVAILABLE          it may: no connection, time-out, busy.
//          CANCELLED            `stop` became true.
#ifndef CONCORDAT_SERVICES_ALERTS_NOTIFY_SENDER_H_
#define CONCORDAT_SERVICES_ALERTS_NOTIFY_SENDER_H_

#include <atomic>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/notifier.pb.h"

namespace concordat::alerts {

struct Message {
  std::string name;  // The same at each attempt: 1 to 64 letters and digits.
  std::string text;
  std::string reference;  // Of the alert.
  absl::Time at;
};

absl::Status SendMail(const v1::MailSettings& settings,
                      absl::Duration step_timeout, const std::string& address,
                      const Message& message, const std::atomic<bool>& stop);

// POSTs {"name", "reference", "text"} as JSON. A redirect is not followed.
absl::Status PostWebhook(const v1::WebhookSettings& settings,
                         absl::Duration step_timeout, const std::string& url,
                         const Message& message, const std::atomic<bool>& stop);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_NOTIFY_SENDER_H_
