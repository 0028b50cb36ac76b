#include "services/bus/evidence/log_tree.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/common/base/bytes.h"
#include "services/common/config/principal_registry.h"
#include "services/common/evidence/spine.h"

namespace concordat::bus {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;
constexpr size_t kPendingBytesMax = size_t{1} << 20;
// A witness has about a minute.
constexpr size_t kRecentCheckpoints = 64;
// Between two checkpoints, at most about so many.
constexpr uint64_t kLeavesAtATime = 100'000;
// What is compared with the log at opening.
constexpr uint64_t kNewestCompared = kTileWidth;

std::string OriginsOf(v1::Environment environment, absl::string_view log_id) {
  return absl::StrCat(EnvironmentName(environment), ".concordat/log/",
                      absl::BytesToHexString(log_id), "/");
}

// What the spine says it is the spine of, without decoding it.
uint64_t SequenceOf(absl::string_view spine) {
  constexpr size_t kSequenceAt = 8;
  ByteReader in(spine);
  in.Bytes(kSequenceAt);
  return in.Number<uint64_t>();
}

}  // namespace

std::string OriginOf(v1::Environment environment, absl::string_view log_id,
                     uint32_t epoch) {
  return absl::StrCat(OriginsOf(environment, log_id), epoch);
}

LogTree::LogTree(const EventLog& log, const SpineLog& spines,
                 const Ed25519Signer& signer, std::unique_ptr<TreeFiles> files,
                 NoteVerifier key)
    : log_(log),
      spines_(spines),
      signer_(signer),
      files_(std::move(files)),
      key_(std::move(key)) {}

absl::StatusOr<std::unique_ptr<LogTree>> LogTree::Open(
    v1::Environment environment, const EventLog& log, const SpineLog& spines,
    const Ed25519Signer& signer, Directory& directory) {
  absl::StatusOr<std::unique_ptr<TreeFiles>> files = TreeFiles::Open(directory);
  if (!files.ok()) return files.status();
  const LogStatus status = log.Status();
  absl::StatusOr<NoteVerifier> key =
      MakeVerifier(OriginOf(environment, status.log_id, status.epoch),
                   NoteKeyType::kEd25519, signer.public_key());
  if (!key.ok()) return key.status();
  std::unique_ptr<LogTree> tree(
      new LogTree(log, spines, signer, *std::move(files), *std::move(key)));
  const absl::StatusOr<std::optional<Signed>> was =
      tree->LoadSigned(environment);
  if (!was.ok()) return was.status();
  if (was->has_value()) {
    const absl::Status resumed = tree->Resume(**was);
    if (!resumed.ok() && !absl::IsDataLoss(resumed)) return resumed;
    tree->LoadCosigned();
  }
  return tree;
}

absl::StatusOr<std::optional<LogTree::Signed>> LogTree::LoadSigned(
    v1::Environment environment) {
  const absl::StatusOr<std::string> bytes = files_->ReadNote(kCheckpointNote);
  if (!bytes.ok()) return bytes.status();
  const absl::StatusOr<Note> note = ParseNote(*bytes);
  // Missing or damaged, it says nothing: the log is what counts.
  if (!note.ok()) return std::optional<Signed>();
  absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  if (!checkpoint.ok()) return std::optional<Signed>();
  const absl::StatusOr<NoteVerifier> key = MakeVerifier(
      checkpoint->origin, NoteKeyType::kEd25519, signer_.public_key());
  // Damaged, or signed with a key of before: the tree is made anew.
  if (!key.ok() || !OpenCheckpoint(*bytes, *key).ok()) {
    return std::optional<Signed>();
  }
  const LogStatus status = log_.Status();
  absl::string_view epoch_text = checkpoint->origin;
  uint32_t epoch = 0;
  std::optional<Sequence> last;
  if (absl::ConsumePrefix(&epoch_text, OriginsOf(environment, status.log_id)) &&
      absl::SimpleAtoi(epoch_text, &epoch)) {
    last = LastOf(status, status.log_id, epoch);
  }
  if (!last.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the tree in bus/tree is of ", checkpoint->origin,
                     ", not of this log: take the folder away"));
  }
  Signed was;
  was.kept = checkpoint->size;
  if (epoch != status.epoch) was.kept = std::min(was.kept, last->value);
  was.checkpoint = *std::move(checkpoint);
  return std::optional<Signed>(std::move(was));
}

absl::Status LogTree::Resume(const Signed& was) {
  const uint64_t size = was.checkpoint.size;
  if (was.kept > log_.Status().end.value) {
    return Refuse(absl::StrCat("a tree of ", size,
                               " events was signed, and the log has ",
                               log_.Status().end.value, ": events were lost"));
  }
  const absl::StatusOr<TreeHash> root = concordat::RootOf(size, Reader(size));
  if (!root.ok() && !absl::IsDataLoss(root.status())) return root.status();
  if (!root.ok() || *root != was.checkpoint.root) {
    // The files are derived: they are made anew, and have to become what was
    // signed.
    if (was.kept == size) must_become_ = was.checkpoint;
    return absl::OkStatus();
  }
  const absl::StatusOr<uint64_t> differs = FindDifference(was.kept);
  if (absl::IsDataLoss(differs.status())) {
    if (was.kept == size) must_become_ = was.checkpoint;
    return absl::OkStatus();
  }
  if (!differs.ok()) return differs.status();
  if (*differs != 0) {
    return Refuse(
        absl::StrCat("event ", *differs, " is not the one that was signed"));
  }
  absl::StatusOr<TreeEdge> edge = TreeEdge::Load(was.kept, Reader(was.kept));
  if (!edge.ok()) return edge.status();
  edge_ = *std::move(edge);
  files_->Begin(was.kept);
  flushed_size_ = was.kept == size ? size : 0;
  if (was.checkpoint.origin != key_.name || was.kept == 0) {
    return absl::OkStatus();
  }
  MutexLock lock(mu_);
  view_.leaves = size;
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> LogTree::FindDifference(uint64_t size) const {
  uint64_t at = size - std::min(size, kNewestCompared);
  uint64_t differs = 0;
  const ReadSubtree hashes = Reader(size);
  std::string buffer;
  while (at < size && differs == 0) {
    const absl::StatusOr<Sequence> last = spines_.ForEachSpine(
        {at}, 1, [&](absl::string_view spine) -> absl::Status {
          if (at >= size || differs != 0) return absl::OkStatus();
          const absl::StatusOr<absl::string_view> leaf =
              LeafOfSpine(spine, buffer);
          if (!leaf.ok()) return leaf.status();
          const absl::StatusOr<TreeHash> hash = hashes(0, at);
          if (!hash.ok()) return hash.status();
          ++at;
          if (*hash != HashLeaf(*leaf)) differs = at;
          return absl::OkStatus();
        });
    if (!last.ok()) return last.status();
  }
  return differs;
}

void LogTree::LoadCosigned() {
  absl::StatusOr<std::string> note = files_->ReadNote(kCosignedNote);
  if (!note.ok()) return;
  const absl::StatusOr<OpenedCheckpoint> opened = OpenCheckpoint(*note, key_);
  if (!opened.ok()) return;  // Of another epoch, or damaged.
  MutexLock lock(mu_);
  view_.cosigned = *std::move(note);
  cosigned_size_ = opened->checkpoint.size;
}

absl::Status LogTree::Refuse(std::string why) {
  MutexLock lock(mu_);
  view_.refused_because = std::move(why);
  return absl::DataLossError(view_.refused_because);
}

absl::Status LogTree::Take(absl::string_view spine) {
  if (SequenceOf(spine) != edge_.size() + 1) {
    return absl::DataLossError(
        absl::StrCat("event ", edge_.size() + 1, " has another's spine"));
  }
  const absl::StatusOr<absl::string_view> leaf = LeafOfSpine(spine, leaf_);
  if (!leaf.ok()) return leaf.status();
  edge_.Append(HashLeaf(*leaf),
               [this](int level, uint64_t, const TreeHash& hash) {
                 files_->Add(level, hash);
               });
  if (must_become_.has_value() && must_become_->size == edge_.size()) {
    if (must_become_->root != edge_.root()) {
      return Refuse(absl::StrCat("the log's first ", edge_.size(),
                                 " events are not those that were signed"));
    }
    must_become_.reset();
  }
  return files_->pending_bytes() < kPendingBytesMax ? absl::OkStatus()
                                                    : files_->Write();
}

absl::Status LogTree::TakeIn() {
  {
    MutexLock lock(mu_);
    if (!view_.refused_because.empty()) {
      return absl::DataLossError(view_.refused_because);
    }
  }
  const uint64_t end =
      std::min(log_.Status().end.value, edge_.size() + kLeavesAtATime);
  while (edge_.size() < end && !stopping_) {
    const absl::StatusOr<Sequence> last = spines_.FollowSpines(
        {edge_.size()}, kReadBytes,
        [this](absl::string_view spine) { return Take(spine); });
    if (!last.ok()) return last.status();
    MutexLock lock(mu_);
    view_.leaves = edge_.size();
  }
  return absl::OkStatus();
}

absl::Status LogTree::Follow() {
  absl::Status status = TakeIn();
  if (status.ok()) status = files_->Write();
  if (!status.ok()) return status;
  if (!must_become_.has_value()) Sign();
  return absl::OkStatus();
}

bool LogTree::is_behind() const {
  return edge_.size() + kLeavesAtATime <= log_.Status().end.value;
}

void LogTree::Sign() {
  if (edge_.size() == 0) return;
  MutexLock lock(mu_);
  if (view_.note != nullptr && view_.checkpoint.size == edge_.size()) return;
  view_.checkpoint = {key_.name, edge_.size(), edge_.root(), {}};
  view_.note = std::make_shared<const std::string>(
      SignCheckpoint(view_.checkpoint, signer_));
  recent_.push_back(*ParseNote(*view_.note));
  if (recent_.size() > kRecentCheckpoints) recent_.pop_front();
}

absl::Status LogTree::Flush() {
  const View now = Now();
  if (now.note != nullptr && now.checkpoint.size != flushed_size_) {
    absl::Status status = files_->Sync();
    if (status.ok()) status = files_->ReplaceNote(kCheckpointNote, *now.note);
    if (!status.ok()) return status;
    flushed_size_ = now.checkpoint.size;
  }
  {
    MutexLock lock(mu_);
    if (!std::exchange(cosigned_changed_, false)) return absl::OkStatus();
  }
  return files_->ReplaceNote(kCosignedNote, now.cosigned);
}

LogTree::View LogTree::Now() const {
  MutexLock lock(mu_);
  return view_;
}

ReadSubtree LogTree::Reader(uint64_t size) const {
  // A proof has many of its hashes out of few tiles.
  using Known = std::map<std::pair<int, uint64_t>, std::string>;
  return SubtreesOfTiles(
      size,
      [this, size, known = std::make_shared<Known>()](
          int level, uint64_t index,
          uint32_t width) -> absl::StatusOr<std::string> {
        const auto at = known->find({level, index});
        if (at != known->end()) return at->second;
        absl::StatusOr<std::string> tile =
            CheckedTile({.level = level, .index = index, .width = width}, size);
        if (tile.ok()) known->emplace(std::pair(level, index), *tile);
        return tile;
      });
}

absl::StatusOr<std::string> LogTree::CheckedTile(const Tile& tile,
                                                 uint64_t size) const {
  absl::StatusOr<std::string> hashes =
      files_->ReadTile(tile.level, tile.index, tile.width);
  const auto in_parent = static_cast<uint32_t>(tile.index % kTileWidth + 1);
  const uint64_t parent = tile.index / kTileWidth;
  if (!hashes.ok() || tile.width != kTileWidth ||
      WidthOfTile(tile.level + 1, parent, size) < in_parent) {
    return hashes;
  }
  const absl::StatusOr<std::string> above =
      files_->ReadTile(tile.level + 1, parent, in_parent);
  if (!above.ok()) return above;
  const absl::StatusOr<TreeHash> hash = HashTile(*hashes);
  if (!hash.ok()) return hash.status();
  const absl::string_view said =
      absl::string_view(*above).substr((in_parent - 1) * kSha256Bytes);
  if (said == AsView(*hash)) return hashes;
  return absl::DataLossError(
      absl::StrCat(TilePath(tile), " of the tree is damaged"));
}

absl::Status LogTree::CheckSize(uint64_t size) const {
  MutexLock lock(mu_);
  if (size <= view_.checkpoint.size) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("the newest checkpoint is of ",
                                            view_.checkpoint.size,
                                            " events, not of ", size));
}

absl::StatusOr<std::vector<TreeHash>> LogTree::ProveInclusion(
    Sequence sequence, uint64_t size) const {
  const absl::Status checked = CheckSize(size);
  if (!checked.ok()) return checked;
  if (sequence.value == 0) return absl::OutOfRangeError("there is no event 0");
  return concordat::ProveInclusion(sequence.value - 1, size, Reader(size));
}

absl::StatusOr<std::vector<TreeHash>> LogTree::ProveConsistency(
    uint64_t from, uint64_t to) const {
  const absl::Status checked = CheckSize(to);
  if (!checked.ok()) return checked;
  return concordat::ProveConsistency(from, to, Reader(to));
}

absl::StatusOr<TreeHash> LogTree::RootOf(uint64_t size) const {
  const absl::Status checked = CheckSize(size);
  if (!checked.ok()) return checked;
  return concordat::RootOf(size, Reader(size));
}

absl::StatusOr<TreeHash> LogTree::LeafHash(Sequence sequence) const {
  const absl::Status checked = CheckSize(sequence.value);
  if (!checked.ok()) return checked;
  if (sequence.value == 0) return absl::OutOfRangeError("there is no event 0");
  return Reader(sequence.value)(0, sequence.value - 1);
}

absl::StatusOr<std::string> LogTree::ReadTile(const Tile& tile) const {
  uint64_t size = 0;
  {
    MutexLock lock(mu_);
    size = view_.checkpoint.size;
  }
  if (tile.is_entries ||
      WidthOfTile(tile.level, tile.index, size) < tile.width) {
    return absl::NotFoundError(
        absl::StrCat("a tree of ", size, " events has no ", TilePath(tile)));
  }
  return files_->ReadTile(tile.level, tile.index, tile.width);
}

absl::Status LogTree::AddCosignature(uint64_t size, absl::string_view line,
                                     const NoteVerifier& witness) {
  absl::StatusOr<NoteSignature> signature = ParseSignatureLine(line);
  if (!signature.ok()) return signature.status();
  MutexLock lock(mu_);
  const auto note =
      std::find_if(recent_.begin(), recent_.end(), [&](const Note& one) {
        const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(one.text);
        return checkpoint.ok() && checkpoint->size == size;
      });
  if (note == recent_.end()) {
    return absl::NotFoundError(
        absl::StrCat("no recent checkpoint is of ", size, " events"));
  }
  if (witness.type != NoteKeyType::kCosignature ||
      !Verifies(note->text, *signature, witness)) {
    return absl::PermissionDeniedError(
        absl::StrCat(witness.name, " did not sign that checkpoint"));
  }
  const bool is_there =
      std::any_of(note->signatures.begin(), note->signatures.end(),
                  [&](const NoteSignature& one) { return IsOf(one, witness); });
  if (!is_there) note->signatures.push_back(*std::move(signature));
  if (size < cosigned_size_) return absl::OkStatus();
  cosigned_size_ = size;
  view_.cosigned = EncodeNote(*note);
  cosigned_changed_ = true;
  return absl::OkStatus();
}

absl::Status LogTree::AddCosignature(const v1::Principal& principal,
                                     const v1::Cosign& cosignature) {
  if (principal.witness_key().empty()) {
    return absl::PermissionDeniedError(
        "the registry has no witness_key for you");
  }
  const absl::StatusOr<NoteVerifier> witness =
      ParseVerifier(principal.witness_key());
  if (!witness.ok()) {
    return absl::PermissionDeniedError(
        "the registry's witness_key for you is no verifier key");
  }
  return AddCosignature(cosignature.size(), cosignature.line(), *witness);
}

v1::Consistency LogTree::Answer(const v1::ProveConsistency& question) const {
  v1::Consistency answer;
  answer.set_request(question.request());
  const auto proof = ProveConsistency(question.from_size(), question.to_size());
  if (!proof.ok()) {
    answer.set_detail(std::string(proof.status().message()));
    return answer;
  }
  for (const TreeHash& hash : *proof) {
    answer.add_hashes(std::string(AsView(hash)));
  }
  return answer;
}

absl::StatusOr<TreeEdge> LogTree::Verify(TreeEdge so_far, uint64_t size,
                                         uint64_t leaves_max) const {
  if (const absl::Status status = CheckSize(size); !status.ok()) return status;
  if (so_far.size() > size) {
    return absl::OutOfRangeError("more is verified than there is");
  }
  TreeEdge& edge = so_far;
  const uint64_t end =
      size - edge.size() > leaves_max ? edge.size() + leaves_max : size;
  std::string buffer;
  std::string tile;
  uint64_t tile_at = UINT64_MAX;
  const auto visit = [&](absl::string_view spine) -> absl::Status {
    const uint64_t at = edge.size();
    if (at >= end) return absl::OkStatus();
    const absl::StatusOr<absl::string_view> leaf = LeafOfSpine(spine, buffer);
    if (!leaf.ok()) return leaf.status();
    const TreeHash hash = HashLeaf(*leaf);
    if (at / kTileWidth != tile_at) {
      tile_at = at / kTileWidth;
      absl::StatusOr<std::string> read =
          files_->ReadTile(0, tile_at, WidthOfTile(0, tile_at, size));
      if (!read.ok()) return read.status();
      tile = *std::move(read);
    }
    edge.Append(hash);
    if (tile.compare(at % kTileWidth * kSha256Bytes, kSha256Bytes,
                     std::string(AsView(hash))) == 0) {
      return absl::OkStatus();
    }
    return absl::DataLossError(
        absl::StrCat("event ", at + 1, " is not the one in the tree"));
  };
  while (edge.size() < end) {
    const absl::StatusOr<Sequence> last =
        spines_.ForEachSpine({edge.size()}, kReadBytes, visit);
    if (!last.ok()) return last.status();
  }
  if (edge.size() < size) return so_far;
  // Of an older size it is what the files say; of the newest, what was signed.
  const Checkpoint newest = Now().checkpoint;
  const absl::StatusOr<TreeHash> root =
      size == 0             ? EmptyTreeHash()
      : newest.size == size ? absl::StatusOr<TreeHash>(newest.root)
                            : RootOf(size);
  if (!root.ok()) return root.status();
  if (edge.root() != *root) {
    return absl::DataLossError("the tree is not the one that was signed");
  }
  return so_far;
}

}  // namespace concordat::bus
