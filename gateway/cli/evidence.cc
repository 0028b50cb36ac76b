#include "gateway/cli/evidence.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gateway/cli/json.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/config/principal_registry.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/spine.h"
#include "services/common/evidence/timestamp.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.EvidenceService/";
// Going through a whole log takes its time.
constexpr absl::Duration kVerifyTimeout = absl::Minutes(30);

// The note, as the key in the data directory signed it. Its origin is of the
// environment here; which log and epoch, it says itself.
absl::StatusOr<OpenedCheckpoint> OpenWithKeyHere(const Hub& hub,
                                                 const std::string& note) {
  const absl::StatusOr<Ed25519PublicKey> key = LoadLogKey(hub.data());
  if (!key.ok()) return key.status();
  const absl::StatusOr<Note> parsed = ParseNote(note);
  if (!parsed.ok()) return parsed.status();
  const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(parsed->text);
  if (!checkpoint.ok()) return checkpoint.status();
  const absl::StatusOr<NoteVerifier> verifier =
      MakeVerifier(checkpoint->origin, NoteKeyType::kEd25519, *key);
  if (!verifier.ok()) return verifier.status();
  return OpenCheckpoint(note, *verifier);
}

absl::StatusOr<uint64_t> NumberOf(const char* flag, const std::string& text) {
  uint64_t number = 0;
  if (!text.empty() && !absl::SimpleAtoi(text, &number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("log prove: ", flag, " is a number"));
  }
  return number;
}

// The checkpoint that the proof leads to.
absl::StatusOr<Checkpoint> CheckProof(
    const Hub& hub, uint64_t sequence,
    const bus::v1::ProveInclusionResponse& response) {
  const std::optional<TreeHash> leaf_hash = TreeHashOf(response.leaf_hash());
  const auto proof = TreeHashesOf(response.hashes());
  if (!leaf_hash.has_value() || !proof.has_value()) {
    return absl::DataLossError("the proof has something that is no hash");
  }
  if (!response.leaf().empty()) {
    const absl::StatusOr<Spine> spine = DecodeSpine(response.leaf());
    if (!spine.ok()) return spine.status();
    const absl::Status digest = CheckDigest(*spine);
    if (!digest.ok()) return digest;
    if (spine->sequence.value != sequence ||
        HashLeaf(response.leaf()) != *leaf_hash) {
      return absl::DataLossError("the leaf is another event's");
    }
  }
  Checkpoint checkpoint;
  checkpoint.size = response.size();
  const absl::StatusOr<TreeHash> root =
      RootFromInclusion(sequence - 1, response.size(), *leaf_hash, *proof);
  if (!root.ok()) return root.status();
  checkpoint.root = *root;
  if (response.checkpoint().empty()) return checkpoint;
  const absl::StatusOr<OpenedCheckpoint> opened =
      OpenWithKeyHere(hub, response.checkpoint());
  if (!opened.ok()) return opened.status();
  if (opened->checkpoint.size != response.size() ||
      opened->checkpoint.root != *root) {
    return absl::DataLossError(
        "the proof does not lead to what the log signed");
  }
  return opened->checkpoint;
}

std::string Base64(const TreeHash& hash) {
  return absl::Base64Escape(absl::string_view(
      reinterpret_cast<const char*>(hash.data()), hash.size()));
}

// Checked with the authority's certificate here.
absl::Status ShowStamp(const Hub& hub,
                       const bus::v1::GetCheckpointResponse& response,
                       bool as_json) {
  if (response.stamp().empty()) return absl::OkStatus();
  std::ifstream file(hub.data().PathOf("keys/stamp-authority.pem"),
                     std::ios::binary);
  const std::string roots{std::istreambuf_iterator<char>(file), {}};
  const absl::StatusOr<OpenedCheckpoint> opened =
      OpenWithKeyHere(hub, response.stamped());
  if (!opened.ok()) return opened.status();
  const absl::StatusOr<absl::Time> at =
      CheckStamp(response.stamp(), opened->text, std::nullopt, roots);
  if (!at.ok()) return at.status();
  if (as_json) return absl::OkStatus();
  std::printf("stamped: the tree of %llu events, at %s\n",
              static_cast<unsigned long long>(opened->checkpoint.size),
              absl::FormatTime(*at, absl::UTCTimeZone()).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status ShowCheckpoint(Hub& hub, bool as_json) {
  const auto response = hub.Call<bus::v1::GetCheckpointResponse>(
      kProgram, absl::StrCat(kService, "GetCheckpoint"),
      bus::v1::GetCheckpointRequest());
  if (!response.ok()) return response.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*response).c_str());
  } else if (response->checkpoint().empty()) {
    std::printf("no checkpoint yet: %llu of %llu events are in the tree\n",
                static_cast<unsigned long long>(response->leaves()),
                static_cast<unsigned long long>(response->log_end()));
  } else {
    std::printf("%s", response->checkpoint().c_str());
  }
  if (!response->checkpoint().empty()) {
    const auto opened = OpenWithKeyHere(hub, response->checkpoint());
    if (!opened.ok()) return opened.status();
    if (!as_json) {
      std::printf("\nsigned by the key here; the log has %llu events\n",
                  static_cast<unsigned long long>(response->log_end()));
    }
  }
  if (!as_json && !response->cosigned().empty()) {
    std::printf("witnessed:\n%s", response->cosigned().c_str());
  }
  if (!response->access_checkpoint().empty()) {
    const auto opened = OpenWithKeyHere(hub, response->access_checkpoint());
    if (!opened.ok()) return opened.status();
    if (!as_json) {
      std::printf("access log:\n%s", response->access_checkpoint().c_str());
    }
  }
  const absl::Status stamped = ShowStamp(hub, *response, as_json);
  if (!stamped.ok()) return stamped;
  if (response->refused_because().empty()) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("nothing more is signed: ", response->refused_because()));
}

absl::Status ProveEvent(Hub& hub, const std::string& sequence,
                        const std::string& size, bool as_json) {
  const absl::StatusOr<uint64_t> number = NumberOf("--sequence", sequence);
  if (!number.ok()) return number.status();
  if (*number == 0) {
    return absl::InvalidArgumentError("log prove: --sequence says which event");
  }
  const absl::StatusOr<uint64_t> of_size = NumberOf("--size", size);
  if (!of_size.ok()) return of_size.status();
  bus::v1::ProveInclusionRequest request;
  request.set_sequence(*number);
  request.set_size(*of_size);
  const auto response = hub.Call<bus::v1::ProveInclusionResponse>(
      kProgram, absl::StrCat(kService, "ProveInclusion"), request);
  if (!response.ok()) return response.status();
  const absl::StatusOr<Checkpoint> checkpoint =
      CheckProof(hub, *number, *response);
  if (!checkpoint.ok()) return checkpoint.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*response).c_str());
    return absl::OkStatus();
  }
  std::printf("event %llu is in the tree of %llu events with root %s\n",
              static_cast<unsigned long long>(*number),
              static_cast<unsigned long long>(checkpoint->size),
              Base64(checkpoint->root).c_str());
  if (response->producer_signature() == bus::v1::PRODUCER_SIGNATURE_SIGNED) {
    std::printf("published and signed by %s\n", response->signed_by().c_str());
  } else if (response->producer_signature() ==
             bus::v1::PRODUCER_SIGNATURE_UNSIGNED) {
    std::printf("unsigned by its producer\n");
  }
  if (checkpoint->origin.empty()) {
    std::printf(
        "compare the root with the checkpoint of that size that you "
        "have\n");
  } else {
    std::printf("signed by %s\n", checkpoint->origin.c_str());
  }
  return absl::OkStatus();
}

absl::StatusOr<bus::v1::VerifyTreeResponse> VerifyTree(Hub& hub) {
  CallOptions options;
  options.timeout = kVerifyTimeout;
  bus::v1::VerifyTreeRequest request;
  for (;;) {
    auto response = hub.Call<bus::v1::VerifyTreeResponse>(
        kProgram, absl::StrCat(kService, "VerifyTree"), request, options);
    if (!response.ok()) return response.status();
    if (response->verified() == response->size()) return response;
    if (response->verified() <= request.verified()) {
      return absl::InternalError("the bus verifies nothing more of its tree");
    }
    if (isatty(STDERR_FILENO) != 0) {
      std::fprintf(stderr, "tree:  %llu of %llu events\n",
                   static_cast<unsigned long long>(response->verified()),
                   static_cast<unsigned long long>(response->size()));
    }
    request.set_size(response->size());
    request.set_verified(response->verified());
    request.mutable_subtrees()->Swap(response->mutable_subtrees());
  }
}

}  // namespace concordat::cli
