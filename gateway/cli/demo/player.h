// Plays the story: moves the story clock to each step, acts through the same
// doors as an agency would, and waits until the whole hub has taken it in.
//
// Repeats  Every step has a fixed id, so playing one again changes nothing.
#ifndef CONCORDAT_GATEWAY_CLI_DEMO_PLAYER_H_
#define CONCORDAT_GATEWAY_CLI_DEMO_PLAYER_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/alerts/v1/service.pb.h"
#include "gateway/cli/demo/story.h"

namespace concordat::cli {

// What somebody was sent by the notifier.
struct SentText {
  std::string to;  // Mail address.
  std::string words;
  bool before = false;  // These doors were opened.
};

// The hub as the agencies of the story meet it. Call may be used from two
// threads at once.
class StoryDoors {
 public:
  virtual ~StoryDoors() = default;
  // A method by its short name, with JSON, as a profile; the answer's JSON.
  virtual absl::StatusOr<std::string> Call(absl::string_view profile,
                                           absl::string_view method,
                                           const std::string& json) = 0;
  // A CloudEvent (JSON), as a profile; whether it was there before.
  virtual absl::StatusOr<bool> Publish(absl::string_view profile,
                                       const std::string& event) = 0;
  // A file into the folder that the council's edge takes from.
  virtual absl::Status DropFile(const std::string& name,
                                const std::string& bytes) = 0;
  // An HL7 message to the board's edge; the answer's MSA-1.
  virtual absl::StatusOr<std::string> SendHl7(const std::string& message) = 0;
  // Those that were not taken yet, oldest first. Waits a while until there are this
  // many; fewer: no more came.
  virtual absl::StatusOr<std::vector<SentText>> TakeTexts(size_t at_least) = 0;
  // Returns when every service has taken in the whole log.
  virtual absl::Status Settle() = 0;
};

class StoryPlayer {
 public:
  // `print` gets whole lines for who watches.
  StoryPlayer(StoryDoors& doors, std::function<void(absl::string_view)> print)
      : doors_(doors), print_(std::move(print)) {}

  // Plays `steps` from the `done`-th on, those before having been played, and
  // tells `on_done` after each how many are. Prints the alerts that they raise.
  //   Any error of a door, with the step's number in front. INTERNAL: what the
  //   story says should have come of it has not.
  absl::Status Play(const std::vector<Step>& steps, size_t done,
                    const std::function<absl::Status(size_t)>& on_done);

  // Moves the clock, waits, and prints alerts that are new or have changed.
  absl::Status AdvanceTo(uint64_t at_us);

 private:
  absl::Status MoveClock(uint64_t at_us);
  absl::Status Act(const Step& step);
  absl::Status Command(const Step& step);
  absl::Status Race(const Step& step);
  absl::Status PublishFact(const Step& step);
  absl::Status DropFiles(const Step& step);
  absl::Status SendMessage(const Step& step);
  absl::Status ActOnAlert(const Step& step);
  absl::StatusOr<std::string> RequestOf(const Step& step,
                                        absl::string_view request_id);
  // The alerts that `profile` gets.
  absl::StatusOr<std::vector<alerts::v1::Alert>> ListAlerts(
      absl::string_view profile);
  // Null: there is none. Of several the newest.
  static const alerts::v1::Alert* Find(
      const std::vector<alerts::v1::Alert>& alerts, absl::string_view rule,
      absl::string_view subject);
  // Those of before are no news.
  absl::Status NoteAlerts();
  // Null: of time alone.
  absl::Status TellAlerts(const Step* step);
  // Prints what people were sent; `reference` is that of the alert of the step.
  absl::Status TellTexts(const std::vector<std::string>& expected,
                         const std::string& reference);

  StoryDoors& doors_;
  const std::function<void(absl::string_view)> print_;
  std::map<std::string, std::string> keys_;  // P2 → p-…
  // Of each alert who was the first to see it, and what.
  std::map<std::string, std::pair<std::string, std::string>> told_;
  std::vector<SentText> texts_;
};

// An alert for people, several lines.
std::string AlertText(const alerts::v1::Alert& alert);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DEMO_PLAYER_H_
