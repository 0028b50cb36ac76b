// Mutants, each with the test that catches it:
//
//   unassigned bytes passed on            EveryByteOfWindows1252IsJudged
//   1252 read as ISO 8859-1               ReadsTheQuotesAndPoundOfWindows1252
//   overlong or surrogate taken           RefusesBrokenUtf8AndNamesTheLine
//   mark kept as text                     DropsTheMarkOfItsOwnEncodingAlone
//   half a surrogate pair taken           RefusesBrokenUtf16
//   zeroes taken                          RefusesZeroesInEveryEncoding
#include "adapters/casefile/text_encoding.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace concordat::casefile {
namespace {

using concordat::testing::HasCode;
using concordat::testing::IsOk;
using edge::v1::TEXT_ENCODING_ISO_8859_1;
using edge::v1::TEXT_ENCODING_UTF_16;
using edge::v1::TEXT_ENCODING_UTF_8;
using edge::v1::TEXT_ENCODING_WINDOWS_1252;
using ::testing::HasSubstr;

TEST(TextEncoding, ReadsTheQuotesAndPoundOfWindows1252) {
  EXPECT_EQ(*ToUtf8("\x93"
                    "a\x94 \xa3"
                    "5 \x80 \x96 Se\xe1n",
                    TEXT_ENCODING_WINDOWS_1252),
            "“a” £5 € – Seán");
  EXPECT_EQ(*ToUtf8("Se\xe1n \xa3", TEXT_ENCODING_ISO_8859_1), "Seán £");
}

TEST(TextEncoding, EveryByteOfWindows1252IsJudged) {
  int refused = 0;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = {'a', '\n', static_cast<char>(byte)};
    const auto out = ToUtf8(text, TEXT_ENCODING_WINDOWS_1252);
    if (out.ok()) {
      EXPECT_EQ(CountCharacters(*out), 3u) << byte;
      continue;
    }
    ++refused;
    EXPECT_THAT(out.status().message(), HasSubstr("line 2: ")) << byte;
  }
  EXPECT_EQ(refused, 6);  // Zero, and the five that mean nothing.
  EXPECT_THAT(ToUtf8("\x85", TEXT_ENCODING_ISO_8859_1),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(TextEncoding, RefusesBrokenUtf8AndNamesTheLine) {
  EXPECT_EQ(*ToUtf8("a£€𝄞", TEXT_ENCODING_UTF_8), "a£€𝄞");
  for (const char* const bad :
       {"\x80", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
        "\xe2\x82", "Se\xe1n"}) {
    const auto out =
        ToUtf8(std::string("one\ntwo\n") + bad, TEXT_ENCODING_UTF_8);
    EXPECT_THAT(out, HasCode(absl::StatusCode::kInvalidArgument)) << bad;
    EXPECT_THAT(out.status().message(), HasSubstr("line 3: "));
  }
}

TEST(TextEncoding, DropsTheMarkOfItsOwnEncodingAlone) {
  const std::string marked = "\xef\xbb\xbfID";
  EXPECT_EQ(*ToUtf8(marked, TEXT_ENCODING_UTF_8), "ID");
  EXPECT_THAT(ToUtf8(marked, TEXT_ENCODING_WINDOWS_1252),
              HasCode(absl::StatusCode::kInvalidArgument));
  const std::string wide("\xff\xfeI\0", 4);
  EXPECT_EQ(*ToUtf8(wide, TEXT_ENCODING_UTF_16), "I");
  EXPECT_THAT(ToUtf8(wide, TEXT_ENCODING_UTF_8),
              HasCode(absl::StatusCode::kInvalidArgument));
  // In the middle it is a character.
  EXPECT_EQ(*ToUtf8("I\xef\xbb\xbf", TEXT_ENCODING_UTF_8), "I\xef\xbb\xbf");
}

TEST(TextEncoding, ReadsUtf16OfEitherByteOrder) {
  EXPECT_EQ(*ToUtf8(std::string("\xfe\xff\0\xa3\xd8\x34\xdd\x1e", 8),
                    TEXT_ENCODING_UTF_16),
            "£𝄞");
  EXPECT_EQ(*ToUtf8(std::string("\xff\xfe\xa3\0\x34\xd8\x1e\xdd", 8),
                    TEXT_ENCODING_UTF_16),
            "£𝄞");
  EXPECT_EQ(*ToUtf8(std::string("\xa3\0", 2), TEXT_ENCODING_UTF_16), "£");
}

TEST(TextEncoding, RefusesBrokenUtf16) {
  for (const std::string& bad :
       {std::string("a\0b", 3), std::string("\x34\xd8", 2),
        std::string("\x1e\xdd", 2),
        std::string("\x34\xd8"
                    "a\0",
                    4),
        std::string("\x34\xd8\x34\xd8", 4)}) {
    EXPECT_THAT(ToUtf8(bad, TEXT_ENCODING_UTF_16),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

TEST(TextEncoding, RefusesZeroesInEveryEncoding) {
  for (const auto encoding : {TEXT_ENCODING_WINDOWS_1252, TEXT_ENCODING_UTF_8,
                              TEXT_ENCODING_UTF_16, TEXT_ENCODING_ISO_8859_1}) {
    EXPECT_THAT(ToUtf8(std::string("a\0\0\0", 4), encoding),
                HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(ToUtf8("", encoding), IsOk());
  }
}

}  // namespace
}  // namespace concordat::casefile
