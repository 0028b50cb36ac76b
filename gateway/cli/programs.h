// Which programs a hub has: by its registry, and no list beside it.
#ifndef CONCORDAT_GATEWAY_CLI_PROGRAMS_H_
#define CONCORDAT_GATEWAY_CLI_PROGRAMS_H_

#include <string>
#include <vector>

#include "concordat/bus/v1/registry.pb.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {

struct HubProgram {
  std::string program;  // "concordat-nhs", or an adapter's own name.
  std::string folder;   // Of the data directory.
  bool is_edge = false;
};

// The bus, the services that the registry has a principal for, and its adapters, in
// its order. Who is revoked is not among them. The gateway answers otherwise.
std::vector<HubProgram> ProgramsOf(const bus::v1::Registry& registry);

// It has run on this data directory: an adapter may run at its agency.
bool HasRunOn(const DataDirectory& data, const std::string& folder);

// Those of them that are to be reached from here: all but adapters elsewhere.
std::vector<HubProgram> ProgramsHere(const DataDirectory& data,
                                     const bus::v1::Registry& registry);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_PROGRAMS_H_
