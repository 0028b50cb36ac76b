#include "services/bus/evidence/stamping.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/evidence_settings.pb.h"
#include "services/common/config/settings.h"

namespace concordat::bus {

absl::StatusOr<std::unique_ptr<Stamping>> Stamping::Start(
    const DataDirectory& data, const std::string& folder, const LogTree& tree,
    const SteadyClock& clock, Random& random) {
  v1::EvidenceSettings settings;
  const absl::Status loaded =
      LoadCheckedSettings(data, kEvidenceSettings, &settings);
  if (!loaded.ok()) return loaded;
  if (settings.authority_url().empty()) return nullptr;
  if (settings.stamp_late_s() < settings.stamp_every_s()) {
    return absl::InvalidArgumentError(absl::StrCat(
        kEvidenceSettings, ": stamp_late_s is below stamp_every_s"));
  }
  absl::StatusOr<HttpStampAuthority> authority =
      HttpStampAuthority::Make(settings.authority_url(), kPatience);
  if (!authority.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(kEvidenceSettings, ": ", authority.status().message()));
  }
  StampOptions options;
  options.every = absl::Seconds(settings.stamp_every_s());
  options.late_after = absl::Seconds(settings.stamp_late_s());
  options.retry_after = std::min(options.retry_after, options.every);
  std::ifstream roots(data.PathOf(kAuthority), std::ios::binary);
  options.roots = {std::istreambuf_iterator<char>(roots), {}};
  if (options.roots.empty()) {
    return absl::NotFoundError(
        absl::StrCat(data.PathOf(kAuthority),
                     ": cannot be read, and evidence.textproto "
                     "names an authority"));
  }
  absl::StatusOr<std::unique_ptr<PosixDirectory>> stamps =
      PosixDirectory::Open(absl::StrCat(folder, "/stamps"));
  if (!stamps.ok()) return stamps.status();
  std::unique_ptr<Stamping> stamping(
      new Stamping(clock, *std::move(authority), *std::move(stamps)));
  absl::StatusOr<std::unique_ptr<StampKeeper>> keeper = StampKeeper::Open(
      std::move(options), *stamping->folder_, stamping->authority_, random);
  if (!keeper.ok()) return keeper.status();
  stamping->keeper_ = *std::move(keeper);
  stamping->thread_ =
      std::make_unique<StampThread>(*stamping->keeper_, tree, clock);
  return stamping;
}

void Stamping::Judge(Troubles& troubles) const {
  keeper_->Judge(clock_.Elapsed(), troubles);
}

void Stamping::Collect(Samples& samples) const {
  const StampKeeper::State state = keeper_->Now();
  const bool waits = state.waits_since != absl::InfiniteDuration();
  samples.Gauge("concordat_bus_stamp_size",
                "Events that the newest time-stamped checkpoint is of.",
                static_cast<double>(state.size));
  samples.Gauge(
      "concordat_bus_stamp_waits_seconds",
      "How long a checkpoint has waited for its time stamp; 0: none waits.",
      waits ? absl::ToDoubleSeconds(clock_.Elapsed() - state.waits_since) : 0);
}

}  // namespace concordat::bus
