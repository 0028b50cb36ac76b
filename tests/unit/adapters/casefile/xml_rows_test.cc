// Mutants, each with the test that catches it:
//
//   DTDs taken                        RefusesWhatCouldHarmItsReader
//   unknown entities taken as text    RefusesWhatCouldHarmItsReader
//   depth not bounded                 RefusesWhatCouldHarmItsReader
//   DTD in a comment refused          TakesWhatOnlyLooksHarmful
//   several elements: the first       AColumnThatIsThereTwiceIsAFault
//   line of the element lost          ReadsRowsByPathWithTheirLines
#include "adapters/casefile/xml_rows.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/casefile/xml_guard.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::casefile {
namespace {

using concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<Table> Read(absl::string_view text,
                           const std::vector<std::string>& wanted = {
                               "@id", "person/ref", "code"}) {
  edge::v1::Xml format;
  format.set_row("extract/contacts/contact");
  edge::v1::Trailer trailer;
  trailer.set_mark("extract/@count");
  return ReadXml(text, format, &trailer, edge::v1::TEXT_ENCODING_UTF_8, wanted,
                 {1000});
}

std::vector<std::string> Lines(const absl::StatusOr<Table>& table) {
  EXPECT_THAT(table, IsOk());
  std::vector<std::string> lines;
  if (!table.ok()) return lines;
  for (const TableRow& row : table->rows) {
    lines.push_back(absl::StrCat(
        row.line, ": ",
        row.fault.empty() ? absl::StrJoin(row.fields, "|") : row.fault));
  }
  return lines;
}

std::string Extract(absl::string_view rows) {
  return absl::StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                      "<extract count=\"2\"><contacts>\n", rows,
                      "</contacts></extract>");
}

TEST(XmlRows, ReadsRowsByPathWithTheirLines) {
  const auto table =
      Read(Extract("<contact id='1'>\n <person><ref> DCC-1 </ref></person>\n"
                   "<code><![CDATA[OFF & on]]></code></contact>\n"
                   "<c:contact id=\"&#50;&amp;\" xmlns:c=\"urn:c\"><other/>"
                   "</c:contact>\n<notice/>"));
  EXPECT_THAT(Lines(table), ElementsAre("3: 1|DCC-1|OFF & on", "6: 2&||"));
  EXPECT_EQ(*table->trailer_count, 2u);
}

TEST(XmlRows, AColumnThatIsThereTwiceIsAFault) {
  EXPECT_THAT(Lines(Read(Extract("<contact><code>a</code><code>b</code>"
                                 "</contact><contact id='2'/>"))),
              ElementsAre("3: code is there twice", "3: 2||"));
}

TEST(XmlRows, RefusesWhatCouldHarmItsReader) {
  const std::string deep = absl::StrCat(
      absl::StrJoin(std::vector<std::string>(100'000, "<a>"), ""), "x");
  for (const std::string& text :
       {std::string("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"
                    "<x>&e;</x>"),
        std::string("<!DOCTYPE x SYSTEM \"http://example.org/x.dtd\"><x/>"),
        std::string("<x>&unknown;</x>"), std::string("<x a='&lol9;'/>"),
        std::string("<x>&#0;</x>"), std::string("<x>&#xD800;</x>"),
        std::string("<x>&#99999999999;</x>"), std::string("<x>&amp</x>"),
        std::string("<x><?php system(1) ?></x>"),
        std::string("<?xml-stylesheet href='http://example.org'?><x/>"),
        std::string("<?xml version='1.0' encoding='utf-16'?><x/>"), deep,
        std::string("<x><!-- "), std::string("<x><![CDATA["),
        std::string("<x a='>")}) {
    EXPECT_FALSE(Read(text).ok()) << text.substr(0, 60);
    EXPECT_THAT(GuardXml(text, edge::v1::TEXT_ENCODING_UTF_8).message(),
                HasSubstr("line 1: "))
        << text.substr(0, 60);
  }
  // Not well formed.
  for (const char* const text : {"", "<x>", "<x></y>", "</x>", "plain"}) {
    EXPECT_FALSE(Read(text).ok()) << text;
  }
}

TEST(XmlRows, TakesWhatOnlyLooksHarmful) {
  EXPECT_THAT(
      Read(Extract("<!-- <!DOCTYPE x> &e; --><contact id='&lt;!DOCTYPE'>"
                   "<code><![CDATA[<!ENTITY &e;]]></code></contact>")),
      IsOk());
}

TEST(XmlRows, NamesTheLineOfWhatIsNotWellFormed) {
  EXPECT_THAT(Read("<a>\n<b>\n</c></a>").status().message(),
              HasSubstr("line 3: "));
}

}  // namespace
}  // namespace concordat::casefile
