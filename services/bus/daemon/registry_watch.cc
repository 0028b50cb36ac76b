#include "services/bus/daemon/registry_watch.h"

namespace concordat::bus {
namespace {

// Each look is a system call.
constexpr absl::Duration kEvery = absl::Milliseconds(20);

}  // namespace

const PrincipalRegistry* RegistryWatch::Look() {
  const absl::Duration now = clock_.Elapsed();
  if (now - looked_at_ < kEvery) return nullptr;
  looked_at_ = now;
  auto registry = registry_();
  if (registry.get() == &sessions_.registry()) return nullptr;
  sessions_.ReplaceRegistry(std::move(registry));
  return &sessions_.registry();
}

}  // namespace concordat::bus
