// Runs a rule's vector: facts in, alerts out, and what differs. PURE.
//
// The log is made here: each step is accepted at its own moment, and what the
// engine asks for is folded at once, as if the bus had taken it.
#ifndef CONCORDAT_SERVICES_ALERTS_DOMAIN_VECTOR_H_
#define CONCORDAT_SERVICES_ALERTS_DOMAIN_VECTOR_H_

#include <string>
#include <vector>

#include "concordat/alerts/v1/vector.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "services/alerts/domain/definitions.h"

namespace concordat::alerts {

// `failures` is empty when all is as the vector says.
v1::VectorResult RunVector(const Definitions& definitions,
                           const std::vector<policy::v1::Agreement>& agreements,
                           const v1::RuleVector& vector);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_DOMAIN_VECTOR_H_
