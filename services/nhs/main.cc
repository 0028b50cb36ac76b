#include <algorithm>

#include "services/common/projection/command_service.h"
#include "services/common/projection/projection.h"
#include "services/common/rpc/program.h"
#include "services/nhs/engagement/engagement_reporter.h"
#include "services/nhs/rpc/liaison_book.h"
#include "services/nhs/rpc/nhs_service.h"

int main(int argc, char** argv) {
  concordat::Program program(
      {.name = "concordat-nhs",
       .summary = "An NHS board's side of public protection.",
       .principal = "service-nhs",
       .folder = "nhs"},
      argc, argv);
  concordat::CommandService service(program);
  const absl::TimeZone zone = program.start().Value(concordat::LondonTime());
  concordat::nhs::LiaisonBook book(zone, service.shared_types());
  const auto liaison = program.start().Value(concordat::Projection::Open(
      {.folder = "",
       .name = "liaison",
       .types = concordat::nhs::LiaisonBook::Types()},
      book, service.bus()));
  concordat::nhs::RegisterNhsService(program.host(), service.runner(),
                                     {.board = program.self().agency(),
                                      .book = &book,
                                      .liaison = liaison.get()},
                                     program.clock(), zone);

  concordat::nhs::EngagementReporter reporter(
      program.self(), service.bus(), service.types(), program.clock(),
      program.random(), zone,
      program.start().Value(program.data().LoadSecret("service-nhs")),
      [&liaison](concordat::Sequence position) {
        return liaison->AwaitJudged(position, absl::Seconds(1));
      });
  const auto projection = program.start().Value(concordat::Projection::Open(
      {.folder = program.folder(),
       .name = "engagement",
       .types = concordat::nhs::EngagementReporter::Types()},
      reporter, service.bus()));
  program.host().SetStatus([&](concordat::hub::v1::GetStatusResponse* status) {
    status->set_ready(service.connected() && projection->ready() &&
                      liaison->ready());
    if (!service.connected()) status->set_degraded_because("the bus is away");
    status->set_position(std::min(projection->judged_through().value,
                                  liaison->judged_through().value));
    status->set_log_end(projection->log_end().value);
  });
  const concordat::ProjectionThread read(
      *liaison, program.Following("the liaison list waits"));
  const concordat::ProjectionThread follow(
      *projection, program.Following("engagement waits"));
  program.Serve();
  return 0;
}
