// The notifier against a real mail server and a real web server.
//
// | bug | test |
// |---|---|
// | a mail says whom or what it is about | AMailSaysThatThereIsAnAlertAndNoMore |
// | sent in the clear where TLS is required | WithoutTlsNothingIsSentWhereItIsRequired |
// | any certificate is good enough | ACertificateOfAStrangerIsNotTrusted |
// | a busy server is given up, or a refusal is tried for ever | ABusyServerIsTriedAgainWithTheSameName, ARefusalIsFinalAndSaysSo |
// | a mute server blocks everybody | AMuteServerHoldsUpOnlyItsOwn |
// | told again after a restart | WhatWasToldBeforeARestartIsNotToldAgain |
// | told while the log is still read | NobodyIsToldBeforeTheLogIsRead |
// | a server that is away is asked without end, or ever as often | AServerThatIsAwayIsTriedLessAndLess |
// | the fact stands in the alert's own stream | AMailSaysThatThereIsAnAlertAndNoMore |
// | a fact is lost while the bus is away | TheFactWaitsForTheBusAndTheMailIsNotRepeated |
#include "services/alerts/notify/notifier.h"

#include <signal.h>
#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "concordat/alerts/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"

namespace concordat::alerts {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr char kSource[] = "urn:concordat:mappa-tayside:alerts";

// tests/support/notice_servers.py with these arguments, until it goes.
class Server {
 public:
  explicit Server(const std::string& arguments) {
    const std::string command =
        absl::StrCat("exec /usr/bin/python3 ", std::getenv("CONCORDAT_SOURCE"),
                     "/tests/support/notice_servers.py ", arguments);
    output_ = popen(command.c_str(), "r");
    const boost::json::object first = Next();
    if (first.empty()) return;
    pid_ = static_cast<pid_t>(first.at("pid").as_int64());
    port_ = static_cast<uint32_t>(first.at("port").as_int64());
  }
  ~Server() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    if (output_ != nullptr) pclose(output_);
  }
  uint32_t port() const { return port_; }
  // The next thing that it says; waits for it.
  boost::json::object Next() {
    char line[65536];
    if (output_ == nullptr || fgets(line, sizeof line, output_) == nullptr) {
      return {};
    }
    return boost::json::parse(line).as_object();
  }

 private:
  FILE* output_ = nullptr;
  pid_t pid_ = 0;
  uint32_t port_ = 0;
};

class NotifierTest : public ::testing::Test {
 protected:
  void SetUp() override {
    types_ = concordat::testing::DemoTypes().value();
    self_.set_name("service-alerts");
    self_.set_agency("mappa-tayside");
    self_.set_system("alerts");
    self_.set_default_purpose("MAPPA_RISK_MANAGEMENT");
    self_.set_default_gateway("G1");
    self_.set_default_regime(bus::v1::REGIME_GDPR);
    const TlsCredentials issued = ca_.Issue("spiffe://demo.concordat/x/mail");
    files_.Write("ca.pem", ca_.certificate());
    files_.Write("mail.pem", issued.certificate);
    files_.Write("mail.key", issued.private_key);
    settings_.set_step_timeout_ms(5000);
    settings_.set_attempts_max(3);
    settings_.set_first_wait_ms(20);
    settings_.set_last_wait_ms(100);
    settings_.set_stale_after_hours(24);
    client_ = bus_.Connect("service-alerts");
  }
  void TearDown() override { notifier_.reset(); }

  std::string Tls() const {
    return absl::StrCat(" --certificate ", files_.PathOf("mail.pem"), " --key ",
                        files_.PathOf("mail.key"));
  }
  void MailTo(const Server& server, v1::TlsUse tls) {
    v1::MailSettings* mail = settings_.mutable_mail();
    mail->set_host("127.0.0.1");
    mail->set_port(server.port());
    mail->set_from("alerts@concordat.invalid");
    mail->set_tls(tls);
    mail->set_ca_file(files_.PathOf("ca.pem"));
  }
  void SetContact(const std::string& role, const std::string& channel,
                  const std::string& address) {
    contacts_[role] = {channel, address};
  }
  void Start() {
    ASSERT_THAT(CheckNotifierSettings(settings_), IsOk());
    notifier_ = std::make_unique<Notifier>(
        settings_,
        RoleDirectory(std::make_shared<const Calendars>(
                          Calendars::Build({}, absl::UTCTimeZone()).value()),
                      absl::UTCTimeZone()),
        [this](const RoleName& role) -> absl::StatusOr<std::optional<Contact>> {
          if (on_contact_) on_contact_();
          const auto found = contacts_.find(role.role);
          if (found == contacts_.end()) return std::nullopt;
          return found->second;
        },
        [this](const std::string& program) -> absl::StatusOr<std::string> {
          if (program == "demo-mailbox") return mailbox_;
          return absl::NotFoundError("no such program");
        },
        *client_, types_, self_, clock_, steady_, random_, log_);
    notifier_->Start();
  }
  void WasTold(const std::string& ref) {
    v1::AlertNotified event;
    event.set_alert_ref(ref);
    event.set_agency("dundee-city-council");
    event.set_role("duty-senior");
    event.set_addressee("duty-senior");
    event.set_channel("MAIL");
    event.set_outcome("SENT");
    event.set_attempts(1);
    Publish("told-" + ref, event);
  }
  void Raise(const std::string& ref, const std::string& severity,
             const std::vector<std::string>& addressees) {
    v1::AlertRaised event;
    event.set_alert_ref(ref);
    event.set_rule("R01");
    event.set_rule_version(1);
    event.set_severity(severity);
    event.add_evidence("urn:concordat:police-scotland:rms#1");
    for (const std::string& to : addressees) event.add_addressees(to);
    Publish("raised-" + ref, event);
  }
  void Publish(const std::string& id, const google::protobuf::Message& event) {
    Header header;
    header.source = kSource;
    header.id = id;
    header.controller = "mappa-tayside";
    header.subject = PersonKey(std::array<uint8_t, 16>{7});
    header.time_us = 1'763'777'100'000'000;
    auto made = MakeEvent(*types_, header, event, random_);
    ASSERT_THAT(made, IsOk());
    std::vector<Event> set;
    set.push_back(*std::move(made));
    ASSERT_THAT(PublishAndWait(*client_, std::move(set), kPatience), IsOk());
  }
  // What the log says of the n-th event, which it waits for.
  v1::AlertNotified Fact(size_t n) {
    v1::AlertNotified fact;
    EXPECT_TRUE(bus_.WaitForEvents(n, kPatience));
    const auto events = bus_.events();
    if (events.size() < n) return fact;
    EXPECT_EQ(events[n - 1].header.type, "concordat.alerts.v1.AlertNotified");
    EXPECT_TRUE(fact.ParseFromString(events[n - 1].Data()));
    return fact;
  }

  concordat::testing::TempDir files_;
  concordat::testing::TestCa ca_;
  SystemClock clock_;
  SystemSteadyClock steady_;
  concordat::testing::SeededRandom random_;
  const Logger log_{"notifier-test"};
  concordat::testing::FakeBus bus_{clock_};
  std::shared_ptr<const TypeRegistry> types_;
  bus::v1::Principal self_;
  v1::NotifierSettings settings_;
  std::map<std::string, Contact> contacts_;  // By role.
  std::string mailbox_;
  std::function<void()> on_contact_;
  std::unique_ptr<BusClient> client_;
  std::unique_ptr<Notifier> notifier_;
};

TEST_F(NotifierTest, FindsTheMailServerOfItsDataDirectoryAnewEachTime) {
  Server server("mail");
  ASSERT_NE(server.port(), 0u);
  v1::MailSettings* mail = settings_.mutable_mail();
  mail->set_program("demo-mailbox");
  mail->set_from("alerts@concordat.invalid");
  mail->set_tls(v1::TLS_USE_NEVER);
  mail->set_host("127.0.0.1");
  EXPECT_THAT(CheckNotifierSettings(settings_),
              HasCode(absl::StatusCode::kInvalidArgument));
  mail->clear_host();
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  // It is not there yet when the first mail is to go.
  on_contact_ = [this, &server, tries = 0]() mutable {
    if (++tries == 2) mailbox_ = absl::StrCat("127.0.0.1:", server.port());
  };
  Start();
  Raise("A-417", "CRITICAL", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(server.Next().at("outcome").as_string(), "taken");
  EXPECT_EQ(Fact(2).outcome(), "SENT");
  EXPECT_EQ(Fact(2).attempts(), 2u);
}

TEST_F(NotifierTest, AMailSaysThatThereIsAnAlertAndNoMore) {
  Server server("mail" + Tls());
  ASSERT_NE(server.port(), 0u);
  MailTo(server, v1::TLS_USE_REQUIRED);
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  Start();
  Raise("A-417", "CRITICAL", {"dundee-city-council/duty-senior"});
  const boost::json::object mail = server.Next();
  ASSERT_EQ(mail.at("outcome").as_string(), "taken");
  EXPECT_TRUE(mail.at("tls").as_bool());
  EXPECT_EQ(boost::json::serialize(mail.at("to")), "[\"duty@dundee.invalid\"]");
  const std::string text(mail.at("mail").as_string());
  EXPECT_THAT(text, HasSubstr("\r\n\r\nYou have a CRITICAL Concordat alert, "
                              "reference A-417. Sign in."));
  EXPECT_THAT(text, HasSubstr("Subject: Concordat alert A-417\r\n"));
  for (const char* never :
       {"R01", "dundee-city-council", "duty-senior", "p-", "urn:concordat"}) {
    EXPECT_THAT(text, Not(HasSubstr(never)));
  }
  const v1::AlertNotified fact = Fact(2);
  EXPECT_EQ(fact.alert_ref(), "A-417");
  EXPECT_EQ(fact.agency(), "dundee-city-council");
  EXPECT_EQ(fact.role(), "duty-senior");
  EXPECT_EQ(fact.channel(), "MAIL");
  EXPECT_EQ(fact.outcome(), "SENT");
  EXPECT_EQ(fact.attempts(), 1u);
  // The fact holds no address.
  EXPECT_EQ(fact.SerializeAsString().find("invalid"), std::string::npos);
  EXPECT_EQ(bus_.events()[1].header.stream, "notice/A-417");
}

TEST_F(NotifierTest, WithoutTlsNothingIsSentWhereItIsRequired) {
  Server server("mail");
  MailTo(server, v1::TLS_USE_REQUIRED);
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  Start();
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(Fact(2).outcome(), "FAILED");
  notifier_.reset();
  // Where it is taken when offered, the same server is good enough.
  settings_.mutable_mail()->set_tls(v1::TLS_USE_WHEN_OFFERED);
  Start();
  Raise("A-2", "HIGH", {"dundee-city-council/duty-senior"});
  const boost::json::object mail = server.Next();  // The first that it took.
  EXPECT_THAT(std::string(mail.at("mail").as_string()), HasSubstr("A-2"));
  EXPECT_FALSE(mail.at("tls").as_bool());
  EXPECT_EQ(Fact(4).outcome(), "SENT");
}

TEST_F(NotifierTest, ACertificateOfAStrangerIsNotTrusted) {
  Server server("mail" + Tls());
  MailTo(server, v1::TLS_USE_WHEN_OFFERED);
  const concordat::testing::TestCa stranger;
  files_.Write("ca.pem", stranger.certificate());
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  Start();
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(Fact(2).outcome(), "FAILED");
}

TEST_F(NotifierTest, ABusyServerIsTriedAgainWithTheSameName) {
  Server server("web --busy 2");
  settings_.mutable_webhook();
  SetContact("duty-senior", "WEBHOOK",
             absl::StrCat("http://127.0.0.1:", server.port(), "/hook?a=b"));
  Start();
  Raise("A-417", "HIGH", {"dundee-city-council/duty-senior"});
  std::vector<std::string> bodies;
  for (const char* outcome : {"busy", "busy", "taken"}) {
    const boost::json::object post = server.Next();
    ASSERT_EQ(post.at("outcome").as_string(), outcome);
    EXPECT_THAT(std::string(post.at("head").as_string()),
                HasSubstr("POST /hook?a=b HTTP/1.1\r\n"));
    bodies.emplace_back(post.at("body").as_string());
  }
  EXPECT_EQ(bodies[0], bodies[2]);
  const auto body = boost::json::parse(bodies[0]);
  EXPECT_EQ(body.at("text").as_string(),
            "You have a HIGH Concordat alert, reference A-417. Sign in.");
  EXPECT_EQ(body.at("reference").as_string(), "A-417");
  const v1::AlertNotified fact = Fact(2);
  EXPECT_EQ(fact.outcome(), "SENT");
  EXPECT_EQ(fact.attempts(), 3u);
}

TEST_F(NotifierTest, AWebhookOverTlsIsTold) {
  Server server("web" + Tls());
  settings_.mutable_webhook()->set_ca_file(files_.PathOf("ca.pem"));
  SetContact("duty-senior", "WEBHOOK",
             absl::StrCat("https://127.0.0.1:", server.port(), "/hook"));
  Start();
  Raise("A-417", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(server.Next().at("outcome").as_string(), "taken");
  EXPECT_EQ(Fact(2).outcome(), "SENT");
}

TEST_F(NotifierTest, ARefusalIsFinalAndSaysSo) {
  Server server("mail --refuse");
  MailTo(server, v1::TLS_USE_NEVER);
  SetContact("duty-senior", "MAIL", "gone@dundee.invalid");
  Start();
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  const v1::AlertNotified fact = Fact(2);
  EXPECT_EQ(fact.outcome(), "FAILED");
  EXPECT_EQ(fact.attempts(), 1u);
}

TEST_F(NotifierTest, AMuteServerHoldsUpOnlyItsOwn) {
  Server mute("mute");
  Server server("mail");
  MailTo(server, v1::TLS_USE_NEVER);
  settings_.mutable_webhook();
  settings_.set_step_timeout_ms(1000);
  SetContact("senior", "WEBHOOK",
             absl::StrCat("http://127.0.0.1:", mute.port(), "/"));
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  Start();
  Raise("A-1", "HIGH",
        {"dundee-city-council/senior", "dundee-city-council/duty-senior"});
  const v1::AlertNotified first = Fact(2);
  EXPECT_EQ(first.role(), "duty-senior");
  EXPECT_EQ(first.outcome(), "SENT");
  const v1::AlertNotified second = Fact(3);
  EXPECT_EQ(second.role(), "senior");
  EXPECT_EQ(second.outcome(), "FAILED");
  EXPECT_EQ(second.attempts(), 3u);
}

TEST_F(NotifierTest, WithoutContactOrChannelTheFactSaysSo) {
  SetContact("senior", "MAIL", "senior@dundee.invalid");
  Start();  // Neither mail nor webhook is on.
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  v1::AlertNotified fact = Fact(2);
  EXPECT_EQ(fact.outcome(), "NO_CONTACT");
  EXPECT_EQ(fact.channel(), "NONE");
  Raise("A-2", "HIGH", {"dundee-city-council/senior"});
  fact = Fact(4);
  EXPECT_EQ(fact.outcome(), "SWITCHED_OFF");
  EXPECT_EQ(fact.channel(), "MAIL");
}

TEST_F(NotifierTest, WhatWasToldBeforeARestartIsNotToldAgain) {
  Server server("mail");
  MailTo(server, v1::TLS_USE_NEVER);
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  Start();
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(Fact(2).outcome(), "SENT");
  EXPECT_THAT(std::string(server.Next().at("mail").as_string()),
              HasSubstr("A-1"));
  notifier_.reset();
  Start();
  Raise("A-2", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_THAT(std::string(server.Next().at("mail").as_string()),
              HasSubstr("A-2"));
  EXPECT_EQ(Fact(4).alert_ref(), "A-2");
}

TEST_F(NotifierTest, NobodyIsToldBeforeTheLogIsRead) {
  constexpr size_t kAlerts = 300;
  for (size_t i = 0; i < kAlerts; ++i) {
    Raise(absl::StrCat("A-", i), "HIGH", {"dundee-city-council/duty-senior"});
  }
  for (size_t i = 0; i < kAlerts; ++i) WasTold(absl::StrCat("A-", i));
  std::atomic<int> asked{0};
  on_contact_ = [&] { ++asked; };
  Start();
  Raise("A-new", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(Fact(2 * kAlerts + 2).alert_ref(), "A-new");
  EXPECT_EQ(asked, 1);
  notifier_.reset();
}

TEST_F(NotifierTest, AServerThatIsAwayIsTriedLessAndLess) {
  v1::MailSettings* mail = settings_.mutable_mail();
  mail->set_program("demo-mailbox");  // Nothing listens.
  mail->set_from("alerts@concordat.invalid");
  mail->set_tls(v1::TLS_USE_NEVER);
  settings_.set_first_wait_ms(400);
  settings_.set_last_wait_ms(10'000);
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  Start();
  const absl::Duration start = steady_.Elapsed();
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_EQ(Fact(2).outcome(), "FAILED");
  EXPECT_EQ(Fact(2).attempts(), 3u);
  // Twice as long the second time.
  EXPECT_GE(steady_.Elapsed() - start, absl::Milliseconds(400 + 800));
}

TEST_F(NotifierTest, TheFactWaitsForTheBusAndTheMailIsNotRepeated) {
  Server server("mail");
  MailTo(server, v1::TLS_USE_NEVER);
  SetContact("duty-senior", "MAIL", "duty@dundee.invalid");
  // The next set after the address was asked for is the fact.
  on_contact_ = [this, first = true]() mutable {
    if (std::exchange(first, false)) {
      bus_.RefuseNext(bus::v1::REFUSAL_READ_ONLY, "the disk is full");
    }
  };
  Start();
  Raise("A-1", "HIGH", {"dundee-city-council/duty-senior"});
  const v1::AlertNotified fact = Fact(2);
  EXPECT_EQ(fact.outcome(), "SENT");
  EXPECT_EQ(fact.attempts(), 1u);
  EXPECT_THAT(std::string(server.Next().at("mail").as_string()),
              HasSubstr("A-1"));
  Raise("A-2", "HIGH", {"dundee-city-council/duty-senior"});
  EXPECT_THAT(std::string(server.Next().at("mail").as_string()),
              HasSubstr("A-2"));
}

TEST_F(NotifierTest, ASettingThatFitsNoOtherIsNamed) {
  const v1::NotifierSettings good = settings_;
  const auto refused = [](const v1::NotifierSettings& settings,
                          const char* field) {
    const absl::Status status = CheckNotifierSettings(settings);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr(field));
  };
  settings_.set_last_wait_ms(1);
  refused(settings_, "last_wait_ms");
  settings_ = good;
  settings_.mutable_mail()->set_host("relay.invalid");
  settings_.mutable_mail()->set_port(25);
  settings_.mutable_mail()->set_from("alerts@concordat.invalid");
  settings_.mutable_mail()->set_tls(v1::TLS_USE_NEVER);
  refused(settings_, "mail.tls");
}

}  // namespace
}  // namespace concordat::alerts
