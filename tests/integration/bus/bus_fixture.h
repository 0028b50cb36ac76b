#ifndef CONCORDAT_TESTS_INTEGRATION_BUS_BUS_FIXTURE_H_
#define CONCORDAT_TESTS_INTEGRATION_BUS_BUS_FIXTURE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/service.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/hub/v1/status.pb.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/codec.h"
#include "services/common/event/commitments.h"
#include "services/common/event/make_event.h"
#include "services/common/rpc/channel.h"
#include "tests/support/bus_process.h"
#include "tests/support/status_matchers.h"

namespace concordat {

using testing::BusProcess;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;

inline constexpr absl::Duration kLong = absl::Seconds(20);
inline constexpr char kPolice[] = "urn:concordat:police-scotland:rms";
inline constexpr char kMappa[] = "urn:concordat:mappa-tayside:mappa";
inline constexpr uint64_t kStoryUs =
    1'762'135'200'000'000;  // 3 Nov 2025 02:00.

// A real bus whose story begins on 3 November 2025, and clients of it.
class BusProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto types = bus_.data().LoadTypes();
    const auto codes = bus_.data().LoadCodeLists();
    ASSERT_THAT(types, IsOk());
    ASSERT_THAT(codes, IsOk());
    const auto registry = TypeRegistry::Build(*types, *codes);
    ASSERT_THAT(registry, IsOk());
    types_ = *registry;
    hub::v1::TimePassed passed;
    passed.set_to(kStoryUs);
    const auto player = Connect("player");
    const PublishOutcome outcome =
        Publish(*player, Make("urn:concordat:concordat-operator:player",
                              "concordat-operator", "t-1", 0, passed));
    ASSERT_TRUE(outcome.accepted) << outcome.detail;
    EXPECT_EQ(outcome.accepted_us, kStoryUs);
  }

  std::unique_ptr<ZmqBusClient> Connect(absl::string_view principal) {
    auto client = ConnectBus(bus_.data(), principal);
    EXPECT_THAT(client, IsOk());
    return *std::move(client);
  }
  Event Make(std::string source, std::string controller, std::string id,
             int person, const google::protobuf::MessageLite& message,
             std::string stream = "") {
    Header header;
    header.source = std::move(source);
    header.controller = std::move(controller);
    header.id = std::move(id);
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.stream = std::move(stream);
    header.time_us = kStoryUs;
    header.recorded_us = kStoryUs;
    if (person != 0) {
      header.subject = PersonKey({static_cast<uint8_t>(person)});
    }
    auto event = MakeEvent(*types_, std::move(header), message, random_);
    EXPECT_THAT(event, IsOk());
    return *std::move(event);
  }
  Event Concern(std::string id, int person) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-" + id);
    return Make(kPolice, "police-scotland", std::move(id), person, concern);
  }
  Event Opened(std::string id, int person) {
    mappa::v1::CaseOpened opened;
    opened.set_case_ref("C-" + id);
    opened.add_parties("police-scotland");
    opened.add_parties("nhs-tayside");
    opened.set_lead("police-scotland");
    return Make(kMappa, "mappa-tayside", std::move(id), person, opened,
                "case/C");
  }
  PublishOutcome Publish(Publisher& publisher, Event event) {
    std::vector<Event> set;
    set.push_back(std::move(event));
    const auto outcomes = PublishAndWait(publisher, std::move(set), kLong);
    EXPECT_THAT(outcomes, IsOk());
    return outcomes.ok() ? (*outcomes)[0] : PublishOutcome();
  }
  // The ids of everything that it may see, up to the log's end.
  std::vector<std::string> Tail(BusClient& client) {
    std::vector<std::string> ids;
    auto subscription = client.Subscribe({});
    EXPECT_THAT(subscription, IsOk());
    const Sequence end = end_;
    while ((*subscription)->scanned_through() < end) {
      const auto delivery = (*subscription)->Next(absl::Milliseconds(200));
      if (delivery.ok()) {
        ids.push_back(delivery->view.header.id);
        last_ = delivery->view;
        (*subscription)->Ack(delivery->number);
      } else if (!absl::IsDeadlineExceeded(delivery.status())) {
        ADD_FAILURE() << delivery.status();
        break;
      }
    }
    return ids;
  }
  std::vector<std::string> Tail(absl::string_view principal) {
    return Tail(*Connect(principal));
  }

  // The response's bytes, or the name of the status code.
  std::string Call(absl::string_view principal, absl::string_view method) {
    const auto channel =
        OpenChannel(bus_.data(), "concordat-bus", principal, kLong);
    EXPECT_THAT(channel, IsOk());
    const auto response = GenericCall(
        *channel, absl::StrCat("concordat.bus.v1.BusService/", method), "", {});
    return response.ok() ? *response
                         : absl::StatusCodeToString(response.status().code());
  }

  // One call of any service of the bus, by its full name.
  template <typename Response>
  absl::StatusOr<Response> AskOf(absl::string_view principal,
                                 absl::string_view method,
                                 const google::protobuf::MessageLite& request,
                                 const CallOptions& options = {}) {
    const auto channel =
        OpenChannel(bus_.data(), "concordat-bus", principal, kLong);
    if (!channel.ok()) return channel.status();
    const auto bytes =
        GenericCall(*channel, method, request.SerializeAsString(), options);
    if (!bytes.ok()) return bytes.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }
  template <typename Response>
  absl::StatusOr<Response> Ask(absl::string_view principal,
                               absl::string_view method,
                               const google::protobuf::MessageLite& request,
                               const CallOptions& options = {}) {
    return AskOf<Response>(principal,
                           absl::StrCat("concordat.bus.v1.BusService/", method),
                           request, options);
  }

  // What needs two people, by both: one asks, the other does it.
  template <typename Response, typename Request>
  absl::StatusOr<Response> AskByTwo(absl::string_view method, Request request,
                                    const CallOptions& options = {}) {
    const auto asked = Ask<Response>("admin", method, request, options);
    if (!asked.ok()) return asked.status();
    EXPECT_FALSE(asked->done());
    EXPECT_TRUE(asked->has_asked());
    request.set_approval(asked->asked().approval());
    request.set_why("");
    return Ask<Response>("second-operator", method, request, options);
  }

  bus::v1::GetLogStatusResponse LogStatus() {
    const auto status = Ask<bus::v1::GetLogStatusResponse>(
        "admin", "GetLogStatus", bus::v1::GetLogStatusRequest());
    EXPECT_THAT(status, IsOk());
    return status.value_or(bus::v1::GetLogStatusResponse());
  }
  static hub::v1::GetStatusResponse HealthBy(
      const std::shared_ptr<grpc::Channel>& channel) {
    const auto bytes = GenericCall(
        channel, "concordat.hub.v1.StatusService/GetStatus", "", {});
    EXPECT_THAT(bytes, IsOk());
    hub::v1::GetStatusResponse status;
    EXPECT_TRUE(status.ParseFromString(bytes.value_or("")));
    return status;
  }
  hub::v1::GetStatusResponse Health() {
    const auto channel =
        OpenChannel(bus_.data(), "concordat-bus", "admin", kLong);
    EXPECT_THAT(channel, IsOk());
    return HealthBy(*channel);
  }

  static bus::v1::PublishRequest BatchOf(const std::vector<Event>& events) {
    BatchEncoder encoder;
    for (const Event& event : events) encoder.Add(AsView(event));
    bus::v1::PublishRequest request;
    EXPECT_TRUE(request.mutable_batch()->ParseFromString(encoder.Take()));
    return request;
  }
  absl::StatusOr<bus::v1::PublishResponse> PublishByCall(
      absl::string_view caller, const std::vector<Event>& events,
      const CallOptions& options = {}) {
    return Ask<bus::v1::PublishResponse>(caller, "Publish", BatchOf(events),
                                         options);
  }
  // The ids of a person's events that it may see, and `last_` the last of them.
  std::vector<std::string> ReadPerson(absl::string_view caller, int person,
                                      const CallOptions& options = {}) {
    bus::v1::ReadPersonRequest request;
    request.set_subject(PersonKey({static_cast<uint8_t>(person)}).ToString());
    auto response = Ask<bus::v1::ReadPersonResponse>(caller, "ReadPerson",
                                                     request, options);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return {};
    EXPECT_FALSE(response->more());
    EXPECT_EQ(response->position().log_id().size(), 16u);
    position_ = response->position().sequence();
    response->clear_position();
    const auto decoded = DecodeStreamEvents(response->SerializeAsString());
    EXPECT_THAT(decoded, IsOk());
    std::vector<std::string> ids;
    for (const View& view : decoded->views) {
      ids.push_back(view.header.id);
      last_ = view;
    }
    return ids;
  }

  BusProcess bus_;
  SystemRandom random_;
  std::shared_ptr<const TypeRegistry> types_;
  Sequence end_;  // Tail() reads up to here.
  View last_;
  uint64_t position_ = 0;
};

}  // namespace concordat

#endif  // CONCORDAT_TESTS_INTEGRATION_BUS_BUS_FIXTURE_H_
