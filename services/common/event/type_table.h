// Event types compiled from descriptor sets: which field belongs to which
// disclosure group, and which values it may hold. The bus links no domain
// message; it has these tables.
//
// Threads  Immutable once built; any number of readers.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_TYPE_TABLE_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_TYPE_TABLE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "concordat/policy/v1/options.pb.h"
#include "services/common/event/event.h"

namespace concordat {

// A disclosure group of a type: 0 holds S0 and S1, 1 S2, 2 S3, and from 3 on
// each S4 category of the type in the order of its number. A type has those
// groups that one of its fields is in.
struct GroupInfo {
  uint32_t number = 0;
  policy::v1::Tier tier_max = policy::v1::TIER_UNSPECIFIED;
  policy::v1::Category category = policy::v1::CATEGORY_UNSPECIFIED;
};

// What a policy-bearing event says, as read by the table: no domain message.
struct PolicyFacts {
  std::vector<std::string> parties;
  std::string lead;
  uint32_t level = 0;
  // As options.proto says of BINDING_RESTRICTED_TO.
  std::vector<std::string> restricted_to;
  std::vector<std::string> excluded;
};

class EventType {
 public:
  virtual ~EventType() = default;
  virtual absl::string_view name() const = 0;
  // Every group of the type, ascending, those that an event leaves empty too.
  virtual const std::vector<GroupInfo>& groups() const = 0;
  virtual const policy::v1::TypePolicy& policy() const = 0;

  // Checks that each group holds only its own fields, well formed, known and
  // within their rules. One pass, no allocation when all is well. `faults`, if
  // not null, takes what an urgent type forgives: what required, min, max,
  // pattern, code_list and free_text say; never grammar, UTF-8, an unknown
  // field, one field in another's group, or a single field twice.
  //   INVALID_ARGUMENT  names the field and the rule, never the value.
  virtual absl::Status Check(GroupViews groups,
                             std::vector<std::string>* faults) const = 0;

  // Splits the bytes of a whole message into disclosure groups.
  //   INVALID_ARGUMENT  not a message of this type, or an unknown field.
  virtual absl::StatusOr<std::vector<BasicGroup<std::string>>> Split(
      absl::string_view message) const = 0;

  // Reads the bound fields of a policy-bearing type. Other types: empty.
  virtual absl::StatusOr<PolicyFacts> ReadPolicyFacts(
      absl::string_view message) const = 0;
};

// Judges a serialized google.protobuf.FileDescriptorSet that holds all it
// imports, without the code lists: every field of every message (Google's own
// apart) has a tier, S4 and nothing else a category; event types fall into at
// most eight groups, have at most 64 fields a message, no oneof, no S5 field,
// no field within a message that is more sensitive than the message's field;
// patterns are RE2.
//   INVALID_ARGUMENT  names the first field that is not so, and the rule.
absl::Status CheckDescriptors(absl::string_view descriptor_set);

// Every event type of a descriptor set, and the code lists they name.
class TypeRegistry {
 public:
  // `descriptor_set` is a serialized google.protobuf.FileDescriptorSet that
  // holds all it imports.
  //   INVALID_ARGUMENT  CheckDescriptors() refuses it, or a field names an
  //                     unknown code list. Names the field.
  static absl::StatusOr<std::shared_ptr<const TypeRegistry>> Build(
      absl::string_view descriptor_set,
      const std::vector<policy::v1::CodeList>& code_lists);

  virtual ~TypeRegistry() = default;
  // Null: no such event type.
  virtual const EventType* Find(absl::string_view name) const = 0;
  virtual std::vector<absl::string_view> names() const = 0;

  // JSON (proto3 mapping) of a message of `type` to bytes, and back.
  //   NOT_FOUND  no such type.  INVALID_ARGUMENT  names what is wrong.
  virtual absl::StatusOr<std::string> FromJson(
      absl::string_view type, absl::string_view json) const = 0;
  virtual absl::StatusOr<std::string> ToJson(absl::string_view type,
                                             absl::string_view bytes) const = 0;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_TYPE_TABLE_H_
