#include "services/identity/rpc/role_desk.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/common/config/principal_registry.h"
#include "services/identity/rpc/read_command.h"
#include "services/identity/rpc/request_checks.h"

namespace concordat::identity {
namespace {

constexpr char kService[] = "concordat.identity.v1.IdentityService/";
constexpr char kNotified[] = "concordat.alerts.v1.AlertNotified";
constexpr size_t kAddressBytesMax = 500;
constexpr size_t kRefBytesMax = 40;
constexpr size_t kNameBytesMax = 100;
constexpr size_t kTelephoneBytesMax = 40;
constexpr int kSubjectsMax = 100;

absl::Time At(uint64_t us) {
  return absl::FromUnixMicros(static_cast<int64_t>(us));
}
uint64_t Micros(absl::Time at) {
  return static_cast<uint64_t>(absl::ToUnixMicros(at));
}

// Null: nobody is told of.
const v1::RoleHolder* FindHolder(const v1::RoleHolders* holders,
                                 const std::string& role) {
  if (holders == nullptr) return nullptr;
  const auto it = std::find_if(
      holders->holders().begin(), holders->holders().end(),
      [&](const v1::RoleHolder& one) { return one.role() == role; });
  return it == holders->holders().end() ? nullptr : &*it;
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
    IdentityStore& store, OutboxPublisher& outbox, const CaseParties& parties,
    const std::vector<v1::RolesDefined>& files,
    const std::vector<v1::RoleHolders>& holders,
    std::shared_ptr<const Calendars> calendars, absl::TimeZone zone,
    const bus::v1::Principal& self, const Clock& clock,
    const Clock& log_clock) {
  auto checked = RoleDirectory::Build(files, calendars, zone);
  if (!checked.ok()) return checked.status();
  const auto events = store.RoleEvents();
  if (!events.ok()) return events.status();
  RoleDirectory directory(std::move(calendars), zone);
  for (const RoleEvent& event : *events) {
    absl::Status folded = directory.Apply(event.type, event.message);
    if (!folded.ok()) return folded;
  }
  auto desk = std::unique_ptr<RoleDesk>(new RoleDesk(
      store, outbox, parties, std::move(directory), zone, clock, log_clock));
  for (const v1::RolesDefined& file : files) {
    if (absl::Status s = desk->Adopt(file, self); !s.ok()) return s;
  }
  for (const v1::RoleHolders& file : holders) {
    absl::Status adopted = desk->CheckHolders(file);
    if (adopted.ok()) adopted = store.AdoptHolders(file);
    if (!adopted.ok()) return adopted;
  }
  auto kept = store.Holders();
  if (!kept.ok()) return std::move(kept).status();
  for (v1::RoleHolders& one : *kept) {
    desk->holders_[one.agency()].push_back(std::move(one));
  }
  outbox.Wake();
  return desk;
}

absl::Status RoleDesk::Adopt(const v1::RolesDefined& file,
                             const bus::v1::Principal& self) {
  CommandContext context = OwnContext(self);
  context.caller = {file.agency(), "roles"};
  context.request_id = absl::StrCat("version-", file.version());
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

absl::Status RoleDesk::CheckHolders(const v1::RoleHolders& file) const {
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(
        "holders of ", file.agency(), " version ", file.version(), ": ", what));
  };
  absl::CivilDay effective;
  if (file.agency().empty() || file.version() == 0 ||
      !absl::ParseCivilTime(file.effective(), &effective)) {
    return wrong("agency, version or effective is missing or wrong");
  }
  const absl::Time from = absl::FromCivil(effective, zone_);
  std::set<std::string> roles = {file.lead_role(), file.party_role()};
  roles.erase("");
  for (const v1::RoleHolder& holder : file.holders()) {
    roles.insert(holder.role());
    const absl::Status name = CheckText("name", holder.name(), kNameBytesMax);
    const absl::Status telephone =
        CheckText("telephone", holder.telephone(), kTelephoneBytesMax);
    if (!name.ok() || !telephone.ok()) return wrong("a text is not one");
  }
  for (const std::string& role : roles) {
    if (directory_.Find({file.agency(), role}, from) == nullptr) {
      return wrong(absl::StrCat("there is no role ", role));
    }
  }
  return absl::OkStatus();
}

const v1::RoleHolders* RoleDesk::HoldersOf(const std::string& agency,
                                           absl::Time at) const {
  const auto it = holders_.find(agency);
  if (it == holders_.end()) return nullptr;
  const std::string today = absl::FormatCivilTime(absl::ToCivilDay(at, zone_));
  const auto in_force = std::find_if(
      it->second.rbegin(), it->second.rend(),
      [&](const v1::RoleHolders& one) { return one.effective() <= today; });
  return in_force == it->second.rend() ? nullptr : &*in_force;
}

void RoleDesk::AddTo(ServerHost& host) {
  const auto name = [](const char* method) {
    return absl::StrCat(kService, method);
  };
  host.Handle<v1::ListRolesRequest, v1::ListRolesResponse>(
      name("ListRoles"), {}, [this](const Call& call, const auto& request) {
        return ListRoles(call, request);
      });
  host.Handle<v1::ListInvolvedRequest, v1::ListInvolvedResponse>(
      name("ListInvolved"), {}, [this](const Call& call, const auto& request) {
        return ListInvolved(call, request);
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
  const absl::Time at = request.at() == 0 ? log_clock_.Now() : At(request.at());
  std::set<std::string> shown = {call.principal->agency()};
  // While the cases are not known, nobody is known to share one.
  if (auto partners = parties_.PartnersOf(call.principal->agency());
      partners.ok()) {
    shown.merge(*partners);
  }
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
    if (shown.count(name.agency) == 0) continue;
    const v1::RoleHolder* holder =
        FindHolder(HoldersOf(name.agency, at), name.role);
    if (holder != nullptr) *standing->mutable_holder() = *holder;
  }
  return response;
}

void RoleDesk::FillInvolved(const Call& call, const std::string& agency,
                            bool lead, absl::Time at,
                            v1::InvolvedAgency& out) const {
  out.set_agency(agency);
  out.set_lead(lead);
  const v1::RoleHolders* const holders = HoldersOf(agency, at);
  out.set_unit(holders == nullptr || holders->unit().empty()
                   ? AgencyName(*call.registry, agency)
                   : holders->unit());
  if (holders == nullptr) return;
  const std::string& role = lead ? holders->lead_role() : holders->party_role();
  if (role.empty()) return;
  const auto fill = [&](const std::string& who, v1::RoleHolder& holder) {
    const v1::RoleHolder* const found = FindHolder(holders, who);
    if (found != nullptr) holder = *found;
    holder.set_role(who);
  };
  fill(role, *out.mutable_contact());
  const std::string on_duty = directory_.Route({agency, role}, at).role.role;
  if (on_duty != role) fill(on_duty, *out.mutable_on_duty());
}

absl::StatusOr<v1::ListInvolvedResponse> RoleDesk::ListInvolved(
    const Call& call, const v1::ListInvolvedRequest& request) {
  if (!ActsForAnAgency(*call.principal)) return NotForYou();
  if (request.subjects_size() > kSubjectsMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("subjects: more than ", kSubjectsMax));
  }
  const absl::Time at = request.at() == 0 ? log_clock_.Now() : At(request.at());
  v1::ListInvolvedResponse response;
  response.set_position(parties_.position().value);
  for (const std::string& subject : request.subjects()) {
    const auto person = ReadSubject(subject);
    if (!person.ok()) return person.status();
    const auto involved =
        parties_.InvolvedFor(call.principal->agency(), *person);
    if (!involved.ok()) return involved.status();
    const auto allowed = parties_.Allows(*call.principal, *person);
    if (!allowed.ok()) return allowed.status();
    if (involved->parties.empty() || !*allowed) continue;
    v1::PersonInvolved& listed = *response.add_people();
    listed.set_subject(subject);
    if (!involved->lead.empty()) {
      FillInvolved(call, involved->lead, true, at, *listed.add_agencies());
    }
    for (const std::string& agency : involved->parties) {
      if (agency == involved->lead) continue;
      FillInvolved(call, agency, false, at, *listed.add_agencies());
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
      context->time_us == 0 ? log_clock_.Now() : At(context->time_us);
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
