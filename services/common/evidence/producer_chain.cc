#include "services/common/evidence/producer_chain.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr absl::string_view kChainContext = "concordat/chain/1";
constexpr absl::string_view kSignatureContext = "concordat/chain-signature/1";

TreeHash Extend(const TreeHash& hash, const Digest& digest) {
  return Sha256().Update(AsView(hash)).Update(AsView(digest)).Finish();
}

std::string SignedMessage(absl::string_view log_id,
                          const bus::v1::ChainSigned& link) {
  std::string message(kSignatureContext);
  message.append(log_id.data(), log_id.size());
  message += link.chain();
  PutNumber(message, uint64_t{link.before()});
  message += link.hash_before();
  for (const bus::v1::SequenceRun& run : link.runs()) {
    PutNumber(message, uint64_t{run.first()});
    PutNumber(message, uint32_t{run.count()});
  }
  message += link.hash();
  return message;
}

template <size_t kCount>
std::optional<std::array<uint8_t, kCount>> ToArray(absl::string_view bytes) {
  std::array<uint8_t, kCount> array;
  if (bytes.size() != kCount) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

}  // namespace

uint64_t EventsOf(const bus::v1::ChainSigned& link) {
  uint64_t events = 0;
  for (const bus::v1::SequenceRun& run : link.runs()) events += run.count();
  return events;
}

bool Names(const bus::v1::ChainSigned& link, Sequence sequence) {
  return std::any_of(link.runs().begin(), link.runs().end(),
                     [&](const bus::v1::SequenceRun& run) {
                       return sequence.value >= run.first() &&
                              sequence.value - run.first() < run.count();
                     });
}

absl::Status CheckLink(absl::string_view log_id,
                       const bus::v1::ChainSigned& link) {
  const auto key = ToArray<kEd25519KeyBytes>(link.public_key());
  const auto signature = ToArray<kEd25519SignatureBytes>(link.signature());
  const uint64_t events = EventsOf(link);
  const bool is_whole = std::all_of(link.runs().begin(), link.runs().end(),
                                    [](const bus::v1::SequenceRun& run) {
                                      return run.first() > 0 &&
                                             run.first() <= kTreeSizeMax &&
                                             run.count() > 0;
                                    });
  if (!key || !signature || !is_whole || events == 0 ||
      events > kChainEventsMax || link.chain().size() != kChainBytes ||
      link.hash_before().size() != kSha256Bytes ||
      link.hash().size() != kSha256Bytes) {
    return absl::InvalidArgumentError("not a link of a producer's chain");
  }
  if (!CheckEd25519(*key, SignedMessage(log_id, link), *signature)) {
    return absl::PermissionDeniedError(
        "the key did not sign this link of a producer's chain");
  }
  return absl::OkStatus();
}

absl::Status CheckLinkDigests(const bus::v1::ChainSigned& link,
                              absl::Span<const Digest> digests) {
  std::optional<TreeHash> hash = TreeHashOf(link.hash_before());
  if (!hash.has_value() || digests.size() != EventsOf(link)) {
    return absl::DataLossError("a link of a producer's chain is of others");
  }
  for (const Digest& digest : digests) hash = Extend(*hash, digest);
  if (AsView(*hash) != link.hash()) {
    return absl::DataLossError(
        "a link of a producer's chain is of other events");
  }
  return absl::OkStatus();
}

ProducerChain::ProducerChain(absl::string_view log_id,
                             const std::array<uint8_t, kChainBytes>& chain)
    : log_id_(log_id),
      hash_(Sha256()
                .Update(kChainContext)
                .Update(log_id)
                .Update(AsView(chain))
                .Finish()) {
  next_.set_chain(std::string(AsView(chain)));
  Begin();
}

void ProducerChain::Begin() {
  events_ += unsigned_;
  unsigned_ = 0;
  next_.set_before(events_);
  next_.set_hash_before(std::string(AsView(hash_)));
  next_.clear_runs();
}

void ProducerChain::Add(Sequence sequence, const Digest& digest) {
  hash_ = Extend(hash_, digest);
  ++unsigned_;
  if (!next_.runs().empty()) {
    bus::v1::SequenceRun& last = *next_.mutable_runs()->rbegin();
    if (last.first() + last.count() == sequence.value) {
      last.set_count(last.count() + 1);
      return;
    }
  }
  bus::v1::SequenceRun& run = *next_.add_runs();
  run.set_first(sequence.value);
  run.set_count(1);
}

bus::v1::ChainSigned ProducerChain::Sign(const Ed25519Signer& signer) {
  CONCORDAT_CHECK(unsigned_ > 0 && unsigned_ <= kChainEventsMax);
  next_.set_hash(std::string(AsView(hash_)));
  next_.set_public_key(std::string(AsView(signer.public_key())));
  const Ed25519Signature signature = signer.Sign(SignedMessage(log_id_, next_));
  next_.set_signature(std::string(AsView(signature)));
  bus::v1::ChainSigned link = next_;
  Begin();
  return link;
}

}  // namespace concordat
