#include "gateway/common/schemas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::HasSubstr;

class SchemasTest : public ::testing::Test {
 protected:
  SchemasTest() {
    std::ifstream in(
        std::string(getenv("CONCORDAT_BUILD")) + "/concordat.binpb",
        std::ios::binary);
    auto built =
        Schemas::Build(std::string((std::istreambuf_iterator<char>(in)), {}));
    EXPECT_THAT(built.status(), IsOk());
    schemas_ = *std::move(built);
  }
  std::unique_ptr<Schemas> schemas_;
};

TEST_F(SchemasTest, FindsAMethodByAnyOfItsNames) {
  for (const char* name :
       {"mappa.OpenCase", "concordat.mappa.v1.MappaService/OpenCase",
        "concordat.mappa.v1.MappaService.OpenCase"}) {
    const auto method = schemas_->FindMethod(name);
    ASSERT_THAT(method.status(), IsOk()) << name;
    EXPECT_EQ(FullName(**method), "concordat.mappa.v1.MappaService/OpenCase");
    EXPECT_EQ(ProgramOf(**method), "concordat-mappa");
  }
  EXPECT_EQ(ProgramOf(**schemas_->FindMethod("edge.ListRejects")),
            "concordat-adapter");
  // A package has services in several files.
  for (const char* name :
       {"bus.GetLogStatus", "bus.ListErasures", "bus.ListCorrections",
        "hub.GetStatus", "access.WhoKnew"}) {
    EXPECT_THAT(schemas_->FindMethod(name).status(), IsOk()) << name;
  }
}

TEST_F(SchemasTest, SaysWhichMethodsThereAre) {
  const auto method = schemas_->FindMethod("police.RecordVist");
  EXPECT_THAT(method.status(), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(std::string(method.status().message()), HasSubstr("RecordVisit"));
  EXPECT_THAT(schemas_->FindMethod("polise.RecordVisit").status(),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(schemas_->FindMethod("RecordVisit").status(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(SchemasTest, TurnsJsonIntoTheBytesOfAMessageAndBack) {
  const auto method = schemas_->FindMethod("mappa.OpenCase");
  const auto& type = *(*method)->input_type();
  constexpr char kJson[] =
      R"({"subject":"p-1","caseOpened":{"caseRef":"C-1"}})";
  const auto bytes = schemas_->FromJson(type, kJson);
  ASSERT_THAT(bytes.status(), IsOk());
  const auto message = schemas_->NewMessage(type);
  EXPECT_TRUE(message->ParseFromString(*bytes));
  const auto json = schemas_->ToJson(type, *bytes);
  ASSERT_THAT(json.status(), IsOk());
  EXPECT_EQ(*json, kJson);
  EXPECT_THAT(schemas_->FromJson(type, R"({"subjet":"p-1"})").status(),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(schemas_->ToJson(type, "\xff").status(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(SchemasBuildTest, RefusesWhatIsNoDescriptorSet) {
  EXPECT_THAT(Schemas::Build("nonsense\xff").status(),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::gateway
