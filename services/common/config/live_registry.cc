#include "services/common/config/live_registry.h"

#include <utility>

namespace concordat {
namespace {

bool SameFile(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

LiveRegistry::LiveRegistry(const DataDirectory& data, const Clock& clock,
                           std::function<void(const absl::Status&)> on_problem)
    : data_(data),
      clock_(clock),
      path_(data.PathOf("registry.textproto")),
      on_problem_(std::move(on_problem)) {}

absl::StatusOr<std::unique_ptr<LiveRegistry>> LiveRegistry::Open(
    const DataDirectory& data, const Clock& clock,
    std::function<void(const absl::Status&)> on_problem) {
  std::unique_ptr<LiveRegistry> live(
      new LiveRegistry(data, clock, std::move(on_problem)));
  MutexLock lock(live->mu_);
  // Before the file is read: a change in between is then seen next time.
  stat(live->path_.c_str(), &live->seen_);
  auto registry = data.LoadRegistry(clock.Now());
  if (!registry.ok()) return registry.status();
  live->registry_ = *std::move(registry);
  return live;
}

std::shared_ptr<const PrincipalRegistry> LiveRegistry::Current() {
  struct stat now = {};
  MutexLock lock(mu_);
  const absl::Time time = clock_.Now();
  if (stat(path_.c_str(), &now) == 0 && !SameFile(now, seen_)) {
    seen_ = now;
    auto registry = data_.LoadRegistry(time);
    problem_ = registry.status();
    if (registry.ok()) {
      registry_ = *std::move(registry);
    } else {
      on_problem_(registry.status());
    }
  }
  if (time >= registry_->next_end()) {
    auto without = PrincipalRegistry::Build(registry_->proto(), time);
    if (without.ok()) registry_ = *std::move(without);
  }
  return registry_;
}

absl::Status LiveRegistry::problem() const {
  MutexLock lock(mu_);
  return problem_;
}

RegistrySource LiveRegistry::source() {
  return [this] { return Current(); };
}

}  // namespace concordat
