// What this edge reads of a message: the fields of its inventory and no other.
// PURE.
#ifndef CONCORDAT_ADAPTERS_HL7V2_FACTS_H_
#define CONCORDAT_ADAPTERS_HL7V2_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/hl7v2/message.h"

namespace concordat::hl7v2 {

// A message of the kinds that this edge knows.
enum class Kind {
  kOther,  // Valid, and nothing to this edge.
  kAdmitted,
  kTransferred,
  kDischarged,
  kRegistered,
  kUpdated,
  kAdmissionCancelled,
  kTransferCancelled,
  kDischargeCancelled,
  kLeaveStarted,
  kLeaveEnded,
  kPersonUpdated,
  kMerged,
  kBooked,
  kAppointmentCancelled,
  kNoShow,
};

// From MSH-9: ADT A01 A02 A03 A04 A08 A11 A12 A13 A21 A22 A31 A40 and
// SIU S12 S15 S26.
Kind KindOf(const MessageHeader& header);

// "SIU^S26"; a question mark for each part that is no plain code.
std::string PlainType(const MessageHeader& header);

// For a reader who knows hospitals, not HL7.
absl::string_view Words(Kind kind);

// One repetition of a CX field: CX.1, the namespace of CX.4, and CX.5.
struct PatientId {
  std::string value;
  std::string authority;
  std::string type;
};

struct MessageTime {
  absl::Time at;
  bool to_the_second = false;  // Else to the minute or coarser.
  bool has_time_of_day = false;
};

struct Facts {
  Kind kind = Kind::kOther;
  std::string type;                    // PlainType()
  std::optional<MessageTime> time;     // MSH-7
  std::vector<PatientId> patient_ids;  // PID-3, every PID of the message
  std::vector<PatientId> merged_ids;   // MRG-1
  std::string address;                 // PID-11, on one line
  std::string appointment;             // SCH-1.1
  std::vector<std::string> services;   // AIS-3.1, one for each AIS
};

// Whether the message has what its kind cannot be without, and its end.
//   INVALID_ARGUMENT  names the segment and field (answer AE).
absl::Status CheckComplete(const Message& message, absl::string_view text);

// `zone` is that of times without an offset.
Facts ReadFacts(const Message& message, const absl::TimeZone& zone);

// The message again with nothing in it but the inventory: MSH-3 to 12, EVN-1
// and 2, PID-3, 5, 7, 8, 11 and 30, PV1-2, 3, 10, 44 and 45, SCH-1, 6, 11 and
// 25, AIS-3, MRG-1. What is not here is never stored.
std::string KeepInventory(const Message& message);
// The same of its header alone: nothing of a person.
std::string KeepHeader(const Message& message);

// A field of the inventory for a reader: "PID-5 name", and what stands there.
struct NamedField {
  std::string name;
  std::string value;
};
std::vector<NamedField> ListInventory(const Message& message);

// The inventory itself, in its order.
struct InventoryEntry {
  std::string segment;
  size_t number = 0;
  std::string words;
};
std::vector<InventoryEntry> InventoryEntries();

// HL7's YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+-ZZZZ]. Nothing when it is not one.
std::optional<MessageTime> ParseTime(absl::string_view text,
                                     const absl::TimeZone& zone);

}  // namespace concordat::hl7v2

#endif  // CONCORDAT_ADAPTERS_HL7V2_FACTS_H_
