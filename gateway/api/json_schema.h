// JSON Schemas (2020-12) of messages, as protobuf's JSON mapping writes them,
// with their words and the rules that the hub holds their fields to. PURE.
#ifndef CONCORDAT_GATEWAY_API_JSON_SCHEMA_H_
#define CONCORDAT_GATEWAY_API_JSON_SCHEMA_H_

#include <boost/json/object.hpp>
#include <set>
#include <string>

#include "google/protobuf/descriptor.h"

namespace concordat::gateway {

// A comment as Markdown: a paragraph, and an item of a list for each line that
// is set in and has a name, two spaces and words.
std::string Prose(const std::string& comment);

// The words before a declaration, or after it on its line; empty: none.
template <typename Descriptor>
std::string WordsOf(const Descriptor& descriptor) {
  google::protobuf::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return "";
  return Prose(location.leading_comments.empty() ? location.trailing_comments
                                                 : location.leading_comments);
}

// {"$ref":"#/components/schemas/<full name>"}
boost::json::object ReferenceTo(const google::protobuf::Descriptor& type);

// The schemas of `type` and all it is made of, by full name; what `schemas` has
// already is left as it is.
void AddSchemas(const google::protobuf::Descriptor& type,
                boost::json::object* schemas);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_API_JSON_SCHEMA_H_
