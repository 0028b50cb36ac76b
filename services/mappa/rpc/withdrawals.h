// The facts that what is decided in a case rests on, and which of them were
// corrected, taken back or cut from the person since. Of a fact its header is kept,
// and of an assessment its reference; nothing else of what was told, and no more of
// it is sent here.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_MAPPA_RPC_WITHDRAWALS_H_
#define CONCORDAT_SERVICES_MAPPA_RPC_WITHDRAWALS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/common/event/event.h"
#include "services/common/policy/policy.h"
#include "services/mappa/domain/look_again.h"

namespace concordat::mappa {

class Withdrawals {
 public:
  // Beside those of this service, and identity.v1.LinkCut. Of the first the header
  // is all that this asks for.
  static std::vector<std::string> HeaderTypes();
  static std::vector<std::string> FactTypes();

  // The next event of the log, which `policy` has folded; `policy_changed` is what
  // it answered.
  void Apply(const View& view, const PolicyState& policy, bool policy_changed);

  // Of the person, in the order of their places: those that the reader sees by
  // `policy`, and those that were granted the reader at some moment at which they
  // stood. Of no other is anything said.
  std::vector<WithdrawnFact> Of(const PersonKey& subject,
                                const Recipient& reader,
                                const PolicyState& policy,
                                uint64_t now_us) const;

  // All facts of an erased person.
  void Forget(const PersonKey& subject);

 private:
  struct Fact {
    Sequence sequence;
    uint64_t accepted_us = 0;
    // Who may see it follows from these, of its header.
    std::string source;
    std::string type;
    std::string controller;
    bus::v1::Regime regime = bus::v1::REGIME_UNSPECIFIED;
    std::string assessment_ref;

    HeaderView AsHeader(const PersonKey& subject) const;
  };
  struct Withdrawal {
    Fact fact;
    WithdrawnFact::How how = WithdrawnFact::How::kCorrected;
    Sequence by;
    uint64_t by_us = 0;
  };
  template <typename What>
  struct Since {
    Sequence from;
    uint64_t from_us = 0;
    What what;
  };
  struct Person {
    std::map<std::string, Fact> facts;  // By "<source>#<id>".
    std::vector<Withdrawal> withdrawn;
    std::vector<Since<PersonPolicy>> policy;
  };

  void TakeCut(const View& view, Person& person);
  bool WasGranted(const PersonKey& subject, const Person& person,
                  const Withdrawal& of, const Recipient& reader) const;

  std::map<PersonKey, Person> persons_;
  std::vector<Since<std::shared_ptr<const Agreements>>> agreements_;
};

}  // namespace concordat::mappa

#endif  // CONCORDAT_SERVICES_MAPPA_RPC_WITHDRAWALS_H_
