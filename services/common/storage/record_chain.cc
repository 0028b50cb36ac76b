#include "services/common/storage/record_chain.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "services/common/crypto/crc32c.h"

namespace concordat {
namespace {

// Not printable, so that no text that a record holds has it.
constexpr absl::string_view kMagic("\xc0\xdc\x52\x01", 4);
constexpr absl::string_view kPrefix = "records-";
constexpr size_t kHeadBytes = 56;
constexpr size_t kCrcAt = 52;

template <typename T>
void Put(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

template <typename T>
T Get(absl::string_view bytes, size_t at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

std::string NameOf(uint32_t number) {
  return absl::StrFormat("%s%08u", kPrefix, number);
}

uint32_t NumberOf(absl::string_view name) {
  uint32_t number = 0;
  if (!absl::ConsumePrefix(&name, kPrefix) || name.size() != 8 ||
      !absl::SimpleAtoi(name, &number)) {
    return 0;
  }
  return number;
}

}  // namespace

struct RecordChain::Block {
  uint64_t first = 0;
  uint32_t count = 0;
  Sha256Hash previous = {};
  absl::string_view whole;

  absl::string_view body() const { return whole.substr(kHeadBytes); }

  // The block that `bytes` begins with, when its checksum holds and its records
  // fill it.
  static std::optional<Block> At(absl::string_view bytes) {
    if (bytes.size() < kHeadBytes || !absl::StartsWith(bytes, kMagic)) {
      return std::nullopt;
    }
    const uint32_t length = Get<uint32_t>(bytes, 4);
    if (length > kBlockBytesMax || length > bytes.size() - kHeadBytes) {
      return std::nullopt;
    }
    Block block;
    block.whole = bytes.substr(0, kHeadBytes + length);
    block.first = Get<uint64_t>(bytes, 8);
    block.count = Get<uint32_t>(bytes, 16);
    std::memcpy(block.previous.data(), bytes.data() + 20, kSha256Bytes);
    const uint32_t crc =
        ExtendCrc32c(Crc32c(bytes.substr(0, kCrcAt)), block.body());
    if (crc != Get<uint32_t>(bytes, kCrcAt)) return std::nullopt;
    uint32_t count = 0;
    absl::string_view rest = block.body();
    while (rest.size() >= 4 && Get<uint32_t>(rest, 0) <= rest.size() - 4) {
      rest.remove_prefix(4 + Get<uint32_t>(rest, 0));
      ++count;
    }
    if (!rest.empty() || count != block.count || count == 0) {
      return std::nullopt;
    }
    return block;
  }
};

void RecordChain::Part::AddBlock(uint64_t record, uint64_t bytes) {
  if (marks.empty() || end - marks.back().byte >= kStretchBytes) {
    marks.push_back({record, end});
  }
  end += bytes;
}

absl::Status RecordChain::Damaged(uint32_t number, uint64_t offset,
                                  absl::string_view why) {
  return absl::DataLossError(
      absl::StrCat(NameOf(number), ":", offset, ": ", why));
}

absl::StatusOr<std::unique_ptr<RecordChain>> RecordChain::Open(
    Directory& directory, uint64_t file_bytes) {
  std::unique_ptr<RecordChain> chain(new RecordChain(directory, file_bytes));
  const absl::Status opened = chain->OpenParts(/*to_read=*/false);
  if (!opened.ok()) return opened;
  return chain;
}

absl::StatusOr<std::unique_ptr<RecordChain>> RecordChain::OpenToRead(
    Directory& directory) {
  std::unique_ptr<RecordChain> chain(new RecordChain(directory, kFileBytes));
  const absl::Status opened = chain->OpenParts(/*to_read=*/true);
  if (!opened.ok()) return opened;
  chain->failed_ = absl::FailedPreconditionError("it was opened to be read");
  return chain;
}

absl::Status RecordChain::OpenParts(bool to_read) {
  const auto names = directory_.List();
  if (!names.ok()) return names.status();
  MutexLock lock(mu_);
  for (const std::string& name : *names) {
    const uint32_t number = NumberOf(name);
    if (number == 0) continue;
    if (number != parts_.size() + 1) {
      return Damaged(static_cast<uint32_t>(parts_.size() + 1), 0,
                     "the file is missing");
    }
    auto file = directory_.Open(name);
    if (!file.ok()) return file.status();
    Part part;
    part.number = number;
    part.file = *std::move(file);
    parts_.push_back(std::move(part));
  }
  for (size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    const auto size = part.file->Size();
    if (!size.ok()) return size.status();
    std::string bytes(*size, '\0');
    const absl::Status read = part.file->Read(0, bytes.size(), bytes.data());
    if (!read.ok()) return read;
    const bool is_last = i + 1 == parts_.size();
    part.first = size_;
    absl::string_view rest = bytes;
    while (const std::optional<Block> block = Block::At(rest)) {
      if (block->first != size_ || block->previous != head_) {
        return Damaged(part.number, part.end,
                       "the block does not follow the one before");
      }
      part.AddBlock(size_, block->whole.size());
      size_ += block->count;
      head_ = Sha256::Of(block->whole);
      rest.remove_prefix(block->whole.size());
    }
    const size_t used = rest.find_last_not_of('\0');
    if (used == absl::string_view::npos) continue;
    if (!is_last) return Damaged(part.number, part.end, "a damaged block");
    for (size_t at = rest.find(kMagic); at != absl::string_view::npos;
         at = rest.find(kMagic, at + 1)) {
      if (Block::At(rest.substr(at)).has_value()) {
        return Damaged(part.number, part.end, "a damaged block");
      }
    }
    if (to_read) continue;
    const absl::Status zeroed = part.file->Zero(part.end, used + 1);
    if (!zeroed.ok()) return zeroed;
  }
  if (parts_.empty() || to_read) return absl::OkStatus();
  // What was read may have been written and not synced before a crash.
  return parts_.back().file->Sync();
}

absl::Status RecordChain::AddPart() {
  uint32_t number = 0;
  {
    MutexLock lock(mu_);
    number = static_cast<uint32_t>(parts_.size() + 1);
  }
  auto file = directory_.Create(NameOf(number));
  if (!file.ok()) return file.status();
  const absl::Status synced = directory_.Sync();
  if (!synced.ok()) return synced;
  MutexLock lock(mu_);
  Part part;
  part.number = number;
  part.file = *std::move(file);
  part.first = size_;
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

absl::Status RecordChain::Append(absl::Span<const std::string> records) {
  if (!failed_.ok()) return failed_;
  if (records.empty()) return absl::OkStatus();
  std::string body;
  for (const std::string& record : records) {
    if (record.size() > kRecordBytesMax) {
      return absl::InvalidArgumentError("a record is too long");
    }
    Put(body, static_cast<uint32_t>(record.size()));
    body += record;
  }
  if (body.size() > kBlockBytesMax) {
    return absl::InvalidArgumentError("too many records at once");
  }
  bool is_full = false;
  {
    MutexLock lock(mu_);
    is_full = parts_.empty() || parts_.back().end >= file_bytes_;
  }
  if (is_full) {
    failed_ = AddPart();
    if (!failed_.ok()) return failed_;
  }
  std::string block(kMagic);
  std::shared_ptr<File> file;
  uint64_t at = 0;
  {
    MutexLock lock(mu_);
    file = parts_.back().file;
    at = parts_.back().end;
    Put(block, static_cast<uint32_t>(body.size()));
    Put(block, size_);
    Put(block, static_cast<uint32_t>(records.size()));
    block.append(reinterpret_cast<const char*>(head_.data()), head_.size());
  }
  Put(block, ExtendCrc32c(Crc32c(block), body));
  block += body;
  failed_ = file->Write(at, block);
  if (failed_.ok()) failed_ = file->Sync();
  if (!failed_.ok()) return failed_;
  MutexLock lock(mu_);
  parts_.back().AddBlock(size_, block.size());
  size_ += records.size();
  head_ = Sha256::Of(block);
  return absl::OkStatus();
}

uint64_t RecordChain::size() const {
  MutexLock lock(mu_);
  return size_;
}

Sha256Hash RecordChain::head() const {
  MutexLock lock(mu_);
  return head_;
}

absl::Status RecordChain::Read(
    uint64_t first,
    absl::FunctionRef<absl::Status(uint64_t, absl::string_view)> visit) const {
  std::vector<Part> parts;
  {
    MutexLock lock(mu_);
    for (size_t i = 0; i < parts_.size(); ++i) {
      const bool is_before =
          i + 1 < parts_.size() && parts_[i + 1].first <= first;
      if (!is_before) parts.push_back(parts_[i]);
    }
  }
  for (const Part& part : parts) {
    const absl::Status read = ReadPart(part, first, visit);
    if (!read.ok()) return read;
  }
  return absl::OkStatus();
}

absl::Status RecordChain::ReadPart(const Part& part, uint64_t first,
                                   Visit visit) {
  std::optional<Sha256Hash> previous;
  std::string bytes;
  for (size_t i = 0; i < part.marks.size(); ++i) {
    const bool is_last = i + 1 == part.marks.size();
    if (!is_last && part.marks[i + 1].record <= first) continue;
    const uint64_t begin = part.marks[i].byte;
    bytes.resize((is_last ? part.end : part.marks[i + 1].byte) - begin);
    const absl::Status read =
        part.file->Read(begin, bytes.size(), bytes.data());
    if (!read.ok()) return read;
    uint64_t number = part.marks[i].record;
    absl::string_view rest = bytes;
    while (!rest.empty()) {
      const std::optional<Block> block = Block::At(rest);
      if (!block.has_value() || block->first != number ||
          (previous.has_value() && *previous != block->previous)) {
        return Damaged(part.number, begin + bytes.size() - rest.size(),
                       "a damaged block");
      }
      previous = Sha256::Of(block->whole);
      for (absl::string_view body = block->body(); !body.empty(); ++number) {
        const uint32_t length = Get<uint32_t>(body, 0);
        if (number >= first) {
          const absl::Status visited = visit(number, body.substr(4, length));
          if (!visited.ok()) return visited;
        }
        body.remove_prefix(4 + length);
      }
      rest.remove_prefix(block->whole.size());
    }
  }
  return absl::OkStatus();
}

namespace {

// Of its first `count` records, each with its length.
absl::StatusOr<Sha256Hash> HashOfRecords(const RecordChain& chain,
                                         uint64_t count) {
  Sha256 hash;
  const absl::Status read =
      chain.Read(0, [&](uint64_t number, absl::string_view bytes) {
        if (number >= count) return absl::OkStatus();
        std::string length;
        Put(length, static_cast<uint64_t>(bytes.size()));
        hash.Update(length).Update(bytes);
        return absl::OkStatus();
      });
  if (!read.ok()) return read;
  return hash.Finish();
}

}  // namespace

absl::StatusOr<uint64_t> CopyRecords(Directory& from, Directory& to) {
  const auto source = RecordChain::OpenToRead(from);
  if (!source.ok()) return source.status();
  const auto before = RecordChain::OpenToRead(to);
  if (!before.ok()) return before.status();
  // What a copy has stays: a chain that was begun anew is another.
  const uint64_t had = (*before)->size();
  const auto copied = HashOfRecords(**before, had);
  if (!copied.ok()) return copied.status();
  const auto same = HashOfRecords(**source, had);
  if (!same.ok()) return same.status();
  if ((*source)->size() < had || *copied != *same) {
    return absl::DataLossError(absl::StrCat(
        "the ", had, " records of the copy are not the first of those here"));
  }
  const auto names = from.List();
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const auto bytes = ReadWhole(from, name);
    if (!bytes.ok()) return bytes.status();
    const auto is = ReadWhole(to, name);
    if (!is.ok() && !absl::IsNotFound(is.status())) return is.status();
    if (is.ok() && *is == *bytes) continue;
    const absl::Status replaced = ReplaceWhole(to, name, *bytes);
    if (!replaced.ok()) return replaced;
  }
  const auto after = RecordChain::OpenToRead(to);
  if (!after.ok()) return after.status();
  return (*after)->size();
}

}  // namespace concordat
