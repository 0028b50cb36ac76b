// Mutants: a revocation, an enrolment or a new right that nothing says, or that is
// said as a change of keys; something said where nothing changed.
#include "services/bus/daemon/registry_recorder.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace concordat::bus {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Say(const v1::Registry& before,
                             const v1::Registry& after) {
  std::vector<std::string> said;
  for (const hub::v1::RegistryChanged& changed : ChangesOf(before, after)) {
    EXPECT_EQ(changed.digest().size(), 32u);
    said.push_back(changed.principal() + " of " + changed.agency() + " " +
                   changed.change());
  }
  return said;
}

TEST(RegistryChangesTest, SaysWhoHasWhatNow) {
  v1::Registry before;
  for (const char* name : {"keys", "rights", "revoked", "gone", "same"}) {
    v1::Principal& principal = *before.add_principals();
    principal.set_name(name);
    principal.set_agency("red");
    principal.set_curve_public_key("one");
  }
  EXPECT_THAT(Say(before, before), IsEmpty());
  v1::Registry after;
  const auto add = [&](const char* name, auto change) {
    v1::Principal& principal = *after.add_principals();
    principal.set_name(name);
    principal.set_agency("red");
    principal.set_curve_public_key("one");
    change(principal);
  };
  // In another order, which says nothing.
  add("same", [](v1::Principal&) {});
  add("revoked", [](v1::Principal& one) { one.set_revoked(true); });
  add("rights", [](v1::Principal& one) {
    one.set_curve_public_key("two");
    one.add_may_agree("erasure");
  });
  add("keys", [](v1::Principal& one) {
    one.set_curve_public_key("two");
    one.set_certificate_key("new");
    one.set_second_certificate_key("old");
    one.set_second_certificate_key_valid_to("2027-03-31");
  });
  add("new", [](v1::Principal&) {});
  EXPECT_THAT(Say(before, after),
              ElementsAre("gone of red REMOVED", "keys of red KEYS_CHANGED",
                          "new of red ENROLLED", "revoked of red REVOKED",
                          "rights of red RIGHTS_CHANGED"));
  EXPECT_THAT(Say(after, before),
              ::testing::Contains("revoked of red REINSTATED"));
}

}  // namespace
}  // namespace concordat::bus
