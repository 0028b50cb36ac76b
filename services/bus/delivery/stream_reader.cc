#include "services/bus/delivery/stream_reader.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr size_t kListMax = 1024;

std::string SourceAsked(const v1::Principal& principal,
                        const v1::ReadStream& request) {
  if (!request.source().empty()) return request.source();
  return principal.publish().empty() ? SourceOf(principal)
                                     : principal.publish(0).source();
}

}  // namespace

std::string StreamReader::Read(const v1::Principal& principal,
                               absl::string_view purpose,
                               const v1::ReadStream& request) {
  const Recipient to = RecipientOf(principal, purpose);
  v1::StreamEvents answer;
  answer.set_request(request.request());
  answer.set_log_time(fold_.now_us());
  const auto refuse = [&](v1::Refusal refusal, std::string detail) {
    encoder_.TakeStreamEvents({});
    answer.set_refusal(refusal);
    answer.set_detail(std::move(detail));
    return answer.SerializeAsString();
  };
  if (to.envelopes_only() || !fold_.policy().HasAnyGrant(to, fold_.now_us())) {
    return refuse(v1::REFUSAL_NO_GRANT, NothingToSee(to, fold_));
  }
  const std::string source = SourceAsked(principal, request);
  const auto version = log_.StreamVersion(source, request.stream());
  if (!version.ok()) {
    return refuse(
        v1::REFUSAL_SHUTTING_DOWN,
        absl::StrCat("the log cannot be read: ", version.status().message()));
  }
  const auto& grants = principal.publish();
  const bool publishes =
      std::any_of(grants.begin(), grants.end(),
                  [&](const auto& grant) { return grant.source() == source; });
  if (publishes) answer.set_stream_version(version->value);
  Sequence at = {request.after()};
  for (bool more = true; more;) {
    const auto sequences =
        log_.OfStream(source, request.stream(), at, kListMax);
    if (!sequences.ok()) {
      return refuse(v1::REFUSAL_SHUTTING_DOWN,
                    absl::StrCat("the log cannot be read: ",
                                 sequences.status().message()));
    }
    more = sequences->size() == kListMax;
    for (const Sequence sequence : *sequences) {
      if (sequence > fold_.folded()) return encoder_.TakeStreamEvents(answer);
      if (encoder_.views() >= DeliveryCore::kViewsMax ||
          encoder_.bytes() >= DeliveryCore::kFrameViewBytes) {
        answer.set_more(true);
        return encoder_.TakeStreamEvents(answer);
      }
      const auto event = log_.ReadOne(sequence);
      if (!event.ok()) {
        return refuse(
            v1::REFUSAL_SHUTTING_DOWN,
            absl::StrCat("the log cannot be read: ", event.status().message()));
      }
      const GroupMask granted = fold_.Granted(*event, to);
      if (granted != 0 && !publishes) {
        answer.set_stream_version(sequence.value);
      }
      if (granted != 0 && event->removed_us != 0) {
        answer.set_removed(answer.removed() + 1);
        answer.set_removed_time(
            std::max(answer.removed_time(), event->removed_us));
      } else if (granted != 0) {
        encoder_.Add(views_.Build(*event, to, granted));
      }
      at = sequence;
    }
  }
  return encoder_.TakeStreamEvents(answer);
}

}  // namespace concordat::bus
