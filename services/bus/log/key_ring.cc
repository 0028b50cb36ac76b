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

// A key's record up to its nonce.
std::string KeyFields(uint32_t id, uint32_t wrapping, bool person,
                      uint32_t category, absl::string_view owner) {
  std::string fields;
  PutNumber(fields, id);
  PutNumber(fields, wrapping);
  fields.push_back(static_cast<char>(person ? kOwnerPerson : kOwnerSource));
  fields.push_back(static_cast<char>(category));
  PutNumber(fields, static_cast<uint16_t>(owner.size()));
  fields.append(owner.data(), owner.size());
  return fields;
}

// A part of a table up to its nonce.
std::string PartFields(uint8_t environment, uint32_t wrapping, uint32_t part,
                       uint32_t parts, uint32_t next_id, uint32_t keys) {
  std::string fields;
  PutNumber(fields, environment);
  PutNumber(fields, wrapping);
  PutNumber(fields, part);
  PutNumber(fields, parts);
  PutNumber(fields, next_id);
  PutNumber(fields, keys);
  return fields;
}

// What the parts of a table hold, each no longer than it may be by much.
class TableParts {
 public:
  struct Part {
    std::string entries;
    uint32_t keys = 0;
    std::string erased;
    uint32_t erased_keys = 0;

    std::string Rest() const {
      if (erased_keys == 0) return entries;
      std::string rest = entries;
      PutNumber(rest, erased_keys);
      return rest + erased;
    }
  };

  explicit TableParts(size_t part_bytes) : part_bytes_(part_bytes), parts_(1) {}

  void AddKey(absl::string_view record) {
    Part& part = Open(record.size());
    PutNumber(part.entries, static_cast<uint16_t>(record.size()));
    part.entries.append(record.data(), record.size());
    ++part.keys;
  }
  void AddErased(uint32_t id, uint64_t at_us) {
    Part& part = Open(sizeof(id) + sizeof(at_us));
    PutNumber(part.erased, id);
    PutNumber(part.erased, at_us);
    ++part.erased_keys;
  }
  const std::vector<Part>& all() const { return parts_; }

 private:
  Part& Open(size_t more) {
    const Part& last = parts_.back();
    const size_t bytes = last.entries.size() + last.erased.size();
    if (bytes > 0 && bytes + more > part_bytes_) parts_.emplace_back();
    return parts_.back();
  }

  const size_t part_bytes_;
  std::vector<Part> parts_;
};

}  // namespace

KeyRing::KeyRing(WrappingKeys wrapping, Random& random)
    : wrapping_(std::move(wrapping)), random_(random), nonces_(random) {}

absl::Status KeyRing::ReadInto(absl::string_view record, Book& book) {
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
  if (is_person) {
    book.of_person[*PersonKey::FromBytes(owner)][category] = id;
  } else {
    book.of_source[std::string(owner)][category] = id;
  }
  book.next_id = std::max(book.next_id, id + 1);
  book.wrapped[id] = std::move(wrapped);
  return absl::OkStatus();
}

absl::Status KeyRing::ReadKey(absl::string_view record) {
  incoming_.reset();  // A table is followed by no key before its end.
  parts_seen_ = 0;
  return ReadInto(record, book_);
}

absl::Status KeyRing::ReadKeyTable(absl::string_view record) {
  const absl::Status malformed = absl::DataLossError("key table is malformed");
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
  if (part == 0) {
    incoming_ = std::make_unique<Book>();
    parts_seen_ = 0;
  }
  if (!in.ok() || part >= parts || part != parts_seen_ ||
      incoming_ == nullptr) {
    return malformed;
  }
  ++parts_seen_;
  for (uint32_t i = 0; i < count; ++i) {
    absl::Status status = ReadInto(in.Bytes(in.Number<uint16_t>()), *incoming_);
    if (!status.ok()) return status;
  }
  if (in.ok() && !in.done()) {
    const uint32_t erased = in.Number<uint32_t>();
    for (uint32_t i = 0; i < erased && in.ok(); ++i) {
      const uint32_t id = in.Number<uint32_t>();
      incoming_->erased[id] = in.Number<uint64_t>();
    }
  }
  if (!in.ok() || !in.done()) return malformed;
  if (parts_seen_ < parts) return absl::OkStatus();
  // The table holds every key that survives; what came before it is void.
  incoming_->next_id = std::max({incoming_->next_id, book_.next_id, next_id});
  book_ = std::move(*incoming_);
  incoming_.reset();
  parts_seen_ = 0;
  environment_ = environment;
  table_check_ = std::move(check);
  is_new_table_ = true;
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

bool KeyRing::LacksWrappingKey() const {
  const auto lacks = [this](const Wrapped& wrapped) {
    return wrapping_.Find(wrapped.wrapping_key) == nullptr;
  };
  return (is_new_table_ && lacks(*table_check_)) ||
         std::any_of(book_.wrapped.begin(), book_.wrapped.end(),
                     [&](const auto& entry) { return lacks(entry.second); });
}

absl::Status KeyRing::Unwrap(const LogId& log_id) {
  if (!table_check_.has_value()) {
    return absl::DataLossError("the log has no whole key table");
  }
  std::string bytes;
  absl::Status status = UnwrapOne(log_id, *table_check_, kTableContext, bytes);
  if (!status.ok()) return status;
  uint32_t oldest = table_check_->wrapping_key;
  MutexLock lock(mu_);
  if (std::exchange(is_new_table_, false)) {
    keys_.clear();
    erased_ = std::move(book_.erased);
    expanded_.clear();
    last_expanded_ = 0;
    oldest_wrapping_ = 0;
  }
  for (const auto& [id, wrapped] : book_.wrapped) {
    bytes.clear();
    status = UnwrapOne(log_id, wrapped, kKeyContext, bytes);
    if (!status.ok()) return status;
    std::copy(bytes.begin(), bytes.end(), keys_[id].begin());
    oldest = std::min(oldest, wrapped.wrapping_key);
  }
  oldest_wrapping_ =
      oldest_wrapping_ == 0 ? oldest : std::min(oldest_wrapping_, oldest);
  book_.wrapped.clear();
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
    number = &book_.of_source[source_owner][category];
  } else {
    number = &book_.of_person[owner.person][category];
  }
  if (*number != 0) return *number;

  const uint32_t id = book_.next_id++;
  *number = id;
  AeadKeyBytes key;
  random_.Fill(key.data(), key.size());
  const uint32_t wrapping = wrapping_.current();
  const absl::string_view owned = owner.person.empty()
                                      ? absl::string_view(source_owner)
                                      : owner.person.bytes();
  AeadKey with(*wrapping_.Find(wrapping));
  const std::string fields =
      KeyFields(id, wrapping, !owner.person.empty(), category, owned);
  const size_t record = BeginRecord(RecordKind::kKey, body);
  WrapKey(with, log_id, fields, key, body);
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

uint64_t KeyRing::ErasedAt(uint32_t id) const {
  MutexLock lock(mu_);
  const auto found = erased_.find(id);
  return found == erased_.end() ? 0 : found->second;
}

size_t KeyRing::CountOf(const PersonKey& person) const {
  const auto found = book_.of_person.find(person);
  if (found == book_.of_person.end()) return 0;
  return static_cast<size_t>(
      std::count_if(found->second.begin(), found->second.end(),
                    [](uint32_t id) { return id != 0; }));
}

void KeyRing::WrapKey(AeadKey& with, const LogId& log_id,
                      absl::string_view fields, const AeadKeyBytes& key,
                      std::string& record) {
  const Nonce nonce = nonces_.Next();
  record.append(fields.data(), fields.size());
  PutBytes(record, nonce);
  with.Seal(nonce, Bind(kKeyContext, log_id, fields), AsView(key), record);
}

void KeyRing::AppendPart(const LogId& log_id, absl::string_view fields,
                         absl::string_view rest, std::string& body) {
  const Nonce nonce = nonces_.Next();
  const size_t record = BeginRecord(RecordKind::kKeyTable, body);
  body.append(fields.data(), fields.size());
  PutBytes(body, nonce);
  AeadKey(*wrapping_.Find(wrapping_.current()))
      .Seal(nonce, Bind(kTableContext, log_id, fields), "", body);
  body.append(rest.data(), rest.size());
  EndRecord(record, body);
}

void KeyRing::AppendEmptyTable(const LogId& log_id, uint8_t environment,
                               std::string& body) {
  AppendPart(
      log_id,
      PartFields(environment, wrapping_.current(), 0, 1, book_.next_id, 0), "",
      body);
}

KeyRing::Rewrapped KeyRing::Rewrap(const WrappingKeys& wrapping,
                                   const absl::flat_hash_set<PersonKey>& erase,
                                   uint64_t now_us, const LogId& log_id,
                                   size_t part_bytes) {
  wrapping_ = wrapping;
  oldest_wrapping_ = wrapping_.current();
  expanded_.clear();
  last_expanded_ = 0;
  Rewrapped result;
  AeadKey with(*wrapping_.Find(wrapping_.current()));
  TableParts parts(part_bytes);
  MutexLock lock(mu_);
  for (const PersonKey& person : erase) {
    const auto found = book_.of_person.find(person);
    if (found == book_.of_person.end()) continue;
    for (const uint32_t id : found->second) {
      if (id == 0) continue;
      keys_.erase(id);
      erased_[id] = now_us;
      ++result.erased;
    }
    book_.of_person.erase(found);
  }
  std::string record;
  const auto add =
      [&](bool person, absl::string_view owner, const Numbers& numbers)
          ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
            for (uint32_t category = 0; category < kCategoriesMax; ++category) {
              const auto key = keys_.find(numbers[category]);
              if (key == keys_.end()) continue;
              record.clear();
              WrapKey(with, log_id,
                      KeyFields(key->first, wrapping_.current(), person,
                                category, owner),
                      key->second, record);
              parts.AddKey(record);
              ++result.kept;
            }
          };
  for (const auto& [person, numbers] : book_.of_person) {
    add(true, person.bytes(), numbers);
  }
  for (const auto& [owner, numbers] : book_.of_source) {
    add(false, owner, numbers);
  }
  for (const auto& [id, at_us] : erased_) parts.AddErased(id, at_us);
  const auto count = static_cast<uint32_t>(parts.all().size());
  for (uint32_t part = 0; part < count; ++part) {
    AppendPart(log_id,
               PartFields(environment_, wrapping_.current(), part, count,
                          book_.next_id, parts.all()[part].keys),
               parts.all()[part].Rest(), result.records.emplace_back());
  }
  return result;
}

}  // namespace concordat::bus
