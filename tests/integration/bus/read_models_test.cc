// A service's read model follows the real concordat-bus while agreements change:
// what policy shows it of the past is not lost, and not folded out of order.
//
// Mutant                                       Caught by
// a wider view of what was applied passed over AWiderViewOfAnEventIsNotLost
// applied after what came after it             AnEventShownLateIsFoldedInItsPlace
// the service has no right to a person's lists ItFollowsWhoMaySeeAPersonsRecord
#include <filesystem>
#include <fstream>

#include "concordat/nhs/v1/events.pb.h"
#include "google/protobuf/text_format.h"
#include "services/nhs/rpc/liaison_book.h"
#include "tests/integration/bus/bus_fixture.h"

namespace concordat {
namespace {

constexpr char kNhs[] = "urn:concordat:nhs-tayside:concordat-nhs";

class ReadModelsTest : public BusProcessTest {
 protected:
  // The demo's agreement, which shows a service what its agency published; here
  // this alone, if anything.
  void Agree(absl::string_view instead) {
    auto agreements = bus_.data().LoadAgreements();
    ASSERT_THAT(agreements, IsOk());
    if (whole_.name().empty()) whole_ = agreements->front();
    policy::v1::Agreement agreement = whole_;
    agreement.set_version(++version_);
    if (!instead.empty()) {
      for (policy::v1::SeeGrant& grant : *agreement.mutable_see()) {
        const std::vector<std::string> roles(grant.roles().begin(),
                                             grant.roles().end());
        grant.clear_roles();
        for (const std::string& role : roles) {
          if (role != "service") grant.add_roles(role);
        }
      }
      ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
          std::string(instead), agreement.add_see()));
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(agreement, &text);
    const std::string folder = absl::StrCat(bus_.data().path(), "/agreements");
    // Without the file of signatories a demo hub takes it unsigned.
    std::filesystem::remove(bus_.data().PathOf("signatories.textproto"));
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      if (file.path().extension() != ".textproto") continue;
      std::ofstream(file.path()) << text;
    }
    EXPECT_EQ(bus_.Stop(), 0);
    bus_.Start();
    bus::v1::GetLogStatusResponse status;
    ASSERT_TRUE(status.ParseFromString(Call("admin", "GetLogStatus")));
    end_.value = status.end_sequence();
  }
  void Decide() {
    nhs::v1::SharingDecided decided;
    decided.set_decision_ref("S-1");
    decided.set_what("ENGAGEMENT_ONLY");
    decided.set_service_code("ALCOHOL_TREATMENT");
    decided.set_until("2026-01-31");
    Say(Make(kNhs, "nhs-tayside", "d-1", 1, decided));
  }
  void End() {
    nhs::v1::SharingEnded ended;
    ended.set_decision_ref("S-1");
    Say(Make(kNhs, "nhs-tayside", "d-2", 1, ended));
  }
  void Say(Event event) {
    const auto client = Connect("service-nhs");
    const PublishOutcome outcome = Publish(*client, std::move(event));
    ASSERT_TRUE(outcome.accepted) << outcome.detail;
    end_ = outcome.sequence;
  }
  // Builds the model, or goes on with it, until it is up to date.
  absl::Status Follow() {
    if (projection_ == nullptr) {
      client_ = Connect("service-nhs");
      book_ = std::make_unique<nhs::LiaisonBook>(absl::UTCTimeZone(), types_);
      auto projection = Projection::Open(
          {.folder = "", .name = "liaison", .types = nhs::LiaisonBook::Types()},
          *book_, *client_);
      if (!projection.ok()) return projection.status();
      projection_ = *std::move(projection);
    }
    for (;;) {
      const auto stepped = projection_->Step(absl::Milliseconds(20));
      if (!stepped.ok()) return stepped.status();
      // What is due because of policy has a place before the log's end.
      if (!*stepped && projection_->ready() &&
          projection_->judged_through() >= end_) {
        return absl::OkStatus();
      }
    }
  }
  std::vector<nhs::v1::SharingDecision> Decisions() {
    Recipient reader{"nhs-tayside", "nhs-liaison", {}};
    reader.principal = "nhs";
    return book_->Decisions(
        "", absl::FromUnixMicros(static_cast<int64_t>(kStoryUs)), reader);
  }
  // As the service does: it ends, and is started again.
  void BuildAnew() {
    projection_ = nullptr;
    ASSERT_THAT(Follow(), IsOk());
  }

  policy::v1::Agreement whole_;
  uint32_t version_ = 100;
  std::unique_ptr<ZmqBusClient> client_;
  std::unique_ptr<nhs::LiaisonBook> book_;
  std::unique_ptr<Projection> projection_;
};

TEST_F(ReadModelsTest, AWiderViewOfAnEventIsNotLost) {
  Agree(R"(to: "nhs-tayside" roles: "service" up_to: TIER_S1
           types: "concordat.nhs.v1.SharingDecided" audience: AUDIENCE_PARTY)");
  Publish(*Connect("service-mappa"), Opened("o-1", 1));
  Decide();
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_EQ(Decisions().size(), 1u);
  EXPECT_EQ(Decisions()[0].decided().service_code(), "");
  Agree("");
  EXPECT_THAT(Follow(), HasCode(absl::StatusCode::kDataLoss));
  BuildAnew();
  ASSERT_EQ(Decisions().size(), 1u);
  EXPECT_EQ(Decisions()[0].decided().service_code(), "ALCOHOL_TREATMENT");
}

TEST_F(ReadModelsTest, AnEventShownLateIsFoldedInItsPlace) {
  Agree(R"(to: "nhs-tayside" roles: "service" audience: AUDIENCE_OWN
           types: "concordat.nhs.v1.SharingEnded")");
  Decide();
  End();
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_THAT(Decisions(), IsEmpty());
  Agree("");
  EXPECT_THAT(Follow(), HasCode(absl::StatusCode::kDataLoss));
  BuildAnew();
  ASSERT_EQ(Decisions().size(), 1u);
  EXPECT_FALSE(Decisions()[0].in_force());
  EXPECT_NE(Decisions()[0].ended_at(), 0u);
}

// As an agreement that is renewed after it had ended does.
TEST_F(ReadModelsTest, WhatIsShownAgainIsPassedOver) {
  Decide();
  End();
  ASSERT_THAT(Follow(), IsOk());
  Agree(R"(to: "nhs-tayside" roles: "service" audience: AUDIENCE_OWN
           types: "concordat.nhs.v1.AppointmentMissed")");
  Agree("");
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_EQ(Decisions().size(), 1u);
  EXPECT_FALSE(Decisions()[0].in_force());
}

// By the demo's registry: its board is party to no such fact, which is internal.
TEST_F(ReadModelsTest, ItFollowsWhoMaySeeAPersonsRecord) {
  Decide();
  ASSERT_THAT(Follow(), IsOk());
  ASSERT_EQ(Decisions().size(), 1u);
  mappa::v1::AccessRestricted access;
  access.set_case_ref("C-1");
  access.add_excluded("nhs-tayside/*/nhs");
  access.set_reason("KNOWN_TO_STAFF");
  const PublishOutcome outcome =
      Publish(*Connect("service-mappa"),
              Make(kMappa, "mappa-tayside", "a-1", 1, access));
  ASSERT_TRUE(outcome.accepted) << outcome.detail;
  end_ = outcome.sequence;
  ASSERT_THAT(Follow(), IsOk());
  EXPECT_THAT(Decisions(), IsEmpty());
}

}  // namespace
}  // namespace concordat
