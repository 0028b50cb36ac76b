#ifndef CONCORDAT_TESTS_SUPPORT_DEMO_TYPES_H_
#define CONCORDAT_TESTS_SUPPORT_DEMO_TYPES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/hub/v1/feed.pb.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "concordat/policy/v1/calendar.pb.h"
#include "concordat/policy/v1/clock.pb.h"
#include "services/common/event/type_table.h"

namespace concordat::testing {

// The serialized descriptor set of everything under proto/.
std::string DemoDescriptorSet();
// The same with the comments.
std::string DemoDocumentedSet();

// Every type of this build, with the demo's code lists.
absl::StatusOr<std::shared_ptr<const TypeRegistry>> DemoTypes();

// What the folders of these names in deploy and deploy/config hold.
//   INVALID_ARGUMENT  a file that cannot be read; names it.
absl::StatusOr<std::vector<policy::v1::Agreement>> DemoAgreements();
absl::StatusOr<std::vector<alerts::v1::Rule>> DemoRules();
absl::StatusOr<std::vector<hub::v1::Feed>> DemoFeeds();
absl::StatusOr<std::vector<policy::v1::Calendar>> DemoCalendars();
absl::StatusOr<std::vector<policy::v1::LimitClocks>> DemoClocks();
absl::StatusOr<std::vector<identity::v1::RolesDefined>> DemoRoles();

// Its principals without the keys that a data directory gives them.
absl::StatusOr<bus::v1::Registry> DemoRegistry();

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_DEMO_TYPES_H_
