// The demo's story as data: deploy/demo/story.jsonl, a step a line, in order of
// story time. A line is a JSON object with
//   no, at, by, say   number, story time, profile, words for who watches;
//                     without words the step is not shown
//   person            P2 …; the step is about this person
// and one of
//   call, request     a command: method and request. The player adds subject,
//                     request id and time. "registers": its answer is the
//                     person's key. "race": the referral that two clients
//                     decide at once.
//   publish, data     an event's type and data; happened, basis. "twice": sent
//                     again with the same id. "retracts": the number of the
//                     step whose event it takes back, as the same type
//   files, brings     files that the council's case system drops, by name their
//                     lines; and the numbers of the facts in them
//   hl7, answer       segments of a message, and the codes expected in MSA-1,
//                     with "|" between them
//   alert, rule       accept (act_by), close or show: an alert is acted on
//   (nothing)         time goes on to there
// and, where the step raises an alert at its time, raises: {alert, rule, person,
// texts}; the person is the step's unless it says. Texts are the addresses at which
// somebody must be told that there is an alert, each as often as that must be.
#ifndef CONCORDAT_GATEWAY_CLI_DEMO_STORY_H_
#define CONCORDAT_GATEWAY_CLI_DEMO_STORY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace concordat::cli {

struct Step {
  std::string number;
  uint64_t at_us = 0;
  std::string by;
  std::string say;
  std::string person;  // Empty: nobody.

  std::string method;
  std::string request;  // A JSON object.
  bool registers = false;
  std::string race;

  std::string type;
  std::string data;  // A JSON object.
  std::string basis;
  uint64_t happened_us = 0;
  bool twice = false;
  std::string retracts;

  struct File {
    std::string name;
    std::string bytes;
  };
  std::vector<File> files;
  std::vector<std::string> brings;

  std::string hl7;  // Segments, each ended by CR but a cut-off one.
  std::string answer;

  std::string alert;  // A4 …; with one of accept, close and show.
  std::string rule;
  std::string accept;
  std::string act_by;  // ISO date.
  std::string close;
  bool show = false;

  std::string raises_alert;
  std::string raises_rule;
  std::string raises_person;
  std::vector<std::string> raises_texts;
};

//   INVALID_ARGUMENT  names line and field.
absl::StatusOr<std::vector<Step>> ParseStory(absl::string_view text);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DEMO_STORY_H_
