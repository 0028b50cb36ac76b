// Where places are kept, and which of several bus processes has which name.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_PLACE_STORE_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_PLACE_STORE_H_

#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/delivery/place.h"

namespace concordat::bus {

// Threads  One at a time.
class PlaceStore {
 public:
  virtual ~PlaceStore() = default;

  // When this returns OK they are durable, all of them. Names of `removed` are
  // forgotten.
  //   FAILED_PRECONDITION  a write failed before, or another process has one of
  //                        the names: open the store again.
  virtual absl::Status Store(const Places& changed,
                             const std::set<std::string>& removed) = 0;
};

// Names of which one process at a time has each: only who has it delivers under it
// and stores its place.
//
// Threads  As PlaceStore, with which it is one.
class PlaceClaims {
 public:
  virtual ~PlaceClaims() = default;

  // Takes the name for this process. Its place; nothing: it is new.
  //   FAILED_PRECONDITION  another process that lives has it.  UNAVAILABLE
  virtual absl::StatusOr<std::optional<Place>> Take(const std::string& key) = 0;
  // For any process to take.
  virtual absl::Status Release(const std::set<std::string>& keys) = 0;
  // All places, as they are stored now.
  virtual absl::StatusOr<Places> All() = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_PLACE_STORE_H_
