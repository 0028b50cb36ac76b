#ifndef CONCORDAT_TESTS_FAULT_BUS_LOAD_EVENT_H_
#define CONCORDAT_TESTS_FAULT_BUS_LOAD_EVENT_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/base/random.h"
#include "services/common/event/make_event.h"

namespace concordat::testing {

// The time of the event of this number, which is another for each.
inline uint64_t LoadTimeUs(uint64_t number) {
  return 1'764'000'000'000'000 + number;
}

// The event of this number, in one of ten streams, as the publisher of
// MakeLoadDirectory() may publish it.
inline absl::StatusOr<Event> MakeLoadEvent(const TypeRegistry& types,
                                           uint64_t number, std::string id,
                                           Random& random) {
  Header header;
  header.source = "urn:concordat:load:publisher";
  header.controller = "load";
  header.purpose = "ORDER_SUPERVISION";
  header.gateway = "G1";
  header.regime = bus::v1::REGIME_GDPR;
  header.time_us = LoadTimeUs(number);
  header.id = std::move(id);
  header.stream = absl::StrCat("load/", number % 10);
  hub::v1::LoadSample message;
  message.set_number(number);
  return MakeEvent(types, std::move(header), message, random);
}

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_FAULT_BUS_LOAD_EVENT_H_
