#include "services/identity/rpc/read_command.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace concordat::identity {
namespace {

// Left of a deadline for the answer's way back.
constexpr absl::Duration kAnswerTime = absl::Milliseconds(50);

}  // namespace

System SystemOf(const bus::v1::Principal& principal) {
  return {principal.agency(), principal.system()};
}

bool ActsForAnAgency(const bus::v1::Principal& principal) {
  return principal.role() != "operator" && principal.role() != "player" &&
         principal.role() != "service" && principal.role() != "adapter";
}

CommandContext OwnContext(const bus::v1::Principal& self) {
  CommandContext context;
  context.caller = SystemOf(self);
  context.purpose = self.default_purpose();
  context.gateway = self.default_gateway();
  context.regime = self.default_regime();
  return context;
}

absl::Status CheckText(absl::string_view field, absl::string_view text,
                       size_t bytes_max) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) {
      return absl::InvalidArgumentError(
          absl::StrCat(field, ": control characters"));
    }
  }
  if (text.size() <= bytes_max) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": more than ", bytes_max, " bytes"));
}

absl::StatusOr<CommandContext> ReadCommand(const Call& call,
                                           const hub::v1::Command& command) {
  if (command.request_id().empty()) {
    return absl::InvalidArgumentError("command.request_id: missing");
  }
  for (const auto& [field, text] :
       {std::pair<const char*, const std::string&>("command.request_id",
                                                   command.request_id()),
        std::pair<const char*, const std::string&>("command.on_behalf_of",
                                                   command.on_behalf_of())}) {
    if (absl::Status s = CheckText(field, text, 64); !s.ok()) return s;
  }
  const bus::v1::Principal& principal = *call.principal;
  CommandContext context;
  context.caller = SystemOf(principal);
  context.request_id = command.request_id();
  context.time_us = command.time();
  context.on_behalf_of = command.on_behalf_of();
  context.purpose = call.purpose;
  context.gateway = principal.default_gateway();
  context.regime = principal.default_regime();
  return context;
}

absl::StatusOr<Sequence> AwaitPublished(OutboxPublisher& outbox,
                                        const CommandOutcome& outcome,
                                        const Call& call, const Clock& clock,
                                        Sequence here) {
  if (outcome.outbox_id == 0) return here;
  outbox.Wake();
  if (outcome.duplicate) outbox.SendAgain(outcome.outbox_id);
  const absl::Duration left = call.deadline - clock.Now() - kAnswerTime;
  return outbox.WaitFor(
      outcome.outbox_id,
      std::max(absl::ZeroDuration(), std::min(left, kPublishWait)));
}

}  // namespace concordat::identity
