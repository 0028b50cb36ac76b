// What one caller sees of an alert. Everything in it comes from facts that the
// caller sees and from what people did to the alert. PURE.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_SIGHT_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_SIGHT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "services/alerts/domain/alert.h"

namespace concordat::alerts {

struct EvidenceWords {
  Sequence sequence;  // 0: an absence.
  std::string event;  // Reference.
  std::string type;
  uint64_t time_us = 0;
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
  std::string not_known;
  uint64_t closed_us = 0;
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

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_SIGHT_H_
