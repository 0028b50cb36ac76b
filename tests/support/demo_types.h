#ifndef CONCORDAT_TESTS_SUPPORT_DEMO_TYPES_H_
#define CONCORDAT_TESTS_SUPPORT_DEMO_TYPES_H_

#include <memory>

#include "absl/status/statusor.h"
#include "services/common/event/type_table.h"

namespace concordat::testing {

// Every type of this build, with the demo's code lists.
absl::StatusOr<std::shared_ptr<const TypeRegistry>> DemoTypes();

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_DEMO_TYPES_H_
