#include "adapters/core/spool_records.h"

#include <algorithm>

namespace concordat::edge {

MessageKey KeyFrom(absl::string_view bytes) {
  MessageKey key = {};
  std::copy_n(bytes.begin(), std::min(bytes.size(), key.size()), key.begin());
  return key;
}

absl::string_view Bytes(const MessageKey& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

v1::SpoolRecord AcceptedRecord(const WaitingMessage& message) {
  v1::SpoolRecord record;
  v1::Accepted& accepted = *record.mutable_accepted();
  accepted.set_number(message.number);
  accepted.set_key(std::string(Bytes(message.key)));
  accepted.set_received_at(message.received_us);
  accepted.set_message(message.message);
  return record;
}

WaitingMessage MessageFrom(const v1::Accepted& accepted) {
  return {accepted.number(), KeyFrom(accepted.key()), accepted.received_at(),
          accepted.message()};
}

v1::SpoolRecord FinishedRecord(const WaitingMessage& message,
                               const Verdict& verdict, bool with_content) {
  v1::SpoolRecord record;
  v1::Finished& finished = *record.mutable_finished();
  finished.set_number(message.number);
  finished.set_received_at(message.received_us);
  finished.set_outcome(verdict.outcome);
  finished.set_reason(verdict.reason);
  finished.set_message_type(verdict.message_type);
  finished.set_subject(std::string(verdict.subject.bytes()));
  finished.set_words(verdict.words);
  finished.set_happened_at(verdict.happened_us);
  finished.set_localsubject(verdict.localsubject);
  finished.set_source(verdict.source);
  finished.set_place(verdict.place);
  if (with_content) {
    finished.set_key(std::string(Bytes(message.key)));
    finished.set_message(message.message);
  }
  return record;
}

KeptItem ItemFrom(const v1::Finished& finished) {
  KeptItem item;
  item.message = {finished.number(), KeyFrom(finished.key()),
                  finished.received_at(), finished.message()};
  Verdict& verdict = item.verdict;
  verdict.outcome = finished.outcome();
  verdict.reason = finished.reason();
  verdict.message_type = finished.message_type();
  verdict.words = finished.words();
  verdict.happened_us = finished.happened_at();
  verdict.localsubject = finished.localsubject();
  verdict.source = finished.source();
  verdict.place = finished.place();
  const auto subject = PersonKey::FromBytes(finished.subject());
  if (subject.ok()) verdict.subject = *subject;
  return item;
}

v1::SpoolRecord ActedRecord(const Act& act) {
  v1::SpoolRecord record;
  v1::Acted& acted = *record.mutable_acted();
  acted.set_act(act.number);
  acted.set_item(act.item);
  acted.set_kind(act.kind);
  acted.set_request_id(act.request_id);
  acted.set_by(act.by);
  acted.set_on_behalf_of(act.on_behalf_of);
  acted.set_reason(act.reason);
  acted.set_note(act.note);
  acted.set_decision_ref(act.decision_ref);
  acted.set_at(act.at_us);
  *acted.mutable_made() = {act.made.begin(), act.made.end()};
  acted.set_item_ref(act.item_ref);
  acted.set_subject(std::string(act.subject.bytes()));
  return record;
}

Act ActFrom(const v1::Acted& acted) {
  Act act;
  act.number = acted.act();
  act.item = acted.item();
  act.kind = acted.kind();
  act.request_id = acted.request_id();
  act.by = acted.by();
  act.on_behalf_of = acted.on_behalf_of();
  act.reason = acted.reason();
  act.note = acted.note();
  act.decision_ref = acted.decision_ref();
  act.at_us = acted.at();
  act.made.assign(acted.made().begin(), acted.made().end());
  act.item_ref = acted.item_ref();
  const auto subject = PersonKey::FromBytes(acted.subject());
  if (subject.ok()) act.subject = *subject;
  return act;
}

v1::SpoolRecord EndedRecord(const Act& act) {
  v1::SpoolRecord record;
  v1::ActEnded& ended = *record.mutable_act_ended();
  ended.set_act(act.number);
  ended.set_done(act.done);
  ended.set_why(act.why);
  ended.set_position(act.position.value);
  return record;
}

}  // namespace concordat::edge
