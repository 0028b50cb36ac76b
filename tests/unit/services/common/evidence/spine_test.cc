// Bugs this file catches:
//   a leaf that tells what a view may withhold        Leaf.WithoutWhatAViewMay…
//   a leaf that changes with the traceparent          Leaf.WithoutWhatAViewMay…
//   a digest that is believed without being computed  Leaf.TellsTheDigest
//   a damaged header that is cut beyond its end       Leaf.DamagedIsDataLoss
#include "services/common/evidence/spine.h"

#include <string>

#include "gmock/gmock.h"
#include "services/common/base/bytes.h"
#include "services/common/event/codec.h"
#include "services/common/event/commitments.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::HasCode;
using testing::IsOk;

Header SomeHeader() {
  Header header;
  header.source = "urn:concordat:police-scotland:rms";
  header.type = "concordat.test.v1.Happened";
  header.controller = "police-scotland";
  header.id = "id-1";
  header.stream = "order/1";
  header.time_us = 1'700'000'000'000'000;
  return header;
}

// As the bus writes it (FORMAT.md); the digest is the one of the rest.
std::string SpineOf(const Header& header) {
  View view;
  view.header = header;
  view.header_commitment = Digest{9};
  view.commitments = {{0, Digest{1}}, {3, Digest{2}}};
  const Digest digest = *DigestOfView(view);
  std::string spine = {1, 4, 2, 0};
  PutNumber(spine, uint32_t{1});
  PutNumber(spine, uint64_t{7});
  PutNumber(spine, uint64_t{1'700'000'000'000'001});
  PutBytes(spine, digest);
  PutBytes(spine, Digest{8});
  PutBytes(spine, *view.header_commitment);
  for (const View::Commitment& one : view.commitments) {
    spine.push_back(static_cast<char>(one.number));
    PutBytes(spine, one.hash);
  }
  AppendHeader(AsView(header), spine);
  return spine;
}

TEST(Leaf, WithoutWhatAViewMayWithhold) {
  const std::string plain = SpineOf(SomeHeader());
  std::string buffer;
  EXPECT_EQ(*LeafOfSpine(plain, buffer), plain);

  Header full = SomeHeader();
  full.on_behalf_of = "staff-4711";
  full.correlation = "corr-1";
  full.causation = "cause-1";
  full.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  full.corrects = "id-0";
  const std::string spine = SpineOf(full);
  const absl::StatusOr<absl::string_view> leaf = LeafOfSpine(spine, buffer);
  ASSERT_THAT(leaf, IsOk());
  for (const char* hidden : {"4711", "corr-1", "cause-1", "4bf92f"}) {
    EXPECT_THAT(std::string(*leaf),
                ::testing::Not(::testing::HasSubstr(hidden)));
  }
  const absl::StatusOr<Spine> decoded = DecodeSpine(*leaf);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->header.corrects, "id-0");
  EXPECT_EQ(decoded->sequence.value, 7u);
}

TEST(Leaf, TellsTheDigest) {
  Header full = SomeHeader();
  full.causation = "cause-1";
  std::string buffer;
  std::string leaf(*LeafOfSpine(SpineOf(full), buffer));
  ASSERT_THAT(CheckDigest(*DecodeSpine(leaf)), IsOk());
  const size_t at = leaf.find("order/1");
  leaf[at] = 'O';
  EXPECT_THAT(CheckDigest(*DecodeSpine(leaf)),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST(Leaf, DamagedIsDataLoss) {
  const std::string spine = SpineOf(SomeHeader());
  std::string buffer;
  for (size_t bytes = 0; bytes < 120 + 2 * 33; ++bytes) {
    EXPECT_THAT(LeafOfSpine(spine.substr(0, bytes), buffer),
                HasCode(absl::StatusCode::kDataLoss));
  }
  EXPECT_THAT(LeafOfSpine(spine.substr(0, spine.size() - 1), buffer),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(DecodeSpine("\x02"), HasCode(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace concordat
