#ifndef CONCORDAT_TESTS_UNIT_SERVICES_BUS_DELIVERY_DELIVERY_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_BUS_DELIVERY_DELIVERY_FIXTURE_H_

#include <map>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "services/bus/delivery/delivery_core.h"
#include "tests/support/fake_event_log.h"
#include "tests/support/fake_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::bus {

using ::testing::ElementsAre;
using testing::FakeEventLog;
using testing::FakeTypes;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::WithEffect;

inline constexpr uint64_t kNowUs = 1'764'000'000'000'000;  // 24 Nov 2025.

inline std::shared_ptr<const TypeRegistry> Types() {
  auto types = std::make_shared<FakeTypes>();
  types->Add("a.v1.Fact")
      .Add("a.v1.Other")
      .Add("l.v1.Plan")
      .Add("s.v1.Sealed", {}, {policy::v1::CATEGORY_CHILD})
      .Add("m.v1.Opened", WithEffect(policy::v1::EFFECT_CASE_OPENED))
      .Add("m.v1.Joined", WithEffect(policy::v1::EFFECT_PARTY_JOINED))
      .Add("m.v1.Left", WithEffect(policy::v1::EFFECT_PARTY_LEFT))
      .Add("m.v1.Level", WithEffect(policy::v1::EFFECT_LEVEL_CHANGED))
      .Add("m.v1.Lead", WithEffect(policy::v1::EFFECT_LEAD_CHANGED))
      .Add("m.v1.Access", WithEffect(policy::v1::EFFECT_ACCESS_RESTRICTED))
      .Add("h.v1.Retired", WithEffect(policy::v1::EFFECT_AGREEMENT_RETIRED));
  return types;
}

inline policy::v1::Agreement Demo() {
  policy::v1::Agreement agreement;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(name: "x" version: 1 parties: "red" parties: "blue"
         valid_from: "2025-10-01" valid_to: "2026-09-30" purposes: "CARE"
         see { to: "red" roles: "officer" roles: "other" types: "a.v1.*"
               audience: AUDIENCE_PARTY }
         see { to: "red" roles: "officer" roles: "other" types: "a.v1.*"
               audience: AUDIENCE_NOBODY }
         see { to: "blue" roles: "officer" types: "a.v1.Fact"
               audience: AUDIENCE_PARTY level_min: 2 level_max: 3 }
         see { to: "each" roles: "officer" types: "l.v1.*"
               audience: AUDIENCE_LEAD })",
      &agreement));
  return agreement;
}

inline v1::Principal Named(std::string agency, std::string role = "officer") {
  v1::Principal principal;
  principal.set_name(agency);
  principal.set_agency(std::move(agency));
  principal.set_role(std::move(role));
  return principal;
}

// What a subscriber got: one delivery.
struct Got {
  uint64_t number = 0;
  uint64_t sequence = 0;
  uint64_t cause = 0;
  friend bool operator==(const Got&, const Got&) = default;
};

class DeliveryCoreTest : public ::testing::Test {
 protected:
  DeliveryCoreTest() { Restart({}); }

  // Another life of the bus over the same log.
  void Restart(Places places) {
    PolicyFold fold(types_);
    EXPECT_THAT(fold.Adopt(Demo()), IsOk());
    EXPECT_THAT(fold.CatchUp(log_), IsOk());
    core_ = std::make_unique<DeliveryCore>(log_, types_, std::move(fold),
                                           std::move(places), options_);
    got_.clear();
    attempts_.clear();
    stored_acks_.clear();
    scanned_.clear();
    ended_.clear();
  }
  // Nine, two at each moment: 10 us from the next two, from kNowUs on.
  void AppendTwoAtEachMoment() {
    for (uint64_t i = 0; i < 9; ++i) {
      HeaderView header;
      header.type = "a.v1.Fact";
      header.source = "urn:concordat:elsewhere:x";
      header.controller = "elsewhere";
      header.id = "id";
      log_.Append(header, "x", kNowUs + 10 * (i / 2));
    }
  }
  // `person` 0: about nobody.
  Sequence Append(absl::string_view type, int person,
                  absl::string_view data = "x") {
    HeaderView header;
    header.type = type;
    header.source = "urn:concordat:elsewhere:x";
    header.controller = "elsewhere";
    header.id = "id";
    header.stream = stream_;
    if (person != 0) {
      header.subject = PersonKey({static_cast<uint8_t>(person)});
    }
    return log_.Append(header, data, kNowUs);
  }
  void Durable(Sequence first, Sequence last) {
    EXPECT_THAT(core_->Durable(log_.BlockOf(first, last)), IsOk());
  }
  Sequence Event(absl::string_view type, int person,
                 absl::string_view data = "x") {
    const Sequence sequence = Append(type, person, data);
    Durable(sequence, sequence);
    return sequence;
  }
  v1::Subscribe Ask(std::string name) {
    v1::Subscribe request;
    request.set_name(std::move(name));
    return request;
  }
  void Subscribe(uint64_t session, const v1::Principal& principal,
                 const v1::Subscribe& request) {
    core_->Subscribe({session}, principal, "CARE", request);
    Store();
  }
  void Store() {
    const DirtyPlaces dirty = core_->TakeDirty();
    for (const auto& [key, place] : dirty.places) stored_[key] = place;
    for (const std::string& key : dirty.removed) stored_.erase(key);
    core_->Stored(dirty);
  }
  // Works until nothing is left, and takes what comes out.
  void Work() {
    do {
      now_ += absl::Milliseconds(20);
      Take();
    } while (core_->Work(now_));
    Take();
  }
  // What is recorded of the deliveries is what went out, in every test.
  void CheckDisclosed(const std::map<uint64_t, std::vector<Got>>& went_out) {
    std::map<uint64_t, std::vector<Got>> disclosed;
    for (const Disclosure& each : core_->TakeDisclosures()) {
      uint64_t number = each.first_delivery;
      for (const ShownRun& run : each.runs) {
        EXPECT_NE(run.groups, 0);
        groups_[each.session.value] = run.groups;
        for (uint32_t i = 0; i < run.count; ++i) {
          disclosed[each.session.value].push_back(
              {number++, run.first.value + i, each.cause.value});
        }
      }
    }
    EXPECT_EQ(disclosed, went_out);
  }
  void Take() {
    std::map<uint64_t, std::vector<Got>> went_out;
    for (const DeliveryOutput& output : core_->TakeOutputs()) {
      const uint64_t session = output.session.value;
      if (output.kind == FrameKind::kClosed) {
        closed_[session] = output.refusal;
        details_[session] = output.detail;
      } else if (output.kind == FrameKind::kAckStored) {
        v1::AckStored body;
        EXPECT_TRUE(body.ParseFromArray(
            output.body().data(), static_cast<int>(output.body().size())));
        if (body.settles() > 0) {
          stored_settles_[session] = body.settles();
        } else {
          stored_acks_[session] = body.delivery();
        }
      } else if (output.kind == FrameKind::kDeliver) {
        const auto frame = DecodeDeliver(output.body());
        ASSERT_THAT(frame, IsOk());
        uint64_t number = frame->rest.first_delivery();
        for (const View& view : frame->views) {
          const int at =
              static_cast<int>(number - frame->rest.first_delivery());
          attempts_[session].push_back(
              at < frame->rest.attempts_size() ? frame->rest.attempts(at) : 1);
          got_[session].push_back(
              {number++, view.sequence.value, frame->rest.backfill_cause()});
          went_out[session].push_back(got_[session].back());
          views_[session] = view;
        }
        EXPECT_GE(frame->rest.scanned_through(), scanned_[session]);
        scanned_[session] = frame->rest.scanned_through();
        EXPECT_FALSE(ended_[session]);
        ended_[session] = frame->rest.ended();
        ++frames_[session];
      }
    }
    CheckDisclosed(went_out);
  }
  std::vector<uint64_t> Sequences(uint64_t session) {
    std::vector<uint64_t> sequences;
    for (const Got& got : got_[session]) sequences.push_back(got.sequence);
    return sequences;
  }

  std::shared_ptr<const TypeRegistry> types_ = Types();
  FakeEventLog log_;
  DeliveryOptions options_;
  std::unique_ptr<DeliveryCore> core_;
  std::string stream_ = "s";
  Places stored_;
  absl::Duration now_;
  std::map<uint64_t, std::vector<Got>> got_;
  std::map<uint64_t, View> views_;
  std::map<uint64_t, GroupMask> groups_;  // As disclosed of the last one.
  std::map<uint64_t, uint64_t> scanned_;
  std::map<uint64_t, int> frames_;
  std::map<uint64_t, bool> ended_;
  std::map<uint64_t, std::vector<uint32_t>> attempts_;
  std::map<uint64_t, uint64_t> stored_acks_;
  std::map<uint64_t, uint64_t> stored_settles_;
  std::map<uint64_t, v1::Refusal> closed_;
  std::map<uint64_t, std::string> details_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_BUS_DELIVERY_DELIVERY_FIXTURE_H_
