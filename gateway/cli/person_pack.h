// What goes out of one person: the subject access pack of a controller, and the
// schedule of what is held for the prosecutor. PURE.
#ifndef CONCORDAT_GATEWAY_CLI_PERSON_PACK_H_
#define CONCORDAT_GATEWAY_CLI_PERSON_PACK_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/pack.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {

// Said whether or not the hub knows the person: which of the two it is would tell
// what another agency told. (DPA 2018 s.45(4); UK GDPR Article 15(4).)
inline constexpr char kNeitherConfirmNorDeny[] =
    "This agency told Concordat nothing about a person of these details that "
    "it "
    "may give you. It neither confirms nor denies that anybody else did.";

struct PackRequest {
  std::string controller;
  std::string made_by;
  absl::Time now;
  uint64_t position = 0;
  uint32_t gone = 0;
  std::set<std::string> restricted;  // Controllers.
};

// Who makes a pack is shown all that its agency told of anybody: else its pack would
// be what its role sees, and say that nothing was told where something was.
// `in_force` are the agreements in force.
//   PERMISSION_DENIED  it is not; names the roles that are.
absl::Status MayMakePack(const std::vector<policy::v1::Agreement>& in_force,
                         absl::string_view agency, absl::string_view role);

// What `controller` itself told, whole, with what somebody has to look at before it
// is given to the person marked. Of views of other controllers nothing is in it.
//   INVALID_ARGUMENT  a view is no message of its type.
absl::StatusOr<bus::v1::PersonPack> SubjectAccessPack(
    const std::vector<View>& views, const TypeRegistry& types,
    const PackRequest& request);

// Every event that the agency told or was shown, described without its content.
absl::StatusOr<bus::v1::PersonPack> DisclosureSchedule(
    const std::vector<View>& views, const TypeRegistry& types,
    const PackRequest& request);

// What of it is restricted; empty: nothing is.
std::string InWords(const bus::v1::PersonPack& pack);

// A page to print; every text in it is escaped.
std::string PrintablePack(const bus::v1::PersonPack& pack);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_PERSON_PACK_H_
