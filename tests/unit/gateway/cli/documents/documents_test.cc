// Papers made from the demo's own data.
//
// Mutant                                            Caught by
// a field that a line withholds is said to be shared  EveryDataItemIsSharedAsTheAgreementSays
// a line, recipient or type is left out             EveryDataItemIsSharedAsTheAgreementSays
// a table's rows are shorter than its head          EveryTableIsWhole
// what stands in data becomes markup                WhatStandsInDataIsNoMarkup
// a page fetches something                          APageIsWholeByItself
// a controller's page has another's recipients      AControllersPapersAreItsOwn
// "no such" without saying what there is            WhatIsNotThereIsNamed
// an edge's page says more or less than it reads    AnEdgesFieldsAreListed
#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "concordat/policy/v1/options.pb.h"
#include "gateway/cli/documents/builders.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

class DocumentsOfDataTest : public ::testing::Test {
 protected:
  DocumentsOfDataTest() {
    sources_.made = absl::FromUnixSeconds(1'764'000'000);
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
    policy::v1::Purpose& purpose = *sources_.legal.add_purposes();
    purpose.set_code("MAPPA_RISK_MANAGEMENT");
    purpose.set_title("managing the risk of serious harm");
    sources_.legal.set_version(3);
  }
  const policy::v1::Agreement& Agreement() const {
    return sources_.agreements.at(0).agreement;
  }
  std::vector<Document> All() const {
    std::vector<Document> all;
    for (auto document : {ScheduleOf(sources_, Agreement().name()),
                          ProcessingOf(sources_, "police-scotland"),
                          ImpactOf(sources_, "nhs-tayside")}) {
      EXPECT_THAT(document, IsOk());
      all.push_back(*std::move(document));
    }
    return all;
  }

  Sources sources_;
};

// By the words of the agreement alone, without the policy's code.
TEST_F(DocumentsOfDataTest, EveryDataItemIsSharedAsTheAgreementSays) {
  google::protobuf::FileDescriptorSet files;
  ASSERT_TRUE(files.ParseFromString(testing::DemoDescriptorSet()));
  google::protobuf::DescriptorPool pool;
  for (const auto& file : files.file()) {
    ASSERT_NE(pool.BuildFile(file), nullptr);
  }
  size_t items = 0;
  size_t withheld = 0;
  // As it stands, and with each tier as the highest, with a category and without.
  for (const policy::v1::Tier tier :
       {policy::v1::TIER_UNSPECIFIED, policy::v1::TIER_S1, policy::v1::TIER_S2,
        policy::v1::TIER_S3}) {
    policy::v1::Agreement agreement = Agreement();
    for (policy::v1::SeeGrant& grant : *agreement.mutable_see()) {
      if (tier == policy::v1::TIER_UNSPECIFIED ||
          grant.audience() == policy::v1::AUDIENCE_OWN) {
        continue;
      }
      grant.set_up_to(tier);
      if (tier == policy::v1::TIER_S2) {
        grant.add_categories(policy::v1::CATEGORY_CLINICAL);
      }
    }
    const auto lines = LinesOf(sources_, agreement);
    ASSERT_THAT(lines, IsOk());
    size_t expected = 0;
    for (const auto& grant : agreement.see()) {
      expected += grant.to() == "each"
                      ? static_cast<size_t>(agreement.parties_size()) + 1
                      : 1;
    }
    EXPECT_EQ(lines->size(), expected);
    for (const SharingLine& line : *lines) {
      const policy::v1::SeeGrant& grant = agreement.see(line.line);
      const int up_to = grant.up_to() == policy::v1::TIER_UNSPECIFIED
                            ? policy::v1::TIER_S3
                            : grant.up_to();
      for (const std::string& pattern : grant.types()) {
        if (absl::EndsWith(pattern, "*")) continue;
        EXPECT_TRUE(std::any_of(
            line.types.begin(), line.types.end(),
            [&](const SharedType& type) { return type.type == pattern; }))
            << pattern;
      }
      for (const SharedType& type : line.types) {
        const auto* const descriptor = pool.FindMessageTypeByName(type.type);
        ASSERT_NE(descriptor, nullptr) << type.type;
        ASSERT_EQ(type.items.size(),
                  static_cast<size_t>(descriptor->field_count()));
        for (size_t i = 0; i < type.items.size(); ++i) {
          google::protobuf::FieldOptions options;
          ASSERT_TRUE(
              options.ParseFromString(descriptor->field(static_cast<int>(i))
                                          ->options()
                                          .SerializeAsString()));
          const auto& rule = options.GetExtension(policy::v1::field);
          // What has no sensitivity goes with the event.
          const bool given =
              rule.tier() == policy::v1::TIER_S4
                  ? std::find(grant.categories().begin(),
                              grant.categories().end(),
                              rule.category()) != grant.categories().end()
                  : rule.tier() <= std::max<int>(up_to, policy::v1::TIER_S1);
          EXPECT_EQ(type.items[i].given, given)
              << line.to << " " << type.type << " " << type.items[i].field;
          ++items;
          if (!given) ++withheld;
        }
      }
    }
  }
  EXPECT_GT(items, 500u);
  EXPECT_GT(withheld, 50u);
}

TEST_F(DocumentsOfDataTest, EveryTableIsWhole) {
  for (const Document& document : All()) {
    EXPECT_EQ(document.made, "24 November 2025");
    EXPECT_FALSE(document.made_from.empty());
    EXPECT_GT(document.sections.size(), 6u) << document.kind;
    for (const Section& section : document.sections) {
      for (const Table& table : section.tables) {
        for (const auto& row : table.rows) {
          EXPECT_EQ(row.size(), table.head.size())
              << document.kind << ": " << table.caption;
        }
      }
    }
    const json::object parsed = json::parse(ToJson(document)).as_object();
    EXPECT_EQ(parsed.at("kind").as_string(), document.kind.c_str());
    EXPECT_EQ(parsed.at("sections").as_array().size(),
              document.sections.size());
  }
  const std::string schedule = ToHtml(All()[0]);
  EXPECT_THAT(schedule, HasSubstr("tayside-demo version"));
  EXPECT_THAT(schedule, HasSubstr("managing the risk of serious harm"));
  EXPECT_THAT(schedule, HasSubstr("Dundee case files"));
  EXPECT_THAT(schedule, HasSubstr("NOT SIGNED"));
  sources_.agreements[0].signed_by = {Agreement().parties().begin(),
                                      Agreement().parties().end()};
  sources_.agreements[0].retired_by = "nhs-tayside";
  sources_.agreements[0].retired_because = "the board has left";
  const std::string signed_by_all = ToHtml(All()[0]);
  EXPECT_THAT(signed_by_all, Not(HasSubstr("NOT SIGNED")));
  EXPECT_THAT(signed_by_all,
              HasSubstr("Ended early by NHS Tayside: the board has left"));
}

TEST_F(DocumentsOfDataTest, WhatStandsInDataIsNoMarkup) {
  sources_.registry.mutable_agencies(0)->set_display_name(
      "<script>alert('x')</script>\"&");
  const auto document = ScheduleOf(sources_, Agreement().name());
  ASSERT_THAT(document, IsOk());
  const std::string html = ToHtml(*document);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)"));
  json::parse(ToJson(*document));
}

TEST_F(DocumentsOfDataTest, APageIsWholeByItself) {
  for (const Document& document : All()) {
    const std::string html = ToHtml(document);
    EXPECT_THAT(html, HasSubstr("<html lang=\"en-GB\">"));
    EXPECT_THAT(html, HasSubstr("@media print"));
    for (const char* fetches : {"src=", "href=", "@import", "url("}) {
      EXPECT_THAT(html, Not(HasSubstr(fetches)));
    }
  }
}

TEST_F(DocumentsOfDataTest, AControllersPapersAreItsOwn) {
  const auto police = ProcessingOf(sources_, "police-scotland");
  const auto nhs = ProcessingOf(sources_, "nhs-tayside");
  ASSERT_THAT(police, IsOk());
  ASSERT_THAT(nhs, IsOk());
  EXPECT_THAT(ToHtml(*police), HasSubstr("Concern shared: concern_type"));
  EXPECT_THAT(ToHtml(*nhs), Not(HasSubstr("Concern shared: concern_type")));
  EXPECT_THAT(ToHtml(*police), HasSubstr("no retention policy"));
  // What the hub itself is sent of it, and of what no more than the header.
  const Table* services = nullptr;
  for (const Section& section : police->sections) {
    for (const Table& table : section.tables) {
      if (table.head[0] == "Service") services = &table;
    }
  }
  ASSERT_NE(services, nullptr);
  const auto row_of = [&](const std::string& name) {
    for (const auto& row : services->rows) {
      if (row[0] == name) return row;
    }
    return std::vector<std::string>(3);
  };
  EXPECT_THAT(row_of("service-alerts")[1], HasSubstr("Concern shared"));
  EXPECT_EQ(row_of("service-alerts")[2], "");
  EXPECT_EQ(row_of("service-mappa")[1], "");
  EXPECT_THAT(row_of("service-mappa")[2], HasSubstr("Concern shared"));
  sources_.retention.emplace();
  sources_.retention->set_version(7);
  sources_.retention->set_effective("2026-01-01");
  sources_.retention->set_months_after_case(24);
  EXPECT_THAT(ToHtml(*ProcessingOf(sources_, "police-scotland")),
              HasSubstr("policy version 7, in force from 2026-01-01"));
}

TEST_F(DocumentsOfDataTest, APaperHasThePeriodsOfItsAgreements) {
  sources_.retention.emplace();
  sources_.retention->set_months_after_case(30);
  sources_.retention->set_months_after_event(6);
  StandingAgreement other = sources_.agreements[0];
  other.agreement.set_name("other");
  other.agreement.set_version(2);
  other.agreement.mutable_retention()->set_months_after_case(60);
  other.agreement.mutable_retention()->set_months_after_event(12);
  sources_.agreements.push_back(other);
  other.agreement.set_name("silent");
  other.agreement.clear_parties();
  other.agreement.clear_part3_parties();
  other.agreement.clear_see();
  other.agreement.clear_retention();
  sources_.agreements.push_back(other);
  const auto rows = [](const absl::StatusOr<Document>& document) {
    EXPECT_THAT(document, IsOk());
    for (const Section& section : document->sections) {
      if (section.title == "Retention at the hub") {
        return section.tables.at(0).rows;
      }
    }
    return std::vector<std::vector<std::string>>();
  };
  using ::testing::ElementsAre;
  const auto of_demo = ElementsAre(NameOf(sources_.agreements[0]), "24", "13");
  const auto of_other = ElementsAre("other version 2, in force", "60", "12");
  // A schedule's own; a controller's, of whose it is; the arrangement's.
  EXPECT_THAT(rows(ScheduleOf(sources_, Agreement().name())),
              ElementsAre(of_demo));
  EXPECT_THAT(rows(ProcessingOf(sources_, "nhs-tayside")),
              ElementsAre(of_demo, of_other));
  EXPECT_THAT(rows(ProcessingOf(sources_, "mappa-tayside")),
              ElementsAre(of_demo, of_other,
                          ElementsAre("silent version 2, in force",
                                      "as the hub's policy has it",
                                      "as the hub's policy has it")));
  // What people are told is the longest that holds for them.
  EXPECT_THAT(ToHtml(*NoticeOf(sources_, "nhs-tayside")),
              HasSubstr("60 months after your case was closed, and 13 months "
                        "after the last fact about you"));
  sources_.retention->set_months_after_event(36);
  EXPECT_THAT(ToHtml(*NoticeOf(sources_, "mappa-tayside")),
              HasSubstr("and 36 months after the last fact"));
}

TEST_F(DocumentsOfDataTest, WhatIsNotThereIsNamed) {
  for (const absl::Status& status : {ScheduleOf(sources_, "nothing").status(),
                                     ProcessingOf(sources_, "nothing").status(),
                                     ImpactOf(sources_, "nothing").status()}) {
    EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
    EXPECT_THAT(std::string(status.message()), HasSubstr("tayside"));
  }
  EXPECT_THAT(FieldsOf(sources_, "edge-health").status(),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(DocumentsOfDataTest, AnEdgesFieldsAreListed) {
  edge::v1::FieldInventory& edge = sources_.inventories.emplace_back();
  edge.set_edge("edge-health");
  edge.set_agency("nhs-tayside");
  edge.set_held_days_max(92);
  edge::v1::InventorySource& source = *edge.add_sources();
  source.set_name("HL7 v2 messages");
  edge::v1::InventoryItem& item = *source.add_items();
  item.set_where("PID-3");
  item.set_what("numbers");
  const auto document = FieldsOf(sources_, "edge-health");
  ASSERT_THAT(document, IsOk());
  const std::string html = ToHtml(*document);
  EXPECT_THAT(html, HasSubstr("NHS Tayside"));
  EXPECT_THAT(html, HasSubstr("PID-3"));
  EXPECT_THAT(html, HasSubstr("at most 92 days"));
}

}  // namespace
}  // namespace concordat::cli
