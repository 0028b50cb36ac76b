// The review list of an agency at the real concordat-bus. What each test catches:
//
//   listed to another agency, or without the right   AnAgencyWorksThroughItsList
//   decided of somebody who is not on the list       the same
//   a day that has gone by, or none                  the same
//   not recorded; not due again on its day           the same
//   a period that is left out is none, or of an
//     older version of the agreement                 the same
//   listed to whom the person's lists keep out       ToWhomIsKeptOutNobodyIsOnTheList
#include <fstream>

#include "concordat/bus/v1/erasure.pb.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/integration/bus/signed_text.h"

namespace concordat {
namespace {

constexpr uint64_t kDayUs = uint64_t{24} * 3600 * 1'000'000;
constexpr int kPerson = 7;

class ReviewProcessTest : public BusProcessTest {
 protected:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Reviews(absl::string_view principal,
                                   absl::string_view method,
                                   const Request& request) {
    return AskOf<Response>(
        principal, absl::StrCat("concordat.bus.v1.ErasureService/", method),
        request);
  }
  void WritePolicy(const std::string& review) {
    std::ofstream(bus_.data().PathOf("retention.textproto"))
        << "version: 2 effective: \"2026-01-01\" months_after_case: 24 "
           "months_after_event: 13 reviews { agency: \"police-scotland\" "
        << review << " reason: \"case reviews draw on it\" }\n";
  }
  void Agree(int version, int months) {
    ASSERT_THAT(
        AskOf<bus::v1::AdoptAgreementResponse>(
            "admin", "concordat.bus.v1.AgreementService/AdoptAgreement",
            testing::KeepingFor(bus_.data(), "inquiry", version, months)),
        IsOk());
  }
  absl::StatusOr<bus::v1::ListReviewsResponse> List(
      absl::string_view principal) {
    return Reviews<bus::v1::ListReviewsResponse>(principal, "ListReviews",
                                                 bus::v1::ListReviewsRequest());
  }
  static bus::v1::DecideReviewRequest Of(int person, const char* decision,
                                         const char* review_on) {
    bus::v1::DecideReviewRequest request;
    request.set_subject(PersonKey({static_cast<uint8_t>(person)}).ToString());
    request.set_decision(decision);
    request.set_review_on(review_on);
    request.set_reason("CASE_REVIEW");
    request.set_why("the review of 2028 draws on it");
    return request;
  }
  absl::Status Decide(const bus::v1::DecideReviewRequest& request) {
    return Reviews<bus::v1::DecideReviewResponse>("guardian-police",
                                                  "DecideReview", request)
        .status();
  }
  void LetTimePass(uint64_t to_us, const std::string& id) {
    hub::v1::TimePassed passed;
    passed.set_to(to_us);
    ASSERT_TRUE(Publish(*Connect("player"),
                        Make("urn:concordat:concordat-operator:player",
                             "concordat-operator", id, 0, passed))
                    .accepted);
  }
};

TEST_F(ReviewProcessTest, AnAgencyWorksThroughItsList) {
  EXPECT_THAT(List("guardian-police"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  WritePolicy("agreement: \"tayside-mappa\" months_after_end: 12");
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", kPerson)).accepted);
  auto list = List("guardian-police");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->items_size(), 0);
  EXPECT_THAT(Decide(Of(kPerson, "ERASE", "")),
              HasCode(absl::StatusCode::kNotFound));
  LetTimePass(kStoryUs + 400 * kDayUs, "t-2");  // 8 December 2026.
  list = List("guardian-police");
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->items_size(), 1);
  EXPECT_TRUE(list->items(0).due());
  EXPECT_EQ(list->items(0).events(), 1u);
  EXPECT_EQ(list->items(0).because(), "last-event");
  EXPECT_EQ(list->items(0).agreement(), "tayside-mappa");

  EXPECT_THAT(List("police"), HasCode(absl::StatusCode::kPermissionDenied));
  // By the period of the agreement that it is for, as it is adopted.
  WritePolicy("agreement: \"inquiry\"");
  EXPECT_THAT(std::string(List("guardian-police").status().message()),
              HasSubstr("reviews: police-scotland: months_after_end is left "
                        "out, and the agreement inquiry is not adopted"));
  Agree(1, 14);
  list = List("guardian-police");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->items_size(), 0);
  Agree(2, 13);
  list = List("guardian-police");
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->items_size(), 1);

  EXPECT_THAT(List("guardian-nhs"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  for (const auto& [request, named] :
       {std::pair(Of(kPerson, "MAYBE", ""), "decision"),
        std::pair(Of(kPerson, "KEEP", ""), "review_on"),
        std::pair(Of(kPerson, "KEEP", "2026-12-08"), "review_on"),
        std::pair(Of(kPerson, "ERASE", "2027-01-01"), "review_on")}) {
    const absl::Status refused = Decide(request);
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(refused.message()), HasSubstr(named));
  }
  EXPECT_THAT(Decide(Of(9, "ERASE", "")), HasCode(absl::StatusCode::kNotFound));

  ASSERT_THAT(Decide(Of(kPerson, "KEEP", "2026-12-20")), IsOk());
  list = List("guardian-police");
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->items_size(), 1);
  EXPECT_FALSE(list->items(0).due());
  EXPECT_EQ(list->items(0).decision(), "KEEP");
  EXPECT_EQ(list->items(0).decided_by(), "guardian-police");
  // It is in the log, and there after a restart.
  bus_.Kill();
  bus_.Start();
  EXPECT_FALSE(List("guardian-police")->items(0).due());
  LetTimePass(kStoryUs + 413 * kDayUs, "t-3");  // 21 December.
  EXPECT_TRUE(List("guardian-police")->items(0).due());
  ASSERT_THAT(Decide(Of(kPerson, "ERASE", "")), IsOk());
  EXPECT_FALSE(List("guardian-police")->items(0).due());
  // Nothing is removed by it: the list still has the event.
  EXPECT_EQ(List("guardian-police")->items(0).events(), 1u);
}

TEST_F(ReviewProcessTest, ToWhomIsKeptOutNobodyIsOnTheList) {
  WritePolicy("agreement: \"tayside-mappa\" months_after_end: 12");
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-1", kPerson)).accepted);
  ASSERT_TRUE(Publish(*Connect("police"), Concern("c-2", 8)).accepted);
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-1");
  access.add_excluded("police-scotland/guardian");
  access.set_reason("KNOWN_TO_STAFF");
  ASSERT_TRUE(Publish(*Connect("service-mappa"),
                      Make(kMappa, "mappa-tayside", "a-1", kPerson, access))
                  .accepted);
  LetTimePass(kStoryUs + 400 * kDayUs, "t-2");  // 8 December 2026.
  const auto list = List("guardian-police");
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->items_size(), 1);
  EXPECT_EQ(list->items(0).subject(), Of(8, "", "").subject());
  EXPECT_EQ(Decide(Of(kPerson, "ERASE", "")), Decide(Of(9, "ERASE", "")));
}

}  // namespace
}  // namespace concordat
