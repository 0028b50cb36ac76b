// What went out to whom, until it is recorded: gathered beside the deliveries, a
// few values a view, and written elsewhere. PURE; for one thread.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_DISCLOSURES_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_DISCLOSURES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "services/bus/session/server_session.h"
#include "services/common/base/ids.h"
#include "services/common/policy/policy.h"

namespace concordat::bus {

// Neighbours in the log that were shown alike.
struct ShownRun {
  Sequence first;
  uint32_t count = 0;
  GroupMask groups = 0;
  friend bool operator==(const ShownRun&, const ShownRun&) = default;
};

struct Disclosure {
  enum class What { kSubscribed, kDelivered, kAcknowledged, kEnded };
  What what = What::kSubscribed;
  SessionId session;
  // Of the first two.
  std::string principal = {};
  std::string agency = {};
  std::string role = {};
  std::string purpose = {};
  std::string name = {};  // Of a durable subscription; empty: a tail.
  // kDelivered: where the policy changed last that judged these, and the policy
  // event that showed them; 0: they are live.
  Sequence policy = {};
  Sequence cause = {};
  uint64_t first_delivery = 0;
  std::vector<ShownRun> runs = {};
  bool envelopes = false;
  // kAcknowledged: all up to here, or these.
  uint64_t through = 0;
  std::vector<uint64_t> deliveries = {};
};

class Disclosures {
 public:
  // Of one Disclosure.
  static constexpr size_t kRunsMax = 16 * 1024;

  // The name of a subscription's key: what stands after agency and role.
  static absl::string_view NameOf(absl::string_view key);

  void Subscribed(SessionId session, absl::string_view principal,
                  const Recipient& to, absl::string_view key);
  // Is in the frame that is being made.
  void Show(Sequence sequence, GroupMask groups);
  // The frame went out, or it did not.
  void Sent(SessionId session, const Recipient& to, absl::string_view key,
            Sequence policy, Sequence cause, uint64_t first_delivery);
  void Dropped() { frame_.clear(); }
  void Acknowledged(SessionId session, uint64_t through);
  void Settled(SessionId session, uint64_t delivery);
  void Ended(SessionId session);

  bool empty() const { return list_.empty(); }
  size_t runs() const { return runs_; }
  // In the order in which it was.
  std::vector<Disclosure> Take();

 private:
  static void Add(const ShownRun& run, std::vector<ShownRun>& runs);

  std::vector<ShownRun> frame_;
  std::vector<Disclosure> list_;
  // Where in it a session's last deliveries and acknowledgements are.
  std::map<SessionId, size_t> delivered_;
  std::map<SessionId, size_t> acknowledged_;
  size_t runs_ = 0;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_DISCLOSURES_H_
