#include "services/common/projection/command_service.h"

#include <cstdint>

namespace concordat {

CommandService::CommandService(Program& program)
    : types_(program.start().Value(TypeRegistry::Build(
          program.start().Value(program.data().LoadTypes()),
          program.start().Value(program.data().LoadCodeLists())))),
      bus_(program.start().Value(
          ConnectBus(program.data(), program.self().name()))),
      traced_(*bus_, program.spans(), program.clock()),
      log_clock_(program.data().environment(), *bus_, program.clock()),
      runner_(program.start().program(), program.self(), traced_, *types_,
              program.clock(), log_clock_, program.random()) {
  program.host().SetStatus([this](hub::v1::GetStatusResponse* status) {
    status->set_ready(connected());
    if (!connected()) status->set_degraded_because("the bus is away");
    status->set_position(UINT64_MAX);
  });
  WatchLog(*bus_, program.host().health());
}

}  // namespace concordat
