// The principal of a hospital's edge, as its tests have it.
#ifndef CONCORDAT_TESTS_UNIT_ADAPTERS_CORE_OWN_PRINCIPAL_H_
#define CONCORDAT_TESTS_UNIT_ADAPTERS_CORE_OWN_PRINCIPAL_H_

#include "concordat/bus/v1/registry.pb.h"

namespace concordat::edge::testing {

inline bus::v1::Principal Self() {
  bus::v1::Principal self;
  self.set_agency("nhs-tayside");
  self.set_system("pas");
  self.set_default_purpose("MAPPA_RISK_MANAGEMENT");
  self.set_default_gateway("G9");
  self.set_default_regime(bus::v1::REGIME_GDPR);
  return self;
}

}  // namespace concordat::edge::testing

#endif  // CONCORDAT_TESTS_UNIT_ADAPTERS_CORE_OWN_PRINCIPAL_H_
