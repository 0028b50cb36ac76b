#include "gateway/signin/sign_in_record.h"

#include "absl/strings/str_cat.h"

namespace concordat::gateway {

absl::Status SignInRecord::Write(absl::string_view how, const Person* person,
                                 absl::StatusCode outcome) const {
  const std::string method = absl::StrCat("sign-in/", how);
  AccessRecord record;
  record.at = clock_.Now();
  record.method = method;
  record.outcome = outcome;
  const auto registry = registry_();
  if (person != nullptr) {
    record.principal = person->principal;
    record.via = "gateway";
    record.staff = person->staff;
    if (const auto* principal = registry->FindByName(person->principal);
        principal != nullptr) {
      record.agency = principal->agency();
      record.role = principal->role();
    }
  }
  return log_.Append(record);
}

}  // namespace concordat::gateway
