// Mutants, each with the test that catches it:
//
//   an unknown field is found at run time      RefusesAMappingThatCannotWork
//   a person's number in a stream              RefusesAMappingThatCannotWork
//   code dates ignored                         CodesHoldOnTheirDays
//   the newest version whatever the date       TakesTheVersionOfTheFilesDay
//   a field rule of the type not asked         AsksTheTypesOwnRules
//   JSON broken by quotes                      WritesAnyTextAsAValue
#include "adapters/casefile/mapping.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "services/common/crypto/sha256.h"
#include "tests/support/status_matchers.h"
#include "tests/unit/adapters/casefile/demo_mappings.h"

namespace concordat::casefile {
namespace {

using concordat::testing::IsOk;
using edge::v1::CaseFileMapping;
using edge::v1::WaitingRow;
using testing::DemoMapping;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::London;

const absl::CivilDay kDay(2025, 11, 26);

class MappingTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::shared_ptr<const Mapping>> Build(
      const CaseFileMapping& proto) const {
    return Mapping::Build(proto, types_, London());
  }
  std::string WhyNot(const CaseFileMapping& proto) const {
    return std::string(Build(proto).status().message());
  }
  // Columns as the contacts' mapping reads them, by name.
  WaitingRow Map(const Mapping& mapping,
                 std::map<std::string, std::string> columns) const {
    TableRow row;
    row.line = 2;
    for (const std::string& column : mapping.columns()) {
      row.fields.push_back(columns[column]);
    }
    return mapping.MapRow(row, "contacts-20251126.csv", kDay,
                          HmacSha256("marks"));
  }
  static std::map<std::string, std::string> Contact() {
    return {{"ClientID", "DCC-20017"}, {"Contact Date", "25/11/2025"},
            {"Time", "10:00"},         {"Type", "OFF"},
            {"Outcome", "DNA"},        {"Amended", "25/11/2025 16:12"}};
  }

  const std::shared_ptr<const TypeRegistry> types_ =
      *concordat::testing::DemoTypes();
  const CaseFileMapping contacts_ = DemoMapping("dundee-contacts-1");
};

TEST_F(MappingTest, ReadsOnlyTheColumnsThatItNames) {
  const auto mapping = Build(contacts_);
  ASSERT_THAT(mapping, IsOk());
  EXPECT_THAT((*mapping)->columns(),
              ElementsAre("ClientID", "Contact Date", "Time", "Amended",
                          "Outcome", "Type"));
}

TEST_F(MappingTest, RefusesAMappingThatCannotWork) {
  CaseFileMapping bad = contacts_;
  bad.mutable_rows(1)->mutable_fields(0)->set_field("modus");
  EXPECT_THAT(WhyNot(bad), HasSubstr("has not all of the fields"));
  bad = contacts_;
  bad.mutable_rows(1)->set_type("concordat.socialwork.v1.Nothing");
  EXPECT_THAT(WhyNot(bad), HasSubstr("no event type"));
  bad = contacts_;
  bad.mutable_rows(1)->set_stream_column("ClientID");
  EXPECT_THAT(WhyNot(bad), HasSubstr("never a person"));
  bad = contacts_;
  bad.mutable_rows(1)->mutable_fields(0)->set_codes("none");
  EXPECT_THAT(WhyNot(bad), HasSubstr("no code map none"));
  bad = contacts_;
  bad.mutable_files(0)->set_pattern("contacts.*\\.csv");
  EXPECT_THAT(WhyNot(bad), HasSubstr("needs a date in the name"));
  bad = contacts_;
  bad.mutable_delimited()->set_quote(";");
  EXPECT_THAT(WhyNot(bad), HasSubstr("separator and quote"));
  bad = contacts_;
  bad.mutable_amended()->set_form("dd/mm");
  EXPECT_THAT(WhyNot(bad), HasSubstr("no form of a date"));
  bad = contacts_;
  bad.set_content(edge::v1::CONTENT_EVERYTHING);
  EXPECT_THAT(WhyNot(bad), HasSubstr("vanished"));
  bad = contacts_;
  bad.mutable_person()->clear_system();
  EXPECT_THAT(WhyNot(bad), HasSubstr("person"));
  bad = contacts_;
  bad.clear_key();
  EXPECT_THAT(WhyNot(bad), HasSubstr("key"));
}

TEST_F(MappingTest, CodesHoldOnTheirDays) {
  CaseFileMapping proto = contacts_;
  edge::v1::CodeMeaning& old = *proto.mutable_codes(1)->mutable_codes(1);
  old.set_valid_to("2025-11-24");
  auto* fresh = proto.mutable_codes(1)->add_codes();
  fresh->set_from("DNA");
  fresh->set_to("EXCUSED");
  fresh->set_valid_from("2025-11-26");
  const auto mapping = *Build(proto);
  auto columns = Contact();
  EXPECT_EQ(Map(*mapping, columns).reason(),
            "Outcome: DNA is not in the codes outcome");
  columns["Contact Date"] = "24/11/2025";
  EXPECT_EQ(Map(*mapping, columns).kind(), edge::v1::ROW_KIND_FACT);
  columns["Contact Date"] = "26/11/2025";
  EXPECT_THAT(*types_->ToJson("concordat.socialwork.v1.ContactRecorded",
                              Map(*mapping, columns).data()),
              HasSubstr("EXCUSED"));
}

TEST_F(MappingTest, TakesTheVersionOfTheFilesDay) {
  CaseFileMapping second = contacts_;
  second.set_version(2);
  second.set_effective("2025-11-27");
  const auto set = MappingSet::Build({second, contacts_}, {"dundee-contacts"},
                                     types_, London());
  ASSERT_THAT(set, IsOk());
  const auto version = [&](const std::string& name) {
    const auto found = set->Find(name, kDay);
    EXPECT_THAT(found, IsOk());
    return found->has_value() ? (*found)->mapping->proto().version() : 0;
  };
  EXPECT_EQ(version("contacts-20251126.csv"), 1u);
  EXPECT_EQ(version("contacts-20251127.csv"), 2u);
  EXPECT_EQ(version("contacts-2025112.csv"), 0u);
  EXPECT_EQ(version("contacts-20251126.csv.bak"), 0u);
  EXPECT_FALSE(set->Find("contacts-20251101.csv", kDay).ok());
  EXPECT_FALSE(MappingSet::Build({contacts_, contacts_}, {"dundee-contacts"},
                                 types_, London())
                   .ok());
}

TEST_F(MappingTest, AsksTheTypesOwnRules) {
  CaseFileMapping orders = DemoMapping("dundee-orders-1");
  const auto mapping = *Build(orders);
  std::map<std::string, std::string> order = {{"ClientID", "DCC-20017"},
                                              {"Order No", "CPO-1"},
                                              {"Imposed", "24/11/2025"},
                                              {"Order Type", "CPO"},
                                              {"Requirements", "SUP+UPW"},
                                              {"Months", "24"},
                                              {"Hours", "150"},
                                              {"Level", "2"},
                                              {"Amended", "24/11/2025 15:00"}};
  EXPECT_EQ(Map(*mapping, order).kind(), edge::v1::ROW_KIND_FACT);
  order["Hours"] = "301";
  EXPECT_THAT(Map(*mapping, order).reason(), HasSubstr("unpaid_work_hours"));
  order["Hours"] = "80.5";
  EXPECT_EQ(Map(*mapping, order).reason(), "80.5 is not a whole number");
  order["Hours"] = "";
  order["Requirements"] = "SUP+XYZ";
  EXPECT_EQ(Map(*mapping, order).reason(),
            "Requirements: XYZ is not in the codes requirement");
  order["Requirements"] = "";
  order["Order No"] = "";
  EXPECT_THAT(Map(*mapping, order).reason(), HasSubstr("key are empty"));
}

TEST_F(MappingTest, WritesAnyTextAsAValue) {
  CaseFileMapping orders = DemoMapping("dundee-orders-1");
  const auto mapping = *Build(orders);
  std::map<std::string, std::string> order = {{"ClientID", "DCC-20017"},
                                              {"Order No", "a\"b\\c\n"},
                                              {"Imposed", "24/11/2025"},
                                              {"Order Type", "CPO"},
                                              {"Amended", "24/11/2025 15:00"}};
  // The type's pattern refuses it; nothing breaks out of the text.
  EXPECT_THAT(Map(*mapping, order).reason(), HasSubstr("order_ref"));
}

TEST_F(MappingTest, EveryCodeOfTheDemoIsOneOfItsList) {
  for (const auto& [type, outcome] :
       std::map<std::string, std::string>{{"OFF", "ATT"},
                                          {"TEL", "DNA"},
                                          {"HV", "AUTH"},
                                          {"GRP", "CXL"},
                                          {"VID", "ATT"}}) {
    auto columns = Contact();
    columns["Type"] = type;
    columns["Outcome"] = outcome;
    EXPECT_EQ(Map(**Build(contacts_), columns).reason(), "") << type;
  }
  auto booked = Contact();
  booked["Outcome"] = "BKD";
  EXPECT_EQ(Map(**Build(contacts_), booked).kind(),
            edge::v1::ROW_KIND_UNSPECIFIED);
}

TEST_F(MappingTest, WhoIsMeantMustBeReadable) {
  auto columns = Contact();
  const auto mapping = *Build(contacts_);
  columns["ClientID"] = "";
  EXPECT_EQ(Map(*mapping, columns).reason(), "ClientID: is empty");
  columns["ClientID"] = "DCC 20017 (old)";
  EXPECT_EQ(Map(*mapping, columns).reason(),
            "ClientID: is not a number of a case");
  EXPECT_EQ(Map(*mapping, columns).person(), "");
}

}  // namespace
}  // namespace concordat::casefile
