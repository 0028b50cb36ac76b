// Mutants this file catches:
//   field let through in another's group              WrongGroup
//   unknown field skipped                             Grammar
//   single field twice: the first one judged alone    Grammar
//   packed numbers not judged                         Packed
//   required: 0 or "" taken for given                 Required
//   required bool that is false taken for absent      Required
//   bound off by one; unsigned read as signed         Bounds
//   pattern found anywhere in the text                TextRules
//   501 characters, or 500 of two bytes each          FreeTextLength
//   a shape not looked for                            FreeTextShapes
//   surrogate or long form passed as UTF-8            Utf8
//   rules forgiven to a type that is not urgent       UrgentForgivesRulesOnly
//   nested message's required or tier not looked at   Nested, Build
//   a tier not asked for in an RPC message            Build
//   an error that holds the value                     ErrorsNeverHoldValues
//   a tag or length that no parser takes              Grammar
#include "services/common/event/type_table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/mappa/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/util/message_differencer.h"
#include "services/common/event/text_rules.h"
#include "tests/support/demo_types.h"
#include "tests/support/event_types.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::DescriptorSetOf;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Groups = std::vector<BasicGroup<absl::string_view>>;

// One field of a message in text form. `kind` is TYPE_…, or a message's name
// with a dot before it.
std::string Field(const char* name, int number, std::string kind,
                  const char* policy, const char* more = "") {
  const std::string type =
      kind[0] == '.'
          ? absl::StrCat("type: TYPE_MESSAGE type_name: \"", kind, "\"")
          : absl::StrCat("type: ", kind);
  return absl::StrCat("field { name: \"", name, "\" number: ", number, " ",
                      type, " label: LABEL_OPTIONAL ", more,
                      " options { [concordat.policy.v1.field] { ", policy,
                      " } } }\n");
}

constexpr char kRepeated[] = "label: LABEL_REPEATED";

std::string Message(const char* name, const std::string& body,
                    const char* policy = "event: true") {
  return absl::StrCat("message_type { name: \"", name, "\"\n", body,
                      "options { [concordat.policy.v1.type] { ", policy,
                      " } } }\n");
}

// Text format refuses a second `label`, so the last one has to win.
std::string OneLabel(std::string text) {
  const std::string both = "label: LABEL_OPTIONAL label: LABEL_REPEATED";
  for (size_t at = text.find(both); at != std::string::npos;
       at = text.find(both)) {
    text.replace(at, both.size(), kRepeated);
  }
  return text;
}

absl::StatusOr<std::shared_ptr<const TypeRegistry>> BuildFrom(
    const std::string& messages, std::vector<policy::v1::CodeList> lists = {}) {
  return TypeRegistry::Build(DescriptorSetOf(OneLabel(messages)), lists);
}

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
std::string Number(uint32_t number, uint64_t value) {
  return Varint(number << 3) + Varint(value);
}
std::string Bytes(uint32_t number, const std::string& bytes) {
  return Varint(number << 3 | 2) + Varint(bytes.size()) + bytes;
}

// Checks a message whose fields are all in group 0.
std::string CheckOne(const EventType& type, const std::string& bytes,
                     std::vector<std::string>* faults = nullptr) {
  Groups groups;
  if (!bytes.empty()) groups.push_back({0, bytes});
  return std::string(type.Check(groups, faults).message());
}

TEST(TypeTable, GroupsByTierAndCategory) {
  const auto types = BuildFrom(
      Message("All", Field("clinical", 1, "TYPE_STRING",
                           "tier: TIER_S4 category: CATEGORY_CLINICAL") +
                         Field("s3", 2, "TYPE_STRING", "tier: TIER_S3") +
                         Field("s1", 3, "TYPE_STRING", "tier: TIER_S1") +
                         Field("s0", 4, "TYPE_STRING", "tier: TIER_S0") +
                         Field("child", 5, "TYPE_STRING",
                               "tier: TIER_S4 category: CATEGORY_CHILD") +
                         Field("clinical_too", 6, "TYPE_STRING",
                               "tier: TIER_S4 category: CATEGORY_CLINICAL")));
  ASSERT_THAT(types, IsOk());
  const EventType* const type = (*types)->Find("test.All");
  ASSERT_NE(type, nullptr);
  std::vector<std::string> groups;
  for (const GroupInfo& group : type->groups()) {
    groups.push_back(absl::StrCat(group.number, " ",
                                  policy::v1::Tier_Name(group.tier_max), " ",
                                  group.category));
  }
  EXPECT_THAT(groups, ElementsAre("0 TIER_S1 0", "2 TIER_S3 0", "3 TIER_S4 1",
                                  "4 TIER_S4 3"));
  const std::string message = Bytes(1, "clinical") + Bytes(4, "zero") +
                              Bytes(2, "three") + Bytes(6, "more") +
                              Bytes(3, "one") + Bytes(5, "child");
  const auto split = type->Split(message);
  ASSERT_THAT(split, IsOk());
  ASSERT_EQ(split->size(), 4u);
  EXPECT_EQ((*split)[0].data, Bytes(4, "zero") + Bytes(3, "one"));
  EXPECT_EQ((*split)[1].number, 2u);
  EXPECT_EQ((*split)[2].data, Bytes(1, "clinical") + Bytes(6, "more"));
  EXPECT_EQ((*split)[3].data, Bytes(5, "child"));
}

TEST(TypeTable, WrongGroup) {
  const auto types = BuildFrom(
      Message("M", Field("open", 1, "TYPE_STRING", "tier: TIER_S1") +
                       Field("closed", 2, "TYPE_STRING", "tier: TIER_S3")));
  ASSERT_THAT(types, IsOk());
  const EventType& type = *(*types)->Find("test.M");
  const std::string open = Bytes(1, "x");
  const std::string closed = Bytes(2, "x");
  EXPECT_THAT(type.Check({{0, open}, {2, closed}}, nullptr), IsOk());
  EXPECT_EQ(type.Check({{0, closed}}, nullptr).message(),
            "closed: in another field's group");
  EXPECT_EQ(type.Check({{2, open}}, nullptr).message(),
            "open: in another field's group");
  EXPECT_EQ(type.Check({{1, open}}, nullptr).message(),
            "open: in another field's group");
  EXPECT_EQ(type.Check({{2, closed}, {0, open}}, nullptr).message(),
            "groups: not ascending");
}

TEST(TypeTable, Grammar) {
  const auto types = BuildFrom(
      Message("M", Field("text", 1, "TYPE_STRING", "tier: TIER_S1") +
                       Field("number", 2, "TYPE_UINT32", "tier: TIER_S1") +
                       Field("flag", 3, "TYPE_BOOL", "tier: TIER_S1")));
  ASSERT_THAT(types, IsOk());
  const EventType& type = *(*types)->Find("test.M");
  EXPECT_EQ(CheckOne(type, ""), "");
  EXPECT_EQ(CheckOne(type, Bytes(1, "x") + Number(2, 5) + Number(3, 1)), "");
  EXPECT_EQ(CheckOne(type, Bytes(4, "x")), "field 4: unknown");
  EXPECT_EQ(CheckOne(type, Number(100000, 1)), "field 100000: unknown");
  EXPECT_EQ(CheckOne(type, Number(1, 5)), "text: wrong wire type");
  EXPECT_EQ(CheckOne(type, Bytes(2, "x")), "number: wrong wire type");
  EXPECT_EQ(CheckOne(type, Bytes(1, "x") + Bytes(1, "y")), "text: twice");
  EXPECT_EQ(CheckOne(type, Number(2, 1ull << 32)), "number: over 32 bits");
  EXPECT_EQ(CheckOne(type, Number(3, 2)), "flag: not a bool");
  EXPECT_EQ(CheckOne(type, Bytes(1, "xyz").substr(0, 4)), "data: malformed");
  EXPECT_EQ(CheckOne(type, Varint(1 << 3 | 3)), "data: malformed");
  EXPECT_EQ(CheckOne(type, Number(0, 1)), "data: malformed");
  EXPECT_EQ(CheckOne(type, Varint(2 << 3) + std::string(10, '\xff')),
            "data: malformed");
  // Tags and lengths of more than five bytes: no protobuf parser takes them.
  const std::string kLongOne = "\x81\x80\x80\x80\x80";
  EXPECT_EQ(
      CheckOne(type, "\n" + kLongOne.substr(0, 4) + std::string(1, 0) + "x"),
      "");
  EXPECT_EQ(CheckOne(type, "\n" + kLongOne + std::string(1, 0) + "x"),
            "data: malformed");
  EXPECT_EQ(
      CheckOne(type, "\x90" + kLongOne.substr(1) + std::string(1, 0) + "\5"),
      "data: malformed");
  EXPECT_FALSE(type.Split(Bytes(4, "x")).ok());
  EXPECT_FALSE(type.Split("\xff").ok());
}

TEST(TypeTable, Required) {
  const auto types = BuildFrom(Message(
      "M",
      Field("text", 1, "TYPE_STRING", "tier: TIER_S1 required: true") +
          Field("time", 2, "TYPE_FIXED64", "tier: TIER_S1 required: true") +
          Field("list", 3, "TYPE_STRING", "tier: TIER_S1 required: true",
                kRepeated) +
          Field("seen", 4, "TYPE_BOOL", "tier: TIER_S1 required: true",
                "proto3_optional: true oneof_index: 0") +
          "oneof_decl { name: \"_seen\" }"));
  ASSERT_THAT(types, IsOk());
  const EventType& type = *(*types)->Find("test.M");
  const std::string text = Bytes(1, "x");
  const std::string time = Varint(2 << 3 | 1) + std::string(8, '\1');
  const std::string zero = Varint(2 << 3 | 1) + std::string(8, '\0');
  const std::string list = Bytes(3, "x");
  const std::string seen = Number(4, 0);
  EXPECT_EQ(CheckOne(type, text + time + list + seen), "");
  EXPECT_EQ(CheckOne(type, time + list + seen),
            "text: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, Bytes(1, "") + time + list + seen),
            "text: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, text + zero + list + seen),
            "time: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, text + time + seen),
            "list: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, text + time + list),
            "seen: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, ""), "text: required, and absent or empty");
}

TEST(TypeTable, Bounds) {
  const auto types = BuildFrom(Message(
      "M", Field("u", 1, "TYPE_UINT64", "tier: TIER_S1 min: 2 max: 5") +
               Field("i", 2, "TYPE_INT32", "tier: TIER_S1 min: -2 max: 5") +
               Field("z", 3, "TYPE_SINT64", "tier: TIER_S1 min: -2 max: 5") +
               Field("text", 4, "TYPE_STRING", "tier: TIER_S1 min: 2 max: 3")));
  ASSERT_THAT(types, IsOk());
  const EventType& type = *(*types)->Find("test.M");
  const auto minus = [](int64_t value) { return static_cast<uint64_t>(value); };
  EXPECT_EQ(CheckOne(type, Number(1, 1)), "u: under 2");
  EXPECT_EQ(CheckOne(type, Number(1, 2)), "");
  EXPECT_EQ(CheckOne(type, Number(1, 5)), "");
  EXPECT_EQ(CheckOne(type, Number(1, 6)), "u: over 5");
  EXPECT_EQ(CheckOne(type, Number(1, ~uint64_t{0})), "u: over 5");
  EXPECT_EQ(CheckOne(type, Number(2, minus(-2))), "");
  EXPECT_EQ(CheckOne(type, Number(2, minus(-3))), "i: under -2");
  EXPECT_EQ(CheckOne(type, Number(2, 6)), "i: over 5");
  EXPECT_EQ(CheckOne(type, Number(2, 1ull << 40)), "i: over 32 bits");
  EXPECT_EQ(CheckOne(type, Number(3, 3)), "");             // -2
  EXPECT_EQ(CheckOne(type, Number(3, 5)), "z: under -2");  // -3
  EXPECT_EQ(CheckOne(type, Number(3, 10)), "");            // 5
  EXPECT_EQ(CheckOne(type, Number(3, 12)), "z: over 5");   // 6
  EXPECT_EQ(CheckOne(type, Bytes(4, "x")), "text: under 2 bytes");
  EXPECT_EQ(CheckOne(type, Bytes(4, "xx")), "");
  EXPECT_EQ(CheckOne(type, Bytes(4, "xxx")), "");
  EXPECT_EQ(CheckOne(type, Bytes(4, "xxxx")), "text: over 3 bytes");
}

TEST(TypeTable, Packed) {
  const auto types = BuildFrom(Message(
      "M",
      Field("n", 1, "TYPE_UINT32", "tier: TIER_S1 max: 5", kRepeated) +
          Field("f", 2, "TYPE_FIXED32", "tier: TIER_S1 max: 5", kRepeated)));
  ASSERT_THAT(types, IsOk());
  const EventType& type = *(*types)->Find("test.M");
  EXPECT_EQ(CheckOne(type, Bytes(1, Varint(1) + Varint(5)) + Number(1, 3)), "");
  EXPECT_EQ(CheckOne(type, Bytes(1, Varint(1) + Varint(6))), "n: over 5");
  EXPECT_EQ(CheckOne(type, Number(1, 1) + Number(1, 6)), "n: over 5");
  EXPECT_EQ(CheckOne(type, Bytes(1, "\x80")), "n: malformed");
  EXPECT_EQ(CheckOne(type, Bytes(2, std::string("\5\0\0\0", 4))), "");
  EXPECT_EQ(CheckOne(type, Bytes(2, std::string("\6\0\0\0", 4))), "f: over 5");
  EXPECT_EQ(CheckOne(type, Bytes(2, "\5")), "f: malformed");
}

TEST(TypeTable, TextRules) {
  policy::v1::CodeList list;
  list.set_name("colours");
  list.add_codes("RED");
  const auto types =
      BuildFrom(Message("M", Field("code", 1, "TYPE_STRING",
                                   "tier: TIER_S1 code_list: \"colours\"") +
                                 Field("ref", 2, "TYPE_STRING",
                                       "tier: TIER_S1 pattern: \"[a-z]{1,3}\"",
                                       kRepeated)),
                {list});
  ASSERT_THAT(types, IsOk());
  const EventType& type = *(*types)->Find("test.M");
  EXPECT_EQ(CheckOne(type, Bytes(1, "RED") + Bytes(2, "abc")), "");
  EXPECT_EQ(CheckOne(type, Bytes(1, "GREEN")),
            "code: not in code list colours");
  EXPECT_EQ(CheckOne(type, Bytes(1, "red")), "code: not in code list colours");
  EXPECT_EQ(CheckOne(type, Bytes(2, "abcd")), "ref: not of its pattern");
  EXPECT_EQ(CheckOne(type, Bytes(2, "abc") + Bytes(2, "1")),
            "ref: not of its pattern");
  EXPECT_EQ(CheckOne(type, Bytes(2, "\xff")), "ref: not UTF-8");
}

TEST(TypeTable, FreeTextLength) {
  EXPECT_EQ(BrokenFreeTextRule(std::string(500, 'x')), "");
  EXPECT_EQ(BrokenFreeTextRule(std::string(501, 'x')), "over 500 characters");
  std::string accents;
  for (int i = 0; i < 500; ++i) accents += "é";
  EXPECT_EQ(BrokenFreeTextRule(accents), "");
  EXPECT_EQ(BrokenFreeTextRule(accents + "é"), "over 500 characters");
}

TEST(TypeTable, FreeTextShapes) {
  const std::pair<const char*, const char*> refused[] = {
      {"his number 0303790016.", "CHI"},
      {"0303790016", "CHI"},
      {"030379 0016", "CHI"},
      {"chi:030379-0016", "CHI"},
      {"see 1998/0990002E", "PNC"},
      {"see 98/990002e", "PNC"},
      {"ring 01382 555123", "telephone"},
      {"ring 07700 900 123 today", "telephone"},
      {"+44 7700 900123", "telephone"},
      {"(0131) 496 0123", "telephone"},
      {"lives at DD4 9ZY", "postcode"},
      {"dd49zy", "postcode"},
      {"EC1A 1BB", "postcode"},
  };
  for (const auto& [text, shape] : refused) {
    EXPECT_THAT(std::string(BrokenFreeTextRule(text)), HasSubstr(shape))
        << text;
  }
  for (const char* const text :
       {"", "meeting by 12 December",
        "child protection told; meeting by 12 Dec",
        "case C-2, order 12345, 24 months", "2025-11-27 at 11:20",
        "UPRN 999000000012", "Level 2, two of 3 kept"}) {
    EXPECT_EQ(BrokenFreeTextRule(text), "") << text;
  }
}

TEST(TypeTable, Utf8) {
  for (const char* const text :
       {"", "plain", "é", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
        "eight ch\xc3\xa9racters and more", "\xf4\x8f\xbf\xbf",
        "\xed\x9f\xbf"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  for (const char* const text :
       {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80",
        "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "12345678\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc3(", "\xe2\x82("}) {
    EXPECT_FALSE(IsUtf8(text)) << absl::StrCat(text);
  }
}

TEST(TypeTable, UrgentForgivesRulesOnly) {
  const std::string fields =
      Field("n", 1, "TYPE_UINT32", "tier: TIER_S1 max: 5") +
      Field("text", 2, "TYPE_STRING",
            "tier: TIER_S1 required: true pattern: \"[a-z]+\"");
  const auto types =
      BuildFrom(Message("Calm", fields) +
                Message("Urgent", fields, "event: true urgent: true"));
  ASSERT_THAT(types, IsOk());
  const EventType& calm = *(*types)->Find("test.Calm");
  const EventType& urgent = *(*types)->Find("test.Urgent");
  std::vector<std::string> faults;
  EXPECT_EQ(CheckOne(calm, Number(1, 6), &faults), "n: over 5");
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_EQ(CheckOne(urgent, Number(1, 6), &faults), "");
  EXPECT_THAT(faults,
              ElementsAre("n: over 5", "text: required, and absent or empty"));
  EXPECT_EQ(CheckOne(urgent, Number(1, 6), nullptr), "n: over 5");
  faults.clear();
  EXPECT_EQ(CheckOne(urgent, Number(3, 6), &faults), "field 3: unknown");
  EXPECT_EQ(CheckOne(urgent, Bytes(2, "\xff"), &faults), "text: not UTF-8");
  EXPECT_EQ(CheckOne(urgent, Bytes(2, "1"), &faults), "");
  EXPECT_THAT(faults, ElementsAre("text: not of its pattern"));
}

TEST(TypeTable, Nested) {
  const auto types = BuildFrom(
      Message("Inner",
              Field("must", 1, "TYPE_UINT32", "tier: TIER_S1 required: true") +
                  Field("self", 2, ".test.Inner", "tier: TIER_S1"),
              "") +
      Message("M", Field("inner", 1, ".test.Inner",
                         "tier: TIER_S1 required: true", kRepeated)));
  ASSERT_THAT(types, IsOk());
  EXPECT_EQ((*types)->Find("test.Inner"), nullptr);
  const EventType& type = *(*types)->Find("test.M");
  const std::string good = Number(1, 1);
  EXPECT_EQ(CheckOne(type, Bytes(1, good)), "");
  EXPECT_EQ(CheckOne(type, Bytes(1, good + Bytes(2, good))), "");
  EXPECT_EQ(CheckOne(type, Bytes(1, "")),
            "must: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, Bytes(1, good + Bytes(2, ""))),
            "must: required, and absent or empty");
  EXPECT_EQ(CheckOne(type, Bytes(1, good + Number(3, 1))), "field 3: unknown");
  std::string deep = good;
  for (int i = 0; i < 1000; ++i) deep = good + Bytes(2, deep);
  EXPECT_EQ(CheckOne(type, Bytes(1, deep)), "self: nested too deep");
}

TEST(TypeTable, Build) {
  const std::pair<std::string, const char*> refused[] = {
      {Message("M", Field("bare", 1, "TYPE_STRING", "required: true")),
       "test.M.bare: has no tier"},
      {Message("Rpc", Field("bare", 1, "TYPE_STRING", ""), ""),
       "test.Rpc.bare: has no tier"},
      {Message("M", Field("f", 1, "TYPE_STRING", "tier: TIER_S4")),
       "test.M.f: is S4 without a category"},
      {Message("M", Field("f", 1, "TYPE_STRING",
                          "tier: TIER_S3 category: CATEGORY_CHILD")),
       "test.M.f: has a category and is not S4"},
      {Message("M", Field("f", 1, "TYPE_STRING", "tier: TIER_S5")),
       "test.M.f: is S5, which no event carries"},
      {Message("M",
               Field("f", 1, "TYPE_STRING", "tier: TIER_S1 pattern: \"[a-\"")),
       "test.M.f: has a pattern that is not RE2"},
      {Message("M",
               Field("f", 1, "TYPE_UINT32", "tier: TIER_S1 pattern: \"1\"")),
       "test.M.f: has a rule for text and is none"},
      {Message("M", Field("f", 1, "TYPE_STRING",
                          "tier: TIER_S1 code_list: \"none\"")),
       "test.M.f: names no code list: none"},
      {Message("M", Field("f", 1, "TYPE_UINT32",
                          "tier: TIER_S1 binds: BINDING_PARTY")),
       "test.M.f: binds and is not of that binding's kind"},
      {Message("Inner", Field("secret", 1, "TYPE_STRING", "tier: TIER_S3"),
               "") +
           Message("M", Field("f", 1, ".test.Inner", "tier: TIER_S1")),
       "test.Inner.secret: is more sensitive than test.M.f, which carries it"},
      {Message("M", Field("f", 1024, "TYPE_STRING", "tier: TIER_S1")),
       "test.M.f: has a number over 1023"},
  };
  for (const auto& [messages, says] : refused) {
    const absl::Status status = BuildFrom(messages).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << says;
    EXPECT_EQ(status.message(), says);
    if (std::string(says).find("code list") == std::string::npos) {
      EXPECT_EQ(CheckDescriptors(DescriptorSetOf(OneLabel(messages))).message(),
                says);
    }
  }
  EXPECT_THAT(TypeRegistry::Build("not a set", {}),
              HasCode(absl::StatusCode::kInvalidArgument));

  std::string fields;
  for (int i = 1; i <= 6; ++i) {
    const std::string name = absl::StrCat("f", i);
    const std::string policy =
        absl::StrCat("tier: TIER_S4 category: ", policy::v1::Category_Name(i));
    fields += Field(name.c_str(), i, "TYPE_STRING", policy.c_str());
    EXPECT_EQ(BuildFrom(Message("M", fields)).ok(), i <= 5) << i;
  }
}

// Split and concatenated, a message of any type reads the same, and Check()
// finds each field where it belongs.
TEST(TypeTable, EveryTypeSplitsAndJoins) {
  const auto types = *testing::DemoTypes();
  google::protobuf::DescriptorPool pool;
  google::protobuf::DynamicMessageFactory factory(&pool);
  int messages = 0;
  google::protobuf::FileDescriptorSet files;
  ASSERT_TRUE(files.ParseFromString(testing::DemoDescriptorSet()));
  for (const auto& file : files.file()) pool.BuildFile(file);
  for (const absl::string_view name : types->names()) {
    const auto* descriptor = pool.FindMessageTypeByName(std::string(name));
    const EventType& type = *types->Find(name);
    for (uint64_t seed = 0; seed < 50; ++seed) {
      std::unique_ptr<google::protobuf::Message> message(
          factory.GetPrototype(descriptor)->New());
      testing::FillAtRandom(seed, *message);
      const auto split = type.Split(message->SerializeAsString());
      ASSERT_THAT(split, IsOk());
      std::string joined;
      Groups views;
      for (const auto& group : *split) {
        joined += group.data;
        views.push_back({group.number, group.data});
      }
      std::unique_ptr<google::protobuf::Message> again(message->New());
      ASSERT_TRUE(again->ParseFromString(joined));
      EXPECT_TRUE(
          google::protobuf::util::MessageDifferencer::Equals(*message, *again));
      // Random text breaks rules; it never breaks the grammar.
      const absl::Status status = type.Check(views, nullptr);
      for (const char* const grammar :
           {"malformed", "unknown", "another field's", "twice", "wire type",
            "UTF-8", "32 bits"}) {
        EXPECT_THAT(std::string(status.message()), Not(HasSubstr(grammar)));
      }
      ++messages;
    }
  }
  EXPECT_GT(messages, 1000);
}

TEST(TypeTable, PolicyFacts) {
  const auto types = *testing::DemoTypes();
  mappa::v1::CaseOpened opened;
  opened.set_case_ref("C-2");
  opened.add_parties("police-scotland");
  opened.add_parties("nhs-tayside");
  opened.set_lead("nhs-tayside");
  const auto facts = types->Find("concordat.mappa.v1.CaseOpened")
                         ->ReadPolicyFacts(opened.SerializeAsString());
  ASSERT_THAT(facts, IsOk());
  EXPECT_THAT(facts->parties, ElementsAre("police-scotland", "nhs-tayside"));
  EXPECT_EQ(facts->lead, "nhs-tayside");
  mappa::v1::LevelChanged level;
  level.set_from_level(1);
  level.set_to_level(2);
  EXPECT_EQ(types->Find("concordat.mappa.v1.LevelChanged")
                ->ReadPolicyFacts(level.SerializeAsString())
                ->level,
            2u);
}

TEST(TypeTable, Json) {
  const auto types = *testing::DemoTypes();
  const std::string type = "concordat.police.v1.AddressChanged";
  const auto bytes =
      types->FromJson(type, R"({"basis":"NOTIFIED","toUprn":"999000000012"})");
  ASSERT_THAT(bytes, IsOk());
  police::v1::AddressChanged message;
  ASSERT_TRUE(message.ParseFromString(*bytes));
  EXPECT_EQ(message.to_uprn(), 999000000012u);
  const auto json = types->ToJson(type, *bytes);
  ASSERT_THAT(json, IsOk());
  EXPECT_EQ(*json, R"({"basis":"NOTIFIED","toUprn":"999000000012"})");
  EXPECT_THAT(types->FromJson("none", "{}"),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(types->ToJson(type, "\xff"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(TypeTable, ErrorsNeverHoldValues) {
  const auto types = *testing::DemoTypes();
  const std::string type = "concordat.police.v1.AddressChanged";
  const std::pair<const char*, const char*> bad[] = {
      {R"({"basis":"NOTIFIED","toUprn":"SECRET"})",
       "data.toUprn: not of its type"},
      {R"({"basis":{"SECRET":1}})", "data.basis: not of its type"},
      {R"({"basis":"x","SECRET":1})",
       "data: a field that the type does not have, member number 2"},
      {R"(["SECRET"])", "data: not a JSON object"},
      {R"({"SECRET)", "data: not a JSON object"},
  };
  for (const auto& [json, says] : bad) {
    EXPECT_EQ(types->FromJson(type, json).status().message(), says);
  }
}

}  // namespace
}  // namespace concordat
