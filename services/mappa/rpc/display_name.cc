#include "services/mappa/rpc/display_name.h"

namespace concordat::mappa {

std::string DisplayName(const PrincipalRegistry& registry,
                        absl::string_view on_behalf_of) {
  const auto* principal =
      registry.FindByName(on_behalf_of.substr(0, on_behalf_of.find('/')));
  if (principal == nullptr) return "somebody";
  return principal->display_name().empty() ? principal->name()
                                           : principal->display_name();
}

}  // namespace concordat::mappa
