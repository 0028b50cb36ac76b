#include "services/common/projection/erasure_confirmation.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "services/common/config/principal_registry.h"
#include "services/common/event/make_event.h"

namespace concordat {
namespace {

constexpr absl::Duration kPublishWait = absl::Seconds(10);

// What it may confirm for; an edge speaks for the system whose files it takes.
std::string SourceFor(const bus::v1::Principal& self, const std::string& type) {
  for (const bus::v1::PublishGrant& grant : self.publish()) {
    if (std::find(grant.types().begin(), grant.types().end(), type) !=
        grant.types().end()) {
      return grant.source();
    }
  }
  return SourceOf(self);
}

}  // namespace

absl::Status ConfirmErasure(const View& erased, uint64_t destroyed,
                            const bus::v1::Principal& self,
                            Publisher& publisher, const TypeRegistry& types,
                            Random& random) {
  hub::v1::PersonErased says;
  if (erased.header.type != kPersonErasedType ||
      !says.ParseFromString(erased.Data())) {
    return absl::InvalidArgumentError("not an erasure");
  }
  hub::v1::ErasureConfirmed confirmed;
  confirmed.set_erasure_ref(says.erasure_ref());
  confirmed.set_destroyed(destroyed);
  Header header;
  header.source = SourceFor(self, confirmed.GetTypeName());
  header.controller = self.agency();
  header.purpose = self.default_purpose();
  header.gateway = self.default_gateway();
  header.regime = self.default_regime();
  header.id = DerivedId(header.source, says.erasure_ref(), 0);
  header.stream = "erasures";
  header.time_us = erased.accepted_us;
  auto event = MakeEvent(types, std::move(header), confirmed, random);
  if (!event.ok()) return event.status();
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes = PublishAndWait(publisher, std::move(set), kPublishWait);
  if (!outcomes.ok()) return outcomes.status();
  const PublishOutcome& outcome = outcomes->front();
  // Said before, when there was more to destroy; or not the service's to say: then
  // the register does not wait for it.
  if (outcome.accepted || !IsPassing(outcome.refusal)) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("the bus refused it: ", RefusalWord(outcome.refusal)));
}

}  // namespace concordat
