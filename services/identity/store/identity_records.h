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
  Sequence position;       // The log as far as the service has read it.
  uint64_t time_us = 0;    // When it happened; 0: now.
  std::string on_behalf_of;
  std::string purpose;
  std::string gateway;
  bus::v1::Regime regime = bus::v1::REGIME_UNSPECIFIED;
};

struct PersonName {
  std::string family_name;
  std::string given_name;
  friend bool operator==(const PersonName&, const PersonName&) = default;
};

struct PersonDetails {
  std::string family_name;
  std::string given_name;
  std::string birth_date;  // ISO, or empty.
  std::optional<uint64_t> uprn;
  std::string address;
  // In use beside the first. None: as they were.
  std::vector<PersonName> other_names;
};

// A system that had a number of a person, and so may have come to them by it.
struct NumberUse {
  std::string system;  // urn:concordat:<agency>:<system>
  bool gave = false;   // It registered the person with it.
  bool alone = false;  // It asked, or was told, by this one and no other.
  Sequence after;      // The log's position when it first had it.
};

// What holds a number and a person together.
struct NumberLink {
  Scheme scheme = Scheme::kLocal;
  std::vector<std::string> given_by;  // Agencies, in order.
  std::string confirmed_by;           // Agency of the person who did, if any.
};

struct PersonOverview {
  PersonDetails details;
  std::optional<std::string> local_number;
  bool in_doubt = false;
  std::vector<NumberLink> links;
};

// To whom a name was given, and for what.
struct DescribedTo {
  std::string principal;
  std::string staff;
  std::string purpose;
};

// A number of somebody that an edge was told.
struct ToldNumbers {
  PersonKey person;
  std::vector<CanonicalIdentifier> identifiers;
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
  // Of a cut: the sources whose facts came by the number, in order, and the log's
  // position before which none of them had it.
  std::vector<std::string> sources = {};
  Sequence after = {};
  // The caller's own words on them, by which a repeat is known.
  std::string said_of_sources = {};
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
