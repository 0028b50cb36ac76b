#include "services/common/projection/command_service.h"
#include "services/common/rpc/program.h"
#include "services/mappa/rpc/mappa_service.h"

int main(int argc, char** argv) {
  concordat::Program program(
      {.name = "concordat-mappa",
       .summary = "MAPPA notifications, referrals, cases and meetings.",
       .principal = "service-mappa",
       .folder = "mappa"},
      argc, argv);
  concordat::CommandService service(program);
  concordat::mappa::RegisterMappaService(
      program.host(), service.runner(), program.clock(),
      {.arrangement = program.self().agency(),
       .zone = program.start().Value(concordat::LondonTime())});
  program.Serve();
  return 0;
}
