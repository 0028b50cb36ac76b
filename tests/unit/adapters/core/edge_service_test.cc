// What the operator sees of an edge, and may do; what its own people are told
// beforehand.
//
//   | bug                                             | test                  |
//   | what is held shown to the operator, or replayed | WhatIsHeldIsNotThere..|
//   | content, or why not, told to the operator       | TheOperatorReplays... |
//   | a preview changes something                     | TheOperatorReplays... |
//   | a release is offered that cannot be, or the     | WhatCannotBeReleased..|
//   |   refusal comes after the decision was awaited  |                       |
//   | whom a person's lists keep out is shown, or     | WhomAPersonsLists...  |
//   |   may act on, an item; or told another "no"     |                       |
#include "adapters/core/edge_service.h"

#include "concordat/hub/v1/events.pb.h"
#include "tests/unit/adapters/core/item_desk_fixture.h"

namespace concordat::edge {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::HasSubstr;
using testing::kTorquil;
using ::testing::Not;

bus::v1::Principal Operator() {
  bus::v1::Principal admin;
  admin.set_agency("concordat-operator");
  admin.set_system("console");
  admin.set_role("operator");
  return admin;
}

class EdgeServiceTest : public testing::ItemDeskTest {
 protected:
  // Number of the item.
  uint64_t Refuse(int key) {
    WaitingMessage message;
    message.key[0] = static_cast<uint8_t>(key);
    message.received_us = NowMicros();
    message.message = "SECRETCONTENT";
    Verdict verdict = Held();
    verdict.reason = "no code of the table";
    verdict.words = "SECRETWORDS";
    verdict.localsubject = "SECRETNUMBER";
    verdict.place = "SECRETPLACE";
    EXPECT_THAT(store_->Refuse(message, verdict), IsOk());
    return store_->items().back().message.number;
  }
  EdgeService Service() {
    return {*store_,
            *desk_,
            "nhs-tayside",
            {"nhs-liaison"},
            [this](const PersonKey& subject, const bus::v1::Principal& caller) {
              return caller.name() != excluded_ || subject != kTorquil;
            },
            nullptr};
  }
  std::string excluded_ = "nobody";

  static v1::ReplayItemRequest ReplayRequest(const std::string& item_ref) {
    v1::ReplayItemRequest request;
    request.set_item_ref(item_ref);
    request.set_reason("MAPPING_MENDED");
    request.mutable_command()->set_request_id("redrive-" + item_ref);
    return request;
  }
};

TEST_F(EdgeServiceTest, TheOperatorReplaysWhatWasRefusedAndSeesEnvelopesAlone) {
  ASSERT_EQ(Refuse(9), 1u);
  EdgeService service = Service();
  const auto list = service.List(Operator(), {});
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->items_size(), 1);
  EXPECT_EQ(list->items(0).item_ref(), "R-1");
  EXPECT_EQ(list->items(0).reason(), "no code of the table");
  EXPECT_EQ(list->items(0).received_at(), NowMicros());
  EXPECT_EQ(list->items(0).state(), "open");

  rules_.replayable = false;
  auto preview = service.PreviewReplay(Operator());
  ASSERT_THAT(preview, IsOk());
  ASSERT_EQ(preview->items_size(), 1);
  EXPECT_EQ(preview->items(0).item_ref(), "R-1");
  EXPECT_FALSE(preview->items(0).ready());
  const auto refused = service.Replay(Operator(), ReplayRequest("R-1"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.status().message()),
              Not(HasSubstr("as before")));

  rules_.replayable = true;
  preview = service.PreviewReplay(Operator());
  EXPECT_TRUE(preview->items(0).ready());
  EXPECT_EQ(store_->OldestAct(), std::nullopt);
  EXPECT_EQ(bus_.events().size(), 0u);
  StartWorker();
  judged_.outcome = v1::OUTCOME_PUBLISHED;
  const auto taken = service.Replay(Operator(), ReplayRequest("R-1"));
  ASSERT_THAT(taken, IsOk());
  EXPECT_EQ(taken->item().state(), "replayed");
  EXPECT_EQ(store_->counts().published, 1u);
  hub::v1::KeptItemReplayed fact;
  ASSERT_TRUE(fact.ParseFromString(bus_.events()[0].Data()));
  EXPECT_EQ(fact.by(), "urn:concordat:concordat-operator:console");
  EXPECT_EQ(fact.reason(), "MAPPING_MENDED");
  // A repeat gets the first answer.
  const auto again = service.Replay(Operator(), ReplayRequest("R-1"));
  ASSERT_THAT(again, IsOk());
  EXPECT_TRUE(again->duplicate());
  EXPECT_EQ(again->position(), taken->position());
  for (const std::string& told : {list->DebugString(), preview->DebugString(),
                                  taken->DebugString(), again->DebugString()}) {
    EXPECT_THAT(told, Not(HasSubstr("SECRET")));
    EXPECT_THAT(told, Not(HasSubstr(kTorquil.ToString())));
  }
}

TEST_F(EdgeServiceTest, WhatIsHeldIsNotThereForTheOperator) {
  const uint64_t held = Hold(1);
  EdgeService service = Service();
  const auto list = service.List(Operator(), {});
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ(list->items(0).item_ref(), "");
  EXPECT_EQ(list->items(0).received_at(), 0u);
  EXPECT_EQ(service.PreviewReplay(Operator())->items_size(), 0);
  StartWorker();
  const std::string none =
      service.Replay(Operator(), ReplayRequest("R-99")).status().ToString();
  const auto refused = [&] {
    return service.Replay(Operator(), ReplayRequest("H-1")).status();
  };
  EXPECT_THAT(refused(), HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(refused().ToString(), none);
  // Nor once somebody acted on it.
  ASSERT_THAT(desk_->Take(Wish(v1::ACT_KIND_LEAVE, held), {}), IsOk());
  EXPECT_EQ(refused().ToString(), none);
  EXPECT_EQ(Types(), std::vector<std::string>{"KeptItemLeft"});
  // Other acts are not the operator's.
  v1::LeaveItemRequest leave;
  leave.set_item_ref("H-1");
  EXPECT_THAT(service.Leave(Operator(), leave),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(service.Look(Operator(), {}),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(EdgeServiceTest, WhomAPersonsListsKeepOutFindsNoItemOfThatPerson) {
  Hold(1);
  EdgeService service = Service();
  bus::v1::Principal liaison = Operator();
  liaison.set_agency("nhs-tayside");
  liaison.set_role("nhs-liaison");
  liaison.set_name("cousin");
  EXPECT_EQ(service.List(liaison, {})->items_size(), 1);
  excluded_ = "cousin";
  EXPECT_EQ(service.List(liaison, {})->items_size(), 0);
  StartWorker();
  v1::LookAtItemRequest look;
  look.set_item_ref("H-9");
  const absl::Status none = service.Look(liaison, look).status();
  EXPECT_THAT(none, HasCode(absl::StatusCode::kNotFound));
  look.set_item_ref("H-1");
  EXPECT_EQ(service.Look(liaison, look).status(), none);
  v1::LeaveItemRequest leave;
  leave.set_item_ref("H-1");
  leave.set_reason("NOT_NEEDED");
  leave.mutable_command()->set_request_id("leave-1");
  EXPECT_THAT(service.Leave(liaison, leave),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_TRUE(store_->items()[0].open());
  liaison.set_name("colleague");
  EXPECT_EQ(service.List(liaison, {})->items_size(), 1);
  EXPECT_THAT(service.Look(liaison, look), IsOk());
}

TEST_F(EdgeServiceTest, WhatCannotBeReleasedSaysSoBeforeADecisionIsMade) {
  Hold(1);
  ASSERT_EQ(Refuse(9), 2u);
  EdgeService service = Service();
  bus::v1::Principal liaison = Operator();
  liaison.set_agency("nhs-tayside");
  liaison.set_role("nhs-liaison");
  const auto held = [&] { return service.List(liaison, {})->items(0); };
  EXPECT_EQ(held().cannot_release(), "");
  EXPECT_EQ(held().service_code(), "ALCOHOL_TREATMENT");
  rules_.releasable = false;
  EXPECT_EQ(held().cannot_release(), "never by a message");
  EXPECT_EQ(held().service_code(), "");
  // Of what was refused it is not a question, nor for the operator.
  EXPECT_EQ(service.List(liaison, {})->items(1).cannot_release(), "");
  EXPECT_EQ(service.List(Operator(), {})->items(0).cannot_release(), "");

  StartWorker();
  v1::ReleaseItemRequest release;
  release.set_decision_ref("D-1");
  release.set_reason("NEEDED_FOR_RISK_MANAGEMENT");
  for (const char* ref : {"H-1", "R-2"}) {
    rules_.releasable = ref[0] == 'R';
    release.set_item_ref(ref);
    release.mutable_command()->set_request_id(ref);
    EXPECT_THAT(service.Release(liaison, release),
                HasCode(absl::StatusCode::kFailedPrecondition))
        << ref;
  }
  EXPECT_EQ(rules_.awaited, 0);
  EXPECT_TRUE(store_->items()[0].open());
  EXPECT_TRUE(store_->items()[1].open());
}

}  // namespace
}  // namespace concordat::edge
