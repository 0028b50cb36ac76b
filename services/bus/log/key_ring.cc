#include "services/bus/log/key_ring.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kKeyContext = "concordat/key/1";
constexpr absl::string_view kTableContext = "concordat/key-table/1";
constexpr uint8_t kOwnerPerson = 1;
constexpr uint8_t kOwnerSource = 2;
constexpr size_t kWrappedBytes = kAeadKeyBytes + kAeadTagBytes;
// Expanded keys take about a kilobyte each.
constexpr size_t kExpandedMax = 4096;

// What a wrap is bound to: its log, and every byte of the record before it.
std::string Bind(absl::string_view context, const LogId& log_id,
                 absl::string_view fields) {
  return absl::StrCat(context, AsView(log_id), fields);
}

}  // namespace

KeyRing::KeyRing(WrappingKeys wrapping, Random& random)
    : wrapping_(std::move(wrapping)), random_(random), nonces_(random) {}

void KeyRing::Own(absl::string_view owner, bool person, uint32_t category,
                  uint32_t id) {
  if (person) {
    of_person_[*PersonKey::FromBytes(owner)][category] = id;
  } else {
    of_source_[std::string(owner)][category] = id;
  }
}

absl::Status KeyRing::ReadKey(absl::string_view record) {
  ByteReader in(record);
  const uint32_t id = in.Number<uint32_t>();
  Wrapped wrapped;
  wrapped.wrapping_key = in.Number<uint32_t>();
  const uint8_t kind = in.Number<uint8_t>();
  const uint8_t category = in.Number<uint8_t>();
  const absl::string_view owner = in.Bytes(in.Number<uint16_t>());
  wrapped.bound =
      std::string(record.substr(0, record.size() - in.rest().size()));
  wrapped.nonce = in.Array<kNonceBytes>();
  wrapped.sealed = std::string(in.Bytes(kWrappedBytes));
  const bool is_person = kind == kOwnerPerson;
  if (!in.ok() || !in.done() || id == 0 || category >= kCategoriesMax ||
      (!is_person && kind != kOwnerSource) ||
      (is_person && owner.size() != PersonKey::kBytes)) {
    return absl::DataLossError("key record is malformed");
  }
  Own(owner, is_person, category, id);
  next_id_ = std::max(next_id_, id + 1);
  wrapped_[id] = std::move(wrapped);
  return absl::OkStatus();
}

absl::Status KeyRing::ReadKeyTable(absl::string_view record) {
  ByteReader in(record);
  const uint8_t environment = in.Number<uint8_t>();
  Wrapped check;
  check.wrapping_key = in.Number<uint32_t>();
  const uint32_t part = in.Number<uint32_t>();
  const uint32_t parts = in.Number<uint32_t>();
  const uint32_t next_id = in.Number<uint32_t>();
  const uint32_t count = in.Number<uint32_t>();
  check.bound = std::string(record.substr(0, record.size() - in.rest().size()));
  check.nonce = in.Array<kNonceBytes>();
  check.sealed = std::string(in.Bytes(kAeadTagBytes));
  if (!in.ok() || part >= parts || part != table_parts_seen_) {
    return absl::DataLossError("key table is malformed");
  }
  // The table holds every key that survives; what came before it is void.
  if (part == 0) {
    of_person_.clear();
    of_source_.clear();
    wrapped_.clear();
  }
  table_parts_seen_ = part + 1 == parts ? 0 : part + 1;
  for (uint32_t i = 0; i < count; ++i) {
    absl::Status status = ReadKey(in.Bytes(in.Number<uint16_t>()));
    if (!status.ok()) return status;
  }
  if (!in.ok() || !in.done()) {
    return absl::DataLossError("key table is malformed");
  }
  next_id_ = std::max(next_id_, next_id);
  environment_ = environment;
  table_check_ = std::move(check);
  return absl::OkStatus();
}

absl::Status KeyRing::UnwrapOne(const LogId& log_id, const Wrapped& wrapped,
                                absl::string_view context, std::string& out) {
  const AeadKeyBytes* with = wrapping_.Find(wrapped.wrapping_key);
  if (with == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("the log needs wrapping key ", wrapped.wrapping_key,
                     ", which the key file does not hold"));
  }
  if (!AeadKey(*with).Open(wrapped.nonce, Bind(context, log_id, wrapped.bound),
                           wrapped.sealed, out)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "wrapping key ", wrapped.wrapping_key,
        " of the key file is not the one that this log was sealed with"));
  }
  return absl::OkStatus();
}

absl::Status KeyRing::Unwrap(const LogId& log_id) {
  if (!table_check_.has_value() || table_parts_seen_ != 0) {
    return absl::DataLossError("the log has no whole key table");
  }
  std::string bytes;
  absl::Status status = UnwrapOne(log_id, *table_check_, kTableContext, bytes);
  if (!status.ok()) return status;
  MutexLock lock(mu_);
  for (const auto& [id, wrapped] : wrapped_) {
    bytes.clear();
    status = UnwrapOne(log_id, wrapped, kKeyContext, bytes);
    if (!status.ok()) return status;
    std::copy(bytes.begin(), bytes.end(), keys_[id].begin());
  }
  wrapped_.clear();
  return absl::OkStatus();
}

size_t KeyRing::size() const {
  MutexLock lock(mu_);
  return keys_.size();
}

uint32_t KeyRing::Ensure(const KeyOwner& owner, uint32_t category,
                         const LogId& log_id, std::string& body) {
  CONCORDAT_CHECK(category < kCategoriesMax);
  std::string source_owner;
  uint32_t* number = nullptr;
  if (owner.person.empty()) {
    PutNumber(source_owner, owner.month);
    source_owner.append(owner.source.data(), owner.source.size());
    number = &of_source_[source_owner][category];
  } else {
    number = &of_person_[owner.person][category];
  }
  if (*number != 0) return *number;

  const uint32_t id = next_id_++;
  *number = id;
  AeadKeyBytes key;
  random_.Fill(key.data(), key.size());
  const uint32_t wrapping = wrapping_.current();
  const absl::string_view owned = owner.person.empty()
                                      ? absl::string_view(source_owner)
                                      : owner.person.bytes();
  std::string fields;
  PutNumber(fields, id);
  PutNumber(fields, wrapping);
  fields.push_back(
      static_cast<char>(owner.person.empty() ? kOwnerSource : kOwnerPerson));
  fields.push_back(static_cast<char>(category));
  PutNumber(fields, static_cast<uint16_t>(owned.size()));
  fields.append(owned.data(), owned.size());
  const Nonce nonce = nonces_.Next();
  const size_t record = BeginRecord(RecordKind::kKey, body);
  body += fields;
  PutBytes(body, nonce);
  AeadKey(*wrapping_.Find(wrapping))
      .Seal(nonce, Bind(kKeyContext, log_id, fields), AsView(key), body);
  EndRecord(record, body);
  MutexLock lock(mu_);
  keys_[id] = key;
  return id;
}

AeadKey& KeyRing::ForSealing(uint32_t id) {
  if (id == last_expanded_) return *last_key_;
  if (expanded_.size() >= kExpandedMax) expanded_.clear();
  std::unique_ptr<AeadKey>& key = expanded_[id];
  if (key == nullptr) {
    const std::optional<AeadKeyBytes> bytes = Find(id);
    CONCORDAT_CHECK(bytes.has_value());
    key = std::make_unique<AeadKey>(*bytes);
  }
  last_expanded_ = id;
  last_key_ = key.get();
  return *key;
}

std::optional<AeadKeyBytes> KeyRing::Find(uint32_t id) const {
  MutexLock lock(mu_);
  const auto found = keys_.find(id);
  if (found == keys_.end()) return std::nullopt;
  return found->second;
}

void KeyRing::AppendEmptyTable(const LogId& log_id, uint8_t environment,
                               std::string& body) {
  const uint32_t wrapping = wrapping_.current();
  std::string fields;
  PutNumber(fields, environment);
  PutNumber(fields, wrapping);
  PutNumber(fields, uint32_t{0});  // Part 0
  PutNumber(fields, uint32_t{1});  // of 1.
  PutNumber(fields, next_id_);
  PutNumber(fields, uint32_t{0});  // No keys.
  const Nonce nonce = nonces_.Next();
  const size_t record = BeginRecord(RecordKind::kKeyTable, body);
  body += fields;
  PutBytes(body, nonce);
  AeadKey(*wrapping_.Find(wrapping))
      .Seal(nonce, Bind(kTableContext, log_id, fields), "", body);
  EndRecord(record, body);
}

}  // namespace concordat::bus
