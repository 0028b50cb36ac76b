#include "services/common/projection/command_service.h"
#include "services/common/rpc/program.h"
#include "services/police/rpc/police_service.h"

int main(int argc, char** argv) {
  concordat::Program program(
      {.name = "concordat-police",
       .summary = "Commands of police offender management.",
       .principal = "service-police",
       .folder = "police"},
      argc, argv);
  concordat::CommandService service(program);
  concordat::police::RegisterPoliceService(
      program.host(), service.runner(),
      program.start().Value(concordat::LondonTime()));
  program.Serve();
  return 0;
}
