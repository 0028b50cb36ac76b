#include "gateway/cli/demo/story.h"

#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

namespace json = boost::json;

// Reads one line's fields, remembers the first that is wrong, and in the end
// which it did not know.
class Line {
 public:
  explicit Line(const json::object& object) : object_(object) {}

  std::string Text(const char* name) {
    const json::value* const value = Take(name);
    if (value == nullptr) return "";
    if (!value->is_string()) Complain(name, "is not a string");
    return value->is_string() ? std::string(value->get_string()) : "";
  }
  std::string Object(const char* name) {
    const json::value* const value = Take(name);
    if (value == nullptr) return "";
    if (!value->is_object()) Complain(name, "is not an object");
    return json::serialize(*value);
  }
  bool Bool(const char* name) {
    const json::value* const value = Take(name);
    return value != nullptr && value->is_bool() && value->get_bool();
  }
  uint64_t Time(const char* name) {
    const std::string text = Text(name);
    if (text.empty()) return 0;
    const auto micros = ParseIsoTime(text);
    if (!micros.ok()) Complain(name, micros.status().message());
    return micros.value_or(0);
  }
  std::vector<std::string> List(const char* name) {
    const json::value* const value = Take(name);
    return value == nullptr ? std::vector<std::string>() : Texts(name, *value);
  }
  // In the order of the line.
  std::vector<Step::File> Files(const char* name) {
    std::vector<Step::File> files;
    const json::object* const object = Child(name);
    if (object == nullptr) return files;
    for (const auto& [file, lines] : *object) {
      std::string bytes;
      for (const std::string& line : Texts(name, lines)) {
        absl::StrAppend(&bytes, line, "\r\n");
      }
      files.push_back({std::string(file), std::move(bytes)});
    }
    return files;
  }
  const json::object* Child(const char* name) {
    const json::value* const value = Take(name);
    return value == nullptr ? nullptr : value->if_object();
  }

  void Complain(absl::string_view name, absl::string_view what) {
    if (complaint_.empty()) complaint_ = absl::StrCat(name, " ", what);
  }
  std::vector<std::string> Texts(const char* name, const json::value& value) {
    std::vector<std::string> texts;
    const auto* const array = value.if_array();
    if (array == nullptr) Complain(name, "is not a list");
    for (const json::value& each : array == nullptr ? json::array() : *array) {
      if (!each.is_string()) Complain(name, "is not a list of strings");
      if (each.is_string()) texts.emplace_back(each.get_string());
    }
    return texts;
  }
  std::string Complaint() const {
    if (complaint_.empty() && taken_ != object_.size()) {
      return "there is a field that no step has";
    }
    return complaint_;
  }

 private:
  const json::value* Take(const char* name) {
    const json::value* const value = object_.if_contains(name);
    if (value != nullptr) ++taken_;
    return value;
  }

  const json::object& object_;
  size_t taken_ = 0;
  std::string complaint_;
};

absl::StatusOr<Step> ParseStep(const json::object& object) {
  Line line(object);
  Step step;
  step.number = line.Text("no");
  step.at_us = line.Time("at");
  step.by = line.Text("by");
  step.say = line.Text("say");
  step.person = line.Text("person");
  step.method = line.Text("call");
  step.request = line.Object("request");
  step.registers = line.Bool("registers");
  step.race = line.Text("race");
  step.type = line.Text("publish");
  step.data = line.Object("data");
  step.basis = line.Text("basis");
  step.happened_us = line.Time("happened");
  step.twice = line.Bool("twice");
  step.retracts = line.Text("retracts");
  step.files = line.Files("files");
  step.brings = line.List("brings");
  step.hl7 = absl::StrJoin(line.List("hl7"), "\r");
  step.answer = line.Text("answer");
  step.alert = line.Text("alert");
  step.rule = line.Text("rule");
  step.accept = line.Text("accept");
  step.act_by = line.Text("act_by");
  step.close = line.Text("close");
  step.show = line.Bool("show");
  if (const json::object* const raises = line.Child("raises")) {
    Line child(*raises);
    step.raises_alert = child.Text("alert");
    step.raises_rule = child.Text("rule");
    step.raises_person = child.Text("person");
    step.raises_texts = child.List("texts");
    if (step.raises_person.empty()) step.raises_person = step.person;
    if (!child.Complaint().empty()) line.Complain("raises", child.Complaint());
  }
  if (step.number.empty() || step.at_us == 0 || step.by.empty()) {
    line.Complain("no, at or by", "is missing");
  }
  const int kinds = !step.method.empty() + !step.type.empty() +
                    !step.hl7.empty() + !step.alert.empty() +
                    !step.files.empty();
  if (kinds > 1) line.Complain(step.number, "does more than one thing");
  if (!line.Complaint().empty()) {
    return absl::InvalidArgumentError(line.Complaint());
  }
  return step;
}

}  // namespace

absl::StatusOr<std::vector<Step>> ParseStory(absl::string_view text) {
  std::vector<Step> steps;
  size_t number = 0;
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    json::error_code error;
    const json::value value = json::parse({line.data(), line.size()}, error);
    if (error || !value.is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat("story, line ", number, ": not a JSON object"));
    }
    auto step = ParseStep(value.get_object());
    if (step.ok() && !steps.empty() && step->at_us < steps.back().at_us) {
      step = absl::InvalidArgumentError("is before the step above it");
    }
    if (!step.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("story, line ", number, ": ", step.status().message()));
    }
    steps.push_back(*std::move(step));
  }
  return steps;
}

}  // namespace concordat::cli
