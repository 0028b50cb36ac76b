#include "services/common/rpc/access_tree.h"

#include "absl/strings/str_cat.h"
#include "services/common/evidence/note.h"

namespace concordat {
namespace {

// In the folder of the log's tree.
constexpr char kNote[] = "access-checkpoint";
// Each is a sync; what is lost of them with the process is signed anew.
constexpr int kKeptEvery = 60;

}  // namespace

absl::StatusOr<std::unique_ptr<AccessTree>> AccessTree::Open(
    const AccessStore& store, std::string origin, const Ed25519Signer& signer,
    Directory& directory) {
  auto tree = std::make_unique<AccessTree>(store, std::move(origin));
  tree->signer_ = &signer;
  tree->directory_ = &directory;
  const absl::Status begun = tree->Begin();
  // Refused is not broken: the program runs, and says so.
  if (!begun.ok() && !absl::IsDataLoss(begun)) return begun;
  return tree;
}

absl::Status AccessTree::Begin() {
  MutexLock lock(follow_mu_);
  const auto was = LoadSigned();
  if (!was.ok()) return was.status();
  absl::Status taken = Take(*was);
  if (taken.ok()) Sign();
  return taken;
}

AccessTree::~AccessTree() {
  ticker_.Stop();
  MutexLock lock(follow_mu_);
  const View now = Now();
  if (directory_ != nullptr && to_keep_ > 0) {
    ReplaceWhole(*directory_, kNote, now.note).IgnoreError();
  }
}

absl::StatusOr<Checkpoint> AccessTree::LoadSigned() const {
  const absl::StatusOr<std::string> bytes = ReadWhole(*directory_, kNote);
  if (absl::IsNotFound(bytes.status())) return Checkpoint();
  if (!bytes.ok()) return bytes.status();
  // Damaged, or of a key of before: the records are what counts.
  const absl::StatusOr<Note> note = ParseNote(*bytes);
  if (!note.ok()) return Checkpoint();
  const absl::StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text);
  if (!checkpoint.ok()) return Checkpoint();
  const auto key = MakeVerifier(checkpoint->origin, NoteKeyType::kEd25519,
                                signer_->public_key());
  if (!key.ok() || !OpenCheckpoint(*bytes, *key).ok()) return Checkpoint();
  return checkpoint;
}

absl::Status AccessTree::Take(const Checkpoint& was) {
  uint64_t from = 0;
  {
    MutexLock lock(mu_);
    from = tree_.size();
  }
  const absl::Status read = store_.Read(
      from, [&](uint64_t, const access::v1::Record&, absl::string_view bytes) {
        MutexLock lock(mu_);
        tree_.Add(bytes);
        if (tree_.size() == was.size && tree_.root() != was.root) {
          last_ = absl::DataLossError(
              absl::StrCat("the first ", was.size,
                           " access records are not those that were signed"));
        }
        return last_;
      });
  MutexLock lock(mu_);
  if (absl::IsDataLoss(read)) last_ = read;
  if (read.ok() && tree_.size() < was.size) {
    last_ = absl::DataLossError(absl::StrCat(
        was.size, " access records were signed, and there are ", tree_.size()));
  }
  return read.ok() ? last_ : read;
}

void AccessTree::Sign() {
  MutexLock lock(mu_);
  if (!view_.note.empty() && tree_.size() == view_.checkpoint.size) return;
  view_.checkpoint.origin = origin_;
  view_.checkpoint.size = tree_.size();
  view_.checkpoint.root = tree_.root();
  view_.note = signer_ == nullptr ? EncodeCheckpoint(view_.checkpoint)
                                  : SignCheckpoint(view_.checkpoint, *signer_);
  ++to_keep_;
}

absl::Status AccessTree::Follow() {
  MutexLock lock(follow_mu_);
  absl::Status status;
  bool is_followed = false;
  {
    MutexLock now(mu_);
    status = last_;
    is_followed = store_.size() == tree_.size() && !view_.note.empty();
  }
  if (!status.ok() || is_followed) return status;
  status = Take(Checkpoint());
  if (!status.ok()) return status;
  Sign();
  if (directory_ == nullptr || to_keep_ < kKeptEvery) return absl::OkStatus();
  to_keep_ = 0;
  return ReplaceWhole(*directory_, kNote, Now().note);
}

void AccessTree::Start() {
  ticker_.Start(absl::ZeroDuration(), [this] {
    // What the disk does not do now it does the next time; what is refused stays.
    Follow().IgnoreError();
    return kEvery;
  });
}

AccessTree::View AccessTree::Now() const {
  MutexLock lock(mu_);
  return view_;
}

ReadSubtree AccessTree::Reader() const {
  return [this](int level, uint64_t index) -> absl::StatusOr<TreeHash> {
    MutexLock lock(mu_);
    return tree_.Subtree(level, index);
  };
}

absl::Status AccessTree::CheckSize(uint64_t size) const {
  MutexLock lock(mu_);
  if (size <= view_.checkpoint.size) return absl::OkStatus();
  return absl::OutOfRangeError(absl::StrCat("the newest checkpoint is of ",
                                            view_.checkpoint.size,
                                            " access records, not of ", size));
}

absl::StatusOr<access::v1::BundledRecord> AccessTree::Show(
    uint64_t number, absl::string_view bytes, uint64_t size) const {
  const absl::Status checked = CheckSize(size);
  if (!checked.ok()) return checked;
  const auto proof = ProveInclusion(number, size, Reader());
  if (!proof.ok()) return proof.status();
  access::v1::BundledRecord shown;
  shown.set_number(number);
  shown.set_record(std::string(bytes));
  AddTreeHashes(*proof, *shown.mutable_proof());
  return shown;
}

absl::StatusOr<std::vector<TreeHash>> AccessTree::ProveConsistency(
    uint64_t from, uint64_t to) const {
  const absl::Status checked = CheckSize(to);
  if (!checked.ok()) return checked;
  return concordat::ProveConsistency(from, to, Reader());
}

void AccessTree::Judge(Troubles& troubles) const {
  MutexLock lock(mu_);
  if (last_.ok()) return;
  troubles.push_back(
      {"access", "",
       absl::StrCat("no checkpoint of the access log is signed: ",
                    last_.message()),
       true});
}

}  // namespace concordat
