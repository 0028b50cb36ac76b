#include "services/common/storage/sealed_journal.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/crypto/crc32c.h"

namespace concordat {
namespace {

constexpr absl::string_view kMagic = "CCEDGE1\n";
constexpr size_t kIdBytes = 16;
constexpr size_t kFileHeaderBytes = kMagic.size() + kIdBytes;
constexpr size_t kRecordHeaderBytes = 8;
constexpr size_t kSealedBytesMin = kNonceBytes + kAeadTagBytes;

std::string LittleEndian32(uint32_t value) {
  std::string bytes(4, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  return bytes;
}

uint32_t ReadLittleEndian32(absl::string_view bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) {
    value = (value << 8) | static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
  }
  return value;
}

// The sealed bytes of the whole record that `bytes` begins with, or nothing.
absl::string_view RecordAt(absl::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes + kSealedBytesMin) return {};
  const uint32_t length = ReadLittleEndian32(bytes);
  if (length < kSealedBytesMin || length > kJournalRecordBytesMax ||
      length > bytes.size() - kRecordHeaderBytes) {
    return {};
  }
  const absl::string_view sealed = bytes.substr(kRecordHeaderBytes, length);
  const uint32_t crc = ExtendCrc32c(Crc32c(bytes.substr(0, 4)), sealed);
  if (crc != ReadLittleEndian32(bytes.substr(4))) return {};
  return sealed;
}

}  // namespace

absl::Status SealedJournal::Damaged(uint64_t offset) const {
  return absl::DataLossError(
      absl::StrCat("journal ", name_, " is damaged at byte ", offset));
}

absl::StatusOr<std::unique_ptr<SealedJournal>> SealedJournal::Open(
    Directory& directory, std::string name, absl::string_view key,
    Random& random, std::vector<std::string>& records) {
  AeadKeyBytes key_bytes;
  if (key.size() != key_bytes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the key of journal ", name, " is not 32 bytes"));
  }
  std::copy(key.begin(), key.end(), key_bytes.begin());
  std::unique_ptr<SealedJournal> journal(new SealedJournal(
      directory, std::move(name), AeadKey(key_bytes), random));

  const auto bytes = ReadWhole(directory, journal->name_);
  if (absl::IsNotFound(bytes.status())) {
    const absl::Status started = journal->Start({});
    if (!started.ok()) return started;
    return journal;
  }
  if (!bytes.ok()) return bytes.status();
  const absl::Status read = journal->ReadAll(*bytes, records);
  if (!read.ok()) return read;
  if (journal->end_ < bytes->size()) {
    // Written whole again rather than cut in place: one way to do it, and what
    // comes next never lies beside a torn record.
    const absl::Status cut = journal->Start(records);
    if (!cut.ok()) return cut;
    return journal;
  }
  auto file = directory.Open(journal->name_);
  if (!file.ok()) return file.status();
  journal->file_ = *std::move(file);
  // What was read may have been written and not synced before a crash.
  const absl::Status synced = journal->file_->Sync();
  if (!synced.ok()) return synced;
  return journal;
}

absl::Status SealedJournal::ReadAll(absl::string_view bytes,
                                    std::vector<std::string>& records) {
  // Made by ReplaceWhole, so it is whole or not there.
  if (bytes.size() < kFileHeaderBytes || !absl::StartsWith(bytes, kMagic)) {
    return Damaged(0);
  }
  id_ = std::string(bytes.substr(kMagic.size(), kIdBytes));
  end_ = kFileHeaderBytes;
  while (end_ < bytes.size()) {
    const absl::string_view rest = bytes.substr(end_);
    const absl::string_view sealed = RecordAt(rest);
    if (sealed.empty()) {
      for (size_t skip = 1; skip < rest.size(); ++skip) {
        if (!RecordAt(rest.substr(skip)).empty()) return Damaged(end_);
      }
      return absl::OkStatus();  // Torn.
    }
    Nonce nonce;
    std::copy_n(sealed.begin(), nonce.size(), nonce.begin());
    std::string record;
    if (!key_.Open(nonce, Aad(end_), sealed.substr(nonce.size()), record)) {
      return absl::DataLossError(
          absl::StrCat("journal ", name_,
                       " cannot be opened with this key, at byte ", end_));
    }
    records.push_back(std::move(record));
    end_ += kRecordHeaderBytes + sealed.size();
  }
  return absl::OkStatus();
}

std::string SealedJournal::Aad(uint64_t offset) const {
  return absl::StrCat(id_, offset);
}

std::string SealedJournal::Seal(absl::string_view record, uint64_t offset) {
  Nonce nonce;
  random_.Fill(nonce.data(), nonce.size());
  std::string sealed(nonce.begin(), nonce.end());
  key_.Seal(nonce, Aad(offset), record, sealed);
  const std::string length =
      LittleEndian32(static_cast<uint32_t>(sealed.size()));
  const uint32_t crc = ExtendCrc32c(Crc32c(length), sealed);
  return absl::StrCat(length, LittleEndian32(crc), sealed);
}

absl::Status SealedJournal::Append(absl::Span<const std::string> records) {
  if (!failed_.ok()) return failed_;
  std::string bytes;
  for (const std::string& record : records) {
    bytes += Seal(record, end_ + bytes.size());
  }
  failed_ = file_->Write(end_, bytes);
  if (failed_.ok()) failed_ = file_->Sync();
  if (failed_.ok()) end_ += bytes.size();
  return failed_;
}

absl::Status SealedJournal::Replace(const std::vector<std::string>& records) {
  if (!failed_.ok()) return failed_;
  failed_ = Start(records);
  return failed_;
}

absl::Status SealedJournal::Start(const std::vector<std::string>& records) {
  id_.assign(kIdBytes, '\0');
  random_.Fill(reinterpret_cast<uint8_t*>(id_.data()), id_.size());
  std::string bytes = absl::StrCat(kMagic, id_);
  for (const std::string& record : records) {
    absl::StrAppend(&bytes, Seal(record, bytes.size()));
  }
  const absl::Status replaced = ReplaceWhole(directory_, name_, bytes);
  if (!replaced.ok()) return replaced;
  auto file = directory_.Open(name_);
  if (!file.ok()) return file.status();
  file_ = *std::move(file);
  end_ = bytes.size();
  return absl::OkStatus();
}

}  // namespace concordat
