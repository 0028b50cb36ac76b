#include "services/common/event/make_event.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/commitments.h"
#include "services/common/event/wire.h"

namespace concordat {
namespace {

using UuidBytes = std::array<uint8_t, 16>;

std::string UuidText(UuidBytes bytes, int version) {
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3f) | 0x80);
  constexpr char kHex[] = "0123456789abcdef";
  std::string text(36, '-');
  size_t at = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    text[at++] = kHex[bytes[i] >> 4];
    text[at++] = kHex[bytes[i] & 0x0f];
  }
  return text;
}

// A length before the text, so that no two pairs of texts run together alike.
void UpdateText(Sha256& hash, absl::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  hash.Update(&size, sizeof(size)).Update(text);
}

// Moves of a header are not free: once in, and once into the event.
absl::StatusOr<Event> Make(const TypeRegistry& types, Header&& header,
                           absl::string_view message, const Seed& seed) {
  const EventType* const type = types.Find(header.type);
  if (type == nullptr) return absl::NotFoundError("type: no such event type");
  absl::Status status = CheckHeader(AsView(header));
  if (!status.ok()) return status;
  if (message.size() > kDataBytesMax) {
    return absl::InvalidArgumentError("data: over 256 KiB");
  }
  absl::StatusOr<std::vector<BasicGroup<std::string>>> groups =
      type->Split(message);
  if (!groups.ok()) return groups.status();
  absl::StatusOr<Event> made(absl::in_place);
  Event& event = *made;
  event.header = std::move(header);
  event.groups = *std::move(groups);
  event.seed = seed;
  const EventView view = AsView(event);
  std::vector<std::string> faults;
  status = type->Check(view.groups, &faults);
  if (!status.ok()) return status;
  event.digest = Commit(view.header, *type, view.groups, seed).digest;
  return made;
}

}  // namespace

absl::StatusOr<Event> MakeEvent(const TypeRegistry& types, Header header,
                                absl::string_view message, const Seed& seed) {
  return Make(types, std::move(header), message, seed);
}

absl::StatusOr<Event> MakeEvent(const TypeRegistry& types, Header header,
                                const google::protobuf::MessageLite& message,
                                Random& random) {
  std::string type = message.GetTypeName();
  if (header.type.empty()) {
    header.type = std::move(type);
  } else if (header.type != type) {
    return absl::InvalidArgumentError("type: not the message's");
  }
  return Make(types, std::move(header), message.SerializeAsString(),
              DrawSeed(random));
}

Seed DrawSeed(Random& random) {
  Seed seed;
  random.Fill(seed.data(), seed.size());
  return seed;
}

std::string UuidV7::Next(uint64_t now_us) {
  uint64_t time = (now_us / 1000) << 12 | (now_us % 1000) * 4096 / 1000;
  {
    MutexLock lock(mu_);
    time = std::max(time, last_ + 1);
    last_ = time;
  }
  UuidBytes bytes;
  random_.Fill(bytes.data(), bytes.size());
  for (size_t i = 0; i < 6; ++i) {
    bytes[i] = static_cast<uint8_t>(time >> (52 - 8 * i));
  }
  bytes[6] = static_cast<uint8_t>((time >> 8) & 0x0f);
  bytes[7] = static_cast<uint8_t>(time);
  return UuidText(bytes, 7);
}

std::string DerivedId(absl::string_view service, absl::string_view request_id,
                      uint32_t n) {
  Sha256 hash;
  hash.Update("concordat/derived-id/1");
  UpdateText(hash, service);
  UpdateText(hash, request_id);
  const Sha256Hash full = hash.Update(&n, sizeof(n)).Finish();
  UuidBytes bytes;
  std::copy_n(full.begin(), bytes.size(), bytes.begin());
  return UuidText(bytes, 8);
}

Seed SeedFor(absl::string_view door_key, absl::string_view source,
             absl::string_view id) {
  const Sha256Hash hash = HmacSha256(door_key).Of(
      absl::StrCat("concordat/seed/1 ", source.size(), " ", source, " ", id));
  Seed seed;
  std::copy_n(hash.begin(), seed.size(), seed.begin());
  return seed;
}

}  // namespace concordat
