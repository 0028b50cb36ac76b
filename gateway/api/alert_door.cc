#include "gateway/api/alert_door.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/alerts/v1/service.pb.h"
#include "gateway/api/sse.h"
#include "gateway/http/status.h"

namespace concordat::gateway {
namespace {

constexpr char kProgram[] = "concordat-alerts";
constexpr char kFollow[] = "concordat.alerts.v1.AlertsService/FollowAlerts";
constexpr char kList[] = "concordat.alerts.v1.AlertsService/ListAlerts";
constexpr char kStatus[] = "concordat.hub.v1.StatusService/GetStatus";
constexpr char kSelf[] = "gateway";
constexpr absl::Duration kStatusTimeout = absl::Seconds(5);
// Never reached: a connection has one reader, a feed two callbacks under way.
constexpr size_t kQueueMax = 1 << 16;
constexpr absl::Duration kTick = absl::Milliseconds(100);

absl::StatusOr<hub::v1::GetStatusResponse> ParseStatus(
    const absl::StatusOr<std::string>& bytes) {
  if (!bytes.ok()) return bytes.status();
  hub::v1::GetStatusResponse status;
  if (!status.ParseFromString(*bytes)) {
    return absl::InternalError("not a status");
  }
  return status;
}

}  // namespace

// One stream of the alerts service.
struct AlertDoor::Following {
  CallOptions options;
  std::shared_ptr<AsyncStream> stream;  // Null: not yet.
};

AlertDoor::AlertDoor(AlertDoorWorld world, absl::Duration heartbeat)
    : world_(std::move(world)),
      feeds_(
          {.heartbeat = heartbeat}, *this,
          [this](const Caller& caller) { return IsCurrent(caller); },
          [this](const Caller& reader, const std::string& purpose,
                 const std::vector<std::string>& persons) {
            CallPersons shown;
            shown.subjects = persons;
            return Record(reader, purpose, &shown).ok();
          }),
      readers_(world_.metrics.Gauge("concordat_gateway_alert_readers",
                                    "Alert streams that are open.")),
      executor_(std::make_shared<Executor>(kQueueMax)) {
  beats_.Start(kTick, [this] {
    executor_->Post([this] {
      feeds_.Tick(world_.steady.Elapsed());
      readers_.Set(static_cast<double>(feeds_.readers()));
    });
    return kTick;
  });
}

AlertDoor::~AlertDoor() { Stop(); }

void AlertDoor::Register(Router& router) {
  router.Add(
      "GET", "/alerts/stream", Access::kSignedIn,
      [this](const std::shared_ptr<Exchange>& exchange) { Handle(exchange); });
}

void AlertDoor::Stop() {
  beats_.Stop();
  executor_->Post([this] {
    for (const auto& [feed, following] : following_) {
      if (following->stream != nullptr) following->stream->Cancel();
    }
  });
  executor_->Stop();
}

void AlertDoor::Handle(const std::shared_ptr<Exchange>& exchange) {
  const Request& request = exchange->request();
  std::optional<uint64_t> last;
  if (!ParseLastEventId(request.Header("last-event-id"), &last)) {
    exchange->Send(ErrorResponse(
        absl::InvalidArgumentError("Last-Event-ID is no position")));
    return;
  }
  const auto options =
      OptionsFor(request, exchange->caller(), absl::InfiniteDuration());
  if (!options.ok()) {
    exchange->Send(ErrorResponse(options.status()));
    return;
  }
  if (!executor_->Post([this, exchange, options = *options, last] {
        Join(exchange, options, last);
      })) {
    exchange->Send(ErrorResponse(absl::UnavailableError("stopping")));
  }
}

void AlertDoor::Join(const std::shared_ptr<Exchange>& exchange,
                     CallOptions options, std::optional<uint64_t> last) {
  const auto registry = world_.registry();
  const auto* const principal = registry->FindByName(options.principal);
  if (principal == nullptr) {
    exchange->Send(ErrorResponse(absl::UnauthenticatedError("not known")));
    return;
  }
  const std::string& purpose =
      options.purpose.empty() ? principal->default_purpose() : options.purpose;
  Caller reader = exchange->caller();
  reader.staff = options.staff;
  const absl::Status recorded = Record(reader, purpose, nullptr);
  if (!recorded.ok()) {
    exchange->Send(ErrorResponse(recorded));
    return;
  }
  auto body = exchange->Begin({.content_type = kSseContentType,
                               // For proxies that would wait for the end.
                               .headers = {{"X-Accel-Buffering", "no"}}},
                              {});
  feeds_.Join(exchange->caller(), purpose, last, std::move(body),
              world_.steady.Elapsed());
  readers_.Set(static_cast<double>(feeds_.readers()));
}

absl::Status AlertDoor::Record(const Caller& reader, const std::string& purpose,
                               const CallPersons* persons) {
  AccessRecord record = {.at = world_.clock.Now(),
                         .principal = reader.principal,
                         .via = kSelf,
                         .staff = reader.staff,
                         .method = kFollow,
                         .purpose = purpose,
                         .outcome = absl::StatusCode::kOk,
                         .duration = {},
                         .persons = persons};
  const auto registry = world_.registry();
  if (const auto* principal = registry->FindByName(reader.principal);
      principal != nullptr) {
    record.agency = principal->agency();
    record.role = principal->role();
  }
  return world_.access.Append(record);
}

bool AlertDoor::IsCurrent(const Caller& caller) {
  if (!caller.by_certificate) return world_.authenticator.IsCurrent(caller);
  const auto registry = world_.registry();
  const auto* const principal = registry->FindByName(caller.principal);
  return principal != nullptr && !principal->revoked() &&
         registry->IsCertificateKey(*principal, caller.certificate_key);
}

void AlertDoor::Open(uint64_t feed, const std::string& principal,
                     const std::string& purpose,
                     std::optional<uint64_t> after) {
  auto following = std::make_shared<Following>();
  following->options.principal = principal;
  following->options.purpose = purpose;
  following->options.timeout = absl::InfiniteDuration();
  following_[feed] = following;
  if (after.has_value()) {
    executor_->Post([this, feed, after = *after] { Follow(feed, after); });
    return;
  }
  // "From now on" has to be a position, or a break soon after would lose what
  // happened in it.
  AskStatus(following->options, [this, feed](const auto& status) {
    if (status.ok()) return Follow(feed, status->position());
    world_.upstream.Forget(kProgram);
    following_.erase(feed);
    feeds_.OnEnd(feed, status.status(), world_.steady.Elapsed());
  });
}

void AlertDoor::AskTime() {
  // In nobody's name: a status is everybody's.
  AskStatus({}, [this](const auto& status) {
    if (!status.ok()) return;
    alerts::v1::ListAlertsResponse reached;
    reached.set_time(status->time());
    reached.set_up_to_date(status->ready());
    const auto json = world_.schemas.ToJson(
        *(*world_.schemas.FindMethod(kList))->output_type(),
        reached.SerializeAsString());
    if (json.ok()) feeds_.OnTime(*json);
  });
}

void AlertDoor::AskStatus(
    const CallOptions& options,
    std::function<void(const absl::StatusOr<hub::v1::GetStatusResponse>&)>
        done) {
  const auto answer = [executor = executor_, done = std::move(done)](
                          const absl::StatusOr<std::string>& bytes) {
    executor->Post([done, status = ParseStatus(bytes)] { done(status); });
  };
  const auto channel = world_.upstream.ChannelTo(kProgram);
  if (!channel.ok()) return answer(channel.status());
  CallOptions asking = options;
  asking.timeout = kStatusTimeout;
  StartGenericCall(*channel, kStatus, "", asking, answer);
}

void AlertDoor::Follow(uint64_t feed, uint64_t after) {
  const auto found = following_.find(feed);
  if (found == following_.end()) return;
  const auto following = found->second;
  const auto end = [this, executor = executor_,
                    feed](const absl::Status& status) {
    executor->Post([this, feed, status] {
      if (following_.erase(feed) == 0) return;
      if (absl::IsUnavailable(status)) world_.upstream.Forget(kProgram);
      feeds_.OnEnd(feed, status, world_.steady.Elapsed());
    });
  };
  const auto channel = world_.upstream.ChannelTo(kProgram);
  if (!channel.ok()) {
    end(channel.status());
    return;
  }
  alerts::v1::FollowAlertsRequest request;
  request.set_after(after);
  const auto take = [this, executor = executor_,
                     feed](const std::string& bytes) {
    executor->Post([this, feed, bytes] {
      const auto open = following_.find(feed);
      if (open == following_.end()) return;
      Show(feed, bytes);
      open->second->stream->Read();
    });
  };
  following->stream =
      StartGenericStream(*channel, kFollow, request.SerializeAsString(),
                         following->options, {take, end});
  feeds_.OnOpen(feed, after);
  following->stream->Read();
}

void AlertDoor::Show(uint64_t feed, const std::string& bytes) {
  const absl::Time start = world_.clock.Now();
  alerts::v1::Alert alert;
  if (!alert.ParseFromString(bytes)) return;
  auto parent = ParseTraceparent(alert.traceparent());
  alert.clear_traceparent();  // For us alone.
  const auto json = world_.schemas.ToJson(
      *(*world_.schemas.FindMethod(kFollow))->output_type(),
      parent.has_value() ? alert.SerializeAsString() : bytes);
  if (!json.ok()) return;
  CallPersons persons;
  persons.Add(alert);
  feeds_.OnAlert(feed, alert.position(), *json, persons.subjects);
  if (parent.has_value()) {
    world_.spans.Add({*std::move(parent), "show",
                      std::string(alert.GetTypeName()), start,
                      world_.clock.Now()});
  }
}

void AlertDoor::Close(uint64_t feed) {
  const auto found = following_.find(feed);
  if (found == following_.end()) return;
  const auto following = found->second;
  following_.erase(found);
  if (following->stream != nullptr) following->stream->Cancel();
}

}  // namespace concordat::gateway
