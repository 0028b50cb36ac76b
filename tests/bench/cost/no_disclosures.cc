// Nobody keeps what went out to whom.
#include "services/bus/delivery/disclosures.h"

namespace concordat::bus {

absl::string_view Disclosures::NameOf(absl::string_view) { return {}; }
void Disclosures::Subscribed(SessionId, absl::string_view, const Recipient&,
                             absl::string_view) {}
void Disclosures::Show(Sequence, GroupMask) {}
void Disclosures::Sent(SessionId, const Recipient&, absl::string_view, Sequence,
                       Sequence, uint64_t) {}
void Disclosures::Acknowledged(SessionId, uint64_t) {}
void Disclosures::Settled(SessionId, uint64_t) {}
void Disclosures::Ended(SessionId) {}
std::vector<Disclosure> Disclosures::Take() { return {}; }

}  // namespace concordat::bus
