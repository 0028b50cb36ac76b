#include "adapters/hl7v2/hl7_item_rules.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace concordat::hl7v2 {
namespace {

constexpr char kMissed[] = "concordat.nhs.v1.AppointmentMissed";

}  // namespace

edge::v1::MadeEvent MakeMissed(const edge::WaitingMessage& message,
                               const MissedAppointment& missed) {
  edge::v1::MadeEvent made;
  made.set_type(kMissed);
  made.set_id(absl::StrCat(
      "hl7-", absl::BytesToHexString(absl::string_view(
                  reinterpret_cast<const char*>(message.key.data()),
                  message.key.size()))));
  made.set_stream(absl::StrCat("appointment/", missed.data.appointment_ref()));
  made.set_subject(std::string(missed.subject.bytes()));
  made.set_time(static_cast<uint64_t>(absl::ToUnixMicros(missed.time.at)));
  made.set_time_precision(missed.time.to_the_second
                              ? bus::v1::TIME_PRECISION_SECOND
                              : bus::v1::TIME_PRECISION_MINUTE);
  made.set_recorded_time(message.received_us);
  made.set_data(missed.data.SerializeAsString());
  return made;
}

std::vector<edge::KeptField> Hl7ItemRules::Show(
    const edge::KeptItem& item) const {
  const absl::StatusOr<Message> whole = Message::Parse(item.message.message);
  if (!whole.ok()) return {};
  // A reject that was kept while nobody knew the cohort may be an outsider's.
  const edge::CohortAnswer who =
      cohort_.Find(mapping_.IdentifyAll(ReadFacts(*whole, mapping_.zone())));
  const std::string shown = who.kind == edge::CohortAnswer::Kind::kOutside
                                ? KeepHeader(*whole)
                                : item.message.message;
  const absl::StatusOr<Message> message = Message::Parse(shown);
  std::vector<edge::KeptField> fields;
  for (NamedField& field : ListInventory(*message)) {
    fields.push_back({std::move(field.name), std::move(field.value)});
  }
  return fields;
}

absl::StatusOr<std::string> Hl7ItemRules::PreviewRelease(
    const edge::KeptItem& item) const {
  const auto missed =
      hl7v2::PreviewRelease(item.message.message, mapping_, cohort_);
  if (!missed.ok()) return missed.status();
  return missed->data.service_code();
}

absl::StatusOr<std::vector<edge::v1::MadeEvent>> Hl7ItemRules::Release(
    const edge::KeptItem& item, absl::string_view decision_ref) const {
  const auto missed = DecideRelease(item.message.message, mapping_, cohort_,
                                    decisions_, decision_ref);
  if (!missed.ok()) return missed.status();
  return std::vector<edge::v1::MadeEvent>{MakeMissed(item.message, *missed)};
}

absl::Status Hl7ItemRules::Replay(const edge::KeptItem& item) const {
  return DecideReplay(item, mapping_, cohort_, decisions_);
}

bool Hl7ItemRules::AwaitPosition(Sequence position,
                                 absl::Duration timeout) const {
  return decisions_.AwaitPosition(position, timeout);
}

}  // namespace concordat::hl7v2
