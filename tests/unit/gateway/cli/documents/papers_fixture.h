#ifndef CONCORDAT_TESTS_UNIT_GATEWAY_CLI_DOCUMENTS_PAPERS_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_GATEWAY_CLI_DOCUMENTS_PAPERS_FIXTURE_H_

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/ids.h"
#include "services/common/config/data_directory.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

inline std::string Person(int number) {
  return PersonKey({static_cast<uint8_t>(number), 7}).ToString();
}

inline std::string FileOf(const std::string& path) {
  std::ifstream file(absl::StrCat(std::getenv("CONCORDAT_SOURCE"), "/", path));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline uint64_t Micros(absl::CivilMinute minute) {
  return static_cast<uint64_t>(
      absl::ToUnixMicros(absl::FromCivil(minute, absl::UTCTimeZone())));
}

inline const Table* TableOf(const Document& document,
                            absl::string_view caption) {
  for (const Section& section : document.sections) {
    for (const Table& table : section.tables) {
      if (table.caption == caption) return &table;
    }
  }
  ADD_FAILURE() << document.kind << " has no table " << caption;
  return nullptr;
}

class PapersFixture : public ::testing::Test {
 protected:
  PapersFixture() {
    sources_.made = absl::FromCivil(absl::CivilMinute(2025, 11, 24, 16, 0),
                                    absl::UTCTimeZone());
    sources_.zone = absl::UTCTimeZone();
    sources_.environment = "demo";
    sources_.registry = *testing::DemoRegistry();
    const auto agreements = testing::DemoAgreements();
    for (const policy::v1::Agreement& agreement : *agreements) {
      sources_.agreements.push_back({agreement, true});
    }
    sources_.types = *testing::DemoTypes();
    sources_.schemas = *gateway::Schemas::Build(testing::DemoDocumentedSet());
    sources_.feeds = *testing::DemoFeeds();
    sources_.folder_rules = *testing::DemoRules();
    sources_.rules.mutable_rules()->Assign(sources_.folder_rules->begin(),
                                           sources_.folder_rules->end());
    EXPECT_THAT(ParseTextProto({"scotland.textproto",
                                FileOf("deploy/config/legal/scotland."
                                       "textproto")},
                               &sources_.legal),
                IsOk());
  }

  access::v1::Access Row(policy::v1::Operation operation, uint64_t record) {
    access::v1::Access row;
    row.set_operation(operation);
    row.set_time(Micros(absl::CivilMinute(2025, 11, 3, 9, 0)) + record);
    row.set_agency("nhs-tayside");
    row.set_principal("nhs");
    row.set_staff(absl::StrCat("staff-", record));
    row.set_what("concordat.identity.v1.IdentityService/Describe");
    row.set_purpose("MAPPA_RISK_MANAGEMENT");
    row.set_outcome("OK");
    row.add_subjects(Person(1));
    row.set_record(record);
    return row;
  }
  access::v1::AccessExtract Extract() {
    access::v1::AccessExtract extract;
    extract.set_made_by("coordinator");
    access::v1::ListAccessResponse& page = *extract.add_pages();
    page.set_program("concordat-identity");
    for (int operation = 1; operation <= 6; ++operation) {
      *page.add_accesses() = Row(static_cast<policy::v1::Operation>(operation),
                                 static_cast<uint64_t>(operation));
    }
    page.add_not_running()->set_crashed(true);
    return extract;
  }

  // Notified on the first day, decided, and met so many days later.
  mappa::v1::GetCaseResponse Case(int number, uint32_t level, int decided_after,
                                  int met_after) {
    const absl::CivilDay first(2025, 11, 3);
    const auto at = [&](int days) {
      return Micros(absl::CivilMinute(first + days) + 600);
    };
    mappa::v1::GetCaseResponse one;
    mappa::v1::Case& record = *one.mutable_record();
    record.set_case_ref(absl::StrCat("C-", number));
    record.set_subject(Person(number));
    record.set_lead("police-scotland");
    record.add_parties("police-scotland");
    record.add_parties("nhs-tayside");
    record.set_opened_at(at(decided_after));
    mappa::v1::Notification& told = *one.add_notifications();
    told.set_from("police-scotland");
    told.set_received_at(at(0));
    told.mutable_received()->set_category("SONR");
    mappa::v1::LevelStep& step = *one.add_levels();
    step.set_to_level(level);
    step.set_at(at(decided_after));
    if (met_after >= 0) {
      mappa::v1::Meeting& met = *one.add_meetings();
      met.set_at(at(met_after));
      met.mutable_held()->set_level(level);
      met.mutable_held()->add_present("police-scotland");
      met.mutable_held()->add_written_return("nhs-tayside");
    }
    return one;
  }
  LimitClocks Clocks() {
    auto calendars =
        Calendars::Build(*testing::DemoCalendars(), absl::UTCTimeZone());
    EXPECT_THAT(calendars, IsOk());
    auto clocks = LimitClocks::Build(
        *testing::DemoClocks(),
        std::make_shared<const Calendars>(*std::move(calendars)),
        absl::UTCTimeZone());
    EXPECT_THAT(clocks, IsOk());
    return *std::move(clocks);
  }

  Breach BreachHere() {
    Breach breach;
    breach.known = sources_.made - absl::Hours(80);
    breach.tell_by = breach.known + absl::Hours(72);
    breach.clock = "C65-breach";
    access::v1::WhoKnewReport& report = breach.reports.emplace_back();
    report.set_subject(Person(1));
    access::v1::KnownEvent& event = *report.add_events();
    event.set_sequence(7);
    event.set_type("concordat.police.v1.ConcernShared");
    event.set_controller("police-scotland");
    for (const char* agency : {"nhs-tayside", "dundee-city-council"}) {
      access::v1::Knower& knower = *report.add_knowers();
      knower.set_agency(agency);
      knower.set_role("nhs-liaison");
      access::v1::Knowledge& knowledge = *knower.add_events();
      knowledge.set_sequence(7);
      knowledge.set_delivered_time(Micros(absl::CivilMinute(2025, 11, 20)));
      // The first group alone.
      knowledge.set_delivered_groups(1);
      knower.add_openings()->set_principal("nhs");
    }
    return breach;
  }

  Sources sources_;
};

}  // namespace concordat::cli

#endif  // CONCORDAT_TESTS_UNIT_GATEWAY_CLI_DOCUMENTS_PAPERS_FIXTURE_H_
