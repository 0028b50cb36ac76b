// Internal to services/bus/log.
#ifndef CONCORDAT_SERVICES_BUS_LOG_SEALED_BLOCK_H_
#define CONCORDAT_SERVICES_BUS_LOG_SEALED_BLOCK_H_

#include <memory>
#include <string>

#include "services/bus/log/arena.h"
#include "services/bus/log/event_log.h"
#include "services/bus/log/recent_spines.h"

namespace concordat::bus {

struct SealedBlock : public PendingBlock {
  std::string bytes;  // Room for the header, then the body.
  std::shared_ptr<EventBlock> opened = std::make_shared<EventBlock>();
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  SpinesOfBlock spines;         // Once it is written.
  bool ends_key_table = false;  // What was opened before it is forgotten.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_SEALED_BLOCK_H_
