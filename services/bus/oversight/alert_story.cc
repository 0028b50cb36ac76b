#include "services/bus/oversight/alert_story.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "services/bus/oversight/moment.h"

namespace concordat::bus {
namespace {

namespace json = boost::json;

constexpr absl::string_view kAlertTypes = "concordat.alerts.v1.Alert";

std::string Text(const json::object& object, const char* name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return "";
  if (value->is_string()) return std::string(value->as_string().c_str());
  return json::serialize(*value);
}

// "AlertPassedOn" → "passed on".
std::string StepOf(absl::string_view type) {
  std::string words;
  for (const char c : absl::StripPrefix(type, kAlertTypes)) {
    if (absl::ascii_isupper(static_cast<unsigned char>(c)) && !words.empty()) {
      words += ' ';
    }
    words += absl::ascii_tolower(static_cast<unsigned char>(c));
  }
  return words;
}

}  // namespace

access::v1::KnownAlert& AlertStories::Of(const std::string& alert_ref) {
  const auto found = std::find_if(alerts_.begin(), alerts_.end(),
                                  [&](const access::v1::KnownAlert& each) {
                                    return each.alert_ref() == alert_ref;
                                  });
  if (found != alerts_.end()) return *found;
  alerts_.emplace_back().set_alert_ref(alert_ref);
  return alerts_.back();
}

bool AlertStories::Take(const StoredEvent& event, const TypeRegistry& types) {
  if (!absl::StartsWith(event.header.type, kAlertTypes)) return false;
  const auto text = types.ToJson(event.header.type, MessageOf(event));
  boost::system::error_code error;
  const json::value parsed =
      text.ok() ? json::parse(*text, error) : json::value(json::object());
  if (error || !parsed.is_object()) return true;
  const json::object& object = parsed.as_object();
  const std::string alert_ref = Text(object, "alertRef");
  if (alert_ref.empty()) return true;  // Its content was destroyed.
  access::v1::KnownAlert& alert = Of(alert_ref);
  access::v1::AlertStep& step = *alert.add_steps();
  step.set_sequence(event.sequence.value);
  step.set_time(event.accepted_us);
  step.set_step(StepOf(event.header.type));
  step.set_agency(Text(object, "agency"));
  step.set_by(Text(object, "by"));
  for (const char* name : {"action", "outcome", "reason", "words", "to"}) {
    const std::string words = Text(object, name);
    if (words.empty()) continue;
    step.mutable_words()->append(step.words().empty() ? "" : "; ");
    step.mutable_words()->append(words);
  }
  if (const json::value* addressees = object.if_contains("addressees");
      addressees != nullptr && addressees->is_array()) {
    // One that tells of more addressees does not say these again.
    if (object.contains("rule")) alert.set_rule(Text(object, "rule"));
    if (object.contains("severity")) {
      alert.set_severity(Text(object, "severity"));
    }
    uint64_t accept_by = 0;
    if (absl::SimpleAtoi(Text(object, "acceptBy"), &accept_by)) {
      alert.set_accept_by(accept_by);
    }
    for (const json::value& each : addressees->as_array()) {
      if (!each.is_string()) continue;
      const std::string addressee = each.as_string().c_str();
      const auto& known = alert.addressees();
      if (std::find(known.begin(), known.end(), addressee) == known.end()) {
        alert.add_addressees(addressee);
      }
    }
  }
  return true;
}

void AlertStories::Fill(access::v1::WhoKnewReport& report,
                        absl::string_view agency) const {
  const std::string prefix = absl::StrCat(agency, "/");
  for (const access::v1::KnownAlert& alert : alerts_) {
    const bool is_its =
        agency.empty() ||
        std::any_of(alert.addressees().begin(), alert.addressees().end(),
                    [&](const std::string& each) {
                      return absl::StartsWith(each, prefix);
                    }) ||
        std::any_of(alert.steps().begin(), alert.steps().end(),
                    [&](const access::v1::AlertStep& step) {
                      return step.agency() == agency;
                    });
    if (is_its) *report.add_alerts() = alert;
  }
}

}  // namespace concordat::bus
