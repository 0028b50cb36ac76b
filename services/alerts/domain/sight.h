// What one caller sees of an alert. Everything in it comes from facts that the
// caller sees and from what people did to the alert. PURE.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_SIGHT_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_SIGHT_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "concordat/bus/v1/event.pb.h"
#include "services/alerts/domain/alert.h"

namespace concordat::alerts {

struct EvidenceWords {
  Sequence sequence;  // 0: an absence.
  std::string event;  // Reference.
  std::string type;
  std::string agency;  // Whose it is, as people write it.
  uint64_t time_us = 0;
  bus::v1::TimePrecision precision = bus::v1::TIME_PRECISION_UNSPECIFIED;
  uint64_t accepted_us = 0;
  std::string words;
  friend bool operator==(const EvidenceWords&, const EvidenceWords&) = default;
};

struct AlertSight {
  std::string ref;
  std::string rule;
  std::string severity;
  std::string headline;
  std::string state;
  PersonKey subject;
  // Of the newest fact, by its own time, and when the hub had it.
  uint64_t happened_us = 0;
  bus::v1::TimePrecision precision = bus::v1::TIME_PRECISION_UNSPECIFIED;
  uint64_t known_us = 0;
  uint64_t raised_us = 0;
  uint64_t accept_by_us = 0;
  uint64_t escalated_us = 0;
  uint64_t act_by_us = 0;
  bool overdue = false;
  bool owner = false;
  bool copy = false;
  std::vector<std::string> addressees;  // agency/role, " (copy)".
  std::vector<EvidenceWords> evidence;
  std::vector<AlertAcceptance> acceptances;
  bool accepted = false;  // By the caller, for every role.
  std::vector<AlertPassing> passings;
  std::vector<AlertDispute> disputes;
  std::string not_known;
  AlertDoer closed_by;
  std::string outcome;
  uint64_t withdrawn_us = 0;
  std::string withdrawn_because;
  bool withdrawal_to_accept = false;
  bool identity_in_doubt = false;

  // Somebody still has something to do about it.
  bool open() const {
    return withdrawn_us != 0 ? withdrawal_to_accept : state != "closed";
  }
  friend bool operator==(const AlertSight&, const AlertSight&) = default;
};

// Why a caller sees an alert, and what it may not see.
struct AlertReasons {
  std::string rule;                                    // In a sentence.
  std::map<Sequence, std::vector<std::string>> lines;  // Of agreements.
  std::vector<std::string> not_shared;
};

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_SIGHT_H_
