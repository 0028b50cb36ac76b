// Places as rows of PostgreSQL beside the log's blocks, so that several bus
// processes deliver (services/bus/FORMAT.md, "In PostgreSQL").
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_POSTGRES_POSTGRES_PLACES_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_POSTGRES_POSTGRES_PLACES_H_

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/delivery/place_store.h"
#include "services/bus/log/postgres/connection.h"

namespace concordat::bus {

// While no server takes writes its calls wait, up to a minute.
class PostgresPlaces : public PlaceStore, public PlaceClaims {
 public:
  // `process` as WriterLease's, which says that it lives. The tables are there.
  PostgresPlaces(const PostgresOptions& options, std::string process)
      : options_(options), process_(std::move(process)) {}

  absl::Status Store(const Places& changed,
                     const std::set<std::string>& removed) override;
  absl::StatusOr<std::optional<Place>> Take(const std::string& key) override;
  absl::Status Release(const std::set<std::string>& keys) override;
  absl::StatusOr<Places> All() override;

 private:
  // Until it is not UNAVAILABLE, on new connections: `work` may be done twice.
  absl::Status Retry(const std::function<absl::Status()>& work);
  absl::Status StoreOnce(const Places& changed,
                         const std::set<std::string>& removed);

  const PostgresOptions options_;
  const std::string process_;
  std::unique_ptr<PostgresConnection> connection_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_POSTGRES_POSTGRES_PLACES_H_
