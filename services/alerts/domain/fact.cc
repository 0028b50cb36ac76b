#include "services/alerts/domain/fact.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"

namespace concordat::alerts {
namespace {

std::string TextOf(const boost::json::value& value) {
  if (value.is_string()) return std::string(value.as_string());
  return boost::json::serialize(value);
}

bool Contains(const google::protobuf::RepeatedPtrField<std::string>& list,
              const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

std::string EventRef(const Header& header) {
  return absl::StrCat(header.source, "#", header.id);
}

bool Names(absl::string_view reference, absl::string_view source,
           const Header& header) {
  if (reference == header.id) return source == header.source;
  return reference.size() == header.source.size() + 1 + header.id.size() &&
         reference == EventRef(header);
}

absl::StatusOr<Fact> ReadFact(const View& view, const TypeRegistry& types,
                              const std::set<std::string>& wanted) {
  Fact fact;
  fact.sequence = view.sequence;
  fact.accepted_us = view.accepted_us;
  fact.header = view.header;
  if (fact.header.time_us == 0) fact.header.time_us = view.accepted_us;
  if (wanted.empty()) return fact;
  for (const View::Group& group : view.groups) {
    if (group.data.empty()) continue;
    absl::StatusOr<std::string> json =
        types.ToJson(view.header.type, group.data);
    if (!json.ok()) return json.status();
    boost::json::error_code error;
    const boost::json::value parsed = boost::json::parse(*json, error);
    if (error || !parsed.is_object()) {
      return absl::InvalidArgumentError("the event's data cannot be read");
    }
    for (const auto& [name, value] : parsed.as_object()) {
      if (wanted.count(std::string(name)) == 0) continue;
      FactField& field = fact.fields.emplace_back();
      field.name = std::string(name);
      field.group = group.number;
      if (!value.is_array()) {
        field.values.push_back(TextOf(value));
        continue;
      }
      for (const auto& item : value.as_array()) {
        field.values.push_back(TextOf(item));
      }
    }
  }
  return fact;
}

const std::vector<std::string>* ValuesOf(const Fact& fact,
                                         absl::string_view field,
                                         GroupMask seen) {
  for (const FactField& known : fact.fields) {
    if (field == known.name) {
      return (seen >> known.group) & 1 ? &known.values : nullptr;
    }
  }
  return nullptr;
}

bool Matches(const v1::EventPattern& pattern, const Fact& fact,
             GroupMask seen) {
  if (seen == 0 || !Contains(pattern.types(), fact.header.type)) {
    return false;
  }
  return std::all_of(pattern.where().begin(), pattern.where().end(),
                     [&](const v1::FieldEquals& where) {
                       const auto* values = ValuesOf(fact, where.field(), seen);
                       return values != nullptr &&
                              std::any_of(values->begin(), values->end(),
                                          [&where](const std::string& value) {
                                            return Contains(where.values(),
                                                            value);
                                          });
                     });
}

}  // namespace concordat::alerts
