#include "services/bus/daemon/access_disclosures.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/bus/delivery/delivery_core.h"

namespace concordat::bus {
namespace {

constexpr char kProgram[] = "concordat-bus";
// What is out and not recorded is at most as old: the loop's 100 ms and a write.
constexpr uint64_t kUnrecordedUs = 1'000'000;
constexpr size_t kReadBytes = 1u << 20;
constexpr absl::string_view kErased = "concordat.hub.v1.PersonErased";
constexpr absl::string_view kIdentityTypes = "concordat.identity.v1.";

access::v1::Record RecordOf(const Disclosure& from) {
  access::v1::Record record;
  switch (from.what) {
    case Disclosure::What::kSubscribed: {
      access::v1::Subscribed& to = *record.mutable_subscribed();
      to.set_session(from.session.value);
      to.set_principal(from.principal);
      to.set_agency(from.agency);
      to.set_role(from.role);
      to.set_purpose(from.purpose);
      to.set_name(from.name);
      break;
    }
    case Disclosure::What::kDelivered: {
      access::v1::Delivered& to = *record.mutable_delivered();
      to.set_session(from.session.value);
      to.set_agency(from.agency);
      to.set_role(from.role);
      to.set_purpose(from.purpose);
      to.set_name(from.name);
      to.set_policy_position(from.policy.value);
      to.set_backfill_cause(from.cause.value);
      to.set_first_delivery(from.first_delivery);
      to.set_envelopes(from.envelopes);
      for (const ShownRun& run : from.runs) {
        access::v1::Run& one = *to.add_runs();
        one.set_first(run.first.value);
        one.set_count(run.count);
        one.set_groups(run.groups);
      }
      break;
    }
    case Disclosure::What::kAcknowledged: {
      access::v1::Acknowledged& to = *record.mutable_acknowledged();
      to.set_session(from.session.value);
      to.set_through_delivery(from.through);
      to.mutable_deliveries()->Assign(from.deliveries.begin(),
                                      from.deliveries.end());
      break;
    }
    case Disclosure::What::kEnded:
      record.mutable_ended()->set_session(from.session.value);
      break;
  }
  return record;
}

policy::v1::Operation OperationOf(const StoredEvent& event) {
  const HeaderView& header = event.header;
  if (event.removed_us != 0 || header.type == kErased) {
    return policy::v1::OPERATION_ERASURE;
  }
  if (absl::StartsWith(header.type, kIdentityTypes) &&
      (absl::StrContains(header.type, "Link") ||
       absl::StrContains(header.type, "Merge"))) {
    return policy::v1::OPERATION_COMBINATION;
  }
  return header.corrects.empty() && header.retracts.empty()
             ? policy::v1::OPERATION_COLLECTION
             : policy::v1::OPERATION_ALTERATION;
}

PersonEvent PersonEventOf(const StoredEvent& event,
                          const std::string& subject) {
  const HeaderView& header = event.header;
  PersonEvent made;
  made.controller = std::string(header.controller);
  access::v1::Access& access = made.access;
  access.set_operation(OperationOf(event));
  // Of the log, which in an environment that lives is the time.
  access.set_log_time(event.removed_us != 0 ? event.removed_us
                                            : event.accepted_us);
  access.set_time(access.log_time());
  access.set_agency(std::string(AgencyOfSource(header.source)));
  access.set_principal(std::string(header.source));
  access.set_on_behalf_of(std::string(header.on_behalf_of));
  access.set_purpose(std::string(header.purpose));
  access.set_what(std::string(header.type));
  access.set_outcome("OK");
  access.add_subjects(subject);
  access.set_events(1);
  access.add_sequences(event.sequence.value);
  access.set_record(event.sequence.value);
  access.set_of_event(true);
  return made;
}

absl::StatusOr<AccessEvents::BySequence> OfPerson(const EventLog& log,
                                                  const std::string& subject) {
  const auto person = PersonKey::Parse(subject);
  if (!person.ok()) return person.status();
  const auto sequences = log.OfPerson(*person, {0}, log.Status().end);
  if (!sequences.ok()) return sequences.status();
  AccessEvents::BySequence events;
  for (const Sequence sequence : *sequences) {
    const auto event = log.ReadOne(sequence);
    if (!event.ok()) return event.status();
    events.emplace(sequence.value, PersonEventOf(*event, subject));
  }
  return events;
}

absl::StatusOr<AccessEvents::Part> OfPeriod(const EventLog& log, uint64_t from,
                                            uint64_t to, uint64_t after) {
  const Sequence end = log.Status().end;
  AccessEvents::Part part;
  part.through = after;
  if (from != 0 && after < end.value) {
    const auto before = LastBefore(log, from, {after}, end);
    if (!before.ok()) return before.status();
    part.through = before->value;
  }
  const uint64_t last = std::min(end.value, part.through + kPeriodEventsMax);
  while (part.through < last) {
    const auto block = log.Read({part.through}, kReadBytes);
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return part;
    for (const StoredEvent& event : (*block)->events) {
      // acceptedtime never steps back.
      if (to != 0 && event.accepted_us >= to) return part;
      part.through = event.sequence.value;
      if (event.header.subject.empty()) continue;
      part.events.emplace(
          event.sequence.value,
          PersonEventOf(event, event.header.subject.ToString()));
    }
  }
  part.more = part.through < end.value;
  return part;
}

}  // namespace

absl::Status AccessDisclosures::Record(
    const std::vector<Disclosure>& disclosures, uint64_t log_us) {
  const auto now = static_cast<uint64_t>(absl::ToUnixMicros(clock_.Now()));
  std::vector<access::v1::Record> records;
  records.reserve(disclosures.size());
  for (const Disclosure& each : disclosures) {
    records.push_back(RecordOf(each));
    records.back().set_time(now);
    records.back().set_log_time(log_us);
  }
  return store_.Add(records);
}

AccessEvents AccessEventsOf(const EventLog& log, PersonLists& lists,
                            std::string missing) {
  return {
      .of_person =
          [&log](const std::string& subject) { return OfPerson(log, subject); },
      .of_period =
          [&log](uint64_t from, uint64_t to, uint64_t after) {
            return OfPeriod(log, from, to, after);
          },
      .subject_of = [&log](uint64_t sequence) -> absl::StatusOr<std::string> {
        const auto event = log.ReadOne({sequence});
        if (!event.ok()) return event.status();
        return event->header.subject.empty() ? std::string()
                                             : event->header.subject.ToString();
      },
      .allow =
          [&lists](const v1::Principal& caller, const PersonKey& person) {
            return lists.Allow(RecipientOf(caller, caller.default_purpose()),
                               person);
          },
      .missing = std::move(missing)};
}

std::string MissingAccess(bool shares_log) {
  return shares_log
             ? "whoever shares the log has an access log of its own: this "
               "is of one process, and what others delivered or "
               "answered is not in it"
             : "";
}

access::v1::Record BeganOf(const LogStatus& log, absl::Time now) {
  access::v1::Record record;
  record.set_time(static_cast<uint64_t>(absl::ToUnixMicros(now)));
  access::v1::Began& began = *record.mutable_began();
  began.set_program(kProgram);
  began.set_unrecorded_us(kUnrecordedUs);
  began.set_log_id(log.log_id);
  began.set_epoch(log.epoch);
  began.set_log_end(log.end.value);
  return record;
}

}  // namespace concordat::bus
