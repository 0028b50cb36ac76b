#ifndef CONCORDAT_TESTS_FUZZ_EVENT_FUZZ_TYPES_H_
#define CONCORDAT_TESTS_FUZZ_EVENT_FUZZ_TYPES_H_

#include <memory>

#include "services/common/base/check.h"
#include "services/common/event/type_table.h"
#include "tests/support/event_types.h"

namespace concordat::testing {

// test.Everything has a field of each kind and rule, in groups 0, 1, 2 and 3.
inline std::shared_ptr<const TypeRegistry> FuzzTypes() {
  static constexpr char kFile[] = R"(
    enum_type { name: "E" value { name: "ZERO" number: 0 }
                value { name: "ONE" number: 1 } }
    message_type { name: "Inner"
      field { name: "must" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] {
          tier: TIER_S0 required: true } } }
      field { name: "self" number: 2 type: TYPE_MESSAGE
        type_name: ".test.Inner" label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] { tier: TIER_S0 } } } }
    message_type { name: "Everything"
      options { [concordat.policy.v1.type] { event: true urgent: true } }
      field { name: "text" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] {
          tier: TIER_S1 required: true pattern: "[a-z]{1,9}" } } }
      field { name: "free" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] {
          tier: TIER_S4 category: CATEGORY_CLINICAL free_text: true } } }
      field { name: "small" number: 3 type: TYPE_INT32 label: LABEL_REPEATED
        options { [concordat.policy.v1.field] {
          tier: TIER_S2 min: -5 max: 5 } } }
      field { name: "zigzag" number: 4 type: TYPE_SINT64 label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] {
          tier: TIER_S2 min: -5 max: 5 } } }
      field { name: "fixed" number: 5 type: TYPE_FIXED32 label: LABEL_REPEATED
        options { [concordat.policy.v1.field] { tier: TIER_S3 max: 9 } } }
      field { name: "big" number: 6 type: TYPE_FIXED64 label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] { tier: TIER_S3 } } }
      field { name: "flag" number: 7 type: TYPE_BOOL label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] { tier: TIER_S1 } } }
      field { name: "choice" number: 8 type: TYPE_ENUM type_name: ".test.E"
        label: LABEL_REPEATED
        options { [concordat.policy.v1.field] { tier: TIER_S1 } } }
      field { name: "inner" number: 9 type: TYPE_MESSAGE
        type_name: ".test.Inner" label: LABEL_REPEATED
        options { [concordat.policy.v1.field] { tier: TIER_S1 } } }
      field { name: "real" number: 10 type: TYPE_DOUBLE label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] { tier: TIER_S1 } } }
      field { name: "blob" number: 11 type: TYPE_BYTES label: LABEL_OPTIONAL
        options { [concordat.policy.v1.field] { tier: TIER_S1 max: 9 } } } }
  )";
  auto types = TypeRegistry::Build(DescriptorSetOf(kFile), {});
  CONCORDAT_CHECK(types.ok());
  return *types;
}

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_FUZZ_EVENT_FUZZ_TYPES_H_
