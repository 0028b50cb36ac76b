// concordat tail
#include <cstdio>
#include <map>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/identity/v1/service.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/event_door.h"
#include "gateway/cli/json.h"
#include "services/common/event/cloudevents.h"

namespace concordat::cli {
namespace {

// The caller's own number of a person, asked once.
class LocalSubjects {
 public:
  explicit LocalSubjects(Hub& hub) : hub_(hub) {}

  std::string Of(const std::string& subject) {
    if (subject.empty() || away_) return "";
    const auto found = known_.find(subject);
    if (found != known_.end()) return found->second;
    identity::v1::LocalSubjectRequest request;
    request.set_subject(subject);
    const auto answer = hub_.Call<identity::v1::LocalSubjectResponse>(
        "concordat-identity",
        "concordat.identity.v1.IdentityService/LocalSubject", request);
    if (absl::IsUnavailable(answer.status())) {
      away_ = true;
      std::fprintf(stderr, "concordat tail: no local subjects: %s\n",
                   std::string(answer.status().message()).c_str());
    }
    const std::string local = answer.ok() ? answer->localsubject() : "";
    return known_[subject] = local;
  }

 private:
  Hub& hub_;
  bool away_ = false;
  std::map<std::string, std::string> known_;
};

absl::Status Print(const View& view, const TypeRegistry& types,
                   LocalSubjects& locals, bool as_json) {
  CloudEvent event = ToCloudEvent(view);
  if (view.groups.empty()) event.data.reset();  // An envelope.
  event.local_subject = locals.Of(event.header.subject.ToString());
  if (as_json) {
    const auto text = WriteCloudEvent(types, event);
    if (!text.ok()) return text.status();
    std::printf("%s\n", text->c_str());
  } else {
    const std::string who = event.local_subject.empty()
                                ? event.header.subject.ToString()
                                : event.local_subject;
    const auto data = event.data.has_value()
                          ? types.ToJson(event.header.type, *event.data)
                          : absl::StatusOr<std::string>("");
    std::printf("%6llu  %-16s  %-46s %-28s %s\n",
                static_cast<unsigned long long>(view.sequence.value),
                LocalTime(event.header.time_us).c_str(),
                event.header.type.c_str(), who.c_str(),
                data.value_or("").c_str());
  }
  std::fflush(stdout);
  return absl::OkStatus();
}

struct Limits {
  size_t count = 0;  // 0: none.
  absl::Duration timeout;
};

absl::Status Follow(Subscription& subscription, const TypeRegistry& types,
                    LocalSubjects& locals, const Limits& limits, bool as_json) {
  size_t seen = 0;
  bool told = false;
  while (limits.count == 0 || seen < limits.count) {
    const auto delivery = subscription.Next(limits.timeout);
    if (const RemovedEvents removed = subscription.removed();
        !told && removed.through.value > 0) {
      told = true;
      std::fprintf(stderr,
                   "concordat tail: events up to %llu are here only as far as "
                   "they were not %s\n",
                   static_cast<unsigned long long>(removed.through.value),
                   RemovedByRetention(removed.at_us).c_str());
    }
    if (absl::IsDeadlineExceeded(delivery.status())) {
      if (!subscription.connected() && seen == 0) {
        return absl::UnavailableError("the bus does not answer");
      }
      if (limits.count == 0) return absl::OkStatus();
      return absl::DeadlineExceededError(
          absl::StrCat(seen, " of ", limits.count, " events came in time"));
    }
    if (absl::IsOutOfRange(delivery.status())) return absl::OkStatus();
    if (!delivery.ok()) return delivery.status();
    auto status = Print(delivery->view, types, locals, as_json);
    if (!status.ok()) return status;
    subscription.Ack(delivery->number);
    ++seen;
  }
  return absl::OkStatus();
}

// Whether it is a sequence; else a time, in microseconds.
absl::StatusOr<bool> ParsePosition(absl::string_view flag,
                                   const std::string& text, uint64_t* value) {
  if (absl::SimpleAtoi(text, value)) return true;
  absl::Time time;
  std::string why;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &why) ||
      time <= absl::UnixEpoch()) {
    return absl::InvalidArgumentError(absl::StrCat(
        flag, " ", text, "? a sequence, or a time (2026-11-26T09:30:00Z)"));
  }
  *value = static_cast<uint64_t>(absl::ToUnixMicros(time));
  return false;
}

absl::Status ParseFrom(const std::string& from, SubscribeOptions* options) {
  if (from == "earliest") return absl::OkStatus();
  options->from_latest = from == "latest";
  if (options->from_latest) return absl::OkStatus();
  uint64_t value = 0;
  const auto is_sequence = ParsePosition("--from", from, &value);
  if (!is_sequence.ok()) return is_sequence.status();
  if (*is_sequence) {
    // From N on, N among them.
    options->after = Sequence{value == 0 ? 0 : value - 1};
  } else {
    options->from_time_us = value;
  }
  return absl::OkStatus();
}

absl::Status ParseTo(const std::string& to, SubscribeOptions* options) {
  if (to.empty()) return absl::OkStatus();
  uint64_t value = 0;
  const auto is_sequence = ParsePosition("--to", to, &value);
  if (!is_sequence.ok()) return is_sequence.status();
  if (*is_sequence && value == 0) {
    return absl::InvalidArgumentError("--to 0? the first event is 1");
  }
  if (*is_sequence) {
    options->through = Sequence{value};
  } else {
    options->to_time_us = value;
  }
  return absl::OkStatus();
}

absl::Status ParseLimits(const std::string& count, const std::string& timeout,
                         bool for_ever, Limits* limits) {
  if (!count.empty() &&
      (!absl::SimpleAtoi(count, &limits->count) || limits->count == 0)) {
    return absl::InvalidArgumentError("--count is not a number above 0");
  }
  // Who waits for a number of events waits for them.
  limits->timeout = for_ever || limits->count > 0 ? absl::InfiniteDuration()
                                                  : absl::Seconds(3);
  if (!timeout.empty() && !absl::ParseDuration(timeout, &limits->timeout)) {
    return absl::InvalidArgumentError("--timeout is not like 3s");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunTail(const std::vector<std::string>& arguments) {
  CommandLine line(
      "tail --profile NAME [--from earliest|latest|N|TIME] [--to N|TIME]",
      "Prints the events that the profile may see, as it may see them; the\n"
      "operator sees envelopes. Ends at --to, after --count events, or when\n"
      "nothing has come for --timeout.");
  std::string from = "latest", to, count, timeout, types;
  bool follow = false;
  line.flags().AddString("from",
                         "Where to begin: earliest, latest, an event or a "
                         "time (2026-11-26T09:30:00Z); default latest.",
                         &from);
  line.flags().AddString("to",
                         "Ends with this event, or with the last one accepted "
                         "before this time, when the log is past it.",
                         &to);
  line.flags().AddString("count", "Ends after so many events.", &count);
  line.flags().AddString("timeout",
                         "Ends when nothing came for so long; default 3s, with "
                         "--to, --count or --follow for ever.",
                         &timeout);
  line.flags().AddBool("follow", "Goes on for ever.", &follow);
  line.flags().AddString("type", "Only this type, or concordat.police.v1.*",
                         &types);
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  SubscribeOptions options;
  Limits limits;
  if (auto status = ParseFrom(from, &options); !status.ok()) return status;
  if (auto status = ParseTo(to, &options); !status.ok()) return status;
  if (auto status = ParseLimits(count, timeout, follow || !to.empty(), &limits);
      !status.ok()) {
    return status;
  }
  if (!types.empty()) options.types.push_back(types);
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const auto door = EventDoor::Open(**hub);
  if (!door.ok()) return door.status();
  const auto subscription = (*door)->bus().Subscribe(options);
  if (!subscription.ok()) return subscription.status();
  LocalSubjects locals(**hub);
  return Follow(**subscription, (*door)->types(), locals, limits, line.json());
}

}  // namespace concordat::cli
