#include "services/common/projection/command_service.h"
#include "services/common/rpc/program.h"
#include "services/socialwork/rpc/social_work_service.h"

int main(int argc, char** argv) {
  concordat::Program program({.name = "concordat-socialwork",
                              .summary = "Commands of justice social work.",
                              .principal = "service-socialwork",
                              .folder = "socialwork"},
                             argc, argv);
  concordat::CommandService service(program);
  concordat::socialwork::RegisterSocialWorkService(program.host(),
                                                   service.runner());
  program.Serve();
  return 0;
}
