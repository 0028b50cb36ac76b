// What needs two people at the real concordat-bus: asked for, listed, agreed to,
// recorded; by calls and by the command line.
//
// Mutant                                            Caught by
// the first call does it                            OneAsksAndAnotherAgrees
// who asked agrees                                  OneAsksAndAnotherAgrees
// one request does it twice                         OneAsksAndAnotherAgrees
// what was asked is lost by a restart               ARestartForgetsNothing
// something else is done than was asked for         WhatWasAskedForIsWhatIsDone
// the right of the second is not looked at          TheSecondNeedsTheRightToo
// bad input is taken, or not said                   BadInputIsSaid
// what was refused is agreed to, or done            WhatIsRefusedIsNotDone
// anybody refuses, or what is settled               WhatIsRefusedIsNotDone
// who may agree to nothing is told of kinds         TheSecondNeedsTheRightToo
#include "concordat/bus/v1/approval.pb.h"
#include "concordat/hub/v1/approval.pb.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

class FourEyesTest : public BusProcessTest {
 protected:
  template <typename Response>
  absl::StatusOr<Response> Call(absl::string_view principal,
                                absl::string_view method,
                                const google::protobuf::MessageLite& request) {
    return AskOf<Response>(
        principal, absl::StrCat("concordat.bus.v1.ApprovalService/", method),
        request);
  }
  absl::StatusOr<bus::v1::AgreeResponse> Agree(
      absl::string_view principal, const bus::v1::AgreeRequest& request) {
    return Call<bus::v1::AgreeResponse>(principal, "Agree", request);
  }
  absl::Status Refuse(absl::string_view principal, const std::string& approval,
                      const std::string& why = "not needed") {
    bus::v1::RefuseRequest request;
    request.set_approval(approval);
    request.set_why(why);
    return Call<bus::v1::RefuseResponse>(principal, "Refuse", request).status();
  }
  bus::v1::ListApprovalsResponse List(absl::string_view principal) {
    const auto list = Call<bus::v1::ListApprovalsResponse>(
        principal, "ListApprovals", bus::v1::ListApprovalsRequest());
    EXPECT_THAT(list, IsOk());
    return list.ok() ? *list : bus::v1::ListApprovalsResponse();
  }
  std::vector<std::string> Open(absl::string_view principal = "admin") {
    std::vector<std::string> what;
    const auto list = List(principal);
    for (const auto& each : list.approvals()) {
      what.push_back(absl::StrCat(each.by(), ": ", each.what()));
    }
    return what;
  }
  static bus::v1::AgreeRequest Enrolment() {
    bus::v1::AgreeRequest request;
    request.set_kind("enrolment");
    request.set_what("enrolment of nhs-tayside/ward");
    request.set_digest(std::string(32, 'd'));
    request.set_count(1);
    request.set_why("a new system");
    return request;
  }
  // What the log has of it, in order.
  std::vector<std::string> Records() {
    const auto client = Connect("service-alerts");
    const Sequence end = {LogStatus().end_sequence()};
    auto subscription = *client->Subscribe({});
    std::vector<std::string> records;
    while (subscription->scanned_through() < end) {
      const auto next = subscription->Next(absl::Milliseconds(200));
      if (!next.ok()) continue;
      const View& view = next->view;
      hub::v1::ApprovalAsked asked;
      hub::v1::ApprovalGiven given;
      hub::v1::ApprovalRefused refused;
      if (view.header.type == "concordat.hub.v1.ApprovalAsked") {
        EXPECT_TRUE(asked.ParseFromString(view.Data()));
        records.push_back(absl::StrCat("asked ", asked.what(), " by ",
                                       asked.by(), ": ", asked.why()));
      } else if (view.header.type == "concordat.hub.v1.ApprovalGiven") {
        EXPECT_TRUE(given.ParseFromString(view.Data()));
        records.push_back(
            absl::StrCat("given by ", given.by(), " to ", given.asked_by()));
      } else if (view.header.type == "concordat.hub.v1.ApprovalRefused") {
        EXPECT_TRUE(refused.ParseFromString(view.Data()));
        records.push_back(absl::StrCat("refused to ", refused.asked_by(),
                                       " by ", refused.by(), ": ",
                                       refused.why()));
      }
      subscription->Ack(next->number);
    }
    return records;
  }
};

TEST_F(FourEyesTest, OneAsksAndAnotherAgrees) {
  bus::v1::AgreeRequest request = Enrolment();
  const auto asked = Agree("admin", request);
  ASSERT_THAT(asked, IsOk());
  ASSERT_TRUE(asked->has_asked());
  EXPECT_THAT(Open(), ElementsAre("admin: enrolment of nhs-tayside/ward"));
  EXPECT_THAT(Open("second-operator"), ::testing::SizeIs(1));
  EXPECT_THAT(Open("police"), IsEmpty());
  request.set_approval(asked->asked().approval());
  const auto alone = Agree("admin", request);
  EXPECT_THAT(alone, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(alone.status().message(), HasSubstr("another person"));
  const auto given = Agree("second-operator", request);
  ASSERT_THAT(given, IsOk());
  EXPECT_FALSE(given->has_asked());
  EXPECT_EQ(given->asked_by(), "admin");
  EXPECT_EQ(given->agreed_by(), "second-operator");
  EXPECT_EQ(given->why(), "a new system");
  EXPECT_THAT(Open(), IsEmpty());
  const auto again = Agree("second-operator", request);
  EXPECT_THAT(again, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(again.status().message(), HasSubstr("already"));
  EXPECT_THAT(Records(),
              ElementsAre("asked enrolment of nhs-tayside/ward by admin: a new "
                          "system",
                          "given by second-operator to admin"));
}

TEST_F(FourEyesTest, ARestartForgetsNothing) {
  bus::v1::AgreeRequest request = Enrolment();
  const auto asked = Agree("admin", request);
  ASSERT_THAT(asked, IsOk());
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(Open(), ::testing::SizeIs(1));
  request.set_approval(asked->asked().approval());
  ASSERT_THAT(Agree("second-operator", request), IsOk());
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(Agree("second-operator", request),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(FourEyesTest, WhatWasAskedForIsWhatIsDone) {
  const auto asked = Agree("admin", Enrolment());
  ASSERT_THAT(asked, IsOk());
  bus::v1::AgreeRequest other = Enrolment();
  other.set_approval(asked->asked().approval());
  other.set_digest(std::string(32, 'e'));
  other.set_what("enrolment of somebody else");
  const auto refused = Agree("second-operator", other);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(refused.status().message(), HasSubstr("nhs-tayside/ward"));
  other = Enrolment();
  other.set_approval(asked->asked().approval());
  other.set_kind("keys");
  EXPECT_THAT(Agree("second-operator", other),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Open(), ::testing::SizeIs(1));
}

TEST_F(FourEyesTest, TheSecondNeedsTheRightToo) {
  bus::v1::AgreeRequest request = Enrolment();
  EXPECT_THAT(Agree("police", request),
              HasCode(absl::StatusCode::kPermissionDenied));
  const auto asked = Agree("admin", request);
  ASSERT_THAT(asked, IsOk());
  request.set_approval(asked->asked().approval());
  const auto refused = Agree("police", request);
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(refused.status().message(),
              HasSubstr("may_agree: \"enrolment\""));
  EXPECT_EQ(List("police").kinds_size(), 0);
  const auto may = List("admin");
  EXPECT_THAT(may.kinds(), ::testing::IsSupersetOf(
                               {"redrive", "park", "retention", "erasure"}));
}

TEST_F(FourEyesTest, WhatIsRefusedIsNotDone) {
  bus::v1::AgreeRequest request = Enrolment();
  const auto asked = Agree("admin", request);
  ASSERT_THAT(asked, IsOk());
  const std::string approval = asked->asked().approval();
  EXPECT_TRUE(List("admin").approvals(0).own());
  EXPECT_FALSE(List("second-operator").approvals(0).own());
  EXPECT_THAT(Refuse("police", approval),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(Refuse("second-operator", approval, ""),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Refuse("second-operator", "approval-of-nothing"),
              HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(Refuse("second-operator", approval), IsOk());
  EXPECT_THAT(Open(), IsEmpty());
  request.set_approval(approval);
  const auto given = Agree("second-operator", request);
  EXPECT_THAT(given, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(given.status().message(), HasSubstr("refused already"));
  bus_.Kill();
  bus_.Start();
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_THAT(Agree("second-operator", request),
              HasCode(absl::StatusCode::kFailedPrecondition));
  // Who asked takes back what they asked for; what was agreed to stays so.
  const auto second = Agree("admin", Enrolment());
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(Refuse("admin", second->asked().approval(), "a slip"), IsOk());
  const auto third = Agree("admin", Enrolment());
  ASSERT_THAT(third, IsOk());
  request.set_approval(third->asked().approval());
  ASSERT_THAT(Agree("second-operator", request), IsOk());
  EXPECT_THAT(Refuse("admin", third->asked().approval()),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Records(), ::testing::IsSupersetOf(
                             {"refused to admin by second-operator: not needed",
                              "refused to admin by admin: a slip"}));
}

TEST_F(FourEyesTest, BadInputIsSaid) {
  using Change = void (*)(bus::v1::AgreeRequest&);
  for (const auto& [names, change] :
       {std::pair("kind", Change([](auto& r) { r.set_kind("redrive"); })),
        {"digest", Change([](auto& r) { r.set_digest("short"); })},
        {"what", Change([](auto& r) { r.set_what("of 0303790016"); })},
        {"what", Change([](auto& r) { r.set_what(std::string(301, 'x')); })},
        {"why", Change([](auto& r) { r.set_why(""); })}}) {
    bus::v1::AgreeRequest request = Enrolment();
    change(request);
    const auto refused = Agree("admin", request);
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument)) << names;
    EXPECT_THAT(refused.status().message(), HasSubstr(names));
  }
  bus::v1::AgreeRequest request = Enrolment();
  request.set_approval("approval-of-nothing");
  EXPECT_THAT(Agree("second-operator", request),
              HasCode(absl::StatusCode::kNotFound));
  // An event of the hub that asked for nothing.
  request.set_approval("log-created");
  EXPECT_THAT(Agree("second-operator", request),
              HasCode(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace concordat
