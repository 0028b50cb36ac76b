#include "services/alerts/notify/notifier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "concordat/alerts/v1/events.pb.h"
#include "services/alerts/notify/sender.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/make_event.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kService = "concordat-notifier";
constexpr char kMail[] = "MAIL";
constexpr char kWebhook[] = "WEBHOOK";
constexpr char kNone[] = "NONE";
// How long a fold or a worker waits before it looks round.
constexpr absl::Duration kPatience = absl::Milliseconds(200);
constexpr absl::Duration kPublishPatience = absl::Seconds(5);

// Says nothing of role or alert to the servers on the way.
std::string NameOf(const Notice& notice) {
  const Sha256Hash hash =
      Sha256::Of(absl::StrCat("concordat/notice/1\n", notice.key));
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(hash.data()), hash.size() / 2));
}

}  // namespace

absl::Status CheckNotifierSettings(const v1::NotifierSettings& settings) {
  if (settings.last_wait_ms() < settings.first_wait_ms()) {
    return absl::InvalidArgumentError(
        "last_wait_ms: not shorter than first_wait_ms");
  }
  if (!settings.has_mail()) return absl::OkStatus();
  const v1::MailSettings& mail = settings.mail();
  const bool elsewhere = !mail.host().empty() && mail.port() != 0;
  const bool nowhere = mail.host().empty() && mail.port() == 0;
  if (mail.program().empty() ? !elsewhere : !nowhere) {
    return absl::InvalidArgumentError(
        "mail: host and port are required, or a program");
  }
  if (mail.from().find('@') == std::string::npos ||
      mail.from().find_first_of(" <>\r\n") != std::string::npos) {
    return absl::InvalidArgumentError("mail.from: not one mail address");
  }
  if (mail.tls() == v1::TLS_USE_UNSPECIFIED ||
      (mail.tls() == v1::TLS_USE_NEVER && mail.host() != "127.0.0.1" &&
       mail.program().empty())) {
    return absl::InvalidArgumentError(
        "mail.tls: required or when offered; never only to 127.0.0.1");
  }
  return absl::OkStatus();
}

Notifier::Notifier(v1::NotifierSettings settings, RoleDirectory roles,
                   ContactSource contacts, ServerSource servers, BusClient& bus,
                   std::shared_ptr<const TypeRegistry> types,
                   const bus::v1::Principal& self, const Clock& clock,
                   const SteadyClock& steady, Random& random, const Logger& log)
    : settings_(std::move(settings)),
      contacts_(std::move(contacts)),
      servers_(std::move(servers)),
      bus_(bus),
      types_(std::move(types)),
      self_(self),
      clock_(clock),
      steady_(steady),
      random_(random),
      log_(log),
      notices_(std::move(roles),
               {settings_.severities().begin(), settings_.severities().end()},
               absl::Hours(settings_.stale_after_hours())) {}

Notifier::~Notifier() { Stop(); }

void Notifier::Start() {
  threads_.emplace_back([this] { Run(); });
  for (int i = 0; i < kWorkers; ++i) threads_.emplace_back([this] { Work(); });
}

void Notifier::Stop() {
  stop_ = true;
  {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Notifier::Run() {
  SubscribeOptions options;
  options.name = "notifier";
  options.types = {"concordat.alerts.v1.*", "concordat.identity.v1.*",
                   "concordat.hub.v1.TimePassed"};
  options.own_place = true;  // Folded from the first event at each start.
  auto subscription = bus_.Subscribe(std::move(options));
  absl::Status ended = subscription.status();
  while (ended.ok() && !stop_) {
    absl::StatusOr<Delivery> delivery = (*subscription)->Next(kPatience);
    if (delivery.ok()) {
      MutexLock lock(mu_);
      if (absl::Status s = notices_.Apply(delivery->view); !s.ok()) {
        log_.Error("the notifier cannot read an event",
                   {{"sequence", delivery->view.sequence.value}});
      }
      (*subscription)->Ack(delivery->number);
    } else if (!absl::IsDeadlineExceeded(delivery.status())) {
      ended = delivery.status();
    }
    MutexLock lock(mu_);
    // What was told before a restart stands in the log: first that.
    caught_up_ = caught_up_ || ((*subscription)->connected() &&
                                (*subscription)->scanned_through() >=
                                    (*subscription)->log_end());
    if (delivery.ok()) changed_.NotifyAll();
  }
  if (!stop_) {
    log_.Error("the notifier gets no events any more",
               {{"why", ended.message()}});
  }
}

std::optional<Notice> Notifier::Take() {
  if (!caught_up_) return std::nullopt;
  std::erase_if(
      progress_, [this](const auto& entry) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return !entry.second.under_way && !notices_.IsPending(entry.first);
      });
  const absl::Duration now = steady_.Elapsed();
  for (Notice& notice : notices_.Pending()) {
    Progress& progress = progress_[notice.key];
    if (progress.under_way || progress.not_before > now) continue;
    progress.under_way = true;
    return std::move(notice);
  }
  return std::nullopt;
}

void Notifier::Work() {
  while (!stop_) {
    std::optional<Notice> notice;
    Progress progress;
    {
      MutexLock lock(mu_);
      changed_.WaitFor(mu_, kPatience, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        notice = Take();
        return notice.has_value() || stop_;
      });
      if (!notice.has_value()) continue;
      progress = progress_[notice->key];
    }
    if (progress.outcome.empty()) Attempt(*notice, progress);
    const bool told =
        !progress.outcome.empty() && !stop_ && Publish(*notice, progress);
    MutexLock lock(mu_);
    progress.under_way = false;
    // Its own event will end it; until that is folded nobody takes it again.
    progress.not_before =
        told ? absl::InfiniteDuration()
             : steady_.Elapsed() + WaitAfter(progress.attempts);
    progress_[notice->key] = progress;
    changed_.NotifyAll();
  }
}

absl::Duration Notifier::WaitAfter(uint32_t attempts) const {
  absl::Duration wait = absl::Milliseconds(settings_.first_wait_ms());
  for (uint32_t i = 1; i < attempts; ++i) wait *= 2;
  return std::min(wait, absl::Milliseconds(settings_.last_wait_ms()));
}

void Notifier::Attempt(const Notice& notice, Progress& progress) {
  ++progress.attempts;
  const auto contact = contacts_(notice.told);
  absl::Status sent = contact.status();
  if (contact.ok() && !contact->has_value()) {
    progress.channel = kNone;
    progress.outcome = "NO_CONTACT";
    return;
  }
  if (contact.ok()) {
    progress.channel = (*contact)->channel;
    const bool on = progress.channel == kMail      ? settings_.has_mail()
                    : progress.channel == kWebhook ? settings_.has_webhook()
                                                   : false;
    if (!on) {
      progress.outcome = "SWITCHED_OFF";
      return;
    }
    sent = SendTo(**contact, notice);
  }
  if (sent.ok()) {
    progress.outcome = "SENT";
  } else if (absl::IsFailedPrecondition(sent) ||
             progress.attempts >= settings_.attempts_max()) {
    if (progress.channel.empty()) progress.channel = kNone;
    progress.outcome = "FAILED";
  }
  if (!sent.ok()) {
    log_.Warning("a role could not be told of an alert",
                 {{"role", notice.told.ToString()},
                  {"attempt", progress.attempts},
                  {"why", sent.message()}});
  }
}

absl::StatusOr<v1::MailSettings> Notifier::MailServer() const {
  v1::MailSettings mail = settings_.mail();
  if (mail.program().empty()) return mail;
  // Each time anew: after a restart it listens elsewhere.
  const auto server = servers_(mail.program());
  if (!server.ok()) return absl::UnavailableError(server.status().message());
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(*server, absl::MaxSplits(':', 1));
  uint32_t port = 0;
  if (!absl::SimpleAtoi(parts.second, &port)) {
    return absl::UnavailableError("the mail server's address cannot be read");
  }
  mail.set_host(parts.first);
  mail.set_port(port);
  return mail;
}

absl::Status Notifier::SendTo(const Contact& contact, const Notice& notice) {
  const Message message{NameOf(notice), NoticeText(notice), notice.alert_ref,
                        clock_.Now()};
  const absl::Duration step = absl::Milliseconds(settings_.step_timeout_ms());
  if (contact.channel == kMail) {
    const auto mail = MailServer();
    if (!mail.ok()) return mail.status();
    return SendMail(*mail, step, contact.address, message, stop_);
  }
  return PostWebhook(settings_.webhook(), step, contact.address, message,
                     stop_);
}

bool Notifier::Publish(const Notice& notice, const Progress& progress) {
  Header header;
  header.source = SourceOf(self_);
  header.controller = self_.agency();
  header.purpose = self_.default_purpose();
  header.gateway = self_.default_gateway();
  header.regime = self_.default_regime();
  header.subject = notice.subject;
  // Not the alert's own: whoever accepts it names the version of that.
  header.stream = absl::StrCat("notice/", notice.alert_ref);
  {
    MutexLock lock(mu_);
    header.time_us = notices_.log_time_us();
  }
  // One for each addressee, whatever became of the one message.
  v1::AlertNotified event;
  event.set_alert_ref(notice.alert_ref);
  event.set_agency(notice.told.agency);
  event.set_role(notice.told.role);
  event.set_channel(progress.channel);
  event.set_outcome(progress.outcome);
  event.set_attempts(progress.attempts);
  std::vector<Event> set;
  absl::Status status;
  for (const RoleName& addressee : notice.addressees) {
    event.set_addressee(addressee.role);
    header.id = DerivedId(kService,
                          absl::StrCat(notice.alert_ref, "/",
                                       addressee.ToString(), "/", notice.step),
                          0);
    auto made = MakeEvent(*types_, header, event, random_);
    status.Update(made.status());
    if (made.ok()) set.push_back(*std::move(made));
  }
  if (status.ok()) {
    const auto outcomes =
        PublishAndWait(bus_, std::move(set), kPublishPatience);
    if (!outcomes.ok()) {
      status = outcomes.status();
    } else {
      // One of before the crash may be there with other words: it has been told.
      for (const PublishOutcome& outcome : *outcomes) {
        if (!outcome.accepted) {
          status.Update(absl::UnavailableError(outcome.detail));
        }
      }
      if (status.ok()) return true;
    }
  }
  log_.Error("that a role was told could not be published",
             {{"why", status.message()}});
  return false;
}

}  // namespace concordat::alerts
