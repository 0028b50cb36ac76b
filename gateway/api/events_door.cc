#include "gateway/api/events_door.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/service.pb.h"
#include "concordat/identity/v1/service.pb.h"
#include "gateway/api/cloudevents_http.h"
#include "gateway/common/reference.h"
#include "gateway/http/status.h"
#include "services/common/base/ids.h"
#include "services/common/event/cloudevents.h"
#include "services/common/event/codec.h"

namespace concordat::gateway {
namespace {

constexpr char kBus[] = "concordat-bus";
constexpr char kIdentity[] = "concordat-identity";
constexpr char kPublish[] = "concordat.bus.v1.BusService/Publish";
constexpr char kReadPerson[] = "concordat.bus.v1.BusService/ReadPerson";
constexpr char kLocalSubject[] =
    "concordat.identity.v1.IdentityService/LocalSubject";
constexpr char kAccept[] =
    "application/cloudevents+json, application/cloudevents-batch+json";

// 200: all were accepted. 503: the bus did not answer for some; with the same
// ids they may be sent again. 422: some were refused.
unsigned StatusOf(const std::vector<PublishedEvent>& published) {
  unsigned status = 200;
  for (const PublishedEvent& event : published) {
    if (absl::IsUnavailable(event.status) ||
        absl::IsDeadlineExceeded(event.status) ||
        absl::IsResourceExhausted(event.status)) {
      return 503;
    }
    if (!event.status.ok()) status = 422;
  }
  return status;
}

// False: it is there and no number.
template <typename Number>
bool ReadNumber(absl::string_view text, Number* number) {
  if (text.empty()) return true;
  return absl::ascii_isdigit(static_cast<unsigned char>(text[0])) &&
         absl::SimpleAtoi(text, number);
}

// The views of a ReadPersonResponse, whose dictionary and views have the
// numbers that a StreamEvents has for them.
absl::StatusOr<std::vector<View>> ViewsOf(
    bus::v1::ReadPersonResponse response) {
  response.clear_position();
  response.clear_more();
  auto decoded = DecodeStreamEvents(response.SerializeAsString());
  if (!decoded.ok()) return decoded.status();
  return std::move(decoded->views);
}

}  // namespace

EventsDoor::EventsDoor(EventMaker maker, Upstream& upstream,
                       RegistrySource registry, absl::Duration timeout)
    : maker_(std::move(maker)),
      upstream_(upstream),
      registry_(std::move(registry)),
      timeout_(timeout) {}

void EventsDoor::Register(Router& router) {
  router.AddBlocking("POST", "/events", Access::kSignedIn,
                     [this](const Request& request, const Caller& caller) {
                       return Publish(request, caller);
                     });
  router.AddBlocking("GET", "/events", Access::kSignedIn,
                     [this](const Request& request, const Caller& caller) {
                       return ReadPerson(request, caller);
                     });
}

Response EventsDoor::Publish(const Request& request, const Caller& caller) {
  if (!HasCloudEvents(request)) {
    Response response = ErrorResponse(
        415, absl::InvalidArgumentError("not a CloudEvent of HTTP's three "
                                        "forms"));
    response.headers.emplace_back("Accept-Post", kAccept);
    return response;
  }
  const auto body = ReadCloudEvents(request);
  if (!body.ok()) return ErrorResponse(body.status());
  const auto options = OptionsFor(request, caller, timeout_);
  if (!options.ok()) return ErrorResponse(options.status());
  const auto registry = registry_();
  const auto* const principal = registry->FindByName(caller.principal);
  if (principal == nullptr) {
    return ErrorResponse(absl::UnauthenticatedError("not known"));
  }
  std::vector<std::optional<Event>> made(body->events.size());
  std::vector<PublishedEvent> published(body->events.size());
  const auto resolve = [this, &options](absl::string_view reference) {
    return Resolve(reference, *options);
  };
  for (size_t i = 0; i < made.size(); ++i) {
    auto event =
        maker_.Make(*principal, body->events[i], resolve, &published[i].id);
    published[i].status = event.status();
    if (event.ok()) made[i] = *std::move(event);
  }
  Send(made, *options, &published);
  const auto to_json = [](std::string* out, const PublishedEvent& event) {
    out->append(event.ToJson());
  };
  if (!body->is_batch) {
    return JsonResponse(StatusOf(published), published.front().ToJson());
  }
  return JsonResponse(
      StatusOf(published),
      absl::StrCat("[", absl::StrJoin(published, ",", to_json), "]"));
}

void EventsDoor::Send(const std::vector<std::optional<Event>>& made,
                      const CallOptions& options,
                      std::vector<PublishedEvent>* published) {
  size_t next = 0;
  while (next < made.size()) {
    BatchEncoder batch;
    std::vector<size_t> places;
    for (; next < made.size() && batch.events() < kBatchEventsMax; ++next) {
      if (!made[next].has_value()) continue;
      const EventView event = AsView(*made[next]);
      if (batch.bytes() + BatchEncoder::BytesMax(event) > kBatchBytesMax &&
          batch.events() > 0) {
        break;
      }
      batch.Add(event);
      places.push_back(next);
    }
    if (places.empty()) continue;
    bus::v1::PublishRequest request;
    absl::StatusOr<bus::v1::PublishResponse> response =
        absl::InternalError("the batch cannot be read again");
    if (request.mutable_batch()->ParseFromString(batch.Take())) {
      response = upstream_.Call<bus::v1::PublishResponse>(kBus, kPublish,
                                                          request, options);
    }
    const bool answers = response.ok() && response->outcomes_size() ==
                                              static_cast<int>(places.size());
    for (size_t i = 0; i < places.size(); ++i) {
      PublishedEvent& event = (*published)[places[i]];
      if (answers) {
        event.Take(FromWire(response->outcomes(static_cast<int>(i))));
      } else {
        event.status = response.ok() ? absl::InternalError(
                                           "not every event "
                                           "was answered for")
                                     : response.status();
      }
    }
  }
}

absl::StatusOr<std::string> EventsDoor::Resolve(absl::string_view reference,
                                                const CallOptions& options) {
  const auto request = ParseReference(reference);
  if (!request.ok()) return request.status();
  const auto response = upstream_.Call<identity::v1::ResolveResponse>(
      kIdentity, kResolveMethod, *request, options);
  if (!response.ok()) {
    return absl::Status(
        response.status().code(),
        absl::StrCat("resolving the subject: ", response.status().message()));
  }
  return response->subject();
}

std::string EventsDoor::LocalSubject(const std::string& subject,
                                     const CallOptions& options) {
  identity::v1::LocalSubjectRequest request;
  request.set_subject(subject);
  const auto response = upstream_.Call<identity::v1::LocalSubjectResponse>(
      kIdentity, kLocalSubject, request, options);
  return response.ok() ? response->localsubject() : "";
}

Response EventsDoor::ReadPerson(const Request& request, const Caller& caller) {
  const auto options = OptionsFor(request, caller, timeout_);
  if (!options.ok()) return ErrorResponse(options.status());
  bus::v1::ReadPersonRequest read;
  uint64_t after = 0;
  uint32_t limit = 0;
  if (!PersonKey::Parse(request.Query("subject")).ok() ||
      !ReadNumber(request.Query("after"), &after) ||
      !ReadNumber(request.Query("limit"), &limit) || limit > 256) {
    return ErrorResponse(absl::InvalidArgumentError(
        "subject is p-…, after a position, limit at most 256"));
  }
  read.set_subject(std::string(request.Query("subject")));
  read.set_after(after);
  read.set_limit(limit);
  auto response = upstream_.Call<bus::v1::ReadPersonResponse>(kBus, kReadPerson,
                                                              read, *options);
  if (!response.ok()) return ErrorResponse(response.status());
  const uint64_t position = response->position().sequence();
  const bool more = response->more();
  const std::string restricted = absl::StrJoin(response->restricted(), ",");
  const auto views = ViewsOf(*std::move(response));
  if (!views.ok()) return ErrorResponse(views.status());
  const std::string local =
      views->empty() ? "" : LocalSubject(read.subject(), *options);
  std::vector<std::string> events;
  for (const View& view : *views) {
    CloudEvent event = ToCloudEvent(view);
    if (view.groups.empty()) event.data.reset();  // An envelope.
    if (!event.header.subject.empty()) event.local_subject = local;
    auto json = WriteCloudEvent(maker_.types(), event);
    if (!json.ok()) return ErrorResponse(json.status());
    events.push_back(*std::move(json));
  }
  return {.content_type = kBatchContentType,
          .body = absl::StrCat("[", absl::StrJoin(events, ","), "]"),
          .headers = {{"Concordat-Position", absl::StrCat(position)},
                      {"Concordat-More", more ? "true" : "false"},
                      {"Concordat-Restricted", restricted}}};
}

}  // namespace concordat::gateway
