#include "services/identity/rpc/role_desk.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/common/config/principal_registry.h"
#include "services/identity/rpc/read_command.h"

namespace concordat::identity {
namespace {

constexpr char kService[] = "concordat.identity.v1.IdentityService/";
constexpr char kNotified[] = "concordat.alerts.v1.AlertNotified";
constexpr size_t kAddressBytesMax = 500;
constexpr size_t kRefBytesMax = 40;

absl::Time At(uint64_t us) {
  return absl::FromUnixMicros(static_cast<int64_t>(us));
}
uint64_t Micros(absl::Time at) {
  return static_cast<uint64_t>(absl::ToUnixMicros(at));
}

std::string StreamOf(absl::string_view agency, absl::string_view role) {
  return absl::StrCat("role/", agency, "/", role);
}

absl::Status CheckContact(const v1::SetContactRequest& request) {
  const std::string& address = request.address();
  if (absl::Status s = CheckText("address", address, kAddressBytesMax);
      !s.ok()) {
    return s;
  }
  if (request.channel() == "NONE" && address.empty()) return absl::OkStatus();
  if (request.channel() == "MAIL") {
    // One plain address: it is written into a mail's envelope and head.
    const size_t at = address.find('@');
    if (at != 0 && at != std::string::npos && at + 1 < address.size() &&
        address.find('@', at + 1) == std::string::npos &&
        address.find_first_of(" \t<>,;:\"\\()[]") == std::string::npos) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError("address: not one mail address");
  }
  if (request.channel() == "WEBHOOK") {
    if (absl::StartsWith(address, "https://") ||
        absl::StartsWith(address, "http://127.0.0.1:")) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        "address: not a https:// URL, which only this machine may do without");
  }
  return absl::InvalidArgumentError(
      "channel: MAIL with an address, WEBHOOK with a URL, or NONE with "
      "nothing");
}

}  // namespace

absl::StatusOr<std::unique_ptr<RoleDesk>> RoleDesk::Open(
    IdentityStore& store, OutboxPublisher& outbox,
    const std::vector<v1::RolesDefined>& files,
    std::shared_ptr<const Calendars> calendars, absl::TimeZone zone,
    const bus::v1::Principal& self, const Clock& clock) {
  auto checked = RoleDirectory::Build(files, calendars, zone);
  if (!checked.ok()) return checked.status();
  const auto events = store.RoleEvents();
  if (!events.ok()) return events.status();
  RoleDirectory directory(std::move(calendars), zone);
  for (const RoleEvent& event : *events) {
    absl::Status folded = directory.Apply(event.type, event.message);
    if (!folded.ok()) return folded;
  }
  auto desk = std::unique_ptr<RoleDesk>(
      new RoleDesk(store, outbox, std::move(directory), clock));
  for (const v1::RolesDefined& file : files) {
    if (absl::Status s = desk->Adopt(file, self); !s.ok()) return s;
  }
  outbox.Wake();
  return desk;
}

absl::Status RoleDesk::Adopt(const v1::RolesDefined& file,
                             const bus::v1::Principal& self) {
  CommandContext context;
  context.caller = {file.agency(), "roles"};
  context.request_id = absl::StrCat("version-", file.version());
  context.purpose = self.default_purpose();
  context.gateway = self.default_gateway();
  context.regime = self.default_regime();
  const auto outcome =
      store_.PublishRole(context, absl::StrCat("roles/", file.agency()), file);
  if (absl::IsInvalidArgument(outcome.status())) {
    return absl::FailedPreconditionError(
        absl::StrCat("roles of ", file.agency(), " version ", file.version(),
                     ": it was adopted before and reads otherwise now; give it "
                     "a new version"));
  }
  if (!outcome.ok()) return outcome.status();
  return directory_.Apply(file.GetDescriptor()->full_name(),
                          file.SerializeAsString());
}

void RoleDesk::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  host.Handle<v1::ListRolesRequest, v1::ListRolesResponse>(
      name("ListRoles"), {}, [this](const Call& call, const auto& request) {
        return ListRoles(call, request);
      });
  host.Handle<v1::SetAbsenceRequest, v1::SetAbsenceResponse>(
      name("SetAbsence"), {}, [this](const Call& call, const auto& request) {
        return SetAbsence(call, request);
      });
  host.Handle<v1::SetContactRequest, v1::SetContactResponse>(
      name("SetContact"), {}, [this](const Call& call, const auto& request) {
        return SetContact(call, request);
      });
  host.Handle<v1::ContactRequest, v1::ContactResponse>(
      name("Contact"), {}, [this](const Call& call, const auto& request) {
        return Contact(call, request);
      });
}

absl::StatusOr<const v1::Role*> RoleDesk::OwnRole(const Call& call,
                                                  const std::string& role,
                                                  absl::Time at) const {
  if (!ActsForAnAgency(*call.principal)) {
    return absl::PermissionDeniedError("an agency speaks for its own roles");
  }
  const v1::Role* found = directory_.Find({call.principal->agency(), role}, at);
  if (found == nullptr) {
    return absl::NotFoundError(absl::StrCat("your agency has no role ", role));
  }
  return found;
}

absl::StatusOr<v1::ListRolesResponse> RoleDesk::ListRoles(
    const Call& call, const v1::ListRolesRequest& request) {
  if (!ActsForAnAgency(*call.principal)) {
    return absl::PermissionDeniedError("roles are listed for agencies");
  }
  const absl::Time at = request.at() == 0 ? clock_.Now() : At(request.at());
  v1::ListRolesResponse response;
  for (const RoleName& name : directory_.Names(request.agency(), at)) {
    const v1::Role& role = *directory_.Find(name, at);
    const OnDuty duty = directory_.Route(name, at);
    v1::RoleStanding* standing = response.add_roles();
    standing->set_agency(name.agency);
    standing->set_role(name.role);
    standing->set_always(role.always());
    standing->set_calendar(role.calendar());
    standing->set_cover(role.cover());
    standing->set_escalates_to(role.escalates_to());
    standing->set_on_duty(duty.role.role);
    standing->set_hours_unknown(!duty.hours_known);
    for (const RoleAbsence& absence : directory_.AbsencesOf(name, at)) {
      v1::RoleAbsence* listed = standing->add_absences();
      listed->set_absence_ref(absence.ref);
      listed->set_from(Micros(absence.from));
      listed->set_until(Micros(absence.until));
      listed->set_stand_in(absence.stand_in);
    }
  }
  return response;
}

absl::StatusOr<v1::SetAbsenceResponse> RoleDesk::SetAbsence(
    const Call& call, const v1::SetAbsenceRequest& request) {
  auto context = ReadCommand(call, request.command());
  if (!context.ok()) return std::move(context).status();
  const v1::RoleAbsence& absence = request.absence();
  if (absence.from() == 0 || absence.until() < absence.from()) {
    return absl::InvalidArgumentError("absence: from, and until not before it");
  }
  if (absence.absence_ref().empty()) {
    return absl::InvalidArgumentError("absence.absence_ref: missing");
  }
  if (absl::Status s =
          CheckText("absence.absence_ref", absence.absence_ref(), kRefBytesMax);
      !s.ok()) {
    return s;
  }
  const absl::Time from = At(absence.from());
  const auto role = OwnRole(call, request.role(), from);
  if (!role.ok()) return role.status();
  if ((*role)->always()) {
    return absl::FailedPreconditionError(absl::StrCat(
        request.role(), " is staffed at all hours: change the rota behind it"));
  }
  if (!absence.stand_in().empty()) {
    if (absence.stand_in() == request.role()) {
      return absl::InvalidArgumentError("absence.stand_in: itself");
    }
    const auto stand_in = OwnRole(call, absence.stand_in(), from);
    if (!stand_in.ok()) return stand_in.status();
  }
  v1::RoleAbsenceSet event;
  event.set_agency(call.principal->agency());
  event.set_role(request.role());
  event.set_absence_ref(absence.absence_ref());
  event.set_from(absence.from());
  event.set_until(absence.until());
  event.set_stand_in(absence.stand_in());
  const auto outcome = store_.PublishRole(
      *context, StreamOf(event.agency(), event.role()), event);
  if (!outcome.ok()) return outcome.status();
  if (!outcome->duplicate) {
    absl::Status folded = directory_.Apply(event.GetDescriptor()->full_name(),
                                           event.SerializeAsString());
    if (!folded.ok()) return folded;
  }
  const auto position =
      AwaitPublished(outbox_, *outcome, call, clock_, Sequence());
  if (!position.ok()) return position.status();
  v1::SetAbsenceResponse response;
  response.set_position(position->value);
  return response;
}

absl::StatusOr<v1::SetContactResponse> RoleDesk::SetContact(
    const Call& call, const v1::SetContactRequest& request) {
  auto context = ReadCommand(call, request.command());
  if (!context.ok()) return std::move(context).status();
  const absl::Time at =
      context->time_us == 0 ? clock_.Now() : At(context->time_us);
  const auto role = OwnRole(call, request.role(), at);
  if (!role.ok()) return role.status();
  if (absl::Status s = CheckContact(request); !s.ok()) return s;
  v1::RoleContactSet event;
  event.set_agency(call.principal->agency());
  event.set_role(request.role());
  event.set_channel(request.channel());
  const auto outcome =
      store_.SetContact(*context, StreamOf(event.agency(), event.role()), event,
                        request.address());
  if (!outcome.ok()) return outcome.status();
  const auto position =
      AwaitPublished(outbox_, *outcome, call, clock_, Sequence());
  if (!position.ok()) return position.status();
  v1::SetContactResponse response;
  response.set_position(position->value);
  return response;
}

absl::StatusOr<v1::ContactResponse> RoleDesk::Contact(
    const Call& call, const v1::ContactRequest& request) {
  const bus::v1::Principal& caller = *call.principal;
  if (FindPublishGrant(caller, SourceOf(caller), kNotified) == nullptr) {
    return absl::PermissionDeniedError(
        "where a role is told is for the notifier alone");
  }
  auto contact = store_.ContactOf(request.agency(), request.role());
  if (!contact.ok()) return std::move(contact).status();
  if (!contact->has_value()) {
    return absl::NotFoundError("the role has no contact");
  }
  v1::ContactResponse response;
  response.set_channel((*contact)->channel);
  response.set_address((*contact)->address);
  return response;
}

}  // namespace concordat::identity
