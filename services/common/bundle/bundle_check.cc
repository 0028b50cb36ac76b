#include "services/common/bundle/bundle_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/bundle/proved.h"
#include "services/common/event/codec.h"
#include "services/common/event/commitments.h"
#include "services/common/event/counts.h"

namespace concordat {
namespace {

using access::v1::BundledEvent;
using access::v1::BundledRecord;
using access::v1::Knower;
using access::v1::Knowledge;
using access::v1::KnownEvent;
using access::v1::Record;

// So many numbers of a person's events are named when they are missing.
constexpr uint64_t kNumbersMax = 100'000;

template <typename... Parts>
absl::Status Untrue(const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(parts...));
}

}  // namespace

absl::Status BundleCheck::Run() {
  const access::v1::Bundle& bundle = checked_.bundle;
  const auto person = PersonKey::Parse(bundle.report().subject());
  if (!person.ok()) return Untrue("the report is about nobody");
  person_ = *person;
  absl::Status status = CheckCheckpoints();
  for (const BundledEvent& event : bundle.events()) {
    if (status.ok()) status = CheckEvent(event);
  }
  for (const BundledRecord& record : bundle.records()) {
    if (status.ok()) status = CheckRecord(record);
  }
  if (status.ok()) status = CheckReport();
  if (status.ok()) TellLimits();
  return status;
}

absl::Status BundleCheck::CheckCheckpoints() {
  const access::v1::Bundle& bundle = checked_.bundle;
  auto log = OpenCheckpoint(bundle.checkpoint(), log_, keys_.witnesses);
  if (!log.ok()) {
    return Untrue("the log's checkpoint: ", log.status().message());
  }
  for (const NoteSignature& signature : log->cosignatures) {
    checked_.witnesses.push_back(signature.name);
  }
  checked_.checkpoint = std::move(log->checkpoint);
  const auto origin = AccessOriginOf(log_.name);
  if (!origin.ok()) return Untrue(origin.status().message());
  const auto key = MakeVerifier(*origin, NoteKeyType::kEd25519, keys_.log);
  if (!key.ok()) return Untrue(key.status().message());
  auto access = OpenCheckpoint(bundle.access_checkpoint(), *key);
  if (!access.ok()) {
    return Untrue("the access log's checkpoint: ", access.status().message());
  }
  access_ = std::move(access->checkpoint);
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckEvent(const BundledEvent& event) {
  const auto spine = DecodeSpine(event.leaf());
  if (!spine.ok()) return Untrue("a leaf that is none");
  const uint64_t sequence = spine->sequence.value;
  const auto named = [sequence](const absl::Status& status) {
    return status.ok() ? status
                       : Untrue("event ", sequence, ": ", status.message());
  };
  if (sequence == 0 || spine->header.subject != person_) {
    return Untrue("event ", sequence, " is not of this person");
  }
  absl::Status status =
      named(CheckProved(checked_.checkpoint, sequence - 1,
                        HashLeaf(event.leaf()), event.proof()));
  if (status.ok()) status = named(CheckDigest(*spine));
  if (status.ok()) status = named(CheckView(event, *spine));
  if (status.ok()) status = named(CheckCounts(event, *spine));
  if (!status.ok()) return status;
  KnownEvent known;
  known.set_sequence(sequence);
  known.set_type(std::string(spine->header.type));
  known.set_source(std::string(spine->header.source));
  known.set_controller(std::string(spine->header.controller));
  known.set_time(spine->header.time_us);
  known.set_accepted_time(spine->accepted_us);
  if (!events_.emplace(sequence, std::move(known)).second) {
    return Untrue("event ", sequence, " is there twice");
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckView(const BundledEvent& event,
                                    const Spine& spine) {
  if (event.view().empty()) return absl::OkStatus();
  const auto decoded = DecodeStreamEvents(event.view());
  if (!decoded.ok() || decoded->views.size() != 1) {
    return Untrue("its view cannot be read");
  }
  const View& view = decoded->views[0];
  const auto digest = DigestOfView(view);
  if (!digest.ok()) return digest.status();
  if (*digest != spine.digest || view.sequence != spine.sequence) {
    return Untrue("what is shown of it is not what the log has");
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckCounts(const BundledEvent& event,
                                      const Spine& spine) {
  const uint64_t number = event.of_person();
  if (number == 0 || number > checked_.bundle.person_events()) {
    return Untrue("its number among the person's events is beyond their count");
  }
  if (event.count_salt().empty()) {
    told_numbers_.insert(number);
  } else {
    Salt salt;
    if (event.count_salt().size() != salt.size()) {
      return Untrue("the salt of its counts is not 16 bytes");
    }
    std::copy(event.count_salt().begin(), event.count_salt().end(),
              salt.begin());
    if (CommitCounts(salt, {number, event.of_stream()}) !=
        spine.count_commitment) {
      return Untrue("its number is not the one that the log is bound to");
    }
  }
  if (!numbers_.insert(number).second) {
    return Untrue("its number among the person's events is another's");
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckRecord(const BundledRecord& record) {
  auto opened = OpenProved(access_, record);
  if (!opened.ok()) return Untrue(opened.status().message());
  if (!records_.emplace(record.number(), *std::move(opened)).second) {
    return Untrue("access record ", record.number(), " is there twice");
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckKnown(const KnownEvent& known) {
  if (known.sequence() > checked_.checkpoint.size) return absl::OkStatus();
  const auto shown = events_.find(known.sequence());
  if (shown == events_.end()) {
    return Untrue("event ", known.sequence(), " is reported and not shown");
  }
  const KnownEvent& is = shown->second;
  if (known.type() != is.type() || known.source() != is.source() ||
      known.controller() != is.controller() || known.time() != is.time() ||
      known.accepted_time() != is.accepted_time()) {
    return Untrue("event ", known.sequence(),
                  " is reported otherwise than the log has it");
  }
  return absl::OkStatus();
}

absl::StatusOr<BundleCheck::Found> BundleCheck::FindDelivery(
    const Knower& knower, uint64_t record, uint64_t sequence) const {
  const auto is = records_.find(record);
  if (is == records_.end() || !is->second.has_delivered()) {
    return Untrue("a delivery is reported and its record not shown");
  }
  const access::v1::Delivered& delivered = is->second.delivered();
  if (delivered.agency() != knower.agency() ||
      delivered.role() != knower.role() ||
      delivered.purpose() != knower.purpose()) {
    return Untrue("a delivery is reported that was to somebody else");
  }
  Found found{&is->second, delivered.session(), delivered.first_delivery()};
  for (const access::v1::Run& run : delivered.runs()) {
    if (sequence >= run.first() && sequence < run.first() + run.count()) {
      found.delivery += sequence - run.first();
      found.groups = run.groups();
      return found;
    }
    found.delivery += run.count();
  }
  return Untrue("a delivery's record does not have the event");
}

absl::Status BundleCheck::CheckAcknowledged(const Knower& knower,
                                            const Knowledge& knowledge) const {
  const auto delivered = FindDelivery(knower, knowledge.acknowledged_delivery(),
                                      knowledge.sequence());
  if (!delivered.ok()) return delivered.status();
  const auto is = records_.find(knowledge.acknowledged_record());
  if (is == records_.end() || !is->second.has_acknowledged() ||
      is->second.log_time() != knowledge.acknowledged_time()) {
    return Untrue("an acknowledgement's record is not shown");
  }
  const access::v1::Acknowledged& of = is->second.acknowledged();
  const auto& singly = of.deliveries();
  if (of.session() != delivered->session ||
      (delivered->delivery > of.through_delivery() &&
       std::find(singly.begin(), singly.end(), delivered->delivery) ==
           singly.end())) {
    return Untrue("an acknowledgement's record does not have the delivery");
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckOpening(
    const Knower& knower, const access::v1::Opening& opening) const {
  const auto found = records_.find(opening.record());
  if (found == records_.end() || !found->second.has_called()) {
    return Untrue("an opening is reported and its record not shown");
  }
  const access::v1::Called& called = found->second.called();
  const auto& subjects = called.subjects();
  if (called.agency() != knower.agency() || called.role() != knower.role() ||
      called.principal() != opening.principal() ||
      called.via() != opening.via() || called.staff() != opening.staff() ||
      called.on_behalf_of() != opening.on_behalf_of() ||
      called.method() != opening.method() ||
      found->second.log_time() != opening.time() ||
      std::find(subjects.begin(), subjects.end(),
                checked_.bundle.report().subject()) == subjects.end()) {
    return Untrue("an opening is reported otherwise than its record has it");
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckKnower(const Knower& knower) {
  for (const Knowledge& knowledge : knower.events()) {
    if (knowledge.delivered_time() != 0) {
      const auto found = FindDelivery(knower, knowledge.delivered_record(),
                                      knowledge.sequence());
      if (!found.ok()) return found.status();
      if (found->record->log_time() != knowledge.delivered_time() ||
          found->record->delivered().name() != knowledge.subscription() ||
          found->groups != knowledge.delivered_groups()) {
        return Untrue(
            "a delivery is reported otherwise than its record has it");
      }
    }
    if (knowledge.acknowledged_time() != 0) {
      const absl::Status status = CheckAcknowledged(knower, knowledge);
      if (!status.ok()) return status;
    }
  }
  for (const access::v1::Opening& opening : knower.openings()) {
    const absl::Status status = CheckOpening(knower, opening);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status BundleCheck::CheckReport() {
  const access::v1::WhoKnewReport& report = checked_.bundle.report();
  for (const auto* list : {&report.events(), &report.told_later()}) {
    for (const KnownEvent& known : *list) {
      const absl::Status status = CheckKnown(known);
      if (!status.ok()) return status;
    }
  }
  for (const Knower& knower : report.knowers()) {
    const absl::Status status = CheckKnower(knower);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void BundleCheck::TellLimits() {
  const access::v1::Bundle& bundle = checked_.bundle;
  std::vector<std::string>& limits = checked_.limits;
  Completeness& completeness = checked_.completeness;
  completeness.through = checked_.checkpoint.size;
  completeness.events = bundle.person_events();
  completeness.shown = numbers_.size();
  const uint64_t named = std::min(bundle.person_events(), kNumbersMax);
  for (uint64_t n = 1; n <= named; ++n) {
    if (!numbers_.contains(n)) completeness.not_shown.push_back(n);
  }
  limits.push_back(
      absl::StrCat("Complete to event ", completeness.through,
                   " of the log: the hub signs that ", completeness.events,
                   " events of this person are in it up to there; ",
                   completeness.shown, " are shown here."));
  if (!completeness.not_shown.empty()) {
    limits.push_back(
        absl::StrCat("Not shown, for they are not for whom it was made, or are "
                     "the hub's own: "
                     "number ",
                     absl::StrJoin(completeness.not_shown, ", "),
                     named < bundle.person_events() ? " …" : "",
                     " of the person's events."));
  }
  std::vector<uint64_t> unsigned_events;
  for (const auto* list :
       {&bundle.report().events(), &bundle.report().told_later()}) {
    for (const KnownEvent& known : *list) {
      if (known.not_signed()) unsigned_events.push_back(known.sequence());
    }
  }
  if (!unsigned_events.empty()) {
    limits.push_back(absl::StrCat("Unsigned by its producer: event ",
                                  absl::StrJoin(unsigned_events, ", "), "."));
  }
  if (!told_numbers_.empty()) {
    limits.push_back(absl::StrCat(
        "Retention or erasure took what would show the number of ",
        absl::StrJoin(told_numbers_, ", "), ": that is the hub's word."));
  }
  for (const auto* list :
       {&bundle.report().events(), &bundle.report().told_later()}) {
    for (const KnownEvent& known : *list) {
      if (known.sequence() > checked_.checkpoint.size) {
        limits.push_back(absl::StrCat("Event ", known.sequence(),
                                      " is newer than the checkpoint."));
      }
    }
  }
  for (const access::v1::CouldNotKnow& gap : bundle.report().could_not_know()) {
    limits.push_back(absl::StrCat("Gap, ", gap.what(), ": ", gap.words(), "."));
  }
  if (checked_.witnesses.empty()) {
    limits.push_back(
        "No witness that is known here signed the checkpoint: that the hub "
        "shows "
        "everybody the same log is its word.");
  }
  limits.push_back(
      "Who could see what, which producer signed, alerts and gaps are as the "
      "hub "
      "reports them; it signed them.");
}

}  // namespace concordat
