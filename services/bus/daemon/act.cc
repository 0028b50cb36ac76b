#include "services/bus/daemon/act.h"

#include <array>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kDomain = "concordat/act/1";

// With its length before it, so that no two lists are the same bytes.
void Put(Sha256& hash, absl::string_view part) {
  std::array<uint8_t, 8> size;
  for (size_t i = 0; i < size.size(); ++i) {
    size[i] = static_cast<uint8_t>(uint64_t{part.size()} >> (8 * i));
  }
  hash.Update(size.data(), size.size()).Update(part);
}

}  // namespace

Sha256Hash ActDigest(absl::string_view kind,
                     std::initializer_list<absl::string_view> parts) {
  Sha256 hash;
  Put(hash, kDomain);
  Put(hash, kind);
  for (const absl::string_view part : parts) Put(hash, part);
  return hash.Finish();
}

bool IsSamePerson(const Person& one, const Person& other) {
  if (!one.staff.empty() && !other.staff.empty()) {
    return one.staff == other.staff;
  }
  return one.principal == other.principal;
}

absl::Status CheckApproval(const hub::v1::ApprovalAsked& asked, const Act& act,
                           const Person& person, absl::Time now) {
  if (IsSamePerson({asked.by(), asked.staff(), ""}, person)) {
    return absl::PermissionDeniedError(
        "you asked for it yourself: another person has to agree");
  }
  if (!asked.agency().empty() && asked.agency() != person.agency) {
    return absl::PermissionDeniedError(
        absl::StrCat("somebody of ", asked.agency(), " has to agree"));
  }
  if (now >= absl::FromUnixMicros(static_cast<int64_t>(asked.until()))) {
    return absl::FailedPreconditionError(
        "it was asked for too long ago: ask again");
  }
  const absl::string_view digest(
      reinterpret_cast<const char*>(act.digest.data()), act.digest.size());
  if (asked.kind() != act.kind || asked.count() != act.count ||
      asked.agency() != act.agency || asked.digest() != digest) {
    return absl::FailedPreconditionError(
        absl::StrCat("it is no longer the same act: asked for was \"",
                     asked.what(), "\", and this is \"", act.what, "\""));
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus
