// An engine with the demo's rules, feeds, calendars and agreement, and what
// happens to it in a word.
#ifndef CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_DOMAIN_ENGINE_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_DOMAIN_ENGINE_FIXTURE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/nhs/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/alerts/domain/engine.h"
#include "tests/support/demo_engine.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {

inline uint64_t At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M", text, absl::UTCTimeZone(),
                              &time, &error))
      << error;
  return static_cast<uint64_t>(absl::ToUnixMicros(time));
}

inline PersonKey Person(uint8_t n) {
  std::array<uint8_t, PersonKey::kBytes> bytes = {};
  bytes[0] = n;
  return PersonKey(bytes);
}

class EngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, testing::IsOk());
    types_ = *types;
    const auto definitions = testing::DemoDefinitions(types_);
    ASSERT_THAT(definitions, testing::IsOk());
    auto engine = MakeEngine(*definitions);
    ASSERT_THAT(engine, testing::IsOk());
    engine_ = std::make_unique<Engine>(*std::move(engine));
    hub::v1::AgreementAdopted adopted;
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, testing::IsOk());
    const policy::v1::Agreement& agreement = agreements->front();
    adopted.set_name(agreement.name());
    adopted.set_version(agreement.version());
    adopted.set_agreement(agreement.SerializeAsString());
    Happens(adopted, "2025-11-03 02:00", "urn:concordat:hub:bus", "hub",
            PersonKey());
  }

  std::vector<AlertDraft> Happens(
      const google::protobuf::Message& message, const std::string& when,
      const std::string& source, const std::string& controller,
      const PersonKey& person = Person(2), const std::string& arrives = "",
      const std::string& retracts = "", const std::string& corrects = "") {
    View view;
    view.sequence.value = ++sequence_;
    view.accepted_us = At(arrives.empty() ? when : arrives);
    view.header.source = source;
    view.header.controller = controller;
    view.header.type = std::string(message.GetDescriptor()->full_name());
    view.header.id = absl::StrCat("e-", sequence_);
    view.header.subject = person;
    view.header.time_us = At(when);
    view.header.retracts = retracts;
    view.header.corrects = corrects;
    auto groups =
        types_->Find(view.header.type)->Split(message.SerializeAsString());
    EXPECT_THAT(groups, testing::IsOk());
    for (auto& group : *groups) {
      view.groups.push_back({group.number, group.data, {}});
    }
    log_.push_back(view);
    auto drafts = engine_->Apply(view);
    EXPECT_THAT(drafts, testing::IsOk());
    if (!drafts.ok()) return {};
    // What the event caused; what fell due before it is asked for elsewhere.
    std::erase_if(*drafts, [](const auto& d) { return d.causation.empty(); });
    return *drafts;
  }

  void CaseOpens(uint32_t level = 2, const PersonKey& person = Person(2)) {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-2");
    opened.add_parties("dundee-city-council");
    opened.add_parties("police-scotland");
    opened.add_parties("nhs-tayside");
    opened.set_lead("dundee-city-council");
    Happens(opened, "2025-11-04 09:31", kMappa, "mappa-tayside", person);
    mappa::v1::LevelChanged changed;
    changed.set_case_ref("C-2");
    changed.set_to_level(level);
    Happens(changed, "2025-11-06 12:00", kMappa, "mappa-tayside", person);
  }

  std::vector<AlertDraft> Contact(const std::string& outcome,
                                  const std::string& when,
                                  const std::string& arrives = "") {
    socialwork::v1::ContactRecorded contact;
    contact.set_mode("OFFICE");
    contact.set_outcome(outcome);
    return Happens(contact, when, kSocialWork, "dundee-city-council", Person(2),
                   arrives);
  }
  std::vector<AlertDraft> Engagement(const std::string& engagement,
                                     const std::string& when) {
    nhs::v1::EngagementReported reported;
    reported.set_engagement(engagement);
    return Happens(reported, when, kNhs, "nhs-tayside");
  }
  std::vector<AlertDraft> Charge(const std::string& group,
                                 const std::string& when) {
    police::v1::ChargeRecorded charge;
    charge.set_offence_group(group);
    charge.set_disposal("LIBERATED");
    return Happens(charge, when, kPolice, "police-scotland");
  }
  void Closes(const Alert& alert, const std::string& when) {
    v1::AlertAccepted accepted;
    accepted.set_alert_ref(alert.ref);
    accepted.set_agency("dundee-city-council");
    accepted.set_by("socialwork");
    Happens(accepted, when, kAlerts, "mappa-tayside");
    v1::AlertClosed closed;
    closed.set_alert_ref(alert.ref);
    closed.set_agency("dundee-city-council");
    closed.set_by("socialwork");
    closed.set_outcome("breach report sent");
    Happens(closed, when, kAlerts, "mappa-tayside");
  }
  AlertSight Sight(const Alert& alert, const std::string& agency,
                   const std::string& role) const {
    const auto sight = engine_->See(alert, {"somebody", agency, {role}});
    EXPECT_TRUE(sight.has_value());
    return sight.value_or(AlertSight());
  }
  std::vector<std::string> Words(const Alert& alert, const std::string& agency,
                                 const std::string& role) const {
    std::vector<std::string> words;
    for (const EvidenceWords& e : Sight(alert, agency, role).evidence) {
      words.push_back(e.words);
    }
    return words;
  }
  static std::vector<std::string> To(const Alert& alert) {
    std::vector<std::string> to;
    for (const AlertMember& member : alert.members) {
      if (!member.told()) continue;
      to.push_back(member.who.Name() + (member.who.copy ? " (copy)" : ""));
    }
    return to;
  }

  const std::string kMappa = "urn:concordat:mappa-tayside:mappa";
  const std::string kSocialWork = "urn:concordat:dundee-city-council:jsw";
  const std::string kNhs = "urn:concordat:nhs-tayside:concordat-nhs";
  const std::string kPolice = "urn:concordat:police-scotland:rms";
  const std::string kAlerts = "urn:concordat:mappa-tayside:alerts";
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<Engine> engine_;
  std::vector<View> log_;  // What happened.
  uint64_t sequence_ = 0;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_DOMAIN_ENGINE_FIXTURE_H_
