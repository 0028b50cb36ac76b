// A bus with the demo's agreement and a person whose case health leads, and what
// happens on it in a word.
#ifndef CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_BUS_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_BUS_FIXTURE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/nhs/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "services/common/event/make_event.h"
#include "tests/support/demo_types.h"
#include "tests/support/fake_bus.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"

namespace concordat::alerts {

class AlertsBusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = testing::DemoTypes();
    ASSERT_THAT(types, testing::IsOk());
    types_ = *types;
    agencies_ = bus_.Connect("agencies");
    const auto agreements = testing::DemoAgreements();
    ASSERT_THAT(agreements, testing::IsOk());
    hub::v1::AgreementAdopted adopted;
    adopted.set_name(agreements->front().name());
    adopted.set_version(agreements->front().version());
    adopted.set_agreement(agreements->front().SerializeAsString());
    Happens(adopted, "hub", "bus", PersonKey());
    CaseOpens("C-4", "nhs-tayside", {"nhs-tayside", "police-scotland"},
              person_);
  }

  void Happens(const google::protobuf::Message& message,
               const std::string& agency, const std::string& system,
               const PersonKey& person) {
    Header header;
    header.source = absl::StrCat("urn:concordat:", agency, ":", system);
    header.controller = agency;
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.regime = bus::v1::REGIME_GDPR;
    header.id = absl::StrCat("e-", ++count_);
    header.stream = absl::StrCat("s-", count_);
    header.subject = person;
    header.time_us = 1'764'000'000'000'000;
    auto event = MakeEvent(*types_, std::move(header), message, random_);
    ASSERT_THAT(event, testing::IsOk());
    std::vector<Event> set;
    set.push_back(*std::move(event));
    const auto outcomes =
        PublishAndWait(*agencies_, std::move(set), absl::Seconds(5));
    ASSERT_THAT(outcomes, testing::IsOk());
    ASSERT_TRUE(outcomes->front().accepted);
  }
  void CaseOpens(const std::string& ref, const std::string& lead,
                 const std::vector<std::string>& parties,
                 const PersonKey& person) {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref(ref);
    opened.set_lead(lead);
    opened.mutable_parties()->Assign(parties.begin(), parties.end());
    Happens(opened, "mappa-tayside", "mappa", person);
  }
  void GoesAbsent() { GoesAbsent(person_); }
  void GoesAbsent(const PersonKey& person) {
    nhs::v1::RestrictedPatientStatusChanged status;
    status.set_status("AWOL");
    Happens(status, "nhs-tayside", "concordat-nhs", person);
  }

  // Deadlines are of real time: a test that waits for a thread does too.
  SystemClock clock_;
  // The log's time, inside the agreement's period.
  testing::FakeClock log_clock_{absl::FromUnixSeconds(1'764'000'000)};
  testing::SeededRandom random_{7};
  const PersonKey person_{std::array<uint8_t, PersonKey::kBytes>{4}};
  testing::FakeBus bus_{log_clock_};
  std::shared_ptr<const TypeRegistry> types_;
  std::unique_ptr<BusClient> agencies_;
  int count_ = 0;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_ALERTS_RPC_BUS_FIXTURE_H_
