#ifndef CONCORDAT_TESTS_SUPPORT_DEMO_ENGINE_H_
#define CONCORDAT_TESTS_SUPPORT_DEMO_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "services/alerts/domain/definitions.h"

namespace concordat::testing {

// The demo's rules, feeds, clocks, calendars, roles and registry.
//   INVALID_ARGUMENT  a file that cannot be read; names it.
absl::StatusOr<alerts::Definitions> DemoDefinitions(
    std::shared_ptr<const TypeRegistry> types);

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_DEMO_ENGINE_H_
