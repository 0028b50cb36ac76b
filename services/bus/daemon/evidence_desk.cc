#include "services/bus/daemon/evidence_desk.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/base/bytes.h"
#include "services/common/evidence/producer_chain.h"
#include "services/common/evidence/spine.h"
#include "services/common/evidence/tiles.h"

namespace concordat::bus {
namespace {

// A producer signs within moments of the receipt.
constexpr size_t kSignatureSearchBytes = size_t{64} << 20;
constexpr char kService[] = "concordat.bus.v1.EvidenceService/";

template <typename Response>
void FillHashes(const std::vector<TreeHash>& proof, Response& response) {
  for (const TreeHash& hash : proof) {
    response.add_hashes(std::string(AsView(hash)));
  }
}

}  // namespace

void EvidenceDesk::Serve(ServerHost& host) {
  const auto method = [](absl::string_view name) {
    return absl::StrCat(kService, name);
  };
  host.Handle<v1::GetCheckpointRequest, v1::GetCheckpointResponse>(
      method("GetCheckpoint"), {},
      [this](const Call&, const v1::GetCheckpointRequest&)
          -> absl::StatusOr<v1::GetCheckpointResponse> {
        return Checkpoint();
      });
  host.Handle<v1::ProveInclusionRequest, v1::ProveInclusionResponse>(
      method("ProveInclusion"), {},
      [this](const Call& call, const v1::ProveInclusionRequest& request) {
        return Inclusion(call, request);
      });
  host.Handle<v1::ProveConsistencyRequest, v1::ProveConsistencyResponse>(
      method("ProveConsistency"), {},
      [this](const Call&, const v1::ProveConsistencyRequest& request) {
        return Consistency(request);
      });
  host.Handle<v1::GetTileRequest, v1::GetTileResponse>(
      method("GetTile"), {},
      [this](const Call&, const v1::GetTileRequest& request)
          -> absl::StatusOr<v1::GetTileResponse> {
        const absl::StatusOr<Tile> tile = ParseTilePath(request.path());
        if (!tile.ok()) {
          return absl::InvalidArgumentError(
              absl::StrCat("path: ", tile.status().message()));
        }
        absl::StatusOr<std::string> bytes = tree_.ReadTile(*tile);
        if (!bytes.ok()) return bytes.status();
        v1::GetTileResponse response;
        response.set_tile(*std::move(bytes));
        return response;
      });
  host.Handle<v1::AddCosignatureRequest, v1::AddCosignatureResponse>(
      method("AddCosignature"), {},
      [this](const Call& call, const v1::AddCosignatureRequest& request) {
        return Cosign(call, request);
      });
  host.HandleLater<v1::VerifyTreeRequest, v1::VerifyTreeResponse>(
      method("VerifyTree"), {{"operator"}},
      [this](const Call&, const v1::VerifyTreeRequest&,
             Reply<v1::VerifyTreeResponse> reply) {
        thread_->Post([this, reply = std::move(reply)] { reply(Verify()); });
      });
}

v1::GetCheckpointResponse EvidenceDesk::Checkpoint() const {
  const LogTree::View now = tree_.Now();
  v1::GetCheckpointResponse response;
  if (now.note != nullptr) response.set_checkpoint(*now.note);
  response.set_cosigned(now.cosigned);
  response.set_verifier_key(tree_.key().ToString());
  response.set_leaves(now.leaves);
  response.set_log_end(log_.Status().end.value);
  response.set_refused_because(now.refused_because);
  auto [note, stamp] = stamp_();
  response.set_stamped(std::move(note));
  response.set_stamp(std::move(stamp));
  return response;
}

absl::StatusOr<v1::ProveInclusionResponse> EvidenceDesk::Inclusion(
    const Call& call, const v1::ProveInclusionRequest& request) {
  const Sequence sequence = {request.sequence()};
  const LogTree::View now = tree_.Now();
  const uint64_t newest = now.checkpoint.size;
  const uint64_t size = request.size() == 0 ? newest : request.size();
  const auto proof = tree_.ProveInclusion(sequence, size);
  if (!proof.ok()) return proof.status();
  const absl::StatusOr<TreeHash> hash = tree_.LeafHash(sequence);
  if (!hash.ok()) return hash.status();
  const absl::StatusOr<StoredEvent> event = log_.ReadOne(sequence);
  if (!event.ok()) return event.status();
  absl::StatusOr<std::string> leaf = LeafFor(call, *event);
  if (!leaf.ok()) return leaf.status();
  v1::ProveInclusionResponse response;
  response.set_size(size);
  response.set_leaf_hash(std::string(AsView(*hash)));
  FillHashes(*proof, response);
  if (size == newest) response.set_checkpoint(*now.note);
  response.set_leaf(*std::move(leaf));
  const absl::Status filled = FillSignature(call, *event, response);
  if (!filled.ok()) return filled;
  return response;
}

absl::StatusOr<std::string> EvidenceDesk::LeafFor(const Call& call,
                                                  const StoredEvent& event) {
  if (const absl::Status caught_up = fold_.CatchUp(log_); !caught_up.ok()) {
    return caught_up;
  }
  const Recipient to = RecipientOf(*call.principal, call.purpose);
  // The operator sees envelopes, and a leaf is more: it names the person.
  if (to.envelopes_only() || fold_.Granted(event, to) == 0) {
    return std::string();
  }
  std::string leaf;
  std::string buffer;
  const absl::StatusOr<Sequence> read =
      spines_.ForEachSpine({event.sequence.value - 1}, 1,
                           [&](absl::string_view spine) -> absl::Status {
                             if (!leaf.empty()) return absl::OkStatus();
                             const absl::StatusOr<absl::string_view> made =
                                 LeafOfSpine(spine, buffer);
                             if (!made.ok()) return made.status();
                             leaf = std::string(*made);
                             return absl::OkStatus();
                           });
  if (!read.ok()) return read.status();
  return leaf;
}

absl::StatusOr<std::vector<Digest>> EvidenceDesk::DigestsOf(
    const v1::ChainSigned& link) const {
  std::vector<Digest> digests;
  for (const v1::SequenceRun& run : link.runs()) {
    for (uint64_t i = 0; i < run.count(); ++i) {
      const absl::StatusOr<StoredEvent> event = log_.ReadOne({run.first() + i});
      if (!event.ok()) return event.status();
      digests.push_back(event->digest);
    }
  }
  return digests;
}

absl::Status EvidenceDesk::FillSignature(
    const Call& call, const StoredEvent& event,
    v1::ProveInclusionResponse& response) const {
  const absl::string_view agency = AgencyOfSource(event.header.source);
  std::vector<Digest> digests;
  // Anybody can name an event in a link; it has to be its producer's agency, and of
  // these very events.
  const auto holds = [&](const StoredLink& link) {
    if (link.agency != agency ||
        !CheckLink(log_.Status().log_id, link.link).ok()) {
      return false;
    }
    absl::StatusOr<std::vector<Digest>> found = DigestsOf(link.link);
    if (!found.ok() || !CheckLinkDigests(link.link, *found).ok()) return false;
    digests = *std::move(found);
    return true;
  };
  const auto link =
      chains_.FindLink(event.sequence, kSignatureSearchBytes, holds);
  if (absl::IsUnimplemented(link.status())) return absl::OkStatus();
  if (!link.ok()) return link.status();
  if (!link->has_value()) {
    response.set_producer_signature(v1::PRODUCER_SIGNATURE_UNSIGNED);
    return absl::OkStatus();
  }
  response.set_producer_signature(v1::PRODUCER_SIGNATURE_SIGNED);
  response.set_signed_by((*link)->principal);
  response.set_signing_key((*link)->link.public_key());
  if (call.principal->agency() != agency && !call.principal->has_process()) {
    return absl::OkStatus();
  }
  *response.mutable_link() = (*link)->link;
  for (const Digest& digest : digests) {
    response.add_link_digests(std::string(AsView(digest)));
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ProveConsistencyResponse> EvidenceDesk::Consistency(
    const v1::ProveConsistencyRequest& request) const {
  const LogTree::View now = tree_.Now();
  const uint64_t newest = now.checkpoint.size;
  const uint64_t to = request.to_size() == 0 ? newest : request.to_size();
  const auto proof = tree_.ProveConsistency(request.from_size(), to);
  if (!proof.ok()) return proof.status();
  v1::ProveConsistencyResponse response;
  response.set_to_size(to);
  FillHashes(*proof, response);
  if (to == newest && now.note != nullptr) response.set_checkpoint(*now.note);
  return response;
}

absl::StatusOr<v1::AddCosignatureResponse> EvidenceDesk::Cosign(
    const Call& call, const v1::AddCosignatureRequest& request) {
  const absl::Status added =
      tree_.AddCosignature(*call.principal, request.cosignature());
  if (!added.ok()) return added;
  return v1::AddCosignatureResponse();
}

absl::StatusOr<v1::VerifyTreeResponse> EvidenceDesk::Verify() const {
  const absl::StatusOr<uint64_t> size = tree_.Verify();
  if (!size.ok()) return size.status();
  const absl::StatusOr<TreeHash> root = tree_.RootOf(*size);
  if (!root.ok()) return root.status();
  v1::VerifyTreeResponse response;
  response.set_size(*size);
  response.set_root(std::string(AsView(*root)));
  return response;
}

}  // namespace concordat::bus
