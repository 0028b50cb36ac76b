// Who takes part in a simulated run, what they publish and what is agreed. All
// invented.
#ifndef CONCORDAT_TESTS_SIMULATION_BUS_CAST_H_
#define CONCORDAT_TESTS_SIMULATION_BUS_CAST_H_

#include <memory>
#include <string>
#include <vector>

#include "concordat/policy/v1/agreement.pb.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/event.h"
#include "services/common/event/type_table.h"

namespace concordat::simulation {

inline constexpr char kFact[] = "a.v1.Fact";
inline constexpr char kOther[] = "a.v1.Other";
inline constexpr char kUrgent[] = "a.v1.Urgent";
inline constexpr char kOpened[] = "m.v1.Opened";
inline constexpr char kJoined[] = "m.v1.Joined";
inline constexpr char kLeft[] = "m.v1.Left";
inline constexpr char kLevel[] = "m.v1.Level";
inline constexpr char kClosed[] = "m.v1.Closed";

// Types of text, with three groups and one of health; those of cases say
// "party,party;lead;level".
std::shared_ptr<const TypeRegistry> SimTypes();

// One for persons with cases, that shows each agency another part; and one of
// two days, which begin when the clock has come half a day on.
std::vector<policy::v1::Agreement> SimAgreements();

inline constexpr int kPersons = 4;
PersonKey Person(int number);  // From 1.

// Publishers first: red and blue of facts, office of cases; then who follows, and
// who shares a subscription.
struct Member {
  std::string name;
  std::string agency;
  std::string role;
  std::vector<std::string> process_types;
  std::string source;  // Of a publisher.
};
const std::vector<Member>& Members();
inline constexpr int kPublishers = 3;
inline constexpr int kFollowers = 6;
inline constexpr int kSharers = 3;
// Of the subscription that they share, and its key.
inline constexpr char kShared[] = "letters";
inline constexpr char kSharedKey[] = "red/officer/letters";

// Whom the registry has, with which key: of each member.
struct Enrolment {
  bool revoked = false;
  int key = 0;  // Which of its keys; another one is nobody's.
};

// What a member proves who it is with: a key of 32 bytes, or by a call the URI of
// its certificate, which stays.
std::string ProofOf(int member, int key, bool by_call);
std::shared_ptr<const PrincipalRegistry> SimRegistry(
    const std::vector<Enrolment>& enrolments);

}  // namespace concordat::simulation

#endif  // CONCORDAT_TESTS_SIMULATION_BUS_CAST_H_
