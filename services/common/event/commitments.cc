#include "services/common/event/commitments.h"

#include <algorithm>
#include <cstring>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/wire.h"

namespace concordat {
namespace {

constexpr absl::string_view kSaltDomain = "concordat/salt/1";
constexpr absl::string_view kGroupDomain = "concordat/group/1";
constexpr absl::string_view kEventDomain = "concordat/event/1";

// A message of one block, for which Sha256::Of() is cheapest, gathered on the
// stack.
class ShortMessage {
 public:
  bool Fits(absl::string_view bytes) const {
    return bytes.size() <= sizeof(buffer_) - size_;
  }
  ShortMessage& Add(absl::string_view bytes) {
    bytes.copy(buffer_ + size_, bytes.size());
    size_ += bytes.size();
    return *this;
  }
  ShortMessage& Add(uint32_t group) {
    buffer_[size_++] = static_cast<char>(group);
    return *this;
  }
  absl::string_view bytes() const { return {buffer_, size_}; }

 private:
  char buffer_[55];
  size_t size_ = 0;
};

// The canonical form, gathered on the stack: a header within its limit of 1 KiB
// needs less than this, as its form here adds at most two bytes a string.
class Canonical {
 public:
  void U8(uint64_t value) { Put(&value, 1); }
  void U64(uint64_t value) { Put(&value, 8); }
  void Str(absl::string_view text) {
    const uint64_t size = text.size();
    Put(&size, 2);
    Raw(text);
  }
  void Raw(absl::string_view bytes) {
    if (!bytes.empty()) Put(bytes.data(), bytes.size());
  }
  absl::string_view bytes() const {
    return is_spilled_ ? absl::string_view(spilled_)
                       : absl::string_view(buffer_, size_);
  }

 private:
  // Inline, so that a number is one store.
  ABSL_ATTRIBUTE_ALWAYS_INLINE void Put(const void* bytes, size_t count) {
    if (ABSL_PREDICT_FALSE(is_spilled_ || count > sizeof(buffer_) - size_)) {
      return Spill(bytes, count);
    }
    std::memcpy(buffer_ + size_, bytes, count);
    size_ += count;
  }
  // Only a header that nobody checked is this long.
  ABSL_ATTRIBUTE_NOINLINE void Spill(const void* bytes, size_t count) {
    if (!is_spilled_) spilled_.assign(buffer_, size_);
    is_spilled_ = true;
    spilled_.append(static_cast<const char*>(bytes), count);
  }

  char buffer_[1536];
  size_t size_ = 0;
  bool is_spilled_ = false;
  std::string spilled_;
};

void PutHeaderGroup(Canonical& out, const HeaderView& h) {
  out.Str(h.on_behalf_of);
  out.Str(h.correlation);
  out.Str(h.causation);
}

// All but the last item, which stands for the header group.
void PutCanonical(Canonical& out, const HeaderView& h, uint64_t recorded_us) {
  out.Str(h.source);
  out.Str(h.type);
  out.Str(h.controller);
  out.Str(h.purpose);
  out.Str(h.gateway);
  out.Str(h.id);
  out.Str(h.subject.bytes());
  out.Str(h.stream);
  out.U8(h.expected_version.has_value() ? 1 : 0);
  out.U64(h.expected_version.value_or(Sequence{}).value);
  out.U64(h.time_us);
  out.U64(recorded_us);
  out.U64(h.effective_us);
  out.U8(static_cast<uint64_t>(h.time_precision));
  out.U8(static_cast<uint64_t>(h.regime));
  out.U8(static_cast<uint64_t>(h.basis));
  out.U8(static_cast<uint64_t>(h.classification));
  out.Str(h.subject_role);
  out.Str(h.corrects);
  out.Str(h.retracts);
}

Digest CommitHeaderGroup(const Salt& salt, const HeaderView& header) {
  Canonical group;
  PutHeaderGroup(group, header);
  return CommitGroup(salt, kHeaderGroup, group.bytes());
}

// What the digest is of, but for the groups' commitments after it.
void BeginDigest(Canonical& out, const HeaderView& header,
                 const Digest& header_commitment) {
  out.Raw(kEventDomain);
  PutCanonical(out, header, header.recorded_us);
  out.Raw(wire::AsText(header_commitment));
}

}  // namespace

Salt SaltOf(const Seed& seed, uint32_t group) {
  ShortMessage message;
  message.Add(kSaltDomain).Add(wire::AsText(seed)).Add(group);
  const Sha256Hash hash = Sha256::Of(message.bytes());
  Salt salt;
  std::copy_n(hash.begin(), salt.size(), salt.begin());
  return salt;
}

Digest CommitGroup(const Salt& salt, uint32_t group, absl::string_view bytes) {
  ShortMessage begin;
  begin.Add(kGroupDomain).Add(wire::AsText(salt)).Add(group);
  if (begin.Fits(bytes)) return Sha256::Of(begin.Add(bytes).bytes());
  return Sha256().Update(begin.bytes()).Update(bytes).Finish();
}

Commitments Commit(const HeaderView& header, const EventType& type,
                   GroupViews groups, const Seed& seed) {
  Commitments all;
  all.header_salt = SaltOf(seed, kHeaderGroup);
  all.header = CommitHeaderGroup(all.header_salt, header);
  Canonical digested;
  BeginDigest(digested, header, all.header);
  size_t next = 0;
  for (const GroupInfo& info : type.groups()) {
    absl::string_view bytes;
    if (next < groups.size() && groups[next].number == info.number) {
      bytes = groups[next++].data;
    }
    Salt& salt = all.salts[all.group_count];
    Digest& commitment = all.groups[all.group_count];
    salt = SaltOf(seed, info.number);
    commitment = CommitGroup(salt, info.number, bytes);
    digested.Raw(wire::AsText(commitment));
    ++all.group_count;
  }
  all.digest = Sha256::Of(digested.bytes());
  return all;
}

std::string CanonicalForDuplicate(const HeaderView& header) {
  Canonical out;
  PutCanonical(out, header, 0);
  PutHeaderGroup(out, header);
  return std::string(out.bytes());
}

absl::StatusOr<Digest> DigestOfView(const View& view) {
  const HeaderView header = AsView(view.header);
  Digest header_commitment = {};
  if (view.header_salt.has_value()) {
    header_commitment = CommitHeaderGroup(*view.header_salt, header);
  } else if (view.header_commitment.has_value()) {
    header_commitment = *view.header_commitment;
  } else {
    return absl::InvalidArgumentError(
        "header group: neither shown nor committed");
  }
  std::vector<View::Commitment> all = view.commitments;
  for (const View::Group& group : view.groups) {
    all.push_back(
        {group.number, CommitGroup(group.salt, group.number, group.data)});
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  Canonical digested;
  BeginDigest(digested, header, header_commitment);
  for (size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && all[i].number == all[i - 1].number) {
      return absl::InvalidArgumentError("a group is there twice");
    }
    digested.Raw(wire::AsText(all[i].hash));
  }
  return Sha256::Of(digested.bytes());
}

}  // namespace concordat
