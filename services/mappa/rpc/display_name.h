#ifndef CONCORDAT_SERVICES_MAPPA_RPC_DISPLAY_NAME_H_
#define CONCORDAT_SERVICES_MAPPA_RPC_DISPLAY_NAME_H_

#include <string>

#include "absl/strings/string_view.h"
#include "services/common/config/principal_registry.h"

namespace concordat::mappa {

// The name to show for a header's on_behalf_of, which is "principal" or
// "principal/staff reference"; "somebody" for one who is not known any more.
std::string DisplayName(const PrincipalRegistry& registry,
                        absl::string_view on_behalf_of);

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_RPC_DISPLAY_NAME_H_
