#include "services/common/event/type_compiler.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/policy/v1/options.pb.h"
#include "google/protobuf/descriptor.pb.h"

namespace concordat {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using policy::v1::FieldPolicy;

constexpr int kFieldsMax = 64;  // Bits of the seen set.
constexpr int kFieldNumberMax = 1023;

absl::Status Bad(const FieldDescriptor& field, absl::string_view rule) {
  return absl::InvalidArgumentError(
      absl::StrCat(field.full_name(), ": ", rule));
}

const FieldPolicy& PolicyOf(const FieldDescriptor& field) {
  return field.options().GetExtension(policy::v1::field);
}

absl::Status CheckTier(const FieldDescriptor& field) {
  const FieldPolicy& policy = PolicyOf(field);
  if (policy.tier() == policy::v1::TIER_UNSPECIFIED) {
    return Bad(field, "has no tier");
  }
  const bool has_category =
      policy.category() != policy::v1::CATEGORY_UNSPECIFIED;
  if (policy.tier() == policy::v1::TIER_S4 && !has_category) {
    return Bad(field, "is S4 without a category");
  }
  if (policy.tier() != policy::v1::TIER_S4 && has_category) {
    return Bad(field, "has a category and is not S4");
  }
  return absl::OkStatus();
}

// Every field of a message and of those declared in it.
absl::Status CheckTiers(const Descriptor& message) {
  for (int i = 0; i < message.field_count(); ++i) {
    const absl::Status status = CheckTier(*message.field(i));
    if (!status.ok()) return status;
  }
  for (int i = 0; i < message.nested_type_count(); ++i) {
    // The two fields of a map's entry are the map's own.
    if (message.nested_type(i)->options().map_entry()) continue;
    const absl::Status status = CheckTiers(*message.nested_type(i));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// What travels within a message is sealed and shown with it.
absl::Status CheckInner(const FieldDescriptor& outer, const Descriptor& message,
                        std::set<const Descriptor*>& visited) {
  if (!visited.insert(&message).second) return absl::OkStatus();
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (message.options().map_entry()) continue;
    const FieldPolicy& inner = PolicyOf(field);
    const FieldPolicy& policy = PolicyOf(outer);
    if (inner.tier() > policy.tier() ||
        (inner.tier() == policy::v1::TIER_S4 &&
         inner.category() != policy.category())) {
      return Bad(field, absl::StrCat("is more sensitive than ",
                                     outer.full_name(), ", which carries it"));
    }
    if (field.message_type() != nullptr) {
      const absl::Status status =
          CheckInner(outer, *field.message_type(), visited);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

struct Encoding {
  ValueKind kind;
  wire::Type wire_type;
  bool is_32_bit;
};

Encoding EncodingOf(FieldDescriptor::Type type) {
  switch (type) {
    case FieldDescriptor::TYPE_DOUBLE:
      return {ValueKind::kOpaque, wire::kFixed64, false};
    case FieldDescriptor::TYPE_FLOAT:
      return {ValueKind::kOpaque, wire::kFixed32, true};
    case FieldDescriptor::TYPE_INT64:
      return {ValueKind::kSigned64, wire::kVarint, false};
    case FieldDescriptor::TYPE_UINT64:
      return {ValueKind::kUnsigned, wire::kVarint, false};
    case FieldDescriptor::TYPE_INT32:
      return {ValueKind::kSigned32, wire::kVarint, true};
    case FieldDescriptor::TYPE_FIXED64:
      return {ValueKind::kUnsigned, wire::kFixed64, false};
    case FieldDescriptor::TYPE_FIXED32:
      return {ValueKind::kUnsigned, wire::kFixed32, true};
    case FieldDescriptor::TYPE_BOOL:
      return {ValueKind::kBool, wire::kVarint, false};
    case FieldDescriptor::TYPE_UINT32:
      return {ValueKind::kUnsigned, wire::kVarint, true};
    case FieldDescriptor::TYPE_ENUM:
      return {ValueKind::kEnum, wire::kVarint, true};
    case FieldDescriptor::TYPE_SFIXED32:
      return {ValueKind::kSigned32, wire::kFixed32, true};
    case FieldDescriptor::TYPE_SFIXED64:
      return {ValueKind::kSigned64, wire::kFixed64, false};
    case FieldDescriptor::TYPE_SINT32:
      return {ValueKind::kZigZag, wire::kVarint, true};
    case FieldDescriptor::TYPE_SINT64:
      return {ValueKind::kZigZag, wire::kVarint, false};
    case FieldDescriptor::TYPE_STRING:
      return {ValueKind::kString, wire::kBytes, false};
    case FieldDescriptor::TYPE_BYTES:
      return {ValueKind::kByteString, wire::kBytes, false};
    default:
      return {ValueKind::kMessage, wire::kBytes, false};
  }
}

// Takes no notes: what a pool refuses is told in one sentence.
class FirstError : public DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& /*filename*/, const std::string& element,
                const google::protobuf::Message* /*descriptor*/,
                ErrorLocation /*location*/,
                const std::string& message) override {
    if (text.empty()) text = absl::StrCat(element, ": ", message);
  }
  std::string text;
};

}  // namespace

absl::Status TypeCompiler::Load(absl::string_view descriptor_set,
                                DescriptorPool& pool,
                                std::vector<const Descriptor*>& event_types) {
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromArray(descriptor_set.data(),
                            static_cast<int>(descriptor_set.size()))) {
    return absl::InvalidArgumentError("not a descriptor set");
  }
  std::vector<const FileDescriptor*> ours;
  for (const auto& file : files.file()) {
    FirstError error;
    const FileDescriptor* const built =
        pool.BuildFileCollectingErrors(file, &error);
    if (built == nullptr) return absl::InvalidArgumentError(error.text);
    if (!absl::StartsWith(built->package(), "google.")) ours.push_back(built);
  }
  for (const FileDescriptor* const file : ours) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      const Descriptor* const message = file->message_type(i);
      const absl::Status status = CheckTiers(*message);
      if (!status.ok()) return status;
      if (message->options().GetExtension(policy::v1::type).event()) {
        event_types.push_back(message);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status TypeCompiler::Add(const Descriptor& descriptor) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.message_type() == nullptr) continue;
    std::set<const Descriptor*> visited;
    const absl::Status status =
        CheckInner(field, *field.message_type(), visited);
    if (!status.ok()) return status;
  }
  absl::StatusOr<const MessageTable*> table = Compile(descriptor);
  if (!table.ok()) return table.status();
  auto type = std::make_unique<CompiledType>();
  type->name_ = descriptor.full_name();
  type->policy_ = descriptor.options().GetExtension(policy::v1::type);
  type->table_ = *table;
  const absl::Status status =
      AssignGroups(descriptor, *tables_[&descriptor], type->groups_);
  if (!status.ok()) return status;
  for (const FieldTable& field : type->table_->fields) {
    type->has_bindings_ |= field.binding != policy::v1::BINDING_UNSPECIFIED;
  }
  types_[descriptor.full_name()] = std::move(type);
  return absl::OkStatus();
}

absl::Status TypeCompiler::AssignGroups(const Descriptor& descriptor,
                                        MessageTable& table,
                                        std::vector<GroupInfo>& groups) {
  // S4 categories in the order of their number take the groups from 3 on.
  std::map<policy::v1::Category, uint32_t> restricted;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldPolicy& policy = PolicyOf(*descriptor.field(i));
    if (policy.tier() == policy::v1::TIER_S4) restricted[policy.category()] = 0;
  }
  uint32_t next = 3;
  for (auto& [category, number] : restricted) number = next++;
  if (next > kGroupsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(descriptor.full_name(), ": more than eight groups"));
  }
  std::map<uint32_t, GroupInfo> used;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldPolicy& policy = PolicyOf(*descriptor.field(i));
    uint32_t number = 0;
    if (policy.tier() == policy::v1::TIER_S2) number = 1;
    if (policy.tier() == policy::v1::TIER_S3) number = 2;
    if (policy.tier() == policy::v1::TIER_S4) {
      number = restricted[policy.category()];
    }
    table.fields[static_cast<size_t>(i)].group = static_cast<uint8_t>(number);
    GroupInfo& group = used[number];
    group.number = number;
    group.tier_max = std::max(group.tier_max, policy.tier());
    group.category = policy.category();
  }
  for (const auto& [number, group] : used) groups.push_back(group);
  return absl::OkStatus();
}

absl::StatusOr<const MessageTable*> TypeCompiler::Compile(
    const Descriptor& descriptor) {
  auto [place, is_new] = tables_.try_emplace(&descriptor);
  if (!is_new) return place->second.get();
  place->second = std::make_unique<MessageTable>();
  // Stays where it is, while compiling the inner messages moves `place`.
  MessageTable& table = *place->second;
  if (descriptor.field_count() > kFieldsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(descriptor.full_name(), ": more than 64 fields"));
  }
  if (descriptor.real_oneof_decl_count() > 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        descriptor.full_name(), ": an event has no oneof; use optional"));
  }
  table.fields.resize(static_cast<size_t>(descriptor.field_count()));
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& from = *descriptor.field(i);
    FieldTable& field = table.fields[static_cast<size_t>(i)];
    field.index = static_cast<uint32_t>(i);
    absl::Status status = CompileField(from, field);
    if (!status.ok()) return status;
    if (from.message_type() != nullptr) {
      absl::StatusOr<const MessageTable*> inner = Compile(*from.message_type());
      if (!inner.ok()) return inner.status();
      field.message = *inner;
    }
    if (field.required) table.required |= uint64_t{1} << field.index;
    if (table.by_number.size() <= field.number) {
      table.by_number.resize(field.number + 1);
    }
    table.by_number[field.number] = static_cast<uint16_t>(i + 1);
  }
  return &table;
}

absl::Status TypeCompiler::CompileField(const FieldDescriptor& from,
                                        FieldTable& field) {
  if (from.number() > kFieldNumberMax) {
    return Bad(from, "has a number over 1023");
  }
  if (from.type() == FieldDescriptor::TYPE_GROUP) {
    return Bad(from, "is a group");
  }
  const Encoding encoding = EncodingOf(from.type());
  field.number = static_cast<uint32_t>(from.number());
  field.name = from.name();
  field.kind = encoding.kind;
  field.wire_type = encoding.wire_type;
  field.is_32_bit = encoding.is_32_bit;
  field.repeated = from.is_repeated();
  field.packable = from.is_packable();
  field.has_presence = from.has_presence();
  if (from.enum_type() != nullptr) {
    for (int i = 0; i < from.enum_type()->value_count(); ++i) {
      field.enum_values.insert(from.enum_type()->value(i)->number());
    }
  }
  if (from.containing_type()->options().map_entry()) return absl::OkStatus();

  const FieldPolicy& policy = PolicyOf(from);
  if (policy.tier() == policy::v1::TIER_S5) {
    return Bad(from, "is S5, which no event carries");
  }
  const bool is_text = field.kind == ValueKind::kString;
  const bool has_bounds = policy.has_min() || policy.has_max();
  if (has_bounds &&
      (field.kind == ValueKind::kMessage || field.kind == ValueKind::kOpaque)) {
    return Bad(from, "has bounds and is neither a whole number nor text");
  }
  if (!is_text && (!policy.pattern().empty() || !policy.code_list().empty() ||
                   policy.free_text())) {
    return Bad(from, "has a rule for text and is none");
  }
  field.required = policy.required();
  field.free_text = policy.free_text();
  field.reference =
      is_text && !policy.free_text() && policy.code_list().empty();
  field.binding = policy.binds();
  if (policy.has_min()) field.min = policy.min();
  if (policy.has_max()) field.max = policy.max();
  const bool binds_text = field.binding != policy::v1::BINDING_UNSPECIFIED &&
                          field.binding != policy::v1::BINDING_LEVEL;
  if ((binds_text && !is_text) ||
      (field.binding == policy::v1::BINDING_LEVEL &&
       (from.type() != FieldDescriptor::TYPE_UINT32 || field.repeated))) {
    return Bad(from, "binds and is not of that binding's kind");
  }
  if (!policy.pattern().empty()) {
    field.pattern = std::make_unique<RE2>(policy.pattern(), RE2::Quiet);
    if (!field.pattern->ok()) return Bad(from, "has a pattern that is not RE2");
  }
  if (!policy.code_list().empty()) {
    field.code_list = policy.code_list();
    if (code_lists_ != nullptr) {
      const auto found = code_lists_->find(field.code_list);
      if (found == code_lists_->end()) {
        return Bad(from, absl::StrCat("names no code list: ", field.code_list));
      }
      field.codes = &found->second;
    }
  }
  field.has_rules = has_bounds || field.pattern != nullptr ||
                    field.codes != nullptr || field.free_text ||
                    field.reference;
  return absl::OkStatus();
}

absl::Status CheckDescriptors(absl::string_view descriptor_set) {
  DescriptorPool pool;
  std::vector<const Descriptor*> event_types;
  absl::Status status = TypeCompiler::Load(descriptor_set, pool, event_types);
  TypeCompiler compiler(nullptr);
  for (const Descriptor* const type : event_types) {
    if (status.ok()) status = compiler.Add(*type);
  }
  return status;
}

}  // namespace concordat
