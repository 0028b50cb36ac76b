#include "services/bus/daemon/evidence_desk.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/bus/daemon/log_verifier.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/evidence/producer_link.h"
#include "services/common/base/bytes.h"
#include "services/common/evidence/spine.h"
#include "services/common/evidence/tiles.h"

namespace concordat::bus {
namespace {

// Some seconds of a slow disk, well within a call's deadline.
constexpr uint64_t kVerifiedAtATime = 500'000;
constexpr char kService[] = "concordat.bus.v1.EvidenceService/";
constexpr char kVerifyLog[] = "concordat.bus.v1.BusService/VerifyLog";

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
  host.Handle<v1::ProveAccessRequest, v1::ProveAccessResponse>(
      method("ProveAccess"), {},
      [this](const Call&, const v1::ProveAccessRequest& request) {
        return Access(request);
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
      [this](const Call&, const v1::VerifyTreeRequest& request,
             Reply<v1::VerifyTreeResponse> reply) {
        thread_->Post([this, request, reply = std::move(reply)] {
          reply(Verify(request));
        });
      });
  host.HandleLater<v1::VerifyLogRequest, v1::VerifyLogResponse>(
      kVerifyLog, {{"operator"}},
      [this](const Call& call, const v1::VerifyLogRequest& request,
             Reply<v1::VerifyLogResponse> reply) {
        thread_->Post(
            [this, request, until = call.deadline, reply = std::move(reply)] {
              reply(VerifyPart(log_, request, kVerifiedEvents,
                               [&] { return clock_.Now() >= until; }));
            });
      });
  host.Handle<v1::SignEventsRequest, v1::SignEventsResponse>(
      method("SignEvents"), {},
      [this](const Call& call, const v1::SignEventsRequest& request)
          -> absl::StatusOr<v1::SignEventsResponse> {
        const absl::Status taken = sign_(*call.principal, request.link());
        if (!taken.ok()) return taken;
        return v1::SignEventsResponse();
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
  response.set_access_checkpoint(access_.Now().note);
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
  AddTreeHashes(*proof, *response.mutable_hashes());
  if (size == newest) response.set_checkpoint(*now.note);
  response.set_leaf(*std::move(leaf));
  // Who signed an event says whose it is: to who may see it, and to the operator.
  if (response.leaf().empty() && call.principal->role() != "operator") {
    return response;
  }
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

absl::Status EvidenceDesk::FillSignature(
    const Call& call, const StoredEvent& event,
    v1::ProveInclusionResponse& response) const {
  const auto found = FindProducerLink(log_, chains_, event);
  if (absl::IsUnimplemented(found.status())) return absl::OkStatus();
  if (!found.ok()) return found.status();
  if (!found->has_value()) {
    response.set_producer_signature(v1::PRODUCER_SIGNATURE_UNSIGNED);
    return absl::OkStatus();
  }
  const StoredLink& link = (*found)->stored;
  response.set_producer_signature(v1::PRODUCER_SIGNATURE_SIGNED);
  response.set_signed_by(link.principal);
  response.set_signing_key(link.link.public_key());
  if (call.principal->agency() != AgencyOfSource(event.header.source) &&
      !call.principal->has_process()) {
    return absl::OkStatus();
  }
  *response.mutable_link() = link.link;
  for (const Digest& digest : (*found)->digests) {
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
  AddTreeHashes(*proof, *response.mutable_hashes());
  if (to == newest && now.note != nullptr) response.set_checkpoint(*now.note);
  return response;
}

absl::StatusOr<v1::ProveAccessResponse> EvidenceDesk::Access(
    const v1::ProveAccessRequest& request) const {
  const AccessTree::View now = access_.Now();
  const uint64_t to =
      request.to_size() == 0 ? now.checkpoint.size : request.to_size();
  const auto proof = access_.ProveConsistency(request.from_size(), to);
  if (!proof.ok()) return proof.status();
  v1::ProveAccessResponse response;
  response.set_to_size(to);
  AddTreeHashes(*proof, *response.mutable_hashes());
  if (to == now.checkpoint.size) response.set_checkpoint(now.note);
  return response;
}

absl::StatusOr<v1::AddCosignatureResponse> EvidenceDesk::Cosign(
    const Call& call, const v1::AddCosignatureRequest& request) {
  const absl::Status added =
      tree_.AddCosignature(*call.principal, request.cosignature());
  if (!added.ok()) return added;
  return v1::AddCosignatureResponse();
}

absl::StatusOr<v1::VerifyTreeResponse> EvidenceDesk::Verify(
    const v1::VerifyTreeRequest& request) const {
  int next = 0;
  const auto so_far = TreeEdge::Load(
      request.verified(), [&](int, uint64_t) -> absl::StatusOr<TreeHash> {
        const auto hash = next < request.subtrees_size()
                              ? TreeHashOf(request.subtrees(next++))
                              : std::nullopt;
        if (!hash.has_value()) {
          return absl::InvalidArgumentError(
              "subtrees: not those of so many verified events");
        }
        return *hash;
      });
  if (!so_far.ok()) return so_far.status();
  const uint64_t size =
      request.size() == 0 ? tree_.Now().checkpoint.size : request.size();
  const auto edge = tree_.Verify(*so_far, size, kVerifiedAtATime);
  if (!edge.ok()) return edge.status();
  v1::VerifyTreeResponse response;
  response.set_size(size);
  response.set_verified(edge->size());
  for (const TreeHash& hash : edge->subtrees()) {
    response.add_subtrees(std::string(AsView(hash)));
  }
  if (edge->size() == size) {
    response.set_root(std::string(AsView(edge->root())));
  }
  return response;
}

}  // namespace concordat::bus
