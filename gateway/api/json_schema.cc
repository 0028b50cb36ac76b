#include "gateway/api/json_schema.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "concordat/policy/v1/options.pb.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;
using ::google::protobuf::Descriptor;
using ::google::protobuf::EnumDescriptor;
using ::google::protobuf::FieldDescriptor;

// The type's words, and an item for each value that has some.
std::string WordsOfEnum(const EnumDescriptor& type) {
  std::string words = WordsOf(type);
  for (int i = 0; i < type.value_count(); ++i) {
    const std::string value = WordsOf(*type.value(i));
    if (value.empty()) continue;
    absl::StrAppend(&words, "\n- ", type.value(i)->name(), ": ", value);
  }
  return std::string(absl::StripPrefix(words, "\n"));
}

json::object SchemaOfEnum(const EnumDescriptor& type) {
  json::array values;
  for (int i = 0; i < type.value_count(); ++i) {
    values.emplace_back(type.value(i)->name());
  }
  json::object schema = {{"type", "string"}, {"enum", std::move(values)}};
  if (const std::string words = WordsOfEnum(type); !words.empty()) {
    schema["description"] = words;
  }
  return schema;
}

// One value of the field, its rules apart.
json::object SchemaOfValue(const FieldDescriptor& field) {
  switch (field.type()) {
    case FieldDescriptor::TYPE_BOOL:
      return {{"type", "boolean"}};
    case FieldDescriptor::TYPE_DOUBLE:
    case FieldDescriptor::TYPE_FLOAT:
      return {{"type", "number"}};
    case FieldDescriptor::TYPE_INT32:
    case FieldDescriptor::TYPE_SINT32:
    case FieldDescriptor::TYPE_SFIXED32:
      return {{"type", "integer"}, {"format", "int32"}};
    case FieldDescriptor::TYPE_UINT32:
    case FieldDescriptor::TYPE_FIXED32:
      return {{"type", "integer"}, {"minimum", 0}};
    case FieldDescriptor::TYPE_INT64:
    case FieldDescriptor::TYPE_SINT64:
    case FieldDescriptor::TYPE_SFIXED64:
      return {{"type", "string"}, {"pattern", "^-?[0-9]+$"}};
    case FieldDescriptor::TYPE_UINT64:
    case FieldDescriptor::TYPE_FIXED64:
      return {{"type", "string"}, {"pattern", "^[0-9]+$"}};
    case FieldDescriptor::TYPE_BYTES:
      return {{"type", "string"}, {"contentEncoding", "base64"}};
    case FieldDescriptor::TYPE_ENUM:
      return SchemaOfEnum(*field.enum_type());
    case FieldDescriptor::TYPE_MESSAGE:
    case FieldDescriptor::TYPE_GROUP:
      return ReferenceTo(*field.message_type());
    case FieldDescriptor::TYPE_STRING:
      break;
  }
  return {{"type", "string"}};
}

// What the hub holds the value to; a string's bounds are of its bytes, and so
// are not JSON Schema's, which counts characters.
void AddRules(const FieldDescriptor& field, const policy::v1::FieldPolicy& rule,
              json::object* schema) {
  const bool is_integer =
      schema->contains("type") && schema->at("type") == json::value("integer");
  if (is_integer && rule.has_min()) (*schema)["minimum"] = rule.min();
  if (is_integer && rule.has_max()) (*schema)["maximum"] = rule.max();
  if (!rule.pattern().empty() && field.type() == FieldDescriptor::TYPE_STRING) {
    (*schema)["pattern"] = absl::StrCat("^(?:", rule.pattern(), ")$");
  }
  if (!rule.code_list().empty()) {
    (*schema)["x-concordat-code-list"] = rule.code_list();
  }
}

json::object SchemaOfField(const FieldDescriptor& field) {
  const policy::v1::FieldPolicy& rule =
      field.options().GetExtension(policy::v1::field);
  json::object schema;
  if (field.is_map()) {
    schema = {{"type", "object"},
              {"additionalProperties",
               SchemaOfValue(*field.message_type()->map_value())}};
  } else {
    schema = SchemaOfValue(field);
    AddRules(field, rule, &schema);
    if (field.is_repeated()) {
      schema = {{"type", "array"}, {"items", std::move(schema)}};
    }
  }
  // AsyncAPI's schemas are of a draft that reads nothing beside a reference.
  if (schema.contains("$ref")) {
    schema = {{"allOf", json::array{std::move(schema)}}};
  }
  if (const std::string words = WordsOf(field); !words.empty()) {
    schema["description"] = words;
  }
  const auto strip = [](const std::string& name, const char* prefix) {
    return std::string(absl::StripPrefix(name, prefix));
  };
  if (rule.tier() != policy::v1::TIER_UNSPECIFIED) {
    schema["x-concordat-tier"] =
        strip(policy::v1::Tier_Name(rule.tier()), "TIER_");
  }
  if (rule.category() != policy::v1::CATEGORY_UNSPECIFIED) {
    schema["x-concordat-category"] =
        strip(policy::v1::Category_Name(rule.category()), "CATEGORY_");
  }
  return schema;
}

}  // namespace

std::string Prose(const std::string& comment) {
  std::string prose;
  bool in_list = false;
  for (const absl::string_view line :
       absl::StrSplit(comment, '\n', absl::SkipWhitespace())) {
    const absl::string_view text = absl::StripAsciiWhitespace(line);
    const bool is_set_in = absl::StartsWith(line, "  ");
    const size_t gap = text.find("  ");
    if (is_set_in && gap != absl::string_view::npos) {
      absl::StrAppend(&prose, "\n- ", text.substr(0, gap), ": ",
                      absl::StripLeadingAsciiWhitespace(text.substr(gap)));
      in_list = true;
    } else {
      const bool ends_list = in_list && !is_set_in;
      absl::StrAppend(&prose, prose.empty() ? "" : (ends_list ? "\n\n" : " "),
                      text);
      in_list = in_list && is_set_in;
    }
  }
  return std::string(absl::StripAsciiWhitespace(prose));
}

json::object ReferenceTo(const Descriptor& type) {
  return {{"$ref", absl::StrCat("#/components/schemas/", type.full_name())}};
}

void AddSchemas(const Descriptor& type, json::object* schemas) {
  if (schemas->contains(type.full_name())) return;
  (*schemas)[type.full_name()] = nullptr;  // It may contain itself.
  json::object properties;
  json::array required;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    properties[field.json_name()] = SchemaOfField(field);
    if (field.options().GetExtension(policy::v1::field).required()) {
      required.emplace_back(field.json_name());
    }
    const FieldDescriptor& value =
        field.is_map() ? *field.message_type()->map_value() : field;
    if (value.message_type() != nullptr) {
      AddSchemas(*value.message_type(), schemas);
    }
  }
  json::object schema = {{"type", "object"},
                         {"properties", std::move(properties)},
                         {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  if (const std::string words = WordsOf(type); !words.empty()) {
    schema["description"] = words;
  }
  (*schemas)[type.full_name()] = std::move(schema);
}

}  // namespace concordat::gateway
