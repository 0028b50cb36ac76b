#include "adapters/core/edge_events.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"

namespace concordat::edge {
namespace {

template <typename Fact>
void SetFact(Fact fact, const Act& act, v1::MadeEvent& made) {
  fact.set_item_ref(act.item_ref);
  fact.set_by(act.by);
  made.set_type(Fact::descriptor()->full_name());
  made.set_data(fact.SerializeAsString());
}

// What happened, and nothing of what the item holds.
v1::MadeEvent FactOf(const Act& act, absl::string_view system) {
  v1::MadeEvent made;
  switch (act.kind) {
    case v1::ACT_KIND_LOOK:
      SetFact(hub::v1::KeptItemOpened(), act, made);
      break;
    case v1::ACT_KIND_RELEASE: {
      hub::v1::KeptItemReleased fact;
      fact.set_reason(act.reason);
      fact.set_decision_ref(act.decision_ref);
      SetFact(std::move(fact), act, made);
      break;
    }
    case v1::ACT_KIND_REPLAY: {
      hub::v1::KeptItemReplayed fact;
      fact.set_reason(act.reason);
      SetFact(std::move(fact), act, made);
      break;
    }
    default: {
      hub::v1::KeptItemLeft fact;
      fact.set_reason(act.reason);
      SetFact(std::move(fact), act, made);
      break;
    }
  }
  made.set_id(DerivedId(
      absl::StrCat("edge/", system),
      absl::StrCat(act.item_ref, "\n", act.by, "\n", act.request_id, "\n",
                   act.at_us),
      0));
  made.set_stream(absl::StrCat("kept-item/", system, "/", act.item));
  made.set_subject(std::string(act.subject.bytes()));
  made.set_time(act.at_us);
  made.set_time_precision(bus::v1::TIME_PRECISION_SECOND);
  made.set_recorded_time(act.at_us);
  return made;
}

}  // namespace

EdgeEvents::EdgeEvents(bus::v1::Principal self,
                       std::shared_ptr<const TypeRegistry> types,
                       std::string seed_key)
    : self_(std::move(self)),
      source_(SourceOf(self_)),
      types_(std::move(types)),
      seed_key_(std::move(seed_key)) {}

absl::StatusOr<Event> EdgeEvents::Make(const v1::MadeEvent& made) const {
  return Bind(made, "");
}

absl::StatusOr<Event> EdgeEvents::Bind(const v1::MadeEvent& made,
                                       const std::string& on_behalf_of) const {
  Header header;
  header.source = source_;
  header.type = made.type();
  header.controller = self_.agency();
  header.purpose = self_.default_purpose();
  header.gateway = self_.default_gateway();
  header.regime = self_.default_regime();
  header.basis = bus::v1::BASIS_OBSERVED;
  header.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
  header.id = made.id();
  const auto subject = PersonKey::FromBytes(made.subject());
  if (subject.ok()) header.subject = *subject;
  header.stream = made.stream();
  header.time_us = made.time();
  header.time_precision =
      static_cast<bus::v1::TimePrecision>(made.time_precision());
  header.recorded_us = made.recorded_time();
  header.on_behalf_of = on_behalf_of;
  // The seed, too, is the same whenever this is made again.
  const Seed seed = SeedFor(seed_key_, source_, made.id());
  return MakeEvent(*types_, std::move(header), made.data(), seed);
}

absl::StatusOr<std::vector<Event>> EdgeEvents::MakeSet(const Act& act) const {
  std::vector<Event> set;
  absl::StatusOr<Event> fact =
      Bind(FactOf(act, self_.system()), act.on_behalf_of);
  if (!fact.ok()) return fact.status();
  set.push_back(*std::move(fact));
  for (const v1::MadeEvent& made : act.made) {
    absl::StatusOr<Event> event = Make(made);
    if (!event.ok()) return event.status();
    set.push_back(*std::move(event));
  }
  return set;
}

}  // namespace concordat::edge
