// Mutant                                                 Caught by
// anybody reads what operators did                       WhoMayNotAskGetsNone
// a guardian reads of another agency, or of outages      AGuardianReadsOfItsAgency
// a record is lost between answers, or comes twice       NothingIsLostBetweenAnswers
// what is about somebody is told                         WhatIsAboutSomebodyIsNotTold
// a period's end is in it, or its beginning is not       APeriodIsThatAlone
#include "services/bus/daemon/record_desk.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {
namespace {

using concordat::testing::FakeEventLog;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RecordDeskTest : public ::testing::Test {
 protected:
  RecordDeskTest() {
    hub::v1::RegistryChanged changed;
    changed.set_principal("nhs");
    changed.set_agency("nhs-tayside");
    changed.set_change("ENROLLED");
    Append(changed, 10);
    Append(hub::v1::TimePassed(), 20);
    hub::v1::OperatorActed acted;
    acted.set_act(hub::v1::OperatorActed::ACT_DRAINED);
    Append(acted, 30);
    changed.set_agency("police-scotland");
    Append(changed, 40);
    hub::v1::FeedSilent silent;
    silent.set_feed("dundee/case-files");
    Append(silent, 50);
  }
  template <typename Message>
  void Append(const Message& message, uint64_t accepted_us,
              const PersonKey& subject = {}) {
    const std::string type = message.GetTypeName();
    const std::string id = absl::StrCat("e-", accepted_us);
    HeaderView header;
    header.source = "urn:concordat:hub:bus";
    header.type = type;
    header.id = id;
    header.subject = subject;
    log_.Append(header, message.SerializeAsString(), accepted_us);
  }
  static v1::Principal As(const char* role, const char* agency = "") {
    v1::Principal principal;
    principal.set_role(role);
    principal.set_agency(agency);
    return principal;
  }
  // The positions of all that is answered, page by page.
  std::vector<uint64_t> All(v1::ListRecordsRequest request,
                            const v1::Principal& caller,
                            size_t read_bytes = kRecordsReadBytes) {
    std::vector<uint64_t> all;
    for (bool more = true; more;) {
      const auto page = ReadRecords(log_, caller, request, read_bytes);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      for (const v1::LogRecord& each : page->records()) {
        all.push_back(each.sequence());
      }
      more = page->more();
      request.set_after(page->next());
    }
    return all;
  }

  FakeEventLog log_;
};

TEST_F(RecordDeskTest, WhoMayNotAskGetsNone) {
  for (const char* role : {"nhs-liaison", "adapter", "process", ""}) {
    EXPECT_THAT(ReadRecords(log_, As(role), {}),
                HasCode(absl::StatusCode::kPermissionDenied))
        << role;
  }
  v1::ListRecordsRequest request;
  request.add_types("concordat.police.v1.ConcernShared");
  const auto refused = ReadRecords(log_, As("operator"), request);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("concordat.hub.v1.RegistryChanged"));
  request.clear_types();
  request.set_from(20);
  request.set_to(20);
  EXPECT_THAT(ReadRecords(log_, As("operator"), request),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(RecordDeskTest, AGuardianReadsOfItsAgency) {
  EXPECT_THAT(All({}, As("operator")), ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(All({}, As("coordinator")), ElementsAre(1, 3, 4, 5));
  EXPECT_THAT(All({}, As("guardian", "nhs-tayside")), ElementsAre(1));
}

TEST_F(RecordDeskTest, NothingIsLostBetweenAnswers) {
  // More than one read of the log holds.
  for (uint64_t us = 60; us < 140; us += 10) Append(hub::v1::TimePassed(), us);
  Append(hub::v1::EventsLost(), 140);
  EXPECT_THAT(All({}, As("operator"), 1), ElementsAre(1, 3, 4, 5, 14));
  const auto first = ReadRecords(log_, As("operator"), {}, 1);
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->more());
  const auto page = ReadRecords(log_, As("operator"), {});
  ASSERT_THAT(page, IsOk());
  EXPECT_EQ(page->records(1).operator_acted().act(),
            hub::v1::OperatorActed::ACT_DRAINED);
  EXPECT_EQ(page->records(3).feed_silent().feed(), "dundee/case-files");
  EXPECT_EQ(page->records(3).accepted_time(), 50u);
  EXPECT_EQ(page->records(3).source(), "urn:concordat:hub:bus");
  EXPECT_FALSE(page->more());
}

TEST_F(RecordDeskTest, WhatIsAboutSomebodyIsNotTold) {
  Append(hub::v1::OperatorActed(), 60, PersonKey({7}));
  EXPECT_THAT(All({}, As("operator")), ElementsAre(1, 3, 4, 5));
}

TEST_F(RecordDeskTest, APeriodIsThatAlone) {
  v1::ListRecordsRequest request;
  request.set_from(30);
  request.set_to(50);
  EXPECT_THAT(All(request, As("operator")), ElementsAre(3, 4));
  request.add_types("concordat.hub.v1.RegistryChanged");
  EXPECT_THAT(All(request, As("operator")), ElementsAre(4));
}

}  // namespace
}  // namespace concordat::bus
