// Mutant                                        Caught by
// id not derived from the request               ARepeatGetsTheFirstAnswer
// first answer not looked for in the stream     ARepeatGetsTheFirstAnswer
// id derived without the caller                 TwoCallersMayUseOneRequestId
// published without an expected version         TheOneWhoLosesDecidesAnew
// conflict retried although a version was given TheOneWhoReadAnOlderVersion…
// bus away answered as if nothing were unknown  AnUnansweredPublishIsSaidTo…
// retry after an unknown outcome doubles        AnUnansweredPublishIsSaidTo…
// request id of another command answered        ARequestIdIsForOneCommand
// subject of the record not compared            ARecordIsAboutOnePerson
#include "services/common/projection/command_runner.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"
#include "tests/support/service_fixture.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::concordat::testing::Micros;
using ::testing::HasSubstr;

constexpr char kSomebody[] = "p-aaaaaaaaaaaaaaaaaaaaaaaaae";
constexpr char kSomebodyElse[] = "p-eaaaaaaaaaaaaaaaaaaaaaaaae";

class CommandRunnerTest : public testing::ServiceFixture {
 protected:
  CommandRunnerTest()
      : ServiceFixture("service-socialwork"),
        registry_(*PrincipalRegistry::Build(testing::FixtureRegistry())) {}

  // Records a contact; the stream takes any number of them up to `max`.
  CommandRequest Contact(const std::string& request_id, size_t max = 10) {
    CommandRequest request;
    request.principal = registry_->FindByName("socialwork");
    request.purpose = "ORDER_SUPERVISION";
    request.deadline = clock().Now() + absl::Seconds(5);
    request.command.set_request_id(request_id);
    request.subject = kSomebody;
    request.plan.stream = "contacts/1";
    request.plan.decide = [this,
                           max](const std::vector<View>& history) -> Decision {
      ++decided_;
      if (before_publish_) std::exchange(before_publish_, nullptr)();
      if (history.size() >= max) {
        return absl::FailedPreconditionError("full");
      }
      socialwork::v1::ContactRecorded contact;
      contact.set_mode("OFFICE");
      contact.set_outcome(outcome_);
      return std::vector<ProposedEvent>{Propose(contact)};
    };
    return request;
  }

  std::shared_ptr<const PrincipalRegistry> registry_;
  std::string outcome_ = "KEPT";
  int decided_ = 0;
  std::function<void()> before_publish_;
};

TEST_F(CommandRunnerTest, PublishesInTheCallersNameAndSaysWhere) {
  CommandRequest request = Contact("r-1");
  request.command.set_time(Micros("2025-11-04T09:30:00Z"));
  request.command.set_on_behalf_of("JSW114");
  const auto reply = runner().Run(request);
  ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(reply->position(), 1u);
  EXPECT_EQ(reply->version(), 1u);
  EXPECT_FALSE(reply->duplicate());
  const std::vector<View> events = bus().events();
  ASSERT_EQ(events.size(), 1u);
  const Header& header = events[0].header;
  EXPECT_EQ(header.source,
            "urn:concordat:dundee-city-council:concordat-socialwork");
  EXPECT_EQ(header.type, "concordat.socialwork.v1.ContactRecorded");
  EXPECT_EQ(header.controller, "dundee-city-council");
  EXPECT_EQ(header.purpose, "ORDER_SUPERVISION");
  EXPECT_EQ(header.gateway, "G1");
  EXPECT_EQ(header.id, reply->event_ids(0));
  EXPECT_EQ(header.subject.ToString(), kSomebody);
  EXPECT_EQ(header.stream, "contacts/1");
  EXPECT_EQ(header.time_us, Micros("2025-11-04T09:30:00Z"));
  EXPECT_EQ(header.on_behalf_of, "socialwork/JSW114");
  request = Contact("r-2");
  request.command.set_gateway("G9");
  ASSERT_THAT(runner().Run(request), IsOk());
  EXPECT_EQ(bus().events()[1].header.gateway, "G9");
}

TEST_F(CommandRunnerTest, ARepeatGetsTheFirstAnswer) {
  const auto first = runner().Run(Contact("r-1", /*max=*/2));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(runner().Run(Contact("r-2", 2)), IsOk());
  // The stream is full now, yet the repeat is no new contact.
  const auto repeat = runner().Run(Contact("r-1", 2));
  ASSERT_THAT(repeat, IsOk());
  EXPECT_TRUE(repeat->duplicate());
  EXPECT_EQ(repeat->position(), first->position());
  EXPECT_EQ(repeat->version(), first->version());
  EXPECT_EQ(repeat->event_ids(0), first->event_ids(0));
  EXPECT_EQ(bus().events().size(), 2u);
}

TEST_F(CommandRunnerTest, ARequestIdIsForOneCommand) {
  ASSERT_THAT(runner().Run(Contact("r-1")), IsOk());
  outcome_ = "MISSED";
  const auto other = runner().Run(Contact("r-1"));
  EXPECT_THAT(other, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(other.status().message(), HasSubstr("request_id"));
  // Also when the other command is about another record.
  CommandRequest elsewhere = Contact("r-1");
  elsewhere.plan.stream = "contacts/2";
  EXPECT_THAT(runner().Run(elsewhere),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(bus().events().size(), 1u);
}

TEST_F(CommandRunnerTest, TwoCallersMayUseOneRequestId) {
  ASSERT_THAT(runner().Run(Contact("r-1")), IsOk());
  CommandRequest other = Contact("r-1");
  bus::v1::Principal senior = *other.principal;
  senior.set_name("duty-senior");
  other.principal = &senior;
  const auto reply = runner().Run(other);
  ASSERT_THAT(reply, IsOk());
  EXPECT_FALSE(reply->duplicate());
  EXPECT_EQ(bus().events().size(), 2u);
}

TEST_F(CommandRunnerTest, TheOneWhoLosesDecidesAnew) {
  // Somebody else's contact arrives between reading and publishing.
  before_publish_ = [this] {
    ASSERT_THAT(runner().Run(Contact("r-other", 1)), IsOk());
  };
  EXPECT_THAT(runner().Run(Contact("r-1", 1)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(decided_, 3);
  EXPECT_EQ(bus().events().size(), 1u);
}

TEST_F(CommandRunnerTest, TheOneWhoReadAnOlderVersionIsToldWhatChanged) {
  CommandRequest request = Contact("r-1");
  request.command.set_expected_version(0);
  request.plan.changed = [](const std::vector<View>& history, Sequence read) {
    return absl::StrCat(history.size(), " since ", read.value);
  };
  before_publish_ = [this] {
    ASSERT_THAT(runner().Run(Contact("r-other")), IsOk());
  };
  const auto reply = runner().Run(request);
  EXPECT_THAT(reply, HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(reply.status().message(), "1 since 0");
  EXPECT_EQ(bus().events().size(), 1u);
  request.command.set_expected_version(1);
  EXPECT_THAT(runner().Run(request), IsOk());
}

TEST_F(CommandRunnerTest, WhenTheBusIsAwayNothingChanges) {
  bus().GoAway();
  CommandRequest request = Contact("r-1");
  request.deadline = clock().Now() + absl::Milliseconds(100);
  const auto reply = runner().Run(request);
  EXPECT_THAT(reply, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(reply.status().message(), HasSubstr("nothing was changed"));
  EXPECT_EQ(decided_, 0);
  bus().ComeBack();
  ASSERT_TRUE(bus().WaitForAnswers(absl::Seconds(5)));
  EXPECT_TRUE(bus().events().empty());
}

TEST_F(CommandRunnerTest, AnUnansweredPublishIsSaidToBeUnknownAndNotDoubled) {
  bus().GoAwayBeforeNextAnswer();
  CommandRequest request = Contact("r-1");
  request.deadline = clock().Now() + absl::Milliseconds(200);
  const auto unknown = runner().Run(request);
  EXPECT_THAT(unknown, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(unknown.status().message(), HasSubstr("outcome is unknown"));
  bus().ComeBack();
  const auto reply = runner().Run(Contact("r-1"));
  ASSERT_THAT(reply, IsOk());
  EXPECT_TRUE(reply->duplicate());
  EXPECT_EQ(bus().events().size(), 1u);
}

TEST_F(CommandRunnerTest, ARecordIsAboutOnePerson) {
  ASSERT_THAT(runner().Run(Contact("r-1")), IsOk());
  CommandRequest request = Contact("r-2");
  request.subject = kSomebodyElse;
  EXPECT_THAT(runner().Run(request),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(CommandRunnerTest, NamesTheFieldThatIsWrong) {
  const auto refused = [this](const CommandRequest& request,
                              const std::string& field) {
    const auto reply = runner().Run(request);
    EXPECT_THAT(reply, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(reply.status().message(), HasSubstr(field));
  };
  refused(Contact(""), "request_id");
  refused(Contact("has space"), "request_id");
  refused(Contact(std::string(65, 'x')), "request_id");
  CommandRequest request = Contact("r");
  request.subject = "CHI 0303790016";
  refused(request, "subject");
  request = Contact("r");
  request.purpose = "";
  refused(request, "purpose");
  outcome_ = "NO_SUCH_OUTCOME";
  refused(Contact("r"), "outcome");
  EXPECT_TRUE(bus().events().empty());
}

TEST_F(CommandRunnerTest, ActsForNoOtherAgency) {
  CommandRequest request = Contact("r-1");
  request.principal = registry_->FindByName("police");
  EXPECT_THAT(runner().Run(request),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(CommandRunnerTest, ARefusalOfTheBusIsPassedOn) {
  bus().RefuseNext(bus::v1::REFUSAL_FIELD_RULE, "outcome: code list");
  EXPECT_THAT(runner().Run(Contact("r-1")),
              HasCode(absl::StatusCode::kInvalidArgument));
  bus().RefuseNext(bus::v1::REFUSAL_READ_ONLY, "disk full");
  EXPECT_THAT(runner().Run(Contact("r-1")),
              HasCode(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace concordat
