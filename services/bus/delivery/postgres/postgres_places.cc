#include "services/bus/delivery/postgres/postgres_places.h"

#include <poll.h>

#include "services/bus/delivery/cursor_store.h"
#include "services/common/base/system_clock.h"

namespace concordat::bus {
namespace {

constexpr absl::Duration kWithin = absl::Minutes(1);
constexpr int kAgainAfterMs = 50;

absl::Status Lost() {
  return absl::FailedPreconditionError("another process has the name");
}

}  // namespace

absl::Status PostgresPlaces::Retry(const std::function<absl::Status()>& work) {
  const SystemSteadyClock clock;
  const absl::Duration until = clock.Elapsed() + kWithin;
  for (;;) {
    absl::Status status;
    if (connection_ == nullptr) {
      auto connection = PostgresConnection::Connect(options_);
      // A server that has just been promoted may have no standbys yet.
      if (connection.ok()) {
        connection_ = *std::move(connection);
      } else {
        status = absl::UnavailableError(connection.status().message());
      }
    }
    if (status.ok()) status = work();
    if (status.ok()) return status;
    connection_ = nullptr;  // And with it what it had begun.
    if (!absl::IsUnavailable(status) || clock.Elapsed() >= until) return status;
    poll(nullptr, 0, kAgainAfterMs);
  }
}

absl::Status PostgresPlaces::Store(const Places& changed,
                                   const std::set<std::string>& removed) {
  return Retry([&] { return StoreOnce(changed, removed); });
}

absl::Status PostgresPlaces::StoreOnce(const Places& changed,
                                       const std::set<std::string>& removed) {
  absl::Status status = connection_->RunAll("BEGIN");
  for (const auto& [name, place] : changed) {
    if (!status.ok()) return status;
    const absl::StatusOr<PostgresRows> rows = connection_->Run(
        "UPDATE concordat.place SET record = $3"
        " WHERE name = $1 AND holder = $2",
        PostgresValues().Add(name).Add(process_).AddBytes(
            EncodePlace(name, place)));
    status = rows.status();
    if (status.ok() && rows->affected() != 1) status = Lost();
  }
  for (const std::string& name : removed) {
    if (!status.ok()) return status;
    const absl::StatusOr<PostgresRows> rows = connection_->Run(
        "DELETE FROM concordat.place WHERE name = $1 AND holder = $2",
        PostgresValues().Add(name).Add(process_));
    status = rows.status();
  }
  if (!status.ok()) return status;
  return connection_->RunAll("COMMIT");
}

absl::StatusOr<std::optional<Place>> PostgresPlaces::Take(
    const std::string& key) {
  std::optional<Place> place;
  const absl::Status status = Retry([&] {
    const absl::StatusOr<PostgresRows> rows = connection_->Run(
        "INSERT INTO concordat.place AS p (name, holder) VALUES ($1, $2)"
        " ON CONFLICT (name) DO UPDATE SET holder = $2"
        " WHERE p.holder = $2 OR NOT EXISTS"
        "  (SELECT 1 FROM concordat.process"
        "   WHERE id = p.holder AND until > clock_timestamp())"
        " RETURNING record",
        PostgresValues().Add(key).Add(process_));
    if (!rows.ok()) return rows.status();
    if (rows->count() == 0) return Lost();
    place.reset();
    if (rows->Bytes(0, 0).empty()) return absl::OkStatus();
    absl::StatusOr<std::pair<std::string, Place>> decoded =
        DecodePlace(rows->Bytes(0, 0));
    if (decoded.ok()) place = std::move(decoded->second);
    return decoded.status();
  });
  if (!status.ok()) return status;
  return place;
}

absl::Status PostgresPlaces::Release(const std::set<std::string>& keys) {
  return Retry([&] {
    for (const std::string& key : keys) {
      // What was never stored under it leaves nothing behind.
      for (const char* sql :
           {"DELETE FROM concordat.place"
            " WHERE name = $1 AND holder = $2 AND record IS NULL",
            "UPDATE concordat.place SET holder = ''"
            " WHERE name = $1 AND holder = $2"}) {
        const absl::Status status =
            connection_->Run(sql, PostgresValues().Add(key).Add(process_))
                .status();
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<Places> PostgresPlaces::All() {
  Places places;
  const absl::Status status = Retry([&] {
    places.clear();
    const absl::StatusOr<PostgresRows> rows = connection_->Run(
        "SELECT record FROM concordat.place WHERE record IS NOT NULL");
    if (!rows.ok()) return rows.status();
    for (int i = 0; i < rows->count(); ++i) {
      absl::StatusOr<std::pair<std::string, Place>> decoded =
          DecodePlace(rows->Bytes(i, 0));
      if (!decoded.ok()) return decoded.status();
      places.insert(*std::move(decoded));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return places;
}

}  // namespace concordat::bus
