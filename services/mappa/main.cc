#include "services/common/projection/command_service.h"
#include "services/common/projection/erasure_confirmation.h"
#include "services/common/projection/projection.h"
#include "services/common/rpc/program.h"
#include "services/mappa/rpc/case_book.h"
#include "services/mappa/rpc/mappa_service.h"

int main(int argc, char** argv) {
  concordat::Program program(
      {.name = "concordat-mappa",
       .summary = "MAPPA notifications, referrals, cases and meetings.",
       .principal = "service-mappa",
       .folder = "mappa"},
      argc, argv);
  concordat::CommandService service(program);
  concordat::mappa::CaseBook book(
      service.shared_types(), program.data().environment(), program.clock());
  book.ConfirmWith([&](const concordat::View& erased, uint64_t destroyed) {
    return concordat::ConfirmErasure(erased, destroyed, program.self(),
                                     service.bus(), service.types(),
                                     program.random());
  });
  const auto cases = program.start().Value(concordat::Projection::Open(
      {.folder = "",
       .name = "cases",
       .types = concordat::mappa::CaseBook::Types()},
      book, service.bus()));
  concordat::mappa::RegisterMappaService(
      program.host(), service.runner(), book, *cases, program.clock(),
      {.arrangement = program.self().agency(),
       .zone = program.start().Value(concordat::LondonTime())});
  program.host().SetStatus([&](concordat::hub::v1::GetStatusResponse* status) {
    status->set_ready(service.connected() && cases->ready());
    if (!service.connected()) status->set_degraded_because("the bus is away");
    status->set_position(cases->judged_through().value);
    status->set_log_end(cases->log_end().value);
  });
  const concordat::ProjectionThread follow(*cases,
                                           program.Following("the cases wait"));
  program.Serve();
  return 0;
}
