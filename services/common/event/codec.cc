#include "services/common/event/codec.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/event/header_wire.h"
#include "services/common/event/wire.h"

namespace concordat {
namespace {

using wire::Field;
using wire::Input;

constexpr uint32_t kBatchDictionary = 1;
constexpr uint32_t kBatchEvents = 2;

absl::Status Bad(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

size_t GroupBytes(const BasicGroup<absl::string_view>& group) {
  wire::Counter counter;
  wire::PutVarint(counter, 1, group.number);
  wire::PutBytes(counter, 2, group.data);
  return counter.count();
}

template <typename Sink>
void PutEventTail(Sink& sink, const EventView& event, uint32_t atomic_set) {
  for (const BasicGroup<absl::string_view>& group : event.groups) {
    sink.Varint(wire::Tag(2, wire::kBytes));
    sink.Varint(GroupBytes(group));
    wire::PutVarint(sink, 1, group.number);
    wire::PutBytes(sink, 2, group.data);
  }
  wire::PutBytes(sink, 3, wire::AsText(event.seed));
  wire::PutBytes(sink, 4, wire::AsText(event.digest));
  wire::PutVarint(sink, 5, atomic_set);
}

absl::Status ReadGroup(absl::string_view bytes,
                       BasicGroup<absl::string_view>& group) {
  Input in(bytes);
  Field field;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("groups", "malformed");
    if (field.number == 1 && field.type == wire::kVarint) {
      if (field.value >= kGroupsMax) return Bad("groups", "number over 7");
      group.number = static_cast<uint32_t>(field.value);
    } else if (field.number == 2 && field.type == wire::kBytes) {
      group.data = field.bytes;
    } else {
      return Bad("groups", "unknown field");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadEvent(absl::string_view bytes,
                       const std::vector<absl::string_view>& dictionary,
                       EventView& event) {
  Input in(bytes);
  Field field;
  bool has_header = false;
  bool has_seed = false;
  bool has_digest = false;
  size_t data_bytes = 0;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("event", "malformed");
    if (field.number == 5 && field.type == wire::kVarint) {
      if (field.value > UINT32_MAX) return Bad("atomic_set", "out of range");
      event.atomic_set = static_cast<uint32_t>(field.value);
      continue;
    }
    if (field.type != wire::kBytes) return Bad("event", "unknown field");
    switch (field.number) {
      case 1: {
        if (std::exchange(has_header, true)) return Bad("header", "twice");
        const absl::Status status =
            wire::ReadHeader(field.bytes, &dictionary, event.header);
        if (!status.ok()) return status;
        break;
      }
      case 2: {
        BasicGroup<absl::string_view> group;
        const absl::Status status = ReadGroup(field.bytes, group);
        if (!status.ok()) return status;
        if (group.data.empty()) return Bad("groups", "an empty group");
        if (!event.groups.empty() &&
            event.groups.back().number >= group.number) {
          return Bad("groups", "not ascending");
        }
        data_bytes += group.data.size();
        event.groups.push_back(group);
        break;
      }
      case 3:
        has_seed = wire::ToArray(field.bytes, event.seed);
        if (!has_seed) return Bad("seed", "not 16 bytes");
        break;
      case 4:
        has_digest = wire::ToArray(field.bytes, event.digest);
        if (!has_digest) return Bad("digest", "not 32 bytes");
        break;
      default:
        return Bad("event", "unknown field");
    }
  }
  if (!has_header) return Bad("header", "missing");
  if (!has_seed) return Bad("seed", "missing");
  if (!has_digest) return Bad("digest", "missing");
  if (data_bytes > kDataBytesMax) return Bad("groups", "over 256 KiB");
  if (event.header.source.empty()) return Bad("source", "missing");
  if (event.header.type.empty()) return Bad("type", "missing");
  return CheckHeaderSansDictionary(event.header);
}

}  // namespace

uint32_t Dictionary::IndexOf(absl::string_view text) {
  if (text.empty()) return 0;
  // Most batches have one source and one purpose: a hash costs more than these.
  const size_t few = std::min<size_t>(entries_.size(), 5);
  for (size_t i = 0; i < few; ++i) {
    if (entries_[i] == text) return static_cast<uint32_t>(i + 1);
  }
  const auto found = index_.find(text);
  if (found != index_.end()) return found->second;
  entries_.emplace_back(text);
  const auto index = static_cast<uint32_t>(entries_.size());
  index_.emplace(text, index);
  return index;
}

void Dictionary::Clear() {
  entries_.clear();
  index_.clear();
}

void BatchEncoder::Add(const EventView& event, uint32_t atomic_set) {
  const size_t known = dictionary_.entries().size();
  const HeaderView& h = event.header;
  const wire::HeaderIndexes indexes = {
      dictionary_.IndexOf(h.source), dictionary_.IndexOf(h.type),
      dictionary_.IndexOf(h.controller), dictionary_.IndexOf(h.purpose),
      dictionary_.IndexOf(h.gateway)};
  for (size_t i = known; i < dictionary_.entries().size(); ++i) {
    dictionary_bytes_ +=
        wire::ElementBytes(kBatchDictionary, dictionary_.entries()[i].size());
  }
  wire::Counter header;
  wire::PutHeader(header, h, indexes);
  wire::Counter tail;
  PutEventTail(tail, event, atomic_set);
  const size_t event_bytes =
      wire::ElementBytes(1, header.count()) + tail.count();

  const size_t start = body_.size();
  body_.resize(start + wire::ElementBytes(kBatchEvents, event_bytes));
  wire::Writer out(body_.data() + start);
  out.Varint(wire::Tag(kBatchEvents, wire::kBytes));
  out.Varint(event_bytes);
  out.Varint(wire::Tag(1, wire::kBytes));
  out.Varint(header.count());
  wire::PutHeader(out, h, indexes);
  PutEventTail(out, event, atomic_set);
  ++events_;
}

size_t BatchEncoder::bytes() const { return dictionary_bytes_ + body_.size(); }

size_t BatchEncoder::BytesMax(const EventView& event) {
  // Five indexes and three lengths of at most six bytes each, and the strings
  // as if none were in the dictionary yet.
  wire::Counter tail;
  PutEventTail(tail, event, UINT32_MAX);
  return HeaderBytes(event.header) + tail.count() + 8 * 6;
}

std::string BatchEncoder::Take(size_t room) {
  std::string out;
  out.reserve(room + bytes());
  out.resize(room + dictionary_bytes_);
  wire::Writer writer(out.data() + room);
  for (const std::string& text : dictionary_.entries()) {
    wire::PutElement(writer, kBatchDictionary, text);
  }
  out.append(body_);
  dictionary_.Clear();
  dictionary_bytes_ = 0;
  body_.clear();
  events_ = 0;
  return out;
}

absl::StatusOr<std::vector<EventView>> DecodeBatch(absl::string_view bytes) {
  if (bytes.size() > kBatchBytesMax) return Bad("batch", "over 480 KiB");
  std::vector<absl::string_view> dictionary;
  std::vector<absl::string_view> encoded;
  Input in(bytes);
  Field field;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("batch", "malformed");
    if (field.type != wire::kBytes) return Bad("batch", "unknown field");
    if (field.number == kBatchDictionary) {
      // Five to an event; what more there is cannot be meant.
      if (dictionary.size() == 5 * kBatchEventsMax) {
        return Bad("dictionary", "over 1280 entries");
      }
      if (!IsPrintable(field.bytes) ||
          field.bytes.find(' ') != absl::string_view::npos) {
        return Bad("dictionary", "not printable");
      }
      dictionary.push_back(field.bytes);
    } else if (field.number == kBatchEvents) {
      if (encoded.size() == kBatchEventsMax) {
        return Bad("events", "over 256 events");
      }
      encoded.push_back(field.bytes);
    } else {
      return Bad("batch", "unknown field");
    }
  }
  std::vector<EventView> events(encoded.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    const absl::Status status = ReadEvent(encoded[i], dictionary, events[i]);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("event ", i, ": ", status.message()));
    }
  }
  return events;
}

}  // namespace concordat
