#include "gateway/daemon/options.h"

#include "absl/time/civil_time.h"

namespace concordat::gateway {

absl::StatusOr<DoorOptions> OptionsOf(const v1::GatewaySettings& s) {
  if (s.hosts().empty()) {
    return absl::InvalidArgumentError("the gateway's settings have no host");
  }
  const auto ms = [](uint32_t count) { return absl::Milliseconds(count); };
  DoorOptions options;
  ServerOptions& server = options.server;
  server.address = s.address();
  server.hosts.assign(s.hosts().begin(), s.hosts().end());
  for (const auto& old : s.old_tls_clients()) {
    absl::CivilDay last;
    if (old.principal().empty() || !absl::ParseCivilTime(old.until(), &last)) {
      return absl::InvalidArgumentError(
          "old_tls_clients: each has a principal and a last day");
    }
    server.old_tls.push_back(
        {old.principal(), absl::FromCivil(last + 1, absl::UTCTimeZone())});
  }
  server.connections_max = s.connections_max();
  server.connections_per_address_max = s.connections_per_address_max();
  server.header_bytes_max = s.header_bytes_max();
  server.body_bytes_max = s.body_bytes_max();
  server.workers = s.workers();
  server.queue_max = s.queue_max();
  server.stream_bytes_max = s.stream_bytes_max();
  server.handshake_timeout = ms(s.handshake_timeout_ms());
  server.header_timeout = ms(s.header_timeout_ms());
  server.body_timeout = ms(s.body_timeout_ms());
  server.write_timeout = ms(s.write_timeout_ms());
  server.idle_timeout = ms(s.idle_timeout_ms());
  server.drain = ms(s.drain_ms());
  options.calls.timeout = ms(s.call_timeout_ms());
  options.calls.timeout_max = ms(s.call_timeout_max_ms());
  options.heartbeat = ms(s.heartbeat_ms());
  return options;
}

}  // namespace concordat::gateway
