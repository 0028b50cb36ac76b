#include "services/common/projection/command_runner.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"

namespace concordat {
namespace {

constexpr absl::string_view kUnknownOutcome =
    "the bus did not answer: the outcome is unknown; repeat with the same "
    "request_id";
constexpr int kAttempts = 5;
constexpr size_t kRequestIdBytesMax = 64;
constexpr absl::Duration kBusWaitMax = absl::Seconds(10);
// Kept back so that our answer reaches a caller who waits no longer.
constexpr absl::Duration kAnswerTime = absl::Milliseconds(50);

// A view also has the granted groups that the event left empty.
bool SameFact(const Event& event, const View& view) {
  std::string data;
  for (const auto& group : event.groups) data += group.data;
  return event.header.type == view.header.type &&
         event.header.subject == view.header.subject && data == view.Data();
}

absl::Status OtherCommand() {
  return absl::InvalidArgumentError(
      "command.request_id: was used for another command");
}

}  // namespace

struct CommandRunner::Prepared {
  PersonKey subject;
  std::string id_space;  // With the request-id: the ids of its events.
};

absl::Status FromRefusal(const PublishOutcome& outcome) {
  switch (outcome.refusal) {
    case bus::v1::REFUSAL_MALFORMED:
    case bus::v1::REFUSAL_FIELD_RULE:
      return absl::InvalidArgumentError(outcome.detail);
    case bus::v1::REFUSAL_READ_ONLY:
    case bus::v1::REFUSAL_OVER_CREDIT:
    case bus::v1::REFUSAL_DRAINING:
      return absl::UnavailableError(
          absl::StrCat("the bus takes no events now; nothing was changed: ",
                       outcome.detail));
    case bus::v1::REFUSAL_SHUTTING_DOWN:
      return absl::UnavailableError(kUnknownOutcome);
    case bus::v1::REFUSAL_TYPE_NOT_ALLOWED:
    case bus::v1::REFUSAL_SOURCE_NOT_ALLOWED:
      return absl::PermissionDeniedError(outcome.detail);
    default:
      return absl::InternalError(absl::StrCat(
          "the bus refused: ", bus::v1::Refusal_Name(outcome.refusal), " ",
          outcome.detail));
  }
}

CommandRunner::CommandRunner(std::string service,
                             const bus::v1::Principal& self, BusClient& bus,
                             const TypeRegistry& types, const Clock& clock,
                             const Clock& log_clock, Random& random)
    : service_(std::move(service)),
      self_(self),
      bus_(bus),
      types_(types),
      clock_(clock),
      log_clock_(log_clock),
      random_(random) {}

uint64_t CommandRunner::NowMicros() const {
  return static_cast<uint64_t>(absl::ToUnixMicros(log_clock_.Now()));
}

absl::Duration CommandRunner::Budget(absl::Time deadline) const {
  const absl::Duration left = deadline - clock_.Now() - kAnswerTime;
  return std::clamp(left, absl::ZeroDuration(), kBusWaitMax);
}

absl::StatusOr<StreamSlice> CommandRunner::Read(absl::string_view stream,
                                                absl::Time deadline,
                                                absl::string_view source) {
  auto slice =
      bus_.ReadStream({source.empty() ? SourceOf(self_) : std::string(source),
                       std::string(stream)},
                      Sequence{}, Budget(deadline));
  if (absl::IsUnavailable(slice.status())) {
    return absl::UnavailableError(
        absl::StrCat("nothing was changed: ", slice.status().message()));
  }
  return slice;
}

absl::StatusOr<CommandRunner::Prepared> CommandRunner::Prepare(
    const CommandRequest& request) const {
  const std::string& id = request.command.request_id();
  if (id.empty() || id.size() > kRequestIdBytesMax ||
      !std::all_of(id.begin(), id.end(), [](char c) {
        return absl::ascii_isgraph(static_cast<unsigned char>(c));
      })) {
    return absl::InvalidArgumentError(
        "command.request_id: needs 1 to 64 printable characters");
  }
  const auto subject = PersonKey::Parse(request.subject);
  if (!subject.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("subject: ", subject.status().message()));
  }
  if (request.purpose.empty()) {
    return absl::InvalidArgumentError(
        "concordat-purpose: say what it is for; you have no default");
  }
  return Prepared{*subject,
                  absl::StrCat(service_, "/", request.principal->name())};
}

absl::StatusOr<std::vector<Event>> CommandRunner::MakeEvents(
    const CommandRequest& request, const Prepared& prepared,
    const std::vector<ProposedEvent>& proposed, Sequence version) const {
  const hub::v1::Command& command = request.command;
  std::vector<Event> events;
  for (const ProposedEvent& fact : proposed) {
    Header header;
    header.source = SourceOf(self_);
    header.type = fact.type;
    const auto* grant = FindPublishGrant(self_, header.source, fact.type);
    header.controller = request.principal->agency();
    if (grant == nullptr ||
        !MayNameController(self_, *grant, header.controller)) {
      return absl::PermissionDeniedError(
          absl::StrCat(service_, " does not act for ", header.controller));
    }
    header.purpose = request.purpose;
    header.gateway = command.gateway().empty()
                         ? request.principal->default_gateway()
                         : command.gateway();
    header.regime = request.principal->default_regime();
    header.basis = bus::v1::BASIS_OBSERVED;
    header.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
    header.id = DerivedId(prepared.id_space, command.request_id(),
                          static_cast<uint32_t>(events.size()));
    header.subject = prepared.subject;
    header.stream = request.plan.stream;
    header.expected_version = version;
    header.time_us = command.time();
    header.time_precision = bus::v1::TIME_PRECISION_SECOND;
    header.recorded_us = NowMicros();
    header.traceparent = request.traceparent;
    // The principal first: the one thing here that was proved.
    header.on_behalf_of = request.principal->name();
    if (!command.on_behalf_of().empty()) {
      absl::StrAppend(&header.on_behalf_of, "/", command.on_behalf_of());
    }
    if (proposed.size() > 1) {
      header.correlation =
          DerivedId(prepared.id_space, command.request_id(), 0);
    }
    auto event =
        MakeEvent(types_, std::move(header), fact.data, DrawSeed(random_));
    if (!event.ok()) return event.status();
    events.push_back(*std::move(event));
  }
  return events;
}

absl::StatusOr<std::optional<hub::v1::CommandReply>>
CommandRunner::FindFirstAnswer(const CommandRequest& request,
                               const Prepared& prepared,
                               const std::vector<View>& history) const {
  const std::string first_id =
      DerivedId(prepared.id_space, request.command.request_id(), 0);
  const auto first =
      std::find_if(history.begin(), history.end(),
                   [&](const View& v) { return v.header.id == first_id; });
  if (first == history.end()) return std::nullopt;
  // It must be this command that made them: decide again what was decided then.
  const std::vector<View> before(history.begin(), first);
  const Decision decision = request.plan.decide(before);
  if (!decision.ok()) return OtherCommand();
  const auto events =
      MakeEvents(request, prepared, *decision,
                 before.empty() ? Sequence{} : before.back().sequence);
  if (!events.ok() ||
      static_cast<size_t>(history.end() - first) < events->size()) {
    return OtherCommand();
  }
  hub::v1::CommandReply reply;
  reply.set_duplicate(true);
  auto view = first;
  for (const Event& event : *events) {
    if (view->header.id != event.header.id || !SameFact(event, *view)) {
      return OtherCommand();
    }
    reply.add_event_ids(view->header.id);
    reply.set_position(view->sequence.value);
    reply.set_version(view->sequence.value);
    ++view;
  }
  return reply;
}

absl::StatusOr<hub::v1::CommandReply> CommandRunner::Run(
    const CommandRequest& request) {
  const auto prepared = Prepare(request);
  if (!prepared.ok()) return prepared.status();
  bool was_reused = false;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto slice = Read(request.plan.stream, request.deadline);
    if (!slice.ok()) return slice.status();
    const std::vector<View>& history = slice->views;
    auto first = FindFirstAnswer(request, *prepared, history);
    if (!first.ok()) return first.status();
    if (first->has_value()) return **std::move(first);
    if (!history.empty() &&
        history.front().header.subject != prepared->subject) {
      return absl::InvalidArgumentError(
          "subject: the record is about somebody else");
    }
    if (request.command.has_expected_version() &&
        request.command.expected_version() != slice->version.value) {
      const Sequence read{request.command.expected_version()};
      std::string what = request.plan.changed == nullptr
                             ? ""
                             : request.plan.changed(history, read);
      if (what.empty()) {
        what = "the record has changed since you read it; read it again";
      }
      return absl::AbortedError(what);
    }
    if (request.plan.admit != nullptr) {
      const absl::Status admitted = request.plan.admit(log_clock_.Now());
      if (!admitted.ok()) return admitted;
    }
    const Decision decision = request.plan.decide(history);
    if (!decision.ok()) return decision.status();
    auto events = MakeEvents(request, *prepared, *decision, slice->version);
    if (!events.ok()) return events.status();
    hub::v1::CommandReply reply;
    for (const Event& event : *events) reply.add_event_ids(event.header.id);
    const auto outcomes =
        PublishAndWait(bus_, *std::move(events), Budget(request.deadline));
    if (absl::IsUnavailable(outcomes.status())) {
      return absl::UnavailableError(kUnknownOutcome);
    }
    if (!outcomes.ok()) return outcomes.status();
    const PublishOutcome* refused = nullptr;
    for (const PublishOutcome& outcome : *outcomes) {
      // One event's refusal takes the others of its set with it.
      if (!outcome.accepted &&
          (refused == nullptr ||
           refused->refusal == bus::v1::REFUSAL_ATOMIC_SET)) {
        refused = &outcome;
      }
      reply.set_position(outcome.sequence.value);
      reply.set_version(outcome.sequence.value);
      reply.set_duplicate(outcome.duplicate);
    }
    if (refused == nullptr) {
      published_through_ = std::max(published_through_, {reply.position()});
      return reply;
    }
    // Both mean that somebody was faster, perhaps this very command on an
    // earlier try whose answer was lost: look again.
    const bool look_again =
        refused->refusal == bus::v1::REFUSAL_VERSION_CONFLICT ||
        (refused->refusal == bus::v1::REFUSAL_ID_REUSED && !was_reused);
    was_reused |= refused->refusal == bus::v1::REFUSAL_ID_REUSED;
    if (!look_again) {
      return was_reused ? OtherCommand() : FromRefusal(*refused);
    }
  }
  return absl::AbortedError("the record keeps changing; try again");
}

}  // namespace concordat
