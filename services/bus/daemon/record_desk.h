// What the log says of the hub itself: concordat.bus.v1.RecordService.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_RECORD_DESK_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_RECORD_DESK_H_

#include "absl/status/statusor.h"
#include "concordat/bus/v1/records.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/rpc/server_host.h"

namespace concordat::bus {

// One answer looks over about so many bytes of the log.
inline constexpr size_t kRecordsReadBytes = 4u << 20;

//   As RecordService.ListRecords.  DATA_LOSS, UNAVAILABLE
absl::StatusOr<v1::ListRecordsResponse> ReadRecords(
    const EventLog& log, const v1::Principal& caller,
    const v1::ListRecordsRequest& request,
    size_t read_bytes = kRecordsReadBytes);

// `log` outlives the host.
void ServeRecords(ServerHost& host, const EventLog& log);

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_RECORD_DESK_H_
