#include "services/bus/daemon/review_desk.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "services/bus/delivery/delivery_core.h"
#include "services/bus/ingest/hub_records.h"
#include "services/common/config/principal_registry.h"

namespace concordat::bus {
namespace {

constexpr char kService[] = "concordat.bus.v1.ErasureService/";
constexpr char kReviewAct[] = "review";
constexpr size_t kReadBytes = 4u << 20;
constexpr int kListMax = 1000;

absl::Status NeedsRight(const Call& call) {
  if (MayAgree(*call.principal, kReviewAct)) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "this needs the right ", RightTo(kReviewAct), " of the registry"));
}

void Fill(const ReviewItem& item, const ReviewTerms& terms,
          v1::RetentionReviewItem& out) {
  out.set_subject(item.person.ToString());
  out.set_events(item.events);
  out.set_ended_time(item.ended_us);
  out.set_because(item.case_closed ? "case-closed" : "last-event");
  out.set_agreement(terms.agreement);
  out.set_reason(terms.reason);
  out.set_due(item.due);
  const ReviewDecision& decision = item.decision;
  if (decision.ref.empty()) return;
  out.set_review_ref(decision.ref);
  out.set_decision(decision.erase ? "ERASE" : "KEEP");
  out.set_decided_reason(decision.reason);
  out.set_review_on(decision.review_on);
  out.set_decided_by(decision.by);
  out.set_decided_time(decision.at_us);
}

}  // namespace

ReviewDesk::ReviewDesk(const EventLog& log, IngestLoop& ingest,
                       ActRecorder& recorder,
                       std::shared_ptr<const TypeRegistry> types,
                       LoadPolicy policy, absl::TimeZone london,
                       PersonLists& lists, std::unique_ptr<Background> thread)
    : log_(log),
      ingest_(ingest),
      recorder_(recorder),
      types_(std::move(types)),
      policy_(std::move(policy)),
      london_(london),
      lists_(lists),
      thread_(std::move(thread)) {}

void ReviewDesk::Serve(ServerHost& host) {
  host.HandleLater<v1::ListReviewsRequest, v1::ListReviewsResponse>(
      absl::StrCat(kService, "ListReviews"), {},
      [this](const Call& call, const v1::ListReviewsRequest&,
             Reply<v1::ListReviewsResponse> reply) {
        if (const absl::Status may = NeedsRight(call); !may.ok()) {
          return reply(may);
        }
        thread_->Post([this, call, reply] {
          const auto list = List(call);
          if (!list.ok()) return reply(list.status());
          reply(*list);
        });
      });
  host.HandleLater<v1::DecideReviewRequest, v1::DecideReviewResponse>(
      absl::StrCat(kService, "DecideReview"), {},
      [this](const Call& call, const v1::DecideReviewRequest& request,
             Reply<v1::DecideReviewResponse> reply) {
        if (const absl::Status may = NeedsRight(call); !may.ok()) {
          return reply(may);
        }
        thread_->Post(
            [this, call, request, reply] { Decide(call, request, reply); });
      });
}

absl::Status ReviewDesk::CatchUp() {
  for (;;) {
    const auto block = log_.Read(folded_, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return absl::OkStatus();
    for (const StoredEvent& event : (*block)->events) {
      book_.Fold(event, types_->Find(event.header.type));
    }
    folded_ = (*block)->events.back().sequence;
  }
}

std::string ReviewDesk::Today() const {
  return absl::FormatTime(
      "%Y-%m-%d", absl::FromUnixMicros(static_cast<int64_t>(ingest_.now_us())),
      london_);
}

absl::StatusOr<v1::ListReviewsResponse> ReviewDesk::List(const Call& call) {
  const std::string& agency = call.principal->agency();
  const auto policy = policy_();
  if (absl::IsNotFound(policy.status())) {
    return absl::FailedPreconditionError(
        "there is no retention policy: nothing is ever removed");
  }
  if (!policy.ok()) return policy.status();
  const uint64_t now_us = ingest_.now_us();
  const auto terms = ReviewTermsOf(*policy, ingest_.agreements()->List(now_us),
                                   now_us, london_);
  if (!terms.ok()) return terms.status();
  const auto own = terms->find(agency);
  if (own == terms->end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the retention policy has no review for ", agency));
  }
  if (const absl::Status known = CatchUp(); !known.ok()) return known;
  const Recipient to = RecipientOf(*call.principal, call.purpose);
  v1::ListReviewsResponse response;
  response.set_policy_version(policy->version());
  for (const ReviewItem& item : book_.ListOf(agency, own->second, Today())) {
    const auto allowed = lists_.Allow(to, item.person);
    if (!allowed.ok()) return allowed.status();
    if (!*allowed) continue;
    if (response.items_size() == kListMax) {
      response.set_more(true);
      break;
    }
    Fill(item, own->second, *response.add_items());
  }
  return response;
}

void ReviewDesk::Decide(const Call& call,
                        const v1::DecideReviewRequest& request,
                        const Reply<v1::DecideReviewResponse>& reply) {
  const std::string& agency = call.principal->agency();
  const auto subject = PersonKey::Parse(request.subject());
  if (!subject.ok()) {
    return reply(absl::InvalidArgumentError("subject: no person key"));
  }
  const bool keeps = request.decision() == "KEEP";
  if (!keeps && request.decision() != "ERASE") {
    return reply(absl::InvalidArgumentError("decision: KEEP or ERASE"));
  }
  absl::CivilDay day;
  if (keeps && (!absl::ParseCivilTime(request.review_on(), &day) ||
                request.review_on() <= Today())) {
    return reply(absl::InvalidArgumentError(
        "review_on: the day, after today, when it is looked at again"));
  }
  if (!keeps && !request.review_on().empty()) {
    return reply(absl::InvalidArgumentError("review_on: of KEEP alone"));
  }
  if (request.reason().empty()) {
    return reply(absl::InvalidArgumentError(
        "reason: one of the code list retention-reason"));
  }
  if (const absl::Status why = CheckWhy(request.why()); !why.ok()) {
    return reply(why);
  }
  const auto list = List(call);
  if (!list.ok()) return reply(list.status());
  const bool listed = std::any_of(
      list->items().begin(), list->items().end(),
      [&](const auto& item) { return item.subject() == request.subject(); });
  if (!listed) {
    return reply(absl::NotFoundError(
        "the person is not on your agency's list: not past its period, or with "
        "an open case"));
  }
  hub::v1::RetentionReviewed reviewed;
  reviewed.set_review_ref(recorder_.NewId("V"));
  reviewed.set_controller(agency);
  reviewed.set_decision(request.decision());
  reviewed.set_reason(request.reason());
  reviewed.set_review_on(request.review_on());
  reviewed.set_by(call.principal->name());
  reviewed.set_why(request.why());
  v1::DecideReviewResponse response;
  response.set_review_ref(reviewed.review_ref());
  recorder_.RecordIn(reviewed.review_ref(), kReviewsStream, *subject, reviewed,
                     [reply, response](const absl::Status& status) {
                       if (!status.ok()) return reply(status);
                       reply(response);
                     });
}

}  // namespace concordat::bus
