// The events that an edge publishes: what stands in the journal of an act or
// comes of a message, with the header that every event of this edge has. The
// same input gives the same bytes, so that a repeat after a crash is no second
// event.
//
// Threads  Immutable; any.
#ifndef CONCORDAT_ADAPTERS_CORE_EDGE_EVENTS_H_
#define CONCORDAT_ADAPTERS_CORE_EDGE_EVENTS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/core/kept_items.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat::edge {

class EdgeEvents {
 public:
  // `self` is the edge's principal; seeds come from `seed_key`.
  EdgeEvents(bus::v1::Principal self,
             std::shared_ptr<const TypeRegistry> types, std::string seed_key);

  //   INVALID_ARGUMENT  it breaks a rule of its type; names the field.
  absl::StatusOr<Event> Make(const v1::MadeEvent& made) const;
  // One set: the fact that somebody acted, and what it published.
  //   INVALID_ARGUMENT  as Make().
  absl::StatusOr<std::vector<Event>> MakeSet(const Act& act) const;

  // urn:concordat:<agency>:<system>: whose acts are the edge's own.
  const std::string& source() const { return source_; }

 private:
  absl::StatusOr<Event> Bind(const v1::MadeEvent& made,
                             const std::string& on_behalf_of) const;

  const bus::v1::Principal self_;
  const std::string source_;
  const std::shared_ptr<const TypeRegistry> types_;
  const std::string seed_key_;
};

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_EDGE_EVENTS_H_
