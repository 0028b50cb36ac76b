// An event type as a table, and the pass over bytes that it drives. Internal to
// services/common/event; made by type_compiler.cc.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_COMPILED_TYPE_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_COMPILED_TYPE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "re2/re2.h"
#include "services/common/event/type_table.h"
#include "services/common/event/wire.h"

namespace concordat {

struct MessageTable;

// How a field's bytes are read as a value.
enum class ValueKind : uint8_t {
  kUnsigned,  // uint32, uint64, fixed32, fixed64
  kSigned32,  // int32, sfixed32: sign-extended, or its low half is
  kSigned64,  // int64, sfixed64
  kZigZag,    // sint32, sint64
  kBool,
  kEnum,
  kOpaque,  // float, double: no rule looks at the value
  kString,
  kByteString,
  kMessage,
};

struct FieldTable {
  uint32_t number = 0;
  std::string name;
  wire::Type wire_type = wire::kVarint;
  ValueKind kind = ValueKind::kUnsigned;
  bool is_32_bit = false;
  bool repeated = false;
  bool packable = false;  // Repeated and numeric.
  bool has_presence = false;
  bool required = false;
  bool free_text = false;
  bool reference = false;  // Text that is neither free nor a code.
  bool has_rules = false;  // Any of those below, or of those two.
  uint8_t group = 0;
  uint32_t index = 0;  // In its message; its bit in the seen set.
  policy::v1::Binding binding = policy::v1::BINDING_UNSPECIFIED;
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  std::unique_ptr<RE2> pattern;
  std::string code_list;
  const absl::flat_hash_set<std::string>* codes = nullptr;
  absl::flat_hash_set<int32_t> enum_values;
  const MessageTable* message = nullptr;
};

struct MessageTable {
  std::vector<FieldTable> fields;
  // By number: place in `fields` + 1, 0 for none. Numbers past the end: none.
  std::vector<uint16_t> by_number;
  uint64_t required = 0;  // Bits of the required fields.

  const FieldTable* Find(uint32_t number) const {
    if (number >= by_number.size() || by_number[number] == 0) return nullptr;
    return &fields[by_number[number] - 1u];
  }
};

class CompiledType : public EventType {
 public:
  absl::string_view name() const override { return name_; }
  const std::vector<GroupInfo>& groups() const override { return groups_; }
  const policy::v1::TypePolicy& policy() const override { return policy_; }
  absl::Status Check(GroupViews groups,
                     std::vector<std::string>* faults) const override;
  absl::StatusOr<std::vector<BasicGroup<std::string>>> Split(
      absl::string_view message) const override;
  absl::StatusOr<PolicyFacts> ReadPolicyFacts(
      absl::string_view message) const override;

 private:
  friend class TypeCompiler;
  std::string name_;
  std::vector<GroupInfo> groups_;
  policy::v1::TypePolicy policy_;
  bool has_bindings_ = false;
  const MessageTable* table_ = nullptr;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_COMPILED_TYPE_H_
