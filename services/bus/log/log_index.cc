#include "services/bus/log/log_index.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/bytes.h"
#include "services/common/base/check.h"
#include "services/common/event/amends.h"

namespace concordat::bus {
namespace {

// The first byte of a key says what it is.
constexpr char kStreamHead = 'h';    // source 0 stream → Known
constexpr char kStreamEvents = 's';  // source 0 stream 0 first → gaps
constexpr char kPersonHead = 'c';    // person → Known
constexpr char kPersonEvents = 'p';  // person first → gaps
constexpr char kId = 'i';            // hash sequence → nothing
constexpr char kAmendments = 'k';    // first → gaps
constexpr char kHighestId = 'x';     // source → id
constexpr absl::string_view kCovered = "m";
constexpr uint32_t kMake = 3;  // Another one is built anew.

constexpr size_t kCachedMax = 1 << 20;
constexpr int kForgetAtOnce = 1024;

// So that keys sort as numbers do.
void PutBigEndian(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

uint64_t BigEndianAtEnd(absl::string_view key) {
  uint64_t value = 0;
  for (const char c : key.substr(key.size() - sizeof(value))) {
    value = (value << 8) | static_cast<uint8_t>(c);
  }
  return value;
}

std::string KeyOf(char kind, absl::string_view name) {
  std::string key(1, kind);
  key.append(name.data(), name.size());
  return key;
}

// Neither has a zero byte.
std::string StreamKeyOf(char kind, absl::string_view source,
                        absl::string_view stream) {
  std::string key = KeyOf(kind, source);
  key.push_back('\0');
  key.append(stream.data(), stream.size());
  return key;
}

std::string StreamEventsPrefix(absl::string_view source,
                               absl::string_view stream) {
  return StreamKeyOf(kStreamEvents, source, stream) + '\0';
}

std::string EncodeKnown(const LogIndex::Known& known) {
  std::string bytes;
  PutNumber(bytes, known.last);
  PutNumber(bytes, known.count);
  return bytes;
}

// Sequences after the first, as the gap from the one before.
void PutGap(std::string& out, uint64_t gap) {
  while (gap >= 0x80) {
    out.push_back(static_cast<char>(gap | 0x80));
    gap >>= 7;
  }
  out.push_back(static_cast<char>(gap));
}

uint64_t TakeGap(absl::string_view& gaps) {
  uint64_t gap = 0;
  for (int shift = 0; !gaps.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<uint8_t>(gaps.front());
    gaps.remove_prefix(1);
    gap |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return gap;
}

uint64_t Mix(uint64_t h, absl::string_view bytes) {
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
  while (!bytes.empty()) {
    uint64_t word = bytes.size();
    const size_t count = std::min(bytes.size(), sizeof(word));
    if (count == sizeof(word)) word = 0;
    std::memcpy(&word, bytes.data(), count);
    h = (h ^ word) * kOdd;
    h ^= h >> 29;
    bytes.remove_prefix(count);
  }
  return (h ^ (h >> 32)) * kOdd;
}

// What one segment adds about one stream or person.
struct Posting {
  LogIndex::Known known;
  uint64_t first = 0;
  std::string gaps;

  void Add(uint64_t sequence, uint64_t count) {
    if (first == 0) {
      first = sequence;
    } else {
      PutGap(gaps, sequence - known.last);
    }
    known = {sequence, count};
  }
};

// Ascending.
template <typename Map>
std::vector<typename Map::value_type*> Sorted(Map& map) {
  std::vector<typename Map::value_type*> sorted;
  sorted.reserve(map.size());
  for (auto& one : map) sorted.push_back(&one);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto* a, const auto* b) { return a->first < b->first; });
  return sorted;
}

}  // namespace

uint64_t IdHash(absl::string_view source, absl::string_view id) {
  return Mix(Mix(0x243F6A8885A308D3, source), id);
}

absl::StatusOr<LogIndex::Covered> LogIndex::Open() {
  absl::StatusOr<std::optional<std::string>> value = store_.Get(kCovered);
  if (!value.ok()) return value.status();
  Covered covered;
  if (value->has_value()) {
    ByteReader in(**value);
    const uint32_t make = in.Number<uint32_t>();
    covered.segment = in.Number<uint32_t>();
    covered.sequence = in.Number<uint64_t>();
    covered.hash = std::string(in.rest());
    if (!in.ok() || make != kMake) covered = Covered();
  }
  MutexLock lock(mu_);
  first_ = covered.sequence + 1;
  ids_through_ = covered.sequence;
  return covered;
}

absl::Status LogIndex::Reset() {
  absl::Status status = store_.Clear();
  MutexLock lock(mu_);
  streams_.clear();
  persons_.clear();
  highest_.clear();
  facts_.clear();
  amendments_.clear();
  by_id_.clear();
  first_ = 1;
  ids_through_ = 0;
  return status;
}

absl::StatusOr<LogIndex::Known> LogIndex::StoredKnown(
    const std::string& key) const {
  Known known;
  absl::StatusOr<std::optional<std::string>> value = store_.Get(key);
  if (!value.ok()) return value.status();
  if (value->has_value()) {
    ByteReader in(**value);
    known.last = in.Number<uint64_t>();
    known.count = in.Number<uint64_t>();
  }
  return known;
}

absl::StatusOr<LogIndex::Known> LogIndex::FindStream(
    absl::string_view source, absl::string_view stream) const {
  const auto of_source = streams_.find(source);
  if (of_source != streams_.end()) {
    const auto found = of_source->second.find(stream);
    if (found != of_source->second.end()) return found->second;
  }
  if (first_ == 1) return Known();
  return StoredKnown(StreamKeyOf(kStreamHead, source, stream));
}

absl::StatusOr<LogIndex::Known> LogIndex::FindPerson(
    const PersonKey& person) const {
  const auto found = persons_.find(person);
  if (found != persons_.end()) return found->second;
  if (first_ == 1) return Known();
  return StoredKnown(KeyOf(kPersonHead, person.bytes()));
}

absl::StatusOr<std::string*> LogIndex::FindHighest(absl::string_view source) {
  const auto found = highest_.find(source);
  if (found != highest_.end()) return &found->second;
  std::string highest;
  if (first_ > 1) {
    absl::StatusOr<std::optional<std::string>> value =
        store_.Get(KeyOf(kHighestId, source));
    if (!value.ok()) return value.status();
    if (value->has_value()) highest = **std::move(value);
  }
  return &highest_.emplace(source, std::move(highest)).first->second;
}

absl::StatusOr<LogIndex::Known> LogIndex::Stream(
    absl::string_view source, absl::string_view stream) const {
  MutexLock lock(mu_);
  return FindStream(source, stream);
}

void LogIndex::CatchUpIds() {
  const uint64_t last = first_ + facts_.size() - 1;
  for (; ids_through_ < last; ++ids_through_) {
    const uint64_t sequence = ids_through_ + 1;
    Fact& fact = facts_[sequence - first_];
    uint64_t& latest = by_id_[fact.id_hash];
    fact.before_with_hash = latest;
    latest = sequence;
  }
}

absl::StatusOr<std::vector<uint64_t>> LogIndex::WithId(absl::string_view source,
                                                       absl::string_view id) {
  std::vector<uint64_t> sequences;
  uint64_t hash = 0;
  {
    MutexLock lock(mu_);
    absl::StatusOr<std::string*> highest = FindHighest(source);
    if (!highest.ok()) return highest.status();
    if (id > absl::string_view(**highest)) return sequences;
    CatchUpIds();
    hash = IdHash(source, id);
    const auto found = by_id_.find(hash);
    uint64_t at = found == by_id_.end() ? 0 : found->second;
    for (; at >= first_; at = facts_[at - first_].before_with_hash) {
      sequences.push_back(at);
    }
  }
  std::string from(1, kId);
  PutBigEndian(from, hash);
  std::string to = from;
  to.append(sizeof(uint64_t), '\xff');
  absl::Status status =
      store_.Visit(from, to, [&](absl::string_view key, absl::string_view) {
        sequences.push_back(BigEndianAtEnd(key));
        return true;
      });
  if (!status.ok()) return status;
  return sequences;
}

template <typename Map, typename Key, typename StoredAs>
absl::StatusOr<LogIndex::Known*> LogIndex::Slot(Map& map, const Key& key,
                                                const StoredAs& stored_as) {
  const auto found = map.find(key);
  if (found != map.end()) return &found->second;
  Known known;
  if (first_ > 1) {
    absl::StatusOr<Known> stored = StoredKnown(stored_as());
    if (!stored.ok()) return stored.status();
    known = *stored;
  }
  return &map.emplace(key, known).first->second;
}

absl::StatusOr<LogIndex::Counts> LogIndex::Add(uint64_t sequence,
                                               const HeaderView& header) {
  MutexLock lock(mu_);
  CONCORDAT_CHECK(sequence == first_ + facts_.size());
  Fact fact;
  fact.id_hash = IdHash(header.source, header.id);
  absl::StatusOr<std::string*> highest = FindHighest(header.source);
  if (!highest.ok()) return highest.status();
  if (header.id > absl::string_view(**highest)) {
    (*highest)->assign(header.id.data(), header.id.size());
  }
  Counts counts = {1, 1};
  if (!header.stream.empty()) {
    auto of_source = streams_.find(header.source);
    if (of_source == streams_.end()) {
      of_source = streams_.try_emplace(std::string(header.source)).first;
    }
    const absl::StatusOr<Known*> known = Slot(
        of_source->second, header.stream,
        [&] { return StreamKeyOf(kStreamHead, header.source, header.stream); });
    if (!known.ok()) return known.status();
    fact.before_in_stream = (*known)->last;
    counts.of_stream = (*known)->count + 1;
    **known = {sequence, counts.of_stream};
  }
  if (!header.subject.empty()) {
    const absl::StatusOr<Known*> known = Slot(persons_, header.subject, [&] {
      return KeyOf(kPersonHead, header.subject.bytes());
    });
    if (!known.ok()) return known.status();
    fact.before_of_person = (*known)->last;
    counts.of_person = (*known)->count + 1;
    **known = {sequence, counts.of_person};
  }
  fact.counts = counts;
  facts_.push_back(fact);
  if (Amends(header)) amendments_.push_back(sequence);
  return counts;
}

absl::StatusOr<std::vector<Sequence>> LogIndex::Postings(
    const std::string& prefix, std::vector<uint64_t> in_memory,
    uint64_t memory_from, uint64_t after, uint64_t up_to,
    size_t count_max) const {
  std::vector<Sequence> found;
  const auto take = [&](uint64_t sequence) {
    if (sequence > after && sequence <= up_to && found.size() < count_max) {
      found.push_back({sequence});
    }
    return sequence < up_to && found.size() < count_max;
  };
  if (memory_from > 1 && after + 1 < memory_from) {
    std::string from = prefix;
    PutBigEndian(from, 0);
    std::string to = prefix;
    PutBigEndian(to, memory_from);
    absl::Status status = store_.Visit(
        from, to, [&](absl::string_view key, absl::string_view gaps) {
          uint64_t sequence = BigEndianAtEnd(key);
          bool more = take(sequence);
          while (more && !gaps.empty()) {
            sequence += TakeGap(gaps);
            more = take(sequence);
          }
          return more;
        });
    if (!status.ok()) return status;
  }
  std::for_each(in_memory.rbegin(), in_memory.rend(), take);
  return found;
}

absl::StatusOr<std::vector<Sequence>> LogIndex::OfStream(
    absl::string_view source, absl::string_view stream, uint64_t after,
    uint64_t up_to, size_t count_max) const {
  std::vector<uint64_t> in_memory;
  uint64_t memory_from = 0;
  {
    MutexLock lock(mu_);
    absl::StatusOr<Known> known = FindStream(source, stream);
    if (!known.ok()) return known.status();
    memory_from = first_;
    for (uint64_t at = known->last; at >= first_ && at > after;
         at = facts_[at - first_].before_in_stream) {
      in_memory.push_back(at);
    }
  }
  return Postings(StreamEventsPrefix(source, stream), std::move(in_memory),
                  memory_from, after, up_to, count_max);
}

absl::StatusOr<std::vector<Sequence>> LogIndex::OfPerson(
    const PersonKey& person, uint64_t after, uint64_t up_to) const {
  if (person.empty()) return std::vector<Sequence>();
  std::vector<uint64_t> in_memory;
  uint64_t memory_from = 0;
  {
    MutexLock lock(mu_);
    absl::StatusOr<Known> known = FindPerson(person);
    if (!known.ok()) return known.status();
    memory_from = first_;
    for (uint64_t at = known->last; at >= first_ && at > after;
         at = facts_[at - first_].before_of_person) {
      in_memory.push_back(at);
    }
  }
  return Postings(KeyOf(kPersonEvents, person.bytes()), std::move(in_memory),
                  memory_from, after, up_to, SIZE_MAX);
}

absl::StatusOr<std::vector<Sequence>> LogIndex::Amendments(
    uint64_t after, uint64_t up_to) const {
  std::vector<uint64_t> in_memory;  // The newest first.
  uint64_t memory_from = 0;
  {
    MutexLock lock(mu_);
    memory_from = first_;
    const auto from =
        std::upper_bound(amendments_.begin(), amendments_.end(), after);
    in_memory.assign(from, amendments_.end());
  }
  std::reverse(in_memory.begin(), in_memory.end());
  return Postings(std::string(1, kAmendments), std::move(in_memory),
                  memory_from, after, up_to, SIZE_MAX);
}

absl::Status LogIndex::Absorb(
    const Covered& covered,
    const std::function<absl::Status(const Visitor&)>& each) {
  uint64_t first = 0;
  std::vector<Counts> counts;
  std::vector<std::pair<uint64_t, uint64_t>> ids;
  {
    MutexLock lock(mu_);
    first = first_;
    CONCORDAT_CHECK(covered.sequence < first_ + facts_.size());
    counts.reserve(covered.sequence + 1 - first);
    ids.reserve(covered.sequence + 1 - first);
    for (uint64_t at = first; at <= covered.sequence; ++at) {
      counts.push_back(facts_[at - first].counts);
      ids.emplace_back(facts_[at - first].id_hash, at);
    }
  }
  using Name = std::pair<absl::string_view, absl::string_view>;
  absl::flat_hash_map<std::string, absl::flat_hash_map<std::string, Posting>>
      streams;  // By source, then stream.
  absl::flat_hash_map<PersonKey, Posting> persons;
  Posting amendments;
  std::map<std::string, std::string, std::less<>> highest;
  absl::Status status = each([&](uint64_t sequence, const HeaderView& header) {
    const Counts& count = counts.at(sequence - first);
    if (!header.stream.empty()) {
      streams[header.source][header.stream].Add(sequence, count.of_stream);
    }
    if (!header.subject.empty()) {
      persons[header.subject].Add(sequence, count.of_person);
    }
    if (Amends(header)) amendments.Add(sequence, 0);
    auto id = highest.find(header.source);
    if (id == highest.end()) {
      id = highest.emplace(std::string(header.source), "").first;
    }
    if (header.id > id->second) id->second = std::string(header.id);
  });
  if (!status.ok()) return status;
  std::vector<std::pair<Name, Posting*>> by_name;
  for (auto& [source, of_source] : streams) {
    for (auto& [stream, posting] : of_source) {
      by_name.push_back({{source, stream}, &posting});
    }
  }
  // As the keys do: no name has a byte under that which ends it.
  std::sort(by_name.begin(), by_name.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto by_person = Sorted(persons);
  std::sort(ids.begin(), ids.end());

  // Keys ascend: c, h, i, k, m, p, s, x.
  std::vector<std::pair<std::string, std::string>> entries;
  entries.reserve(2 * (by_name.size() + persons.size()) + ids.size() + 8);
  for (const auto* person : by_person) {
    entries.emplace_back(KeyOf(kPersonHead, person->first.bytes()),
                         EncodeKnown(person->second.known));
  }
  for (const auto& [name, posting] : by_name) {
    entries.emplace_back(StreamKeyOf(kStreamHead, name.first, name.second),
                         EncodeKnown(posting->known));
  }
  for (const auto& [hash, sequence] : ids) {
    std::string key(1, kId);
    PutBigEndian(key, hash);
    PutBigEndian(key, sequence);
    entries.emplace_back(std::move(key), "");
  }
  if (amendments.first != 0) {
    std::string key(1, kAmendments);
    PutBigEndian(key, amendments.first);
    entries.emplace_back(std::move(key), std::move(amendments.gaps));
  }
  std::string value;
  PutNumber(value, kMake);
  PutNumber(value, covered.segment);
  PutNumber(value, covered.sequence);
  value += covered.hash;
  entries.emplace_back(kCovered, std::move(value));
  for (auto* person : by_person) {
    std::string key = KeyOf(kPersonEvents, person->first.bytes());
    PutBigEndian(key, person->second.first);
    entries.emplace_back(std::move(key), std::move(person->second.gaps));
  }
  for (auto& [name, posting] : by_name) {
    std::string key = StreamEventsPrefix(name.first, name.second);
    PutBigEndian(key, posting->first);
    entries.emplace_back(std::move(key), std::move(posting->gaps));
  }
  for (auto& [source, id] : highest) {
    std::string key = KeyOf(kHighestId, source);
    absl::StatusOr<std::optional<std::string>> before = store_.Get(key);
    if (!before.ok()) return before.status();
    if (before->has_value()) id = std::max(id, **before);
    entries.emplace_back(std::move(key), std::move(id));
  }
  status = store_.Add(entries);
  if (!status.ok()) return status;

  // A few at a time, so that the core never waits long.
  for (bool more = true; more;) {
    MutexLock lock(mu_);
    for (int i = 0; i < kForgetAtOnce; ++i) {
      more = first_ <= covered.sequence && !facts_.empty();
      if (!more) break;
      if (first_ <= ids_through_) {
        const auto found = by_id_.find(facts_.front().id_hash);
        if (found != by_id_.end() && found->second == first_) {
          by_id_.erase(found);
        }
      }
      facts_.pop_front();
      ++first_;
      while (!amendments_.empty() && amendments_.front() < first_) {
        amendments_.pop_front();
      }
    }
  }
  MutexLock lock(mu_);
  first_ = std::max(first_, covered.sequence + 1);
  ids_through_ = std::max(ids_through_, covered.sequence);
  const auto is_stored = [&](const auto& entry) {
    return entry.second.last <= covered.sequence;
  };
  size_t cached = 0;
  for (const auto& [source, of_source] : streams_) cached += of_source.size();
  if (cached > kCachedMax) {
    for (auto& [source, of_source] : streams_) {
      absl::erase_if(of_source, is_stored);
    }
  }
  if (persons_.size() > kCachedMax) absl::erase_if(persons_, is_stored);
  return absl::OkStatus();
}

}  // namespace concordat::bus
