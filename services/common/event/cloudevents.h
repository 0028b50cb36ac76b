// The other form of an event: CloudEvents 1.0 JSON, as every edge but the
// native one speaks it. The mapping is total on headers that CheckHeader()
// passes, and reversible. PURE.
//
//   attribute        what it says
//   specversion      "1.0"
//   id, source, type
//   subject          "p-…"; "ref:<system>:<number>" on the way in only
//   time, recordedtime, effectivetime, acceptedtime
//                    RFC 3339 UTC; a fraction only where there is one
//   timeprecision    second, minute, day, about
//   controller, purpose, gateway, stream, subjectrole, onbehalfof, correlation,
//   causation, corrects, retracts, traceparent
//   expectedversion  decimal digits as a string (CloudEvents' integers end at
//                    2^31); a JSON number is taken too
//   regime           part3, gdpr
//   basis            observed, reported-by-partner, opinion, suspicion
//   classification   OFFICIAL, OFFICIAL-SENSITIVE
//   datacontenttype  application/json
//   data             the message by proto3's JSON mapping, camelCase
//  and, said by the bus of what was accepted:
//   sequence         decimal digits as a string
//   withheld, faults items with "; " between them
//   localsubject     the recipient's own reference of the person
//   environment      live, shadow, training, demo
//
// What a header leaves unspecified is no attribute, and the other way round.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_CLOUDEVENTS_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_CLOUDEVENTS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat {

inline constexpr size_t kCloudEventBytesMax = 1024 * 1024;

struct CloudEvent {
  Header header;
  // Instead of the header's subject: "ref:<system>:<number>", which identity
  // resolves before the event is made.
  std::string subject_ref;
  // Bytes of the type's message. None: not shown, or not sent.
  std::optional<std::string> data;

  // Of an accepted event.
  std::optional<Sequence> sequence;
  uint64_t accepted_us = 0;
  std::vector<std::string> withheld;  // Items hold no ';'.
  std::vector<std::string> faults;
  std::string local_subject;
  bus::v1::Environment environment = bus::v1::ENVIRONMENT_UNSPECIFIED;
};

//   NOT_FOUND         the type is none of `types`.
//   INVALID_ARGUMENT  not a CloudEvent of ours; names the attribute (or field
//                     of data) and the rule, never a value.
absl::StatusOr<CloudEvent> ParseCloudEvent(const TypeRegistry& types,
                                           absl::string_view json);

// One line.
//   NOT_FOUND         there is data, and the type is none of `types`.
//   INVALID_ARGUMENT  the data is no message of the type.
absl::StatusOr<std::string> WriteCloudEvent(const TypeRegistry& types,
                                            const CloudEvent& event);

// A view as a CloudEvent; its salts and commitments are left behind.
CloudEvent ToCloudEvent(const View& view);

// Whether a producer may send it: says nothing that is for the bus to say.
//   INVALID_ARGUMENT  names the attribute.
absl::Status CheckPublishable(const CloudEvent& event);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_CLOUDEVENTS_H_
