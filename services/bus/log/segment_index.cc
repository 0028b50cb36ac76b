#include "services/bus/log/segment_index.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "services/bus/log/segment_store.h"
#include "services/common/base/bytes.h"
#include "services/common/crypto/crc32c.h"

namespace concordat::bus {
namespace {

constexpr uint32_t kIndexMagic = 0x0549DCC0;
constexpr uint32_t kSpinesMagic = 0x0453DCC0;

void PutText(std::string& out, absl::string_view text) {
  PutNumber(out, static_cast<uint32_t>(text.size()));
  out.append(text.data(), text.size());
}

void PutChain(std::string& out, const ChainEnd& end) {
  PutNumber(out, end.epoch);
  PutNumber(out, end.next_sequence);
  PutNumber(out, end.synced_through);
  PutBytes(out, end.hash);
}

ChainEnd TakeChain(ByteReader& in, const LogId& log_id) {
  ChainEnd end;
  end.epoch = in.Number<uint32_t>();
  end.next_sequence = in.Number<uint64_t>();
  end.synced_through = in.Number<uint64_t>();
  end.hash = in.Array<kSha256Bytes>();
  if (end.epoch > 0) end.log_id = log_id;
  return end;
}

void PutTexts(std::string& out, const std::vector<std::string>& texts) {
  PutNumber(out, static_cast<uint32_t>(texts.size()));
  for (const std::string& text : texts) PutText(out, text);
}

std::vector<std::string> TakeTexts(ByteReader& in) {
  std::vector<std::string> texts;
  for (uint32_t count = in.Number<uint32_t>(); in.ok() && count > 0; --count) {
    texts.emplace_back(in.Bytes(in.Number<uint32_t>()));
  }
  return texts;
}

// The bytes without their checksum; nothing when it does not match.
absl::StatusOr<absl::string_view> Checked(absl::string_view bytes) {
  if (bytes.size() < sizeof(uint32_t)) return absl::DataLossError("too short");
  const absl::string_view body =
      bytes.substr(0, bytes.size() - sizeof(uint32_t));
  ByteReader crc(bytes.substr(body.size()));
  if (crc.Number<uint32_t>() != Crc32c(body)) {
    return absl::DataLossError("checksum does not match");
  }
  return body;
}

template <typename T>
void Tidy(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// Repeats come in runs; the rest is for Tidy().
void AddOnce(std::vector<std::string>& texts, absl::string_view text) {
  if (texts.empty() || texts.back() != text) texts.emplace_back(text);
}

}  // namespace

std::string SpineFileName(uint32_t segment) {
  return absl::StrCat(SegmentName(segment), ".spines");
}

std::string SegmentIndexName(uint32_t segment) {
  return absl::StrCat(SegmentName(segment), ".index");
}

std::string EncodeSegmentIndex(const SegmentIndex& index) {
  const ClosedSegment& closed = index.closed;
  std::string out;
  PutNumber(out, kIndexMagic);
  PutNumber(out, uint32_t{0});  // Its head's length, below.
  PutBytes(out, index.log_id);
  PutNumber(out, closed.number);
  PutChain(out, closed.start);
  PutChain(out, closed.end);
  PutNumber(out, closed.end_offset);
  PutNumber(out, closed.last_block);
  PutNumber(out, index.last_accepted_us);
  PutNumber(out, closed.removal.events);
  PutNumber(out, closed.removal.through.value);
  PutNumber(out, closed.removal.at_us);
  PutNumber(out, static_cast<uint32_t>(closed.places.size()));
  for (const BlockPlace& place : closed.places) {
    PutNumber(out, place.first_sequence);
    PutNumber(out, place.offset);
  }
  PutTexts(out, index.types);
  PutNumber(out, static_cast<uint32_t>(index.keys.size()));
  for (const auto& [kind, record] : index.keys) {
    out.push_back(static_cast<char>(kind));
    PutText(out, record);
  }
  const auto head = static_cast<uint32_t>(out.size() + sizeof(uint32_t));
  std::memcpy(out.data() + sizeof(kIndexMagic), &head, sizeof(head));
  PutNumber(out, Crc32c(out));

  PutNumber(out, static_cast<uint32_t>(index.regions.size()));
  for (const SegmentIndex::Region& region : index.regions) {
    PutTexts(out, region.types);
    PutTexts(out, region.agencies);
    PutNumber(out, static_cast<uint32_t>(region.persons.size()));
    for (const PersonKey& person : region.persons) {
      out.append(person.bytes().data(), PersonKey::kBytes);
    }
  }
  PutNumber(out, Crc32c(out));
  return out;
}

absl::StatusOr<uint32_t> SegmentHeadBytes(absl::string_view bytes) {
  ByteReader in(bytes);
  const auto magic = in.Number<uint32_t>();
  const auto head = in.Number<uint32_t>();
  if (!in.ok() || magic != kIndexMagic || head < kHeadLengthBytes) {
    return absl::DataLossError("not a segment's index");
  }
  return head;
}

absl::StatusOr<SegmentIndex> DecodeSegmentHead(absl::string_view bytes) {
  const absl::StatusOr<uint32_t> head = SegmentHeadBytes(bytes);
  if (!head.ok()) return head.status();
  absl::StatusOr<absl::string_view> body = Checked(bytes.substr(0, *head));
  if (!body.ok()) return body.status();
  ByteReader in(*body);
  in.Bytes(kHeadLengthBytes);
  SegmentIndex index;
  ClosedSegment& closed = index.closed;
  index.log_id = in.Array<16>();
  closed.number = in.Number<uint32_t>();
  closed.start = TakeChain(in, index.log_id);
  closed.end = TakeChain(in, index.log_id);
  closed.end_offset = in.Number<uint64_t>();
  closed.last_block = in.Number<uint64_t>();
  index.last_accepted_us = in.Number<uint64_t>();
  closed.removal.events = in.Number<uint64_t>();
  closed.removal.through = {in.Number<uint64_t>()};
  closed.removal.at_us = in.Number<uint64_t>();
  for (uint32_t i = in.Number<uint32_t>(); in.ok() && i > 0; --i) {
    const uint64_t first = in.Number<uint64_t>();
    closed.places.push_back({first, in.Number<uint64_t>()});
  }
  index.types = TakeTexts(in);
  for (uint32_t i = in.Number<uint32_t>(); in.ok() && i > 0; --i) {
    const auto kind = static_cast<RecordKind>(in.Number<uint8_t>());
    index.keys.emplace_back(kind, std::string(in.Bytes(in.Number<uint32_t>())));
  }
  if (!in.ok() || !in.done()) {
    return absl::DataLossError("segment's index is malformed");
  }
  return index;
}

absl::StatusOr<SegmentIndex> DecodeSegmentIndex(absl::string_view bytes) {
  absl::StatusOr<SegmentIndex> index = DecodeSegmentHead(bytes);
  if (!index.ok()) return index;
  absl::StatusOr<absl::string_view> body = Checked(bytes);
  if (!body.ok()) return body.status();
  ByteReader in(*body);
  in.Bytes(*SegmentHeadBytes(bytes));
  for (uint32_t i = in.Number<uint32_t>(); in.ok() && i > 0; --i) {
    SegmentIndex::Region region;
    region.types = TakeTexts(in);
    region.agencies = TakeTexts(in);
    for (uint32_t n = in.Number<uint32_t>(); in.ok() && n > 0; --n) {
      region.persons.push_back(PersonKey(in.Array<PersonKey::kBytes>()));
    }
    index->regions.push_back(std::move(region));
  }
  if (!in.ok() || !in.done()) {
    return absl::DataLossError("segment's index is malformed");
  }
  return index;
}

absl::Status VisitSpines(
    absl::string_view file,
    const std::function<absl::Status(const Spine&)>& visit) {
  absl::StatusOr<absl::string_view> body = Checked(file);
  if (!body.ok()) return body.status();
  ByteReader in(*body);
  if (in.Number<uint32_t>() != kSpinesMagic) {
    return absl::DataLossError("not a spine file");
  }
  while (!in.done()) {
    absl::StatusOr<Spine> spine = DecodeSpine(in.Bytes(in.Number<uint16_t>()));
    if (!spine.ok()) return spine.status();
    absl::Status status = visit(*spine);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

SegmentIndexBuilder::SegmentIndexBuilder(const ClosedSegment& closed) {
  index_.closed = closed;
  if (closed.end.log_id.has_value()) index_.log_id = *closed.end.log_id;
  index_.regions.resize(closed.end_offset / kRegionBytes + 1);
  // Most often about half of the segment; growing there copies it all.
  spines_.reserve(closed.end_offset / 2);
  PutNumber(spines_, kSpinesMagic);
}

absl::Status SegmentIndexBuilder::Add(
    const ScannedBlock& block, const std::function<void(const Spine&)>& visit) {
  SegmentIndex::Region& region = index_.regions[block.offset / kRegionBytes];
  RecordReader records(block.body);
  Record record;
  while (records.Next(record)) {
    if (record.kind == RecordKind::kKey ||
        record.kind == RecordKind::kKeyTable) {
      index_.keys.emplace_back(record.kind, std::string(record.bytes));
    }
    if (!IsEvent(record.kind)) continue;
    absl::StatusOr<absl::string_view> bytes = SpineOfRecord(record);
    if (!bytes.ok()) return bytes.status();
    absl::StatusOr<Spine> spine = DecodeSpine(*bytes);
    if (!spine.ok()) return spine.status();
    const HeaderView& header = spine->header;
    PutNumber(spines_, static_cast<uint16_t>(bytes->size()));
    spines_.append(bytes->data(), bytes->size());
    if (record.kind == RecordKind::kEvent) {
      AddOnce(region.types, header.type);
      AddOnce(region.agencies, header.controller);
      if (!header.subject.empty()) region.persons.push_back(header.subject);
    }
    index_.last_accepted_us =
        std::max(index_.last_accepted_us, spine->accepted_us);
    visit(*spine);
  }
  return absl::OkStatus();
}

SegmentIndex SegmentIndexBuilder::Finish() {
  for (SegmentIndex::Region& region : index_.regions) {
    Tidy(region.types);
    Tidy(region.agencies);
    Tidy(region.persons);
    index_.types.insert(index_.types.end(), region.types.begin(),
                        region.types.end());
  }
  Tidy(index_.types);
  return std::move(index_);
}

std::string SegmentIndexBuilder::TakeSpines() {
  PutNumber(spines_, Crc32c(spines_));
  return std::move(spines_);
}

}  // namespace concordat::bus
