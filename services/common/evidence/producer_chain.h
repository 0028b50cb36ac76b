// A producer's signature over what it published (DESIGN 6): a chain of hashes over
// the digests of the events that it has receipts for, in the order of the
// receipts, signed now and then. PURE.
//
//   hash_0    = SHA-256("concordat/chain/1" ‖ log id ‖ chain)
//   hash_i    = SHA-256(hash_(i-1) ‖ digest_i)
//   signature = Ed25519("concordat/chain-signature/1" ‖ log id ‖ chain ‖
//               before:u64 ‖ hash_before ‖ (first:u64 ‖ count:u32)* ‖ hash)
// Numbers are little-endian. A link, bus.v1.ChainSigned, is checked by itself:
// with the digests of the events that it names. An event that no link names is
// unsigned: its producer has no key, or went away before it signed.
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_PRODUCER_CHAIN_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_PRODUCER_CHAIN_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/common/base/ids.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/event/event.h"
#include "services/common/evidence/merkle.h"

namespace concordat {

inline constexpr size_t kChainBytes = 16;
inline constexpr uint64_t kChainEventsMax = 1024;  // That one link names.

// How many events the link names.
uint64_t EventsOf(const bus::v1::ChainSigned& link);
bool Names(const bus::v1::ChainSigned& link, Sequence sequence);

// Sizes and bounds, and that the key that it names signed it. Whether the key is
// the producer's, and the digests are those of the events, is for others.
//   INVALID_ARGUMENT  malformed.  PERMISSION_DENIED  not signed by that key.
absl::Status CheckLink(absl::string_view log_id,
                       const bus::v1::ChainSigned& link);
// That it is of events with these digests, in its order.
//   DATA_LOSS  of others.
absl::Status CheckLinkDigests(const bus::v1::ChainSigned& link,
                              absl::Span<const Digest> digests);

// A chain that is being made.
//
// Threads  One at a time.
class ProducerChain {
 public:
  ProducerChain(absl::string_view log_id,
                const std::array<uint8_t, kChainBytes>& chain);

  void Add(Sequence sequence, const Digest& digest);
  // Events that are not signed yet.
  uint64_t unsigned_events() const { return unsigned_; }
  // Signs them, and goes on after them. There has to be one.
  bus::v1::ChainSigned Sign(const Ed25519Signer& signer);

 private:
  void Begin();

  const std::string log_id_;
  TreeHash hash_ = {};
  uint64_t events_ = 0;  // Of all links that are signed.
  uint64_t unsigned_ = 0;
  bus::v1::ChainSigned next_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_PRODUCER_CHAIN_H_
