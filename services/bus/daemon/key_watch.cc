#include "services/bus/daemon/key_watch.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr absl::Duration kLookEvery = absl::Milliseconds(200);
// As the files, listeners and lines of addresses of a slot end.
constexpr std::array<const char*, 2> kSuffixes = {"", "2"};

std::string FileOf(size_t slot) { return absl::StrCat("bus", kSuffixes[slot]); }

// Says it when the last of them ends soon, or has ended.
void JudgeKeysOf(const std::string& name, const char* code, const char* what,
                 const std::vector<DatedKey>& keys, absl::Time now,
                 absl::Duration warning, Troubles& troubles) {
  absl::Time end = absl::InfinitePast();
  for (const DatedKey& key : keys) end = std::max(end, key.end);
  if (keys.empty() || end - now > warning) return;
  troubles.push_back(
      {code, name,
       absl::StrCat("the ", what, " of ", name,
                    end <= now ? " ended with " : " ends with ",
                    absl::FormatTime("%Y-%m-%d", end - absl::Seconds(1),
                                     absl::UTCTimeZone())),
       end - now <= absl::Hours(24)});
}

}  // namespace

void JudgeKeys(const v1::Registry& registry, absl::Time now,
               absl::Duration warning, Troubles& troubles) {
  for (const v1::Principal& principal : registry.principals()) {
    if (principal.revoked()) continue;
    JudgeKeysOf(principal.name(), "key", "CURVE key", CurveKeysOf(principal),
                now, warning, troubles);
    JudgeKeysOf(principal.name(), "certificate-key", "certificate's key",
                CertificateKeysOf(principal), now, warning, troubles);
  }
}

absl::StatusOr<KeyWatch::First> KeyWatch::FindFirst(const DataDirectory& data) {
  size_t slot = 0;
  auto keys = data.LoadCurveKeys(FileOf(slot));
  if (absl::IsNotFound(keys.status())) {
    keys = data.LoadCurveKeys(FileOf(++slot));
  }
  if (!keys.ok()) return keys.status();
  return First{{keys->public_key, keys->secret_key}, kSuffixes[slot]};
}

KeyWatch::KeyWatch(const DataDirectory& data, ZmqCarrier& ingest,
                   ZmqCarrier& delivery, const Logger& log, Tell tell)
    : data_(data),
      ingest_(ingest),
      delivery_(delivery),
      log_(log),
      tell_(std::move(tell)) {}

absl::Status KeyWatch::Start() {
  for (size_t slot = 0; slot < kSlots; ++slot) {
    const auto keys = Load(slot);
    if (!keys.ok()) return keys.status();
    if (!keys->has_value()) continue;
    MutexLock lock(mu_);
    served_[slot] = {**keys, ingest_.endpoint(), delivery_.endpoint(), 0};
    break;
  }
  Look();
  const absl::Status told = TellAddresses();
  if (!told.ok()) return told;
  ticker_.Start(kLookEvery, [this] {
    Look();
    Count();
    return kLookEvery;
  });
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ServerKeys>> KeyWatch::Load(size_t slot) const {
  const auto keys = data_.LoadCurveKeys(FileOf(slot));
  if (absl::IsNotFound(keys.status())) return std::optional<ServerKeys>();
  if (!keys.ok()) return keys.status();
  return std::optional<ServerKeys>(
      ServerKeys{keys->public_key, keys->secret_key});
}

void KeyWatch::Look() {
  bool changed = false;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    const auto keys = Load(slot);
    std::optional<ServedKeys> before;
    bool is_last = false;
    {
      MutexLock lock(mu_);
      before = served_[slot];
      is_last = !served_[1 - slot].has_value();
    }
    absl::Status status = keys.status();
    if (keys.ok() && keys->has_value() && !before.has_value()) {
      status = Open(slot, **keys);
      changed |= status.ok();
    } else if (keys.ok() && before.has_value() &&
               (!keys->has_value() ||
                (*keys)->secret_key != before->keys.secret_key)) {
      if (is_last) {
        status = absl::FailedPreconditionError(absl::StrCat(
            "keys/", FileOf(slot),
            ".curve is the only pair of the bus: it is "
            "used on, and nothing else in its place, until the bus stops"));
      } else {
        Close(slot);  // What is there instead is opened at the next look.
        changed = true;
      }
    }
    MutexLock lock(mu_);
    problems_[slot] = std::string(status.message());
  }
  if (!changed) return;
  const absl::Status told = TellAddresses();
  if (!told.ok()) log_.Error("addresses", {{"status", told.ToString()}});
}

absl::Status KeyWatch::Open(size_t slot, const ServerKeys& keys) {
  const auto listen = [&](ZmqCarrier& carrier,
                          const char* name) -> absl::StatusOr<std::string> {
    const auto port = data_.Port(kProgram, absl::StrCat(name, kSuffixes[slot]));
    if (!port.ok()) return port.status();
    return carrier.Listen(absl::StrCat("tcp://127.0.0.1:", *port), keys);
  };
  const auto ingest = listen(ingest_, "ingest");
  if (!ingest.ok()) return ingest.status();
  const auto delivery = listen(delivery_, "delivery");
  if (!delivery.ok()) {
    ingest_.StopListening(*ingest);
    return delivery.status();
  }
  log_.Info("reached by a further key", {{"ports", slot + 1}});
  MutexLock lock(mu_);
  served_[slot] = {keys, *ingest, *delivery, 0};
  return absl::OkStatus();
}

void KeyWatch::Close(size_t slot) {
  ServedKeys served;
  {
    MutexLock lock(mu_);
    served = *served_[slot];
    served_[slot].reset();
  }
  ingest_.StopListening(served.ingest);
  delivery_.StopListening(served.delivery);
  log_.Info("a key is used no longer", {{"ports", slot + 1}});
}

void KeyWatch::Count() {
  for (size_t slot = 0; slot < kSlots; ++slot) {
    std::optional<ServedKeys> served;
    {
      MutexLock lock(mu_);
      served = served_[slot];
    }
    if (!served.has_value()) continue;
    const size_t count = ingest_.ConnectionsAt(served->ingest) +
                         delivery_.ConnectionsAt(served->delivery);
    MutexLock lock(mu_);
    served_[slot]->connections = count;
  }
}

absl::Status KeyWatch::TellAddresses() const {
  Addresses addresses;
  {
    MutexLock lock(mu_);
    for (size_t slot = 0; slot < kSlots; ++slot) {
      if (!served_[slot].has_value()) continue;
      const std::string suffix = kSuffixes[slot];
      addresses.emplace_back("ingest" + suffix, served_[slot]->ingest);
      addresses.emplace_back("delivery" + suffix, served_[slot]->delivery);
      addresses.emplace_back("curve" + suffix, served_[slot]->keys.public_key);
    }
  }
  return tell_(addresses);
}

std::vector<ServedKeys> KeyWatch::List() const {
  std::vector<ServedKeys> list;
  MutexLock lock(mu_);
  for (const auto& each : served_) {
    if (each.has_value()) list.push_back(*each);
  }
  return list;
}

void KeyWatch::Judge(Troubles& troubles) const {
  MutexLock lock(mu_);
  for (size_t slot = 0; slot < kSlots; ++slot) {
    if (problems_[slot].empty()) continue;
    troubles.push_back({"keys", FileOf(slot), problems_[slot], false});
  }
}

}  // namespace concordat::bus
