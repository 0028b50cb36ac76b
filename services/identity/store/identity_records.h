// What goes into the identity store and comes out of it: plain values.
#ifndef CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_RECORDS_H_
#define CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/common/base/ids.h"
#include "services/common/event/event.h"
#include "services/identity/domain/identifiers.h"

namespace concordat::identity {

// Who asks, and how the events of a command are to be headed.
struct CommandContext {
  System caller;
  std::string request_id;  // Of the caller's own; 1 to 64 bytes.
  uint64_t time_us = 0;    // When it happened; 0: now.
  std::string on_behalf_of;
  std::string purpose;
  std::string gateway;
  bus::v1::Regime regime = bus::v1::REGIME_UNSPECIFIED;
};

struct PersonDetails {
  std::string family_name;
  std::string given_name;
  std::string birth_date;  // ISO, or empty.
  std::optional<uint64_t> uprn;
  std::string address;
};

// An identifier as the caller wrote it, and what that means.
struct WrittenIdentifier {
  std::string raw;
  CanonicalIdentifier canonical;
};

struct CommandOutcome {
  PersonKey person;
  bool created = false;
  std::vector<std::string> unconfirmed_schemes;
  // The request had been answered before; the rest is that answer.
  bool duplicate = false;
  // The outbox entry that the answer waits for; 0: none, nothing was new.
  int64_t outbox_id = 0;
  int64_t review = 0;  // The review that it opened or decided; 0: none.
};

// What a person decides of a review.
struct ReviewDecision {
  int64_t review = 0;
  std::string decision;
  std::string reason;
  std::string note;
};

struct OutboxEntry {
  int64_t id = 0;
  std::string type;
  std::string message;  // Bytes of the type.
  Header header;        // Without source.
  Seed seed = {};
};

// Where a role is told that there is an alert.
struct RoleContact {
  std::string channel;  // Of code list contact-channel.
  std::string address;
};

// An event of the role directory, as it was published or is going to be.
struct RoleEvent {
  std::string type;
  std::string message;  // Bytes of the type.
};

struct Disclosures {
  uint64_t joined = 0;
  uint64_t left = 0;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_SERVICES_IDENTITY_STORE_IDENTITY_RECORDS_H_
