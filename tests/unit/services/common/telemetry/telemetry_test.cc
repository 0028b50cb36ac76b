#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/telemetry/log.h"
#include "services/common/telemetry/metrics.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;

TEST(Log, FieldsAreKeyValueAndCannotForgeALine) {
  EXPECT_EQ(FormatLogFields("listening", {{"port", 7412}, {"at", "a b"}}),
            "what=listening port=7412 at=\"a b\"");
  EXPECT_EQ(FormatLogFields("refused", {{"why", "x\nlevel=error \"y\""}}),
            "what=refused why=\"x?level=error 'y'\"");
  EXPECT_EQ(FormatLogFields("", {{"k", ""}}), "what=\"\" k=\"\"");
}

TEST(Metrics, TheSameNameAndLabelsAreOneMetric) {
  Metrics metrics;
  metrics.Counter("calls_total", "Calls.", {{"code", "OK"}}).Increment();
  metrics.Counter("calls_total", "Calls.", {{"code", "OK"}}).Increment();
  metrics.Gauge("lag", "Events behind.").Set(3);
  metrics.Seconds("call_seconds", "Duration.").Observe(0.002);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("calls_total{code=\"OK\"} 2"));
  EXPECT_THAT(text, HasSubstr("lag 3"));
  EXPECT_THAT(text, HasSubstr("call_seconds_count 1"));
}

}  // namespace
}  // namespace concordat
