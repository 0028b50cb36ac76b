#include "services/mappa/rpc/mappa_service.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/mappa/v1/service.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "services/common/projection/handle_command.h"
#include "services/mappa/domain/case.h"
#include "services/mappa/domain/referral.h"
#include "services/mappa/rpc/case_reads.h"
#include "services/mappa/rpc/display_name.h"

namespace concordat::mappa {
namespace {

using History = std::vector<View>;

constexpr absl::string_view kCoordinator = "coordinator";

// Whether somebody of the registry is meant by an entry of an access list.
bool NamesSomebody(const PrincipalRegistry& registry, absl::string_view text) {
  const AccessEntry entry = AccessEntry::Of(text);
  if (entry.role.empty() && entry.principal.empty()) {
    return registry.IsAgency(entry.agency);
  }
  const auto& principals = registry.proto().principals();
  return std::any_of(
      principals.begin(), principals.end(),
      [&entry](const bus::v1::Principal& each) {
        const auto& roles = each.alert_roles();
        const bool has_role =
            entry.role.empty() || each.role() == entry.role ||
            std::find(roles.begin(), roles.end(), entry.role) != roles.end();
        return each.agency() == entry.agency && has_role &&
               (entry.principal.empty() || each.name() == entry.principal);
      });
}

// The plans of each method, on what they need.
class Plans {
 public:
  Plans(CommandRunner& runner, const CaseBook& book, const Projection& cases,
        const Clock& clock, MappaServiceOptions options)
      : runner_(runner),
        book_(book),
        cases_(cases),
        clock_(clock),
        options_(std::move(options)) {}

  absl::StatusOr<CommandPlan> Notification(
      const Call& call, const v1::SubmitNotificationRequest& request) const {
    const absl::Status checked =
        CheckReference("notification_ref", request.notification_ref());
    if (!checked.ok()) return checked;
    return CommandPlan{
        .stream = absl::StrCat("notification/", request.notification_ref()),
        .decide = [this, &call, &request](const History& history) {
          return DecideNotification(history, request.notification(),
                                    Agencies(call));
        }};
  }

  absl::StatusOr<CommandPlan> Submission(
      const Call& call, const v1::SubmitReferralRequest& request) const {
    std::set<std::string, std::less<>> found;
    for (const std::string& ref : request.referral().assessment_refs()) {
      const auto exists = IsAssessed(call, ref, request.subject());
      if (!exists.ok()) return exists.status();
      if (*exists) found.insert(ref);
    }
    return OnReferral(
        request.referral().referral_ref(), "referral",
        [&request, found = std::move(found)](const History& history) {
          return DecideReferralSubmission(
              history, request.referral(), [&found](absl::string_view ref) {
                return found.find(ref) != found.end();
              });
        });
  }

  absl::StatusOr<CommandPlan> Decide(
      const Call& call, const v1::DecideReferralRequest& request) const {
    const auto how = [this, &call, &request](const Referral& referral) {
      return DescribeDecision(
          referral,
          [&call](absl::string_view who) {
            return DisplayName(*call.registry, who);
          },
          options_.zone, request.command().time());
    };
    auto plan =
        OnReferral(request.decision().referral_ref(), "decision",
                   [&request, how](const History& history) {
                     return DecideOnReferral(history, request.decision(), how);
                   });
    if (!plan.ok()) return plan.status();
    plan->changed = [how](const History& history, Sequence read) {
      // Only what came after: a caller who had read it knows it.
      const Referral referral = FoldReferral(history);
      const bool is_new = !history.empty() && history.back().sequence > read;
      return referral.decided && is_new
                 ? absl::StrCat("the referral has changed since you read it: ",
                                how(referral))
                 : std::string();
    };
    return plan;
  }

  absl::StatusOr<CommandPlan> Open(const Call& call,
                                   const v1::OpenCaseRequest& request) const {
    auto plan = OnCase(request.case_opened().case_ref(), "case_opened.case_ref",
                       [this, &call, &request](const History& history) {
                         return DecideOpen(history, request.case_opened(),
                                           Agencies(call));
                       });
    if (!plan.ok()) return plan.status();
    plan->admit = [this, &call, &request](absl::Time) {
      return HasNoOther(call, request);
    };
    return plan;
  }

  absl::StatusOr<CommandPlan> Parties(
      const Call& call, const v1::ChangePartiesRequest& request) const {
    return OnCase(request.case_ref(), "case_ref",
                  [this, &call, &request](const History& history) {
                    return DecideParties(
                        history, request.case_ref(),
                        {request.join().begin(), request.join().end()},
                        {request.leave().begin(), request.leave().end()},
                        Agencies(call));
                  });
  }

  absl::StatusOr<CommandPlan> Close(const Call&,
                                    const v1::CloseCaseRequest& request) const {
    return OnCase(request.closed().case_ref(), "closed.case_ref",
                  [&request](const History& history) {
                    return DecideClose(history, request.closed());
                  });
  }

  absl::StatusOr<CommandPlan> Level(
      const Call&, const v1::ChangeLevelRequest& request) const {
    return OnCase(request.change().case_ref(), "change.case_ref",
                  [&request](const History& history) {
                    return DecideLevel(history, request.change());
                  });
  }

  absl::StatusOr<CommandPlan> Lead(const Call& call,
                                   const v1::ChangeLeadRequest& request) const {
    return OnCase(request.change().case_ref(), "change.case_ref",
                  [&call, &request](const History& history) {
                    return DecideLead(history, request.change(),
                                      call.principal->agency(),
                                      call.principal->role() == kCoordinator);
                  });
  }

  absl::StatusOr<CommandPlan> Access(
      const Call& call, const v1::RestrictAccessRequest& request) const {
    return OnCase(request.access().case_ref(), "access.case_ref",
                  [&call, &request](const History& history) {
                    return DecideAccess(
                        history, request.access(), call.principal->agency(),
                        [&call](absl::string_view entry) {
                          return NamesSomebody(*call.registry, entry);
                        });
                  });
  }

  absl::StatusOr<CommandPlan> Meeting(
      const Call& call, const v1::RecordMeetingRequest& request) const {
    return OnCase(request.meeting().case_ref(), "meeting.case_ref",
                  [this, &call, &request](const History& history) {
                    return DecideMeeting(history, request.meeting(),
                                         Agencies(call));
                  });
  }

 private:
  using DecideOn = std::function<Decision(const History&)>;

  // Whether an assessment under this reference, of whoever may make some, is
  // about the subject. Once it is so, it stays so: a repeated command is
  // answered as the first was.
  absl::StatusOr<bool> IsAssessed(const Call& call, const std::string& ref,
                                  absl::string_view subject) const {
    const absl::Status checked =
        CheckReference("referral.assessment_refs", ref);
    if (!checked.ok()) return checked;
    const std::string& type =
        socialwork::v1::AssessmentCompleted::descriptor()->full_name();
    for (const auto& principal : call.registry->proto().principals()) {
      const std::string source = SourceOf(principal);
      if (FindPublishGrant(principal, source, type) == nullptr) continue;
      const auto slice =
          runner_.Read(absl::StrCat("assessment/", ref), call.deadline, source);
      if (!slice.ok()) return slice.status();
      for (const View& view : slice->views) {
        if (view.header.type == type &&
            view.header.subject.ToString() == subject) {
          return true;
        }
      }
    }
    return false;
  }

  // Only this service opens and closes cases, one command at a time: what the book
  // has once it holds the last of them is so.
  absl::Status HasNoOther(const Call& call,
                          const v1::OpenCaseRequest& request) const {
    const absl::Status read = cases_.AwaitJudged(runner_.published_through(),
                                                 call.deadline - clock_.Now());
    if (!read.ok()) return read;
    const auto subject = PersonKey::Parse(request.subject());
    if (!subject.ok()) return subject.status();
    return CheckNoOtherCase(request.case_opened(), book_.OpenCaseOf(*subject));
  }

  IsAgency Agencies(const Call& call) const {
    return [this, &call](absl::string_view agency) {
      return agency != options_.arrangement && call.registry->IsAgency(agency);
    };
  }

  static absl::StatusOr<CommandPlan> OnReferral(absl::string_view ref,
                                                absl::string_view field,
                                                DecideOn decide) {
    const absl::Status checked =
        CheckReference(absl::StrCat(field, ".referral_ref"), ref);
    if (!checked.ok()) return checked;
    return CommandPlan{.stream = absl::StrCat("referral/", ref),
                       .decide = std::move(decide)};
  }

  static absl::StatusOr<CommandPlan> OnCase(absl::string_view ref,
                                            absl::string_view field,
                                            DecideOn decide) {
    const absl::Status checked = CheckReference(field, ref);
    if (!checked.ok()) return checked;
    return CommandPlan{.stream = absl::StrCat("case/", ref),
                       .decide = std::move(decide)};
  }

  CommandRunner& runner_;
  const CaseBook& book_;
  const Projection& cases_;
  const Clock& clock_;
  const MappaServiceOptions options_;
};

// The request type of a plan; never defined.
template <typename Request>
Request RequestOf(absl::StatusOr<CommandPlan> (Plans::*)(const Call&,
                                                         const Request&) const);

}  // namespace

void RegisterMappaService(ServerHost& host, CommandRunner& runner,
                          const CaseBook& book, const Projection& cases,
                          const Clock& clock,
                          const MappaServiceOptions& options) {
  const auto plans =
      std::make_shared<const Plans>(runner, book, cases, clock, options);
  const MethodOptions submitters{.roles = {"police", "nhs-liaison",
                                           "supervising-officer", "duty-senior",
                                           "service-manager"}};
  const MethodOptions coordinators{.roles = {std::string(kCoordinator)}};
  MethodOptions leaders = submitters;
  leaders.roles.emplace_back(kCoordinator);
  const std::string service = "concordat.mappa.v1.MappaService/";
  const auto add = [&](absl::string_view name, const MethodOptions& who,
                       auto method) {
    using Request = decltype(RequestOf(method));
    HandleCommand<Request>(
        host, runner, absl::StrCat(service, name), who,
        [plans, method](const Call& call, const Request& request) {
          return ((*plans).*method)(call, request);
        });
  };
  add("SubmitNotification", submitters, &Plans::Notification);
  add("SubmitReferral", submitters, &Plans::Submission);
  add("DecideReferral", coordinators, &Plans::Decide);
  add("OpenCase", coordinators, &Plans::Open);
  add("ChangeParties", coordinators, &Plans::Parties);
  add("CloseCase", coordinators, &Plans::Close);
  add("ChangeLead", leaders, &Plans::Lead);
  add("RestrictAccess", submitters, &Plans::Access);
  add("ChangeLevel", coordinators, &Plans::Level);
  add("RecordMeeting", coordinators, &Plans::Meeting);
  RegisterCaseReads(host, runner, book, cases, clock);
}

}  // namespace concordat::mappa
