#include "services/common/roles/role_directory.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"

namespace concordat {
namespace {

using identity::v1::Role;
using identity::v1::RoleAbsenceSet;
using identity::v1::RolesDefined;

constexpr absl::string_view kRolesDefined =
    "concordat.identity.v1.RolesDefined";
constexpr absl::string_view kRoleAbsenceSet =
    "concordat.identity.v1.RoleAbsenceSet";
// Of a chain. What was checked is far shorter; an unchecked log must not hang.
constexpr int kStepsMax = 16;

absl::Status Wrong(const RoleName& name, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("role ", name.ToString(), ": ", what));
}

absl::Time At(uint64_t us) {
  return absl::FromUnixMicros(static_cast<int64_t>(us));
}

}  // namespace

RoleDirectory::RoleDirectory(std::shared_ptr<const Calendars> calendars,
                             absl::TimeZone zone)
    : calendars_(std::move(calendars)), zone_(zone) {}

absl::StatusOr<RoleDirectory> RoleDirectory::Build(
    const std::vector<RolesDefined>& files,
    std::shared_ptr<const Calendars> calendars, absl::TimeZone zone) {
  RoleDirectory directory(std::move(calendars), zone);
  for (const RolesDefined& file : files) {
    absl::Status status = directory.CheckFields(file);
    if (status.ok() && directory.NewestVersion(file.agency()) != 0) {
      for (const auto& [from, other] : directory.defined_[file.agency()]) {
        if (other.version() == file.version() ||
            (other.version() < file.version()) !=
                (other.effective() < file.effective())) {
          status = absl::InvalidArgumentError(absl::StrCat(
              "roles of ", file.agency(), ": versions ", other.version(),
              " and ", file.version(), " do not take effect in that order"));
        }
      }
    }
    if (status.ok()) status = directory.Define(file);
    if (!status.ok()) return status;
  }
  for (const auto& [agency, versions] : directory.defined_) {
    for (const auto& [from, roles] : versions) {
      const absl::Status status = directory.CheckChains(from);
      if (!status.ok()) return status;
    }
  }
  return directory;
}

absl::Status RoleDirectory::CheckFields(const RolesDefined& file) const {
  if (file.agency().empty() || file.version() == 0 || file.source().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("roles of \"", file.agency(),
                     "\": agency, version and source are required"));
  }
  std::set<std::string> names;
  for (const Role& role : file.roles()) {
    const RoleName name{file.agency(), role.name()};
    if (role.name().empty()) return Wrong(name, "it has no name");
    if (!names.insert(role.name()).second) return Wrong(name, "there twice");
    if (role.always() != role.calendar().empty()) {
      return Wrong(name, "either always, or a calendar");
    }
    if (role.always()) continue;
    const auto calendar =
        calendars_->Find(role.calendar(), absl::InfiniteFuture());
    if (!calendar.ok()) return Wrong(name, calendar.status().message());
  }
  return absl::OkStatus();
}

absl::Status RoleDirectory::CheckChains(absl::Time at) const {
  for (const RoleName& start : Names("", at)) {
    RoleName name = start;
    const Role* role = Find(name, at);
    std::set<RoleName> seen;
    while (!role->always()) {
      const std::string cover = role->cover();
      if (!seen.insert(name).second) {
        return Wrong(start, "its chain ends nowhere: cover goes in a circle");
      }
      name.role = cover;
      role = Find(name, at);
      if (role == nullptr) {
        return Wrong(start,
                     absl::StrCat("its chain ends nowhere: there is no role \"",
                                  cover, "\" to stand in"));
      }
    }
    seen.clear();
    name = start;
    for (role = Find(start, at); !role->escalates_to().empty();) {
      const std::string to = role->escalates_to();
      if (!seen.insert(name).second) {
        return Wrong(start, "its chain ends nowhere: it escalates in a circle");
      }
      name.role = to;
      role = Find(name, at);
      if (role == nullptr) {
        return Wrong(start, absl::StrCat("it escalates to \"", to,
                                         "\", which is no role"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status RoleDirectory::Define(const RolesDefined& roles) {
  absl::CivilDay day;
  if (roles.effective().size() != 10 ||
      !absl::ParseCivilTime(roles.effective(), &day)) {
    return absl::InvalidArgumentError(
        absl::StrCat("roles of ", roles.agency(), ": effective: \"",
                     roles.effective(), "\" is not a date (like 2025-12-01)"));
  }
  RolesDefined& kept = defined_[roles.agency()][absl::FromCivil(day, zone_)];
  if (roles.version() > kept.version()) kept = roles;
  return absl::OkStatus();
}

absl::Status RoleDirectory::Apply(absl::string_view type,
                                  absl::string_view message) {
  if (type == kRolesDefined) {
    RolesDefined roles;
    if (!roles.ParseFromArray(message.data(),
                              static_cast<int>(message.size()))) {
      return absl::InvalidArgumentError("a RolesDefined cannot be read");
    }
    return Define(roles);
  }
  if (type == kRoleAbsenceSet) {
    RoleAbsenceSet absence;
    if (!absence.ParseFromArray(message.data(),
                                static_cast<int>(message.size()))) {
      return absl::InvalidArgumentError("a RoleAbsenceSet cannot be read");
    }
    absences_[{absence.agency(), absence.role()}][absence.absence_ref()] = {
        absence.absence_ref(), At(absence.from()), At(absence.until()),
        absence.stand_in()};
  }
  return absl::OkStatus();
}

const Role* RoleDirectory::Find(const RoleName& name, absl::Time at) const {
  const auto versions = defined_.find(name.agency);
  if (versions == defined_.end()) return nullptr;
  const auto after = versions->second.upper_bound(at);
  if (after == versions->second.begin()) return nullptr;
  for (const Role& role : std::prev(after)->second.roles()) {
    if (role.name() == name.role) return &role;
  }
  return nullptr;
}

const RoleAbsence* RoleDirectory::AbsenceAt(const RoleName& name,
                                            absl::Time at) const {
  const auto absences = absences_.find(name);
  if (absences == absences_.end()) return nullptr;
  for (const auto& [ref, absence] : absences->second) {
    if (absence.from <= at && at < absence.until) return &absence;
  }
  return nullptr;
}

bool RoleDirectory::InHours(const Role& role, absl::Time at,
                            OnDuty& duty) const {
  const auto calendar = calendars_->Find(role.calendar(), at);
  absl::StatusOr<bool> open = false;
  if (calendar.ok()) open = (*calendar)->IsOpen(at);
  if (!calendar.ok() || !open.ok()) {
    duty.hours_known = false;
    return false;
  }
  return *open;
}

OnDuty RoleDirectory::Route(const RoleName& addressee, absl::Time at) const {
  OnDuty duty;
  duty.role = addressee;
  const Role* const asked = Find(addressee, at);
  if (asked == nullptr) {
    duty.why = OnDuty::Why::kUndefined;
    return duty;
  }
  const Role* told = asked;
  std::set<RoleName> absent;
  for (int step = 0; step < kStepsMax && !told->always(); ++step) {
    const RoleAbsence* const absence = AbsenceAt(duty.role, at);
    if (absence == nullptr && InHours(*told, at, duty)) break;
    RoleName stand_in{addressee.agency, told->cover()};
    // Two that are absent and stand in for each other: their cover does.
    if (absence != nullptr && absent.insert(duty.role).second &&
        Find({addressee.agency, absence->stand_in}, at) != nullptr) {
      stand_in.role = absence->stand_in;
    }
    if (told == asked) {
      duty.why =
          absence != nullptr ? OnDuty::Why::kAbsent : OnDuty::Why::kOutOfHours;
    }
    const Role* const found = Find(stand_in, at);
    if (found == nullptr) break;
    duty.role = std::move(stand_in);
    told = found;
  }
  for (const Role* role : {told, asked}) {
    const std::string& next = role->escalates_to();
    if (next.empty() || next == duty.role.role || duty.next) continue;
    duty.next = RoleName{addressee.agency, next};
  }
  return duty;
}

std::vector<RoleName> RoleDirectory::Chain(const RoleName& role,
                                           absl::Time at) const {
  std::vector<RoleName> chain;
  RoleName name = role;
  const Role* told = Find(name, at);
  for (int step = 0; told != nullptr && step < kStepsMax; ++step) {
    if (told->escalates_to().empty() && told->always()) break;
    name.role =
        told->escalates_to().empty() ? told->cover() : told->escalates_to();
    told = Find(name, at);
    const bool again = name == role || std::find(chain.begin(), chain.end(),
                                                 name) != chain.end();
    if (told == nullptr || again) break;
    chain.push_back(name);
  }
  return chain;
}

std::vector<RoleName> RoleDirectory::Names(absl::string_view agency,
                                           absl::Time at) const {
  std::set<RoleName> names;
  for (const auto& [name, versions] : defined_) {
    const auto after = versions.upper_bound(at);
    if ((!agency.empty() && agency != name) || after == versions.begin()) {
      continue;
    }
    for (const Role& role : std::prev(after)->second.roles()) {
      names.insert({name, role.name()});
    }
  }
  return {names.begin(), names.end()};
}

std::vector<RoleAbsence> RoleDirectory::AbsencesOf(const RoleName& name,
                                                   absl::Time at) const {
  std::vector<RoleAbsence> result;
  const auto absences = absences_.find(name);
  if (absences == absences_.end()) return result;
  for (const auto& [ref, absence] : absences->second) {
    if (absence.until > at && absence.until > absence.from) {
      result.push_back(absence);
    }
  }
  return result;
}

uint32_t RoleDirectory::NewestVersion(absl::string_view agency) const {
  uint32_t newest = 0;
  const auto versions = defined_.find(agency);
  if (versions == defined_.end()) return newest;
  for (const auto& [from, roles] : versions->second) {
    newest = std::max(newest, roles.version());
  }
  return newest;
}

}  // namespace concordat
