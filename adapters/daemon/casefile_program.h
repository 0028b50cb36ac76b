// A case-file edge as a program: what main() runs for it.
#ifndef CONCORDAT_ADAPTERS_DAEMON_CASEFILE_PROGRAM_H_
#define CONCORDAT_ADAPTERS_DAEMON_CASEFILE_PROGRAM_H_

#include <string>

#include "services/common/config/start_up.h"

namespace concordat::edge {

// Runs the principal `edge` until it is told to stop; the exit code. Its
// addresses and ports stand under its name.
int RunCaseFileEdge(const StartUp& start, const DataDirectory& data,
                    const std::string& edge);

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_DAEMON_CASEFILE_PROGRAM_H_
