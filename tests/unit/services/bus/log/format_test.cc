// The worked example of services/bus/FORMAT.md, read and written.
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gtest/gtest.h"
#include "services/bus/log/block.h"
#include "services/bus/log/segment_store.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_log.h"

namespace concordat::testing {
namespace {

constexpr uint64_t kAcceptedUs = 1'700'000'000'000'000;

TestEvent::Fields ExampleFields() {
  TestEvent::Fields fields;
  fields.id = "id-1";
  fields.stream = "order/1";
  fields.person = 1;
  fields.groups = {"routing", "personal"};
  return fields;
}

std::string ExampleOfThePage() {
  std::ifstream file(
      absl::StrCat(std::getenv("CONCORDAT_SOURCE"), "/services/bus/FORMAT.md"));
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const size_t from = text.find("```hex\n") + 7;
  return absl::HexStringToBytes(
      absl::StrReplaceAll(text.substr(from, text.find("```", from) - from),
                          {{"\n", ""}, {" ", ""}}));
}

// In lines of 32 bytes, as the page has it.
std::string AsHex(absl::string_view bytes) {
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 32) {
    absl::StrAppend(&text, absl::BytesToHexString(bytes.substr(at, 32)), "\n");
  }
  return text;
}

TEST(FormatTest, TheExampleReadsBack) {
  TestLog log;
  std::string segment = ExampleOfThePage();
  segment.resize(32 * 1024);
  log.disk().Overwrite(bus::SegmentName(1), segment);
  ASSERT_THAT(log.Open(), IsOk());
  const auto events = log.ReadAll();
  ASSERT_THAT(events, IsOk());
  ASSERT_EQ(events->size(), 1u);
  EXPECT_EQ(Difference(events->front(), TestEvent(ExampleFields())), "");
  EXPECT_EQ(events->front().accepted_us, kAcceptedUs);
}

TEST(FormatTest, TheExampleIsWhatIsWritten) {
  TestLog log;
  ASSERT_THAT(log.Open(), IsOk());
  const TestEvent event(ExampleFields());
  ASSERT_THAT(log.Append({&event}, kAcceptedUs).written, IsOk());
  std::string segment = log.disk().Contents(bus::SegmentName(1));
  size_t used = 0;
  for (int block = 0; block < 2; ++block) {
    const auto header =
        bus::DecodeBlockHeader(absl::string_view(segment).substr(used));
    ASSERT_THAT(header, IsOk());
    used += bus::kBlockHeaderBytes + header->body_bytes;
  }
  EXPECT_EQ(AsHex(absl::string_view(segment).substr(0, used)),
            AsHex(ExampleOfThePage()));
}

}  // namespace
}  // namespace concordat::testing
