// Bugs this file catches:
//   a link that does not say which events it is of   Chain.EveryFieldIsSigned
//   an event left out, added, or moved in a link     Chain.OtherEventsAreNoticed
//   a second link that forgets the first             Chain.LinksJoin
//   a signature of one log shown for another         Chain.OfThisLogAlone
#include "services/common/evidence/producer_chain.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr char kLog[] = "0123456789abcdef";

Digest DigestOf(uint64_t n) { return Sha256::Of(std::to_string(n)); }

class Chain : public ::testing::Test {
 protected:
  bus::v1::ChainSigned Link(std::initializer_list<uint64_t> sequences) {
    for (const uint64_t sequence : sequences) {
      chain_.Add({sequence}, DigestOf(sequence));
    }
    return chain_.Sign(signer_);
  }
  static std::vector<Digest> Digests(
      std::initializer_list<uint64_t> sequences) {
    std::vector<Digest> digests;
    for (const uint64_t sequence : sequences) {
      digests.push_back(DigestOf(sequence));
    }
    return digests;
  }

  const Ed25519Signer signer_{Ed25519Seed{7}};
  ProducerChain chain_{kLog, {1, 2, 3}};
};

TEST_F(Chain, LinksJoin) {
  const bus::v1::ChainSigned first = Link({5, 6, 7, 10});
  EXPECT_THAT(CheckLink(kLog, first), IsOk());
  EXPECT_THAT(CheckLinkDigests(first, Digests({5, 6, 7, 10})), IsOk());
  EXPECT_EQ(first.runs_size(), 2);
  EXPECT_TRUE(Names(first, {7}));
  EXPECT_TRUE(Names(first, {10}));
  EXPECT_FALSE(Names(first, {8}));
  EXPECT_FALSE(Names(first, {4}));

  const bus::v1::ChainSigned second = Link({12});
  EXPECT_THAT(CheckLink(kLog, second), IsOk());
  EXPECT_EQ(second.before(), 4u);
  EXPECT_EQ(second.hash_before(), first.hash());
  EXPECT_EQ(chain_.unsigned_events(), 0u);
}

TEST_F(Chain, OtherEventsAreNoticed) {
  const bus::v1::ChainSigned link = Link({5, 6, 7});
  for (const auto& digests :
       {Digests({5, 7, 6}), Digests({5, 6}), Digests({5, 6, 7, 7}),
        Digests({5, 6, 8}), Digests({})}) {
    EXPECT_THAT(CheckLinkDigests(link, digests),
                HasCode(absl::StatusCode::kDataLoss));
  }
}

TEST_F(Chain, EveryFieldIsSigned) {
  const bus::v1::ChainSigned link = Link({5, 6, 9});
  const std::string bytes = link.SerializeAsString();
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    bus::v1::ChainSigned other;
    if (!other.ParseFromString(changed)) continue;
    EXPECT_FALSE(CheckLink(kLog, other).ok()) << at;
  }
}

TEST_F(Chain, OfThisLogAlone) {
  EXPECT_THAT(CheckLink("fedcba9876543210", Link({5})),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(Chain, BoundsAreKept) {
  bus::v1::ChainSigned link = Link({5});
  link.mutable_runs(0)->set_count(kChainEventsMax + 1);
  EXPECT_THAT(CheckLink(kLog, link),
              HasCode(absl::StatusCode::kInvalidArgument));
  link.clear_runs();
  EXPECT_THAT(CheckLink(kLog, link),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat
