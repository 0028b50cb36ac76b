#include "services/common/event/event.h"

#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/common/event/codec.h"

namespace concordat {
namespace {

constexpr absl::string_view kSourcePrefix = "urn:concordat:";

absl::Status Bad(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

void Set(absl::string_view from, std::string& to) {
  to.assign(from.data(), from.size());
}
void Set(absl::string_view from, absl::string_view& to) { to = from; }

// Copies what both forms of a header share, and converts its strings.
template <typename From, typename To>
void Convert(const From& from, To& to) {
  Set(from.source, to.source);
  Set(from.type, to.type);
  Set(from.controller, to.controller);
  Set(from.purpose, to.purpose);
  Set(from.gateway, to.gateway);
  Set(from.id, to.id);
  to.subject = from.subject;
  Set(from.stream, to.stream);
  to.expected_version = from.expected_version;
  to.time_us = from.time_us;
  to.recorded_us = from.recorded_us;
  to.effective_us = from.effective_us;
  to.time_precision = from.time_precision;
  to.regime = from.regime;
  to.basis = from.basis;
  to.classification = from.classification;
  Set(from.subject_role, to.subject_role);
  Set(from.on_behalf_of, to.on_behalf_of);
  Set(from.correlation, to.correlation);
  Set(from.causation, to.causation);
  Set(from.corrects, to.corrects);
  Set(from.retracts, to.retracts);
  Set(from.traceparent, to.traceparent);
}

bool HasSpace(absl::string_view text) {
  return std::memchr(text.data(), ' ', text.size()) != nullptr;
}

}  // namespace

absl::string_view AgencyOfSource(absl::string_view source) {
  if (!absl::StartsWith(source, kSourcePrefix)) return {};
  source.remove_prefix(kSourcePrefix.size());
  return source.substr(0, source.find(':'));
}

HeaderView AsView(const Header& header) {
  HeaderView view;
  Convert(header, view);
  return view;
}

Header ToOwned(const HeaderView& header) {
  Header owned;
  Convert(header, owned);
  return owned;
}

void ToOwned(const HeaderView& header, Header& owned) {
  Convert(header, owned);
}

EventView AsView(const Event& event) {
  EventView view;
  Convert(event.header, view.header);
  view.groups.reserve(event.groups.size());
  for (const BasicGroup<std::string>& group : event.groups) {
    view.groups.push_back({group.number, group.data});
  }
  view.seed = event.seed;
  view.digest = event.digest;
  view.atomic_set = event.atomic_set;
  return view;
}

Event ToOwned(const EventView& event) {
  Event owned;
  Convert(event.header, owned.header);
  owned.groups.reserve(event.groups.size());
  for (const BasicGroup<absl::string_view>& group : event.groups) {
    owned.groups.push_back({group.number, std::string(group.data)});
  }
  owned.seed = event.seed;
  owned.digest = event.digest;
  owned.atomic_set = event.atomic_set;
  return owned;
}

bool IsPrintable(absl::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101u;
  constexpr uint64_t kHigh = 0x8080808080808080u;
  const char* at = text.data();
  size_t left = text.size();
  uint64_t bad = 0;
  // A high bit of `bad` is set by a byte that has it, by one below a space (the
  // subtraction borrows) and by a delete (the addition carries).
  for (; left >= 8; left -= 8, at += 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    bad |= word | (word - kOnes * 0x20) | (word + kOnes);
  }
  for (; left > 0; --left, ++at) {
    if (*at < 0x20 || *at > 0x7e) return false;
  }
  return (bad & kHigh) == 0;
}

absl::Status CheckHeaderSansDictionary(const HeaderView& header) {
  if (header.id.empty()) return Bad("id", "missing");
  if (header.id.size() > kIdBytesMax) return Bad("id", "over 64 bytes");
  if (!IsPrintable(header.id) || HasSpace(header.id)) {
    return Bad("id", "not printable");
  }
  if (header.stream.size() > kStreamBytesMax) {
    return Bad("stream", "over 128 bytes");
  }
  if (!IsPrintable(header.stream) || HasSpace(header.stream)) {
    return Bad("stream", "not printable");
  }
  if (header.expected_version.has_value() && header.stream.empty()) {
    return Bad("expected_version", "without a stream");
  }
  const std::pair<absl::string_view, uint64_t> times[] = {
      {"time", header.time_us},
      {"recorded_time", header.recorded_us},
      {"effective_time", header.effective_us},
  };
  for (const auto& [field, time] : times) {
    if (time > kTimeMaxUs) return Bad(field, "after the year 9999");
  }
  const std::pair<absl::string_view, absl::string_view> texts[] = {
      {"subject_role", header.subject_role},
      {"on_behalf_of", header.on_behalf_of},
      {"correlation", header.correlation},
      {"causation", header.causation},
      {"corrects", header.corrects},
      {"retracts", header.retracts},
      {"traceparent", header.traceparent},
  };
  for (const auto& [field, text] : texts) {
    if (!text.empty() && !IsPrintable(text)) return Bad(field, "not printable");
  }
  if (!bus::v1::TimePrecision_IsValid(header.time_precision)) {
    return Bad("time_precision", "unknown value");
  }
  if (!bus::v1::Regime_IsValid(header.regime)) {
    return Bad("regime", "unknown value");
  }
  if (!bus::v1::Basis_IsValid(header.basis)) {
    return Bad("basis", "unknown value");
  }
  if (!bus::v1::Classification_IsValid(header.classification)) {
    return Bad("classification", "unknown value");
  }
  if (HeaderBytes(header) > kHeaderBytesMax) {
    return Bad("header", "over 1024 bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckHeader(const HeaderView& header) {
  if (header.source.empty()) return Bad("source", "missing");
  if (header.type.empty()) return Bad("type", "missing");
  const std::pair<absl::string_view, absl::string_view> texts[] = {
      {"source", header.source},         {"type", header.type},
      {"controller", header.controller}, {"purpose", header.purpose},
      {"gateway", header.gateway},
  };
  for (const auto& [field, text] : texts) {
    if (!IsPrintable(text) || HasSpace(text)) {
      return Bad(field, "not printable");
    }
  }
  return CheckHeaderSansDictionary(header);
}

}  // namespace concordat
