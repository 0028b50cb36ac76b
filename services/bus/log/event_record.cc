#include "services/bus/log/event_record.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/codec.h"

namespace concordat::bus {
namespace {

constexpr size_t kSaltBytes = sizeof(Salt);
constexpr size_t kBoxHeadBytes = 4 + 4 + kNonceBytes;
constexpr size_t kItemHeadBytes = 1 + 4 + kSaltBytes;
constexpr size_t kKeyRecordBytesMax = 256;

uint32_t MonthOf(uint64_t accepted_us) {
  const absl::CivilMonth month = absl::ToCivilMonth(
      absl::FromUnixMicros(static_cast<int64_t>(accepted_us)),
      absl::UTCTimeZone());
  return static_cast<uint32_t>(month.year()) * 100 +
         static_cast<uint32_t>(month.month());
}

// Policy outlives persons: an erasure must never change who may see what.
bool SealedByPerson(const NewEvent& event) {
  return !event.event->header.subject.empty() &&
         event.type->policy().effect() == policy::v1::EFFECT_UNSPECIFIED;
}

absl::string_view GroupBytes(const EventView& event, uint32_t number) {
  for (const BasicGroup<absl::string_view>& group : event.groups) {
    if (group.number == number) return group.data;
  }
  return {};
}

}  // namespace

absl::StatusOr<absl::string_view> SpineOfRecord(const Record& record) {
  ByteReader in(record.bytes);
  if (record.kind == RecordKind::kRemovedEvent) in.Number<uint64_t>();
  const absl::string_view spine = in.Bytes(in.Number<uint16_t>());
  if (!in.ok()) return absl::DataLossError("event record is malformed");
  return spine;
}

void AppendRemoved(absl::string_view spine, uint64_t removed_us,
                   std::string& body) {
  const size_t record = BeginRecord(RecordKind::kRemovedEvent, body);
  PutNumber(body, removed_us);
  PutNumber(body, static_cast<uint16_t>(spine.size()));
  body.append(spine.data(), spine.size());
  EndRecord(record, body);
}

Salt EventSealer::DrawSalt() {
  // 12 bytes of one nonce and 4 of the next: drawn in bulk as they are.
  Salt salt;
  const Nonce first = nonces_.Next();
  const Nonce second = nonces_.Next();
  std::copy(first.begin(), first.end(), salt.begin());
  std::copy_n(second.begin(), kSaltBytes - kNonceBytes,
              salt.begin() + kNonceBytes);
  return salt;
}

void EventSealer::AddItem(uint32_t group, const Salt& salt,
                          absl::string_view bytes) {
  plain_.push_back(static_cast<char>(group));
  PutNumber(plain_, static_cast<uint32_t>(bytes.size()));
  PutBytes(plain_, salt);
  plain_.append(bytes.data(), bytes.size());
}

void EventSealer::SealBox(uint32_t key, const Digest& digest,
                          std::string& body) {
  PutNumber(body, key);
  PutNumber(body, static_cast<uint32_t>(plain_.size() + kAeadTagBytes));
  const Nonce nonce = nonces_.Next();
  PutBytes(body, nonce);
  keys_.ForSealing(key).Seal(nonce, AsView(digest), plain_, body);
  plain_.clear();
}

Salt EventSealer::Append(const NewEvent& event, const Place& place,
                         std::string& body) {
  const HeaderView& header = event.event->header;
  const Commitments& commitments = *event.commitments;
  const std::vector<GroupInfo>& groups = event.type->groups();
  CONCORDAT_CHECK(groups.size() == commitments.group_count);

  // Keys first: whoever reads on from here has them before it needs them.
  KeyOwner owner;
  if (SealedByPerson(event)) {
    owner.person = header.subject;
  } else {
    owner.source = header.source;
    owner.month = MonthOf(place.accepted_us);
  }
  const uint32_t base = keys_.Ensure(owner, 0, place.log_id, body);
  std::array<uint32_t, kGroupsMax> keys = {};
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto category = static_cast<uint32_t>(groups[i].category);
    keys[i] = category == 0 || owner.person.empty()
                  ? base
                  : keys_.Ensure(owner, category, place.log_id, body);
  }

  const Salt count_salt = DrawSalt();
  const size_t record = BeginRecord(RecordKind::kEvent, body);
  const size_t spine_at = body.size();
  PutNumber(body, uint16_t{0});
  body.push_back(static_cast<char>(kSpineVersion));
  body.push_back(static_cast<char>(place.environment));
  body.push_back(static_cast<char>(groups.size()));
  body.push_back(0);
  PutNumber(body, place.epoch);
  PutNumber(body, place.sequence.value);
  PutNumber(body, place.accepted_us);
  PutBytes(body, commitments.digest);
  PutBytes(body, CommitCounts(count_salt, place.counts));
  PutBytes(body, commitments.header);
  for (size_t i = 0; i < groups.size(); ++i) {
    body.push_back(static_cast<char>(groups[i].number));
    PutBytes(body, commitments.groups[i]);
  }
  AppendHeader(header, body);
  const size_t spine_bytes = body.size() - spine_at - sizeof(uint16_t);
  CONCORDAT_CHECK(spine_bytes <= kSpineBytesMax);
  const auto length = static_cast<uint16_t>(spine_bytes);
  std::memcpy(body.data() + spine_at, &length, sizeof(length));

  rest_.clear();
  PutBytes(rest_, count_salt);
  for (const std::string& fault : event.faults) {
    PutNumber(rest_, static_cast<uint16_t>(fault.size()));
    rest_ += fault;
  }
  // One box for each key, whose groups are neighbours: what can be opened with it
  // is opened at once.
  uint32_t key = base;
  AddItem(kHeaderGroup, commitments.header_salt, rest_);
  for (size_t i = 0; i < groups.size(); ++i) {
    if (keys[i] != key) SealBox(key, commitments.digest, body);
    key = keys[i];
    AddItem(groups[i].number, commitments.salts[i],
            GroupBytes(*event.event, groups[i].number));
  }
  SealBox(key, commitments.digest, body);
  EndRecord(record, body);
  return count_salt;
}

size_t RecordBytesMax(const NewEvent& event) {
  const size_t boxes = event.type->groups().size() + 1;
  size_t bytes =
      kRecordHeadBytes + sizeof(uint16_t) + kSpineBytesMax +
      boxes * (kBoxHeadBytes + kItemHeadBytes + kAeadTagBytes +
               kKeyRecordBytesMax + event.event->header.source.size());
  for (const auto& group : event.event->groups) bytes += group.data.size();
  bytes += kSaltBytes;
  for (const std::string& fault : event.faults) bytes += 2 + fault.size();
  return bytes;
}

void FillStored(const NewEvent& event, const EventSealer::Place& place,
                const Salt& count_salt, Arena& arena,
                std::shared_ptr<const void> storage, StoredEvent& stored) {
  const HeaderView& from = event.event->header;
  const Commitments& commitments = *event.commitments;
  const std::vector<GroupInfo>& groups = event.type->groups();
  stored.sequence = place.sequence;
  stored.accepted_us = place.accepted_us;
  stored.environment = place.environment;
  stored.header = from;
  HeaderView& to = stored.header;
  for (absl::string_view* text :
       {&to.source, &to.type, &to.controller, &to.purpose, &to.gateway, &to.id,
        &to.stream, &to.subject_role, &to.on_behalf_of, &to.correlation,
        &to.causation, &to.corrects, &to.retracts, &to.traceparent}) {
    *text = arena.Copy(*text);
  }
  stored.header_salt = commitments.header_salt;
  stored.header_commitment = commitments.header;
  stored.count_salt = count_salt;
  stored.commitments.reserve(groups.size());
  stored.opened.reserve(groups.size());
  for (size_t i = 0; i < groups.size(); ++i) {
    const uint32_t number = groups[i].number;
    stored.commitments.push_back({number, commitments.groups[i]});
    stored.opened.push_back({number, commitments.salts[i],
                             arena.Copy(GroupBytes(*event.event, number))});
  }
  stored.digest = commitments.digest;
  stored.faults.assign(event.faults.begin(), event.faults.end());
  stored.storage = std::move(storage);
}

AeadKey* EventOpener::KeyOf(uint32_t id) {
  const auto [found, is_new] = expanded_.try_emplace(id);
  if (is_new) {
    const std::optional<AeadKeyBytes> bytes = keys_.Find(id);
    if (bytes.has_value()) found->second = std::make_unique<AeadKey>(*bytes);
  }
  return found->second.get();
}

absl::StatusOr<StoredEvent> EventOpener::Open(
    const Record& record, Arena& arena, std::shared_ptr<const void> storage) {
  ByteReader in(record.bytes);
  StoredEvent stored;
  if (record.kind == RecordKind::kRemovedEvent) {
    stored.removed_us = in.Number<uint64_t>();
  }
  absl::StatusOr<Spine> spine = DecodeSpine(in.Bytes(in.Number<uint16_t>()));
  if (!spine.ok()) return spine.status();
  stored.sequence = spine->sequence;
  stored.accepted_us = spine->accepted_us;
  stored.environment = spine->environment;
  stored.header = std::move(spine->header);
  stored.header_commitment = spine->header_commitment;
  stored.commitments = std::move(spine->commitments);
  stored.digest = spine->digest;
  stored.storage = std::move(storage);

  while (!in.done()) {
    const uint32_t key_id = in.Number<uint32_t>();
    const uint32_t length = in.Number<uint32_t>();
    const Nonce nonce = in.Array<kNonceBytes>();
    const absl::string_view sealed = in.Bytes(length);
    if (!in.ok()) return absl::DataLossError("event record is malformed");
    AeadKey* const key = KeyOf(key_id);
    if (key == nullptr) {
      const uint64_t erased_us = keys_.ErasedAt(key_id);
      if (erased_us == 0) {
        return absl::DataLossError(
            absl::StrCat("the log has no key ", key_id, ", with which event ",
                         stored.sequence.value, " is sealed"));
      }
      stored.removed_us = std::max(stored.removed_us, erased_us);
      stored.erased = true;
      continue;
    }
    plain_.clear();
    if (!key->Open(nonce, AsView(stored.digest), sealed, plain_)) {
      return absl::DataLossError(absl::StrCat(
          "a box of event ", stored.sequence.value, " does not open"));
    }
    if (!TakeItems(plain_, arena, stored)) {
      return absl::DataLossError("event record is malformed");
    }
  }
  return stored;
}

bool EventOpener::TakeItems(absl::string_view plain, Arena& arena,
                            StoredEvent& stored) {
  ByteReader in(plain);
  while (!in.done()) {
    const uint32_t group = in.Number<uint8_t>();
    const uint32_t length = in.Number<uint32_t>();
    const Salt salt = in.Array<kSaltBytes>();
    const absl::string_view bytes = in.Bytes(length);
    if (!in.ok()) return false;
    if (group != kHeaderGroup) {
      stored.opened.push_back({group, salt, arena.Copy(bytes)});
      continue;
    }
    stored.header_salt = salt;
    ByteReader rest(bytes);
    stored.count_salt = rest.Array<kSaltBytes>();
    while (!rest.done()) {
      stored.faults.emplace_back(rest.Bytes(rest.Number<uint16_t>()));
    }
    if (!rest.ok()) return false;
  }
  return true;
}

}  // namespace concordat::bus
