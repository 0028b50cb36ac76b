// Spans on their way to a collector.
//
// Mutant                                          Caught by
// what was not sampled is traced                  OnlyASampledTraceparentIsOne
// a header of anybody's words goes into JSON      OnlyASampledTraceparentIsOne
// another form than the collector takes           ACollectorIsSentWhatOtlpSays
// without a collector the queue grows, or waits   WithoutACollectorSpansAreDroppedAndCounted
#include "services/common/telemetry/trace.h"

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"
#include "tests/support/span_receiver.h"

namespace concordat {
namespace {

using ::testing::HasSubstr;

constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kParent[] = "00f067aa0ba902b7";

Span ASpan() {
  return {{kTrace, kParent},
          "append",
          "concordat.police.v1.ConcernShared",
          absl::FromUnixMicros(1'762'135'200'000'000),
          absl::FromUnixMicros(1'762'135'200'000'250)};
}

TEST(Traceparent, OnlyASampledTraceparentIsOne) {
  const std::string good = absl::StrCat("00-", kTrace, "-", kParent, "-01");
  const auto parsed = ParseTraceparent(good);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->trace, kTrace);
  EXPECT_EQ(parsed->span, kParent);
  for (const std::string& bad :
       {std::string(), absl::StrCat("00-", kTrace, "-", kParent, "-00"),
        absl::StrCat("01-", kTrace, "-", kParent, "-01"), good + "-x",
        absl::StrCat("00-", std::string(32, '0'), "-", kParent, "-01"),
        absl::StrCat("00-", std::string(31, 'a'), "\"-", kParent, "-01"),
        absl::StrCat("00-", std::string(32, 'A'), "-", kParent, "-01"),
        absl::StrCat("00-", kTrace, "-", kParent, "-0g")}) {
    EXPECT_FALSE(ParseTraceparent(bad).has_value()) << bad;
  }
}

TEST(SpanExporter, ACollectorIsSentWhatOtlpSays) {
  testing::SpanReceiver receiver;
  testing::SeededRandom random(1);
  Metrics metrics;
  SpanExporter exporter("concordat-bus", receiver.port(), random, metrics);
  exporter.Add(ASpan());
  const std::string request = receiver.Take();
  EXPECT_THAT(request, HasSubstr("POST /v1/traces HTTP/1.1\r\n"));
  EXPECT_THAT(request, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(request,
              HasSubstr(R"({"key":"service.name","value":{"stringValue":)"
                        R"("concordat-bus"}})"));
  EXPECT_THAT(request,
              HasSubstr(absl::StrCat(R"("traceId":")", kTrace, R"(")")));
  EXPECT_THAT(request,
              HasSubstr(absl::StrCat(R"("parentSpanId":")", kParent, R"(")")));
  EXPECT_THAT(request,
              HasSubstr(R"("startTimeUnixNano":"1762135200000000000")"));
  EXPECT_THAT(request, HasSubstr(R"("endTimeUnixNano":"1762135200000250000")"));
  EXPECT_THAT(request, HasSubstr("ConcernShared"));
}

TEST(SpanExporter, WithoutACollectorSpansAreDroppedAndCounted) {
  testing::SeededRandom random(1);
  Metrics metrics;
  {
    SpanExporter nobody("concordat-bus", 0, random, metrics);
    EXPECT_FALSE(nobody.wants());
    nobody.Add(ASpan());
    EXPECT_EQ(metrics.Text(), "");
  }
  uint16_t closed = 0;
  {
    testing::SpanReceiver receiver;
    closed = receiver.port();
  }
  SpanExporter exporter("concordat-bus", closed, random, metrics);
  for (int i = 0; i < 2000; ++i) exporter.Add(ASpan());
  // All are dropped in the end: those beyond the bound at once.
  while (!absl::StrContains(metrics.Text(),
                            "\nconcordat_spans_dropped_total 2000\n")) {
  }
  EXPECT_THAT(metrics.Text(), HasSubstr("\nconcordat_spans_sent_total 0\n"));
}

}  // namespace
}  // namespace concordat
