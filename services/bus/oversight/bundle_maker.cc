#include "services/bus/oversight/bundle_maker.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/bus/evidence/producer_link.h"
#include "services/common/bundle/bundle.h"
#include "services/common/evidence/spine.h"
#include "services/common/evidence/whole_tree.h"

namespace concordat::bus {
namespace {

using access::v1::Bundle;

// The records that the report cites.
std::set<uint64_t> CitedIn(const access::v1::WhoKnewReport& report) {
  std::set<uint64_t> cited;
  for (const access::v1::Knower& knower : report.knowers()) {
    for (const access::v1::Knowledge& knowledge : knower.events()) {
      if (knowledge.delivered_time() != 0) {
        cited.insert(knowledge.delivered_record());
      }
      if (knowledge.acknowledged_time() != 0) {
        cited.insert(knowledge.acknowledged_record());
        cited.insert(knowledge.acknowledged_delivery());
      }
    }
    for (const access::v1::Opening& opening : knower.openings()) {
      cited.insert(opening.record());
    }
  }
  return cited;
}

}  // namespace

absl::StatusOr<std::string> BundleMaker::LeafOf(Sequence sequence) const {
  std::string leaf;
  absl::Status read = absl::NotFoundError("no such spine");
  const auto visited = spines_.ForEachSpine(
      {sequence.value - 1}, 1, [&](absl::string_view spine) {
        const auto decoded = DecodeSpine(spine);
        if (!decoded.ok()) return decoded.status();
        if (decoded->sequence != sequence) return absl::OkStatus();
        std::string buffer;
        const auto bytes = LeafOfSpine(spine, buffer);
        if (!bytes.ok()) return bytes.status();
        leaf = std::string(*bytes);
        read = absl::OkStatus();
        return absl::OkStatus();
      });
  if (!visited.ok()) return visited.status();
  if (!read.ok()) return read;
  return leaf;
}

absl::Status BundleMaker::AddEvents(const KnownThen& known, uint64_t size,
                                    Bundle& bundle) {
  const auto of_person = log_.OfPerson(known.person, {0}, {size});
  if (!of_person.ok()) return of_person.status();
  bundle.set_person_events(of_person->size());
  for (const auto& [sequence, one] : known.events) {
    if (sequence > size) continue;
    const StoredEvent& event = one.event;
    access::v1::BundledEvent& bundled = *bundle.add_events();
    auto leaf = LeafOf(event.sequence);
    if (!leaf.ok()) return leaf.status();
    bundled.set_leaf(*std::move(leaf));
    const auto proof = tree_.ProveInclusion(event.sequence, size);
    if (!proof.ok()) return proof.status();
    AddTreeHashes(*proof, *bundled.mutable_proof());
    const auto at =
        std::lower_bound(of_person->begin(), of_person->end(), event.sequence);
    bundled.set_of_person(static_cast<uint64_t>(at - of_person->begin()) + 1);
    // One without a stream is the first of its own.
    bundled.set_of_stream(1);
    if (!event.header.stream.empty()) {
      const auto stream =
          log_.OfStream(event.header.source, event.header.stream, {0},
                        std::numeric_limits<size_t>::max());
      if (!stream.ok()) return stream.status();
      bundled.set_of_stream(static_cast<uint64_t>(
          std::upper_bound(stream->begin(), stream->end(), event.sequence) -
          stream->begin()));
    }
    if (event.count_salt != Salt{}) {
      bundled.set_count_salt(
          std::string(event.count_salt.begin(), event.count_salt.end()));
    }
    if (one.shown != 0) {
      encoder_.Add(views_.Build(event, known.to, one.shown));
      bundled.set_view(encoder_.TakeStreamEvents({}));
    }
  }
  return absl::OkStatus();
}

absl::Status BundleMaker::AddSignatures(
    const KnownThen& known, access::v1::WhoKnewReport& report) const {
  for (auto* events : {report.mutable_events(), report.mutable_told_later()}) {
    for (access::v1::KnownEvent& event : *events) {
      const auto found = FindProducerLink(
          log_, chains_, known.events.at(event.sequence()).event);
      if (absl::IsUnimplemented(found.status())) return absl::OkStatus();
      if (!found.ok()) return found.status();
      if (found->has_value()) {
        event.set_signed_by((*found)->stored.principal);
      } else {
        event.set_not_signed(true);
      }
    }
  }
  return absl::OkStatus();
}

absl::Status BundleMaker::AddRecords(Bundle& bundle) {
  const std::set<uint64_t> cited = CitedIn(bundle.report());
  const absl::Status followed = access_.Follow();
  if (!followed.ok()) return followed;
  const AccessTree::View signed_now = access_.Now();
  bundle.set_access_checkpoint(signed_now.note);
  return store_.Read(
      cited.empty() ? store_.size() : *cited.begin(),
      [&](uint64_t number, const access::v1::Record&, absl::string_view bytes) {
        if (!cited.contains(number)) return absl::OkStatus();
        auto shown = access_.Show(number, bytes, signed_now.checkpoint.size);
        if (!shown.ok()) return shown.status();
        *bundle.add_records() = *std::move(shown);
        return absl::OkStatus();
      });
}

absl::StatusOr<std::string> BundleMaker::Make(const KnownThen& known) {
  const LogTree::View view = tree_.Now();
  if (!view.refused_because.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the log's tree signs no more: ", view.refused_because));
  }
  if (view.note == nullptr) {
    return absl::UnavailableError(
        "nothing is signed of the log yet; try again in a second");
  }
  Bundle bundle;
  *bundle.mutable_report() = known.report;
  bundle.set_checkpoint(*view.note);
  absl::Status status = AddEvents(known, view.checkpoint.size, bundle);
  if (status.ok()) status = AddSignatures(known, *bundle.mutable_report());
  if (status.ok()) status = AddRecords(bundle);
  if (!status.ok()) return status;
  return SealBundle(bundle, tree_.key().name, signer_);
}

}  // namespace concordat::bus
