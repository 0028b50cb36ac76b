// Mutant                                          Caught by
// shows what is not granted, or of another person ShowsAPersonsEventsAsTheyAreGrantedNow
// policy of an earlier question                   ShowsAPersonsEventsAsTheyAreGrantedNow
// a hidden event makes a page end, or a `more`    HiddenEventsChangeNothing
// page's position past an event not sent          PagesHaveEverythingOnce
// role or purpose not asked                       AnotherRoleOrPurposeFindsNothing
// operator sees a subject or data                 TheOperatorSeesEnvelopes
// opened: nothing more, or a sealed category too  WhatIsOpenedHasNoSealedCategory
// opened: to whom the person's lists keep out too ThePersonsListsBeatAnOpening
// opened: what is shared with nobody, or more of
//   it than with anybody, or by what is over      AnOpeningShowsWhatIsSharedWithSomebody
// answer larger than a frame                      AFrameIsNotOutgrown
// deadline not looked at                          GivesUpAtTheDeadline
#include "services/bus/delivery/person_reader.h"

#include "gmock/gmock.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/services/bus/delivery/delivery_fixture.h"

namespace concordat::bus {
namespace {

using testing::HasCode;

PersonKey Person(int number) {
  return PersonKey({static_cast<uint8_t>(number)});
}

class PersonReaderTest : public DeliveryCoreTest {
 protected:
  PersonReaderTest() {
    EXPECT_THAT(fold_.Adopt(Demo()), IsOk());
    fold_.ForgetChanges();
  }

  // A line to somebody who has no part in any of it.
  void ShareWithGreen(const std::string& line,
                      const std::string& valid_to = "2030-12-31") {
    policy::v1::Agreement agreement;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
        absl::StrCat("name: 'green' version: ", ++green_,
                     " parties: 'green' valid_from: '2000-01-01' valid_to: '",
                     valid_to, "' see { to: 'green' roles: 'officer' ",
                     "audience: AUDIENCE_PARTY ", line, " }"),
        &agreement));
    ASSERT_THAT(fold_.Adopt(agreement), IsOk());
  }
  // A case of red's, to which blue is party, at level 2: two events.
  void OpenCase(int person) {
    Append("m.v1.Opened", person, "red,blue;red;2");
    Append("m.v1.Level", person, ";;2");
  }
  PersonReader::Answer Ask(const v1::Principal& principal,
                           PersonReader::Question question,
                           absl::string_view purpose = "CARE") {
    const auto answer = reader_.Read(principal, purpose, question);
    EXPECT_THAT(answer, IsOk());
    views_.clear();
    if (!answer.ok()) return {};
    const auto decoded = DecodeStreamEvents(answer->views);
    EXPECT_THAT(decoded, IsOk());
    if (decoded.ok()) views_ = decoded->views;
    return *answer;
  }
  std::vector<uint64_t> Sequences() const {
    std::vector<uint64_t> sequences;
    for (const View& view : views_) sequences.push_back(view.sequence.value);
    return sequences;
  }

  testing::FakeClock clock_;
  PolicyFold fold_{types_};
  PersonReader reader_{log_, fold_, types_, clock_};
  std::vector<View> views_;
  int green_ = 0;
};

TEST_F(PersonReaderTest, ShowsAPersonsEventsAsTheyAreGrantedNow) {
  Append("a.v1.Fact", 1, "first");
  Append("a.v1.Fact", 2);
  EXPECT_FALSE(Ask(Named("red"), {Person(1)}).more);
  EXPECT_THAT(Sequences(), IsEmpty());
  OpenCase(1);
  Append("a.v1.Other", 1);
  const auto answer = Ask(Named("red"), {Person(1)});
  EXPECT_THAT(Sequences(), ElementsAre(1, 5));
  EXPECT_EQ(answer.position.value, 5u);
  EXPECT_FALSE(answer.more);
  EXPECT_EQ(views_[0].header.subject, Person(1));
  ASSERT_FALSE(views_[0].groups.empty());
  EXPECT_EQ(views_[0].groups[0].data, "first");
  Ask(Named("blue"), {Person(1)});
  EXPECT_THAT(Sequences(), ElementsAre(1));
  Append("m.v1.Left", 1, "blue;;0");
  Ask(Named("blue"), {Person(1)});
  EXPECT_THAT(Sequences(), IsEmpty());
}

TEST_F(PersonReaderTest, WhatIsOpenedHasNoSealedCategory) {
  ShareWithGreen("types: 's.v1.Sealed'");
  Append("a.v1.Fact", 1);
  Append("s.v1.Sealed", 1);
  Append("s.v1.Sealed", 2);
  Ask(Named("blue"), {Person(1)});
  EXPECT_THAT(Sequences(), IsEmpty());
  PersonReader::Question question;
  question.person = Person(1);
  question.opened = true;
  Ask(Named("blue"), question, "ANOTHER_PURPOSE");
  EXPECT_THAT(Sequences(), ElementsAre(1, 2));
  EXPECT_THAT(views_[0].withheld, IsEmpty());
  EXPECT_THAT(views_[1].withheld, ::testing::SizeIs(1));
}

TEST_F(PersonReaderTest, AnOpeningShowsWhatIsSharedWithSomebody) {
  const Sequence fact = Append("a.v1.Fact", 1);
  const Sequence own = Append("s.v1.Sealed", 1);
  PersonReader::Question question;
  question.person = Person(1);
  question.opened = true;
  const auto shows = [&] {
    Ask(Named("blue"), question);
    return Sequences();
  };
  // Of red's, and of no agreement of anybody's.
  EXPECT_THAT(shows(), ElementsAre(fact.value));
  ShareWithGreen("types: 's.v1.Sealed' up_to: TIER_S1");
  EXPECT_THAT(shows(), ElementsAre(fact.value, own.value));
  EXPECT_THAT(views_[1].withheld, ::testing::SizeIs(3));
  ShareWithGreen("types: 's.v1.Sealed' up_to: TIER_S1", "2000-01-02");
  EXPECT_THAT(shows(), ElementsAre(fact.value));
}

TEST_F(PersonReaderTest, ThePersonsListsBeatAnOpening) {
  ShareWithGreen("types: 'm.v1.*'");
  OpenCase(1);
  const Sequence fact = Append("a.v1.Fact", 1);
  PersonReader::Question question;
  question.person = Person(1);
  question.opened = true;
  const auto shows = [&](const v1::Principal& principal) {
    const PersonReader::Answer answer = Ask(principal, question);
    EXPECT_FALSE(answer.more);
    return Sequences();
  };
  const std::vector<uint64_t> all = {1, 2, fact.value};
  EXPECT_EQ(shows(Named("blue")), all);
  // Who is excluded gets nothing, not even what an agreement gives a party.
  Append("m.v1.Access", 1, ";;0;;blue/officer/blue");
  EXPECT_THAT(shows(Named("blue")), IsEmpty());
  EXPECT_THAT(shows(Named("red")), ::testing::Contains(fact.value));
  // Nor does who is not among those who alone may see.
  Append("m.v1.Access", 1, ";;0;red;");
  EXPECT_THAT(shows(Named("blue")), IsEmpty());
  EXPECT_THAT(shows(Named("red")), ::testing::Contains(fact.value));
  Append("m.v1.Access", 1, ";;0;;");
  EXPECT_THAT(shows(Named("blue")), ::testing::Contains(fact.value));
}

TEST_F(PersonReaderTest, HiddenEventsChangeNothing) {
  OpenCase(1);
  Append("a.v1.Fact", 1);
  Append("a.v1.Other", 1);
  Append("a.v1.Fact", 2);
  // Nobody, and somebody whose case is not blue's.
  const auto unknown = Ask(Named("blue"), {Person(9)});
  EXPECT_THAT(Sequences(), IsEmpty());
  const auto hidden = Ask(Named("blue"), {Person(2)});
  EXPECT_THAT(Sequences(), IsEmpty());
  EXPECT_EQ(unknown.views, hidden.views);
  EXPECT_EQ(unknown.position, hidden.position);
  EXPECT_EQ(unknown.more, hidden.more);
  // A full page after which there are only hidden ones.
  const auto page = Ask(Named("blue"), {Person(1), {}, 1});
  EXPECT_THAT(Sequences(), ElementsAre(3));
  EXPECT_FALSE(page.more);
  EXPECT_EQ(page.position.value, 5u);
}

TEST_F(PersonReaderTest, PagesHaveEverythingOnce) {
  OpenCase(1);
  std::vector<uint64_t> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(Append("a.v1.Fact", 1).value);
    Append("a.v1.Other", 1);
  }
  std::vector<uint64_t> got;
  Sequence after;
  for (bool more = true; more;) {
    const auto page = Ask(Named("blue"), {Person(1), after, 2});
    EXPECT_LE(views_.size(), 2u);
    for (const uint64_t sequence : Sequences()) got.push_back(sequence);
    more = page.more;
    after = page.position;
  }
  EXPECT_EQ(got, all);
  EXPECT_EQ(after, log_.end());
}

TEST_F(PersonReaderTest, AFrameIsNotOutgrown) {
  Append("m.v1.Opened", 1, "red,blue;red;2");
  const std::string large(200 * 1024, 'x');
  for (int i = 0; i < 3; ++i) Append("a.v1.Fact", 1, large);
  const auto page = Ask(Named("red"), {Person(1)});
  EXPECT_THAT(Sequences(), ElementsAre(2, 3));
  EXPECT_TRUE(page.more);
  Ask(Named("red"), {Person(1), page.position});
  EXPECT_THAT(Sequences(), ElementsAre(4));
}

TEST_F(PersonReaderTest, AnotherRoleOrPurposeFindsNothing) {
  Append("m.v1.Opened", 1, "red,blue;red;2");
  Append("a.v1.Fact", 1);
  Ask(Named("red", "cleaner"), {Person(1)});
  EXPECT_THAT(Sequences(), IsEmpty());
  Ask(Named("red"), {Person(1)}, "SALES");
  EXPECT_THAT(Sequences(), IsEmpty());
  Ask(Named("red"), {Person(1)}, "");
  EXPECT_THAT(Sequences(), IsEmpty());
}

TEST_F(PersonReaderTest, TheOperatorSeesEnvelopes) {
  Append("m.v1.Opened", 1, "red;red;0");
  Append("a.v1.Fact", 1);
  Append("a.v1.Fact", 2);
  Ask(Named("hub", "operator"), {Person(1)});
  EXPECT_THAT(Sequences(), ElementsAre(1, 2));
  EXPECT_TRUE(views_[1].header.subject.empty());
  EXPECT_TRUE(views_[1].header.stream.empty());
  EXPECT_THAT(views_[1].groups, IsEmpty());
}

TEST_F(PersonReaderTest, GivesUpAtTheDeadline) {
  Append("a.v1.Fact", 1);
  EXPECT_THAT(
      reader_.Read(Named("red"), "CARE", {Person(1), {}, 0, clock_.Now()}),
      HasCode(absl::StatusCode::kDeadlineExceeded));
}

}  // namespace
}  // namespace concordat::bus
