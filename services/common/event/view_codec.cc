#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/event/codec.h"
#include "services/common/event/header_wire.h"
#include "services/common/event/wire.h"

namespace concordat {
namespace {

using wire::Field;
using wire::Input;

constexpr uint32_t kViewsField = 3;  // In Deliver and in StreamEvents.
constexpr uint32_t kDeliverDictionary = 1;
constexpr uint32_t kStreamEventsDictionary = 2;

absl::Status Bad(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

template <typename Sink>
void PutGroup(Sink& sink, const BorrowedView::Group& group) {
  wire::PutVarint(sink, 1, group.number);
  wire::PutBytes(sink, 2, group.data);
  wire::PutBytes(sink, 3, wire::AsText(group.salt));
}

template <typename Sink>
void PutCommitment(Sink& sink, const BorrowedView::Commitment& commitment) {
  wire::PutVarint(sink, 1, commitment.number);
  wire::PutBytes(sink, 2, wire::AsText(commitment.hash));
}

template <typename Part, typename Put>
size_t SizeOf(const Part& part, Put put) {
  wire::Counter counter;
  put(counter, part);
  return counter.count();
}

template <typename Sink>
void PutView(Sink& sink, const BorrowedView& view, size_t header_bytes,
             const wire::HeaderIndexes& indexes) {
  wire::PutFixed64(sink, 1, view.sequence.value);
  wire::PutFixed64(sink, 2, view.accepted_us);
  sink.Varint(wire::Tag(3, wire::kBytes));
  sink.Varint(header_bytes);
  wire::PutHeader(sink, view.header, indexes);
  for (const BorrowedView::Group& group : view.groups) {
    sink.Varint(wire::Tag(4, wire::kBytes));
    sink.Varint(SizeOf(group, PutGroup<wire::Counter>));
    PutGroup(sink, group);
  }
  for (const BorrowedView::Commitment& commitment : view.commitments) {
    sink.Varint(wire::Tag(5, wire::kBytes));
    sink.Varint(SizeOf(commitment, PutCommitment<wire::Counter>));
    PutCommitment(sink, commitment);
  }
  if (view.header_salt.has_value()) {
    wire::PutBytes(sink, 6, wire::AsText(*view.header_salt));
  }
  if (view.header_commitment.has_value()) {
    wire::PutBytes(sink, 7, wire::AsText(*view.header_commitment));
  }
  for (const absl::string_view text : view.withheld) {
    wire::PutElement(sink, 8, text);
  }
  for (const absl::string_view text : view.faults) {
    wire::PutElement(sink, 9, text);
  }
  wire::PutVarint(sink, 10, static_cast<uint64_t>(view.environment));
}

absl::Status ReadViewGroup(absl::string_view bytes, View::Group& group) {
  Input in(bytes);
  Field field;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("groups", "malformed");
    if (field.number == 1 && field.type == wire::kVarint) {
      if (field.value >= kGroupsMax) return Bad("groups", "number over 7");
      group.number = static_cast<uint32_t>(field.value);
    } else if (field.number == 2 && field.type == wire::kBytes) {
      group.data.assign(field.bytes.data(), field.bytes.size());
    } else if (field.number == 3 && field.type == wire::kBytes) {
      if (!wire::ToArray(field.bytes, group.salt)) {
        return Bad("groups", "salt is not 16 bytes");
      }
    } else {
      return Bad("groups", "unknown field");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadCommitment(absl::string_view bytes,
                            View::Commitment& commitment) {
  Input in(bytes);
  Field field;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("commitments", "malformed");
    if (field.number == 1 && field.type == wire::kVarint) {
      if (field.value >= kGroupsMax) return Bad("commitments", "number over 7");
      commitment.number = static_cast<uint32_t>(field.value);
    } else if (field.number == 2 && field.type == wire::kBytes) {
      if (!wire::ToArray(field.bytes, commitment.hash)) {
        return Bad("commitments", "hash is not 32 bytes");
      }
    } else {
      return Bad("commitments", "unknown field");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadViewBytes(const Field& field,
                           const std::vector<absl::string_view>& dictionary,
                           View& view) {
  switch (field.number) {
    case 3: {
      HeaderView header;
      absl::Status status = wire::ReadHeader(field.bytes, &dictionary, header);
      if (status.ok()) status = CheckHeader(header);
      if (status.ok()) ToOwned(header, view.header);
      return status;
    }
    case 4:
      // Most types have at most three.
      if (view.groups.empty()) view.groups.reserve(3);
      return ReadViewGroup(field.bytes, view.groups.emplace_back());
    case 5:
      return ReadCommitment(field.bytes, view.commitments.emplace_back());
    case 6:
      if (wire::ToArray(field.bytes, view.header_salt.emplace())) break;
      return Bad("header_salt", "not 16 bytes");
    case 7:
      if (wire::ToArray(field.bytes, view.header_commitment.emplace())) break;
      return Bad("header_commitment", "not 32 bytes");
    case 8:
      view.withheld.emplace_back(field.bytes);
      break;
    case 9:
      view.faults.emplace_back(field.bytes);
      break;
    default:
      return Bad("view", "unknown field");
  }
  return absl::OkStatus();
}

absl::Status ReadView(absl::string_view bytes,
                      const std::vector<absl::string_view>& dictionary,
                      View& view) {
  Input in(bytes);
  Field field;
  bool has_header = false;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("view", "malformed");
    if (field.type == wire::kBytes) {
      if (field.number == 3 && std::exchange(has_header, true)) {
        return Bad("header", "twice");
      }
      const absl::Status status = ReadViewBytes(field, dictionary, view);
      if (!status.ok()) return status;
    } else if (field.number == 1 && field.type == wire::kFixed64) {
      view.sequence = Sequence{field.value};
    } else if (field.number == 2 && field.type == wire::kFixed64) {
      view.accepted_us = field.value;
    } else if (field.number == 10 && field.type == wire::kVarint) {
      const int value =
          field.value > INT32_MAX ? -1 : static_cast<int>(field.value);
      if (!bus::v1::Environment_IsValid(value)) {
        return Bad("environment", "unknown value");
      }
      view.environment = static_cast<bus::v1::Environment>(value);
    } else {
      return Bad("view", "unknown field");
    }
  }
  if (!has_header) return Bad("header", "missing");
  return absl::OkStatus();
}

template <typename Rest>
absl::StatusOr<DecodedViews<Rest>> Decode(absl::string_view bytes,
                                          uint32_t dictionary_field) {
  std::vector<absl::string_view> dictionary;
  std::vector<absl::string_view> encoded;
  std::string rest;
  Input in(bytes);
  Field field;
  while (!in.done()) {
    const char* const start = in.at;
    if (!wire::ReadField(in, field)) return Bad("frame", "malformed");
    if (field.type == wire::kBytes && field.number == dictionary_field) {
      dictionary.push_back(field.bytes);
    } else if (field.type == wire::kBytes && field.number == kViewsField) {
      encoded.push_back(field.bytes);
    } else {
      rest.append(start, static_cast<size_t>(in.at - start));
    }
  }
  DecodedViews<Rest> decoded;
  if (!decoded.rest.ParseFromString(rest)) return Bad("frame", "malformed");
  decoded.views.resize(encoded.size());
  for (size_t i = 0; i < encoded.size(); ++i) {
    const absl::Status status =
        ReadView(encoded[i], dictionary, decoded.views[i]);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("view ", i, ": ", status.message()));
    }
  }
  return decoded;
}

}  // namespace

void ViewEncoder::Add(const BorrowedView& view) {
  const size_t known = dictionary_.entries().size();
  const HeaderView& h = view.header;
  const wire::HeaderIndexes indexes = {
      dictionary_.IndexOf(h.source), dictionary_.IndexOf(h.type),
      dictionary_.IndexOf(h.controller), dictionary_.IndexOf(h.purpose),
      dictionary_.IndexOf(h.gateway)};
  for (size_t i = known; i < dictionary_.entries().size(); ++i) {
    dictionary_bytes_ +=
        wire::ElementBytes(kDeliverDictionary, dictionary_.entries()[i].size());
  }
  wire::Counter header;
  wire::PutHeader(header, h, indexes);
  wire::Counter counter;
  PutView(counter, view, header.count(), indexes);
  const size_t start = body_.size();
  body_.resize(start + wire::ElementBytes(kViewsField, counter.count()));
  wire::Writer out(body_.data() + start);
  out.Varint(wire::Tag(kViewsField, wire::kBytes));
  out.Varint(counter.count());
  PutView(out, view, header.count(), indexes);
  ++views_;
}

size_t ViewEncoder::bytes() const { return dictionary_bytes_ + body_.size(); }

std::string ViewEncoder::Take(uint32_t dictionary_field, std::string rest) {
  std::string out = std::move(rest);
  const size_t start = out.size();
  out.reserve(start + bytes());
  out.resize(start + dictionary_bytes_);
  wire::Writer writer(out.data() + start);
  for (const std::string& text : dictionary_.entries()) {
    wire::PutElement(writer, dictionary_field, text);
  }
  out.append(body_);
  dictionary_.Clear();
  dictionary_bytes_ = 0;
  body_.clear();
  views_ = 0;
  return out;
}

std::string ViewEncoder::TakeDeliver(const bus::v1::Deliver& rest,
                                     size_t room) {
  std::string begin(room, '\0');
  rest.AppendToString(&begin);
  return Take(kDeliverDictionary, std::move(begin));
}

std::string ViewEncoder::TakeStreamEvents(const bus::v1::StreamEvents& rest) {
  return Take(kStreamEventsDictionary, rest.SerializeAsString());
}

absl::StatusOr<DecodedViews<bus::v1::Deliver>> DecodeDeliver(
    absl::string_view bytes) {
  return Decode<bus::v1::Deliver>(bytes, kDeliverDictionary);
}

absl::StatusOr<DecodedViews<bus::v1::StreamEvents>> DecodeStreamEvents(
    absl::string_view bytes) {
  return Decode<bus::v1::StreamEvents>(bytes, kStreamEventsDictionary);
}

}  // namespace concordat
