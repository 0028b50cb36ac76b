#include "services/bus/retention/person_standing.h"

#include "services/common/event/event.h"

namespace concordat::bus {
namespace {

using policy::v1::Effect;

}  // namespace

absl::Status PersonStanding::Add(const EventLog& log, const TypeRegistry& types,
                                 const PersonKey& person) {
  const auto sequences = log.OfPerson(person, {0}, log.Status().end);
  if (!sequences.ok()) return sequences.status();
  for (const Sequence sequence : *sequences) {
    const auto event = log.ReadOne(sequence);
    if (!event.ok()) return event.status();
    const HeaderView& header = event->header;
    if (header.type == kHoldPlacedType) ++holds;
    if (header.type == kHoldLiftedType) --holds;
    const EventType* type = types.Find(header.type);
    const Effect effect = type == nullptr ? policy::v1::EFFECT_UNSPECIFIED
                                          : type->policy().effect();
    in_doubt |= type != nullptr && type->policy().doubts_identity();
    if (effect == policy::v1::EFFECT_CASE_OPENED) case_open = true;
    if (effect == policy::v1::EFFECT_CASE_CLOSED) case_open = false;
    const bool of_the_hub = type != nullptr && type->policy().internal() &&
                            header.controller == kHubAgency;
    if (!of_the_hub) {
      told.emplace(header.controller);
      told.emplace(AgencyOfSource(header.source));
    }
    if (effect == policy::v1::EFFECT_UNSPECIFIED) {
      if (event->removed_us != 0) continue;
      ++events;
      ++by_controller[std::string(header.controller)];
    } else if (type != nullptr && event->removed_us == 0 && !of_the_hub) {
      const auto facts = type->ReadPolicyFacts(MessageOf(*event));
      if (!facts.ok()) return facts.status();
      told.insert(facts->parties.begin(), facts->parties.end());
      if (!facts->lead.empty()) told.insert(facts->lead);
    }
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus
