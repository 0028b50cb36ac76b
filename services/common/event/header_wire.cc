#include "services/common/event/header_wire.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/event/codec.h"

namespace concordat {
namespace {

absl::Status Bad(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

constexpr absl::string_view kNames[] = {"source", "type", "controller",
                                        "purpose", "gateway"};

}  // namespace

namespace wire {

absl::Status ReadHeader(absl::string_view bytes,
                        const std::vector<absl::string_view>* dictionary,
                        HeaderView& h) {
  absl::string_view* const indexed[] = {&h.source, &h.type, &h.controller,
                                        &h.purpose, &h.gateway};
  Input in(bytes);
  Field field;
  while (!in.done()) {
    if (!ReadField(in, field)) return Bad("header", "malformed");
    const uint32_t tag = Tag(field.number, static_cast<Type>(field.type));
    if (field.number <= 5) {
      const absl::string_view name = kNames[field.number - 1];
      absl::string_view& text = *indexed[field.number - 1];
      if (dictionary == nullptr) {
        if (field.type != kBytes) return Bad(name, "not text");
        text = field.bytes;
      } else {
        if (field.type != kVarint) return Bad(name, "not an index");
        if (field.value > dictionary->size()) {
          return Bad(name, "index outside the dictionary");
        }
        text = field.value == 0 ? absl::string_view()
                                : (*dictionary)[field.value - 1];
      }
      continue;
    }
    // Too large for an enumeration is no known value of it either.
    const int value =
        field.value > INT32_MAX ? -1 : static_cast<int>(field.value);
    switch (tag) {
      case Tag(6, kBytes):
        h.id = field.bytes;
        break;
      case Tag(7, kBytes): {
        if (field.bytes.empty()) {
          h.subject = PersonKey();
          break;
        }
        absl::StatusOr<PersonKey> key = PersonKey::FromBytes(field.bytes);
        if (!key.ok()) return Bad("subject", "not 16 bytes");
        h.subject = *key;
        break;
      }
      case Tag(8, kBytes):
        h.stream = field.bytes;
        break;
      case Tag(9, kFixed64):
        h.expected_version = Sequence{field.value};
        break;
      case Tag(10, kFixed64):
        h.time_us = field.value;
        break;
      case Tag(11, kVarint):
        h.time_precision = static_cast<bus::v1::TimePrecision>(value);
        break;
      case Tag(12, kFixed64):
        h.recorded_us = field.value;
        break;
      case Tag(13, kFixed64):
        h.effective_us = field.value;
        break;
      case Tag(14, kVarint):
        h.regime = static_cast<bus::v1::Regime>(value);
        break;
      case Tag(15, kVarint):
        h.basis = static_cast<bus::v1::Basis>(value);
        break;
      case Tag(16, kBytes):
        h.subject_role = field.bytes;
        break;
      case Tag(17, kVarint):
        h.classification = static_cast<bus::v1::Classification>(value);
        break;
      case Tag(18, kBytes):
        h.on_behalf_of = field.bytes;
        break;
      case Tag(19, kBytes):
        h.correlation = field.bytes;
        break;
      case Tag(20, kBytes):
        h.causation = field.bytes;
        break;
      case Tag(21, kBytes):
        h.corrects = field.bytes;
        break;
      case Tag(22, kBytes):
        h.retracts = field.bytes;
        break;
      case Tag(23, kBytes):
        h.traceparent = field.bytes;
        break;
      default:
        return Bad("header", "unknown field");
    }
  }
  return absl::OkStatus();
}

}  // namespace wire

size_t HeaderBytes(const HeaderView& header) {
  wire::Counter counter;
  wire::PutHeader(counter, header);
  return counter.count();
}

void AppendHeader(const HeaderView& header, std::string& out) {
  const size_t start = out.size();
  out.resize(start + HeaderBytes(header));
  wire::Writer writer(out.data() + start);
  wire::PutHeader(writer, header);
}

absl::StatusOr<HeaderView> DecodeHeader(absl::string_view bytes) {
  HeaderView header;
  absl::Status status = wire::ReadHeader(bytes, nullptr, header);
  if (status.ok()) status = CheckHeader(header);
  if (!status.ok()) return status;
  return header;
}

}  // namespace concordat
