#include "gateway/signin/session_json.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

json::string_view ToJson(absl::string_view text) {
  return {text.data(), text.size()};
}

std::string Rfc3339(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

// As people write them, by name.
json::object AgencyNames(const bus::v1::Registry& registry) {
  json::object names;
  for (const bus::v1::Agency& agency : registry.agencies()) {
    names[agency.name()] = agency.display_name();
  }
  return names;
}

}  // namespace

std::string SessionJson(const SessionState& state,
                        const std::set<std::string>& purposes) {
  const Session& session = state.session;
  const bus::v1::Principal& principal = *state.principal;
  json::object cases;
  for (const auto& [subject, purpose] : session.cases) {
    cases[subject] = purpose;
  }
  json::object agencies = AgencyNames(state.registry->proto());
  const json::value* const agency = agencies.if_contains(principal.agency());
  const json::value agency_name =
      agency == nullptr ? json::value(principal.agency()) : *agency;
  json::object object = {
      {"account", session.person.account},
      {"displayName", session.person.display_name},
      {"principal", principal.name()},
      {"agency", principal.agency()},
      {"agencyName", agency_name},
      {"agencies", std::move(agencies)},
      {"role", principal.role()},
      {"purpose", session.purpose},
      {"cases", std::move(cases)},
      {"purposes", json::array(purposes.begin(), purposes.end())},
      {"environment", ToJson(EnvironmentName(state.registry->environment()))},
      {"idleSeconds", absl::ToInt64Seconds(state.idle)},
      {"idleUntil", Rfc3339(state.idle_until)},
      {"expiresAt", Rfc3339(state.expires)},
      {"recentUntil", nullptr},
      {"csrf", session.csrf}};
  if (state.is_recent) object["recentUntil"] = Rfc3339(state.recent_until);
  return json::serialize(object);
}

std::string DraftsJson(const std::vector<Draft>& drafts) {
  json::array list;
  for (const Draft& draft : drafts) {
    list.push_back({{"key", draft.name},
                    {"savedAt", Rfc3339(draft.saved)},
                    {"bytes", draft.text.size()}});
  }
  return json::serialize(json::object{{"drafts", std::move(list)}});
}

std::string OptionsJson(bool local, const std::string& oidc_name,
                        absl::string_view environment) {
  json::object options = {{"local", local},
                          {"oidc", nullptr},
                          {"environment", ToJson(environment)}};
  if (!oidc_name.empty()) options["oidc"] = {{"name", oidc_name}};
  return json::serialize(options);
}

absl::StatusOr<json::object> ReadObject(const std::string& body) {
  json::error_code error;
  json::value value = json::parse(body, error);
  if (error || !value.is_object()) {
    return absl::InvalidArgumentError("the body is not a JSON object");
  }
  return std::move(value.as_object());
}

absl::StatusOr<std::string> ReadOptionalText(const json::object& object,
                                             absl::string_view name) {
  const json::value* const value = object.if_contains(ToJson(name));
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is not a text"));
  }
  return std::string(value->as_string().data(), value->as_string().size());
}

absl::StatusOr<std::string> ReadText(const json::object& object,
                                     absl::string_view name) {
  auto text = ReadOptionalText(object, name);
  if (text.ok() && text->empty()) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is missing"));
  }
  return text;
}

}  // namespace concordat::gateway
