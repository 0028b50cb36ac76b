#include "services/bus/oversight/alert_story.h"

#include <algorithm>
#include <boost/json.hpp>
#include <iterator>
#include <utility>

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
constexpr absl::string_view kPassedOn = "concordat.alerts.v1.AlertPassedOn";
constexpr absl::string_view kDisputed = "disputed";
// What another agency did that everybody is told who sees the alert.
constexpr absl::string_view kToldToAll[] = {"accepted", "passed on", "disputed",
                                            "closed", "overdue"};

std::string Text(const json::object& object, const char* name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr) return "";
  if (value->is_string()) return std::string(value->as_string().c_str());
  return json::serialize(*value);
}

std::vector<std::string> Texts(const json::object& object, const char* name) {
  std::vector<std::string> texts;
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) return texts;
  for (const json::value& each : value->as_array()) {
    if (each.is_string()) texts.emplace_back(each.as_string().c_str());
  }
  return texts;
}

// "nhs-tayside/liaison" of "nhs-tayside".
bool IsOf(absl::string_view addressee, absl::string_view agency) {
  return absl::ConsumePrefix(&addressee, agency) &&
         absl::StartsWith(addressee, "/");
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

AlertStories::Story& AlertStories::Of(const std::string& alert_ref) {
  const auto found = std::find_if(
      stories_.begin(), stories_.end(),
      [&](const Story& each) { return each.alert.alert_ref() == alert_ref; });
  if (found != stories_.end()) return *found;
  stories_.emplace_back().alert.set_alert_ref(alert_ref);
  return stories_.back();
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
  Story& story = Of(alert_ref);
  access::v1::KnownAlert& alert = story.alert;
  for (std::string& each : Texts(object, "evidence")) {
    story.evidence.push_back(std::move(each));
  }
  story.passed_to.push_back(event.header.type == kPassedOn ? Text(object, "to")
                                                           : "");
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
  if (object.contains("addressees")) {
    // One that tells of more addressees does not say these again.
    if (object.contains("rule")) alert.set_rule(Text(object, "rule"));
    if (object.contains("severity")) {
      alert.set_severity(Text(object, "severity"));
    }
    uint64_t accept_by = 0;
    if (absl::SimpleAtoi(Text(object, "acceptBy"), &accept_by)) {
      alert.set_accept_by(accept_by);
    }
    for (const std::string& addressee : Texts(object, "addressees")) {
      const auto& known = alert.addressees();
      if (std::find(known.begin(), known.end(), addressee) == known.end()) {
        alert.add_addressees(addressee);
      }
    }
  }
  return true;
}

bool AlertStories::IsShown(const Story& story, const Reader& reader) {
  const auto is_its = [&reader](const std::string& addressee) {
    return IsOf(addressee, reader.agency);
  };
  const access::v1::KnownAlert& alert = story.alert;
  const bool came_to_it =
      std::any_of(alert.addressees().begin(), alert.addressees().end(),
                  is_its) ||
      std::any_of(story.passed_to.begin(), story.passed_to.end(), is_its) ||
      std::any_of(alert.steps().begin(), alert.steps().end(),
                  [&](const access::v1::AlertStep& step) {
                    // That it was raised is nobody's step.
                    return !step.agency().empty() &&
                           step.agency() == reader.agency;
                  });
  return came_to_it &&
         std::any_of(story.evidence.begin(), story.evidence.end(), reader.sees);
}

void AlertStories::Fill(access::v1::WhoKnewReport& report,
                        const Reader& reader) const {
  for (const Story& story : stories_) {
    if (!IsShown(story, reader)) continue;
    access::v1::KnownAlert& alert = *report.add_alerts();
    alert = story.alert;
    alert.clear_steps();
    const bool owns =
        !alert.addressees().empty() && IsOf(alert.addressees(0), reader.agency);
    for (int i = 0; i < story.alert.steps_size(); ++i) {
      const access::v1::AlertStep& step = story.alert.steps(i);
      const bool is_own =
          step.agency().empty() || step.agency() == reader.agency;
      if (!is_own && step.step() == kDisputed && !owns) continue;
      const bool is_told =
          std::find(std::begin(kToldToAll), std::end(kToldToAll),
                    step.step()) != std::end(kToldToAll);
      if (!is_own && !is_told && !reader.of_all) continue;
      access::v1::AlertStep& shown = *alert.add_steps();
      shown = step;
      const std::string& to = story.passed_to[static_cast<size_t>(i)];
      if (!is_own && !to.empty() && !IsOf(to, reader.agency)) {
        shown.set_words(to);
      }
    }
  }
}

}  // namespace concordat::bus
