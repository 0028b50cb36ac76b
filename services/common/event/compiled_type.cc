#include "services/common/event/compiled_type.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "services/common/event/reference_rules.h"
#include "services/common/event/text_rules.h"

namespace concordat {
namespace {

using wire::Field;
using wire::Input;

// Deeper messages are refused; ours have one level.
constexpr int kDepthMax = 16;

absl::Status Bad(absl::string_view field, absl::string_view rule) {
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", rule));
}

// One pass over one message. Rules that are broken go to `faults` when the type
// forgives, and are errors when it does not.
class Checker {
 public:
  explicit Checker(std::vector<std::string>* faults) : faults_(faults) {}

  // `group` below 0: of any group. `seen` has a bit for each field that is
  // there, `given` for each that is there and not empty.
  absl::Status Fields(const MessageTable& table, absl::string_view bytes,
                      int group, int depth, uint64_t& seen, uint64_t& given) {
    Input in(bytes);
    Field field;
    while (!in.done()) {
      if (!wire::ReadField(in, field)) return Bad("data", "malformed");
      const FieldTable* const rule = table.Find(field.number);
      if (ABSL_PREDICT_FALSE(rule == nullptr)) {
        return Bad(absl::StrCat("field ", field.number), "unknown");
      }
      if (ABSL_PREDICT_FALSE(group >= 0 && rule->group != group)) {
        return Bad(rule->name, "in another field's group");
      }
      const uint64_t bit = uint64_t{1} << rule->index;
      if (ABSL_PREDICT_FALSE((seen & bit) != 0 && !rule->repeated)) {
        return Bad(rule->name, "twice");
      }
      seen |= bit;
      absl::Status status = Occurrence(*rule, field, depth, bit, given);
      if (ABSL_PREDICT_FALSE(!status.ok())) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Required(const MessageTable& table, uint64_t given) {
    if (ABSL_PREDICT_TRUE((table.required & ~given) == 0)) {
      return absl::OkStatus();
    }
    for (const FieldTable& rule : table.fields) {
      if (!rule.required || (given >> rule.index & 1) != 0) continue;
      const absl::Status status = Broken(rule, "required, and absent or empty");
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Broken(const FieldTable& rule, absl::string_view what) {
    if (faults_ == nullptr) return Bad(rule.name, what);
    faults_->push_back(absl::StrCat(rule.name, ": ", what));
    return absl::OkStatus();
  }

  absl::Status Occurrence(const FieldTable& rule, const Field& field, int depth,
                          uint64_t bit, uint64_t& given) {
    if (ABSL_PREDICT_FALSE(field.type != rule.wire_type)) {
      if (!rule.packable || field.type != wire::kBytes) {
        return Bad(rule.name, "wrong wire type");
      }
      return Packed(rule, field.bytes, bit, given);
    }
    switch (rule.kind) {
      case ValueKind::kString:
        if (!IsUtf8(field.bytes)) return Bad(rule.name, "not UTF-8");
        [[fallthrough]];
      case ValueKind::kByteString:
        if (!field.bytes.empty()) given |= bit;
        return rule.has_rules ? Text(rule, field.bytes) : absl::OkStatus();
      case ValueKind::kMessage: {
        given |= bit;
        if (depth == kDepthMax) return Bad(rule.name, "nested too deep");
        uint64_t inner_seen = 0;
        uint64_t inner_given = 0;
        absl::Status status = Fields(*rule.message, field.bytes, -1, depth + 1,
                                     inner_seen, inner_given);
        if (status.ok()) status = Required(*rule.message, inner_given);
        return status;
      }
      default:
        if (field.value != 0 || rule.has_presence || rule.repeated) {
          given |= bit;
        }
        return Number(rule, field.value);
    }
  }

  absl::Status Packed(const FieldTable& rule, absl::string_view bytes,
                      uint64_t bit, uint64_t& given) {
    Input in(bytes);
    while (!in.done()) {
      uint64_t value = 0;
      if (rule.wire_type == wire::kVarint) {
        if (!wire::ReadVarint(in, value)) return Bad(rule.name, "malformed");
      } else {
        const size_t width = rule.wire_type == wire::kFixed64 ? 8 : 4;
        if (static_cast<size_t>(in.end - in.at) < width) {
          return Bad(rule.name, "malformed");
        }
        std::memcpy(&value, in.at, width);
        in.at += width;
      }
      given |= bit;
      const absl::Status status = Number(rule, value);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Number(const FieldTable& rule, uint64_t raw) {
    // A parser would cut a longer number down to another one.
    if (ABSL_PREDICT_FALSE(rule.is_32_bit && !FitsIn32Bits(rule.kind, raw))) {
      return Bad(rule.name, "over 32 bits");
    }
    if (rule.kind == ValueKind::kBool && raw > 1) {
      return Bad(rule.name, "not a bool");
    }
    if (rule.kind == ValueKind::kEnum &&
        !rule.enum_values.contains(static_cast<int32_t>(raw))) {
      return Broken(rule, "unknown value");
    }
    if (!rule.min.has_value() && !rule.max.has_value()) {
      return absl::OkStatus();
    }
    bool below = false;
    bool above = false;
    if (rule.kind == ValueKind::kUnsigned) {
      below = rule.min > 0 && raw < static_cast<uint64_t>(*rule.min);
      above = rule.max.has_value() &&
              (*rule.max < 0 || raw > static_cast<uint64_t>(*rule.max));
    } else {
      const int64_t value = AsSigned(rule, raw);
      below = rule.min.has_value() && value < *rule.min;
      above = rule.max.has_value() && value > *rule.max;
    }
    if (below) return Broken(rule, absl::StrCat("under ", *rule.min));
    if (above) return Broken(rule, absl::StrCat("over ", *rule.max));
    return absl::OkStatus();
  }

  static bool FitsIn32Bits(ValueKind kind, uint64_t raw) {
    if (raw <= UINT32_MAX) return true;
    // A negative int32 or enumeration goes as the 64-bit number it is.
    return (kind == ValueKind::kSigned32 || kind == ValueKind::kEnum) &&
           raw >= static_cast<uint64_t>(int64_t{INT32_MIN});
  }

  static int64_t AsSigned(const FieldTable& rule, uint64_t raw) {
    switch (rule.kind) {
      case ValueKind::kSigned32:
        return static_cast<int32_t>(raw);
      case ValueKind::kZigZag:
        return static_cast<int64_t>(raw >> 1 ^ (~(raw & 1) + 1));
      default:
        return static_cast<int64_t>(raw);
    }
  }

  absl::Status Text(const FieldTable& rule, absl::string_view text) {
    const auto size = static_cast<int64_t>(text.size());
    if (rule.min.has_value() && size < *rule.min) {
      const absl::Status status =
          Broken(rule, absl::StrCat("under ", *rule.min, " bytes"));
      if (!status.ok()) return status;
    }
    if (rule.max.has_value() && size > *rule.max) {
      const absl::Status status =
          Broken(rule, absl::StrCat("over ", *rule.max, " bytes"));
      if (!status.ok()) return status;
    }
    if (rule.codes != nullptr && !rule.codes->contains(text)) {
      const absl::Status status =
          Broken(rule, absl::StrCat("not in code list ", rule.code_list));
      if (!status.ok()) return status;
    }
    if (rule.pattern != nullptr &&
        !RE2::FullMatch(re2::StringPiece(text.data(), text.size()),
                        *rule.pattern)) {
      const absl::Status status = Broken(rule, "not of its pattern");
      if (!status.ok()) return status;
    }
    if (rule.free_text) {
      const absl::string_view broken = BrokenFreeTextRule(text);
      if (!broken.empty()) return Broken(rule, broken);
    }
    if (rule.reference) {
      const absl::string_view broken = BrokenReferenceRule(text);
      if (!broken.empty()) return Broken(rule, broken);
    }
    return absl::OkStatus();
  }

  std::vector<std::string>* const faults_;
};

}  // namespace

absl::Status CompiledType::Check(GroupViews groups,
                                 std::vector<std::string>* faults) const {
  Checker checker(policy_.urgent() ? faults : nullptr);
  uint64_t seen = 0;
  uint64_t given = 0;
  int last = -1;
  for (const BasicGroup<absl::string_view>& group : groups) {
    const int number = static_cast<int>(group.number);
    if (number <= last) return Bad("groups", "not ascending");
    last = number;
    absl::Status status =
        checker.Fields(*table_, group.data, number, 0, seen, given);
    if (!status.ok()) return status;
  }
  return checker.Required(*table_, given);
}

absl::StatusOr<std::vector<BasicGroup<std::string>>> CompiledType::Split(
    absl::string_view message) const {
  std::array<std::string, kGroupsMax> split;
  Input in(message);
  Field field;
  while (!in.done()) {
    const char* const start = in.at;
    if (!wire::ReadField(in, field)) return Bad("data", "malformed");
    const FieldTable* const rule = table_->Find(field.number);
    if (rule == nullptr) {
      return Bad(absl::StrCat("field ", field.number), "unknown");
    }
    split[rule->group].append(start, static_cast<size_t>(in.at - start));
  }
  std::vector<BasicGroup<std::string>> groups;
  for (uint32_t number = 0; number < split.size(); ++number) {
    if (!split[number].empty()) {
      groups.push_back({number, std::move(split[number])});
    }
  }
  return groups;
}

absl::StatusOr<PolicyFacts> CompiledType::ReadPolicyFacts(
    absl::string_view message) const {
  PolicyFacts facts;
  if (!has_bindings_) return facts;
  Input in(message);
  Field field;
  while (!in.done()) {
    if (!wire::ReadField(in, field)) return Bad("data", "malformed");
    const FieldTable* const rule = table_->Find(field.number);
    if (rule == nullptr) continue;
    if (rule->binding != policy::v1::BINDING_UNSPECIFIED &&
        rule->wire_type != field.type) {
      return Bad(rule->name, "wrong wire type");
    }
    switch (rule->binding) {
      case policy::v1::BINDING_PARTY:
        facts.parties.emplace_back(field.bytes);
        break;
      case policy::v1::BINDING_LEAD:
        facts.lead = std::string(field.bytes);
        break;
      case policy::v1::BINDING_LEVEL:
        facts.level = static_cast<uint32_t>(field.value);
        break;
      case policy::v1::BINDING_RESTRICTED_TO:
        facts.restricted_to.emplace_back(field.bytes);
        break;
      case policy::v1::BINDING_EXCLUDED:
        facts.excluded.emplace_back(field.bytes);
        break;
      default:
        break;
    }
  }
  return facts;
}

}  // namespace concordat
