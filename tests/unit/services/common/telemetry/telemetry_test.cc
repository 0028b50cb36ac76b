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

TEST(Metrics, APartIsAskedAtEachScrapeWhileItWants) {
  Metrics metrics;
  int asked = 0;
  auto collector = metrics.OnCollect([&](Samples& samples) {
    ++asked;
    samples.Gauge("depth", "Of a queue.", 4 * asked, {{"queue", "a \"b\""}});
    samples.Counter("refused_total", "Refused.", 2);
  });
  EXPECT_THAT(metrics.Text(), HasSubstr("depth{queue=\"a \\\"b\\\"\"} 4"));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("} 8"));
  EXPECT_THAT(text, HasSubstr("# TYPE refused_total counter\nrefused_total 2"));
  collector.reset();
  EXPECT_EQ(metrics.Text(), "");
  EXPECT_EQ(asked, 2);
}

}  // namespace
}  // namespace concordat
