#include "services/bus/oversight/correction_register.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/hub/v1/correction.pb.h"
#include "services/bus/ingest/hub_records.h"

namespace concordat::bus {
namespace {

using Entry = CorrectionBook::Entry;

constexpr char kReadPerson[] = "concordat.bus.v1.BusService/ReadPerson";

struct RowKey {
  std::string agency;
  std::string role;
  std::string name;
  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

struct Row {
  v1::CorrectionRecipient recipient;
  // Which originals; empty: none.
  std::set<uint64_t> had = {};
  uint64_t opened_since = 0;
};

// One correction on its way through the records.
struct Tracked {
  const Entry* entry = nullptr;
  StoredEvent correction;
  // Of the first, which of a cut is one of many.
  std::optional<StoredEvent> original;
  std::string subject;
  std::map<RowKey, Row> rows;

  Row& RowOf(const RowKey& key) {
    Row& row = rows[key];
    row.recipient.set_agency(key.agency);
    row.recipient.set_role(key.role);
    row.recipient.set_name(key.name);
    return row;
  }
};

// Whoever has the role, for any purpose; of hub services all that one of them may.
Recipient ReaderOf(const PrincipalRegistry& registry,
                   const v1::CorrectionRecipient& of) {
  Recipient to;
  to.agency = of.agency();
  to.role = of.role();
  to.SetProcessed(registry.ProcessedBy(of.agency(), of.role()));
  return to;
}

// Takes the access log's records.
class Records {
 public:
  explicit Records(std::vector<Tracked>& tracked) {
    for (Tracked& each : tracked) {
      for (const Sequence original : each.entry->originals) {
        of_[original.value].push_back({&each, false});
      }
      of_[each.entry->sequence.value].push_back({&each, true});
      if (!each.subject.empty()) by_subject_[each.subject].push_back(&each);
    }
  }

  void Take(const access::v1::Record& record) {
    if (record.has_began()) {
      out_.clear();
    } else if (record.has_delivered()) {
      Take(record.log_time(), record.delivered());
    } else if (record.has_acknowledged()) {
      Take(record.log_time(), record.acknowledged());
    } else if (record.has_ended()) {
      out_.erase(record.ended().session());
    } else if (record.has_called()) {
      Take(record.log_time(), record.called());
    }
  }

 private:
  struct Of {
    Tracked* tracked = nullptr;
    bool is_correction = false;
  };
  struct Out {
    Row* row = nullptr;
    bool is_correction = false;
  };

  void Take(uint64_t log_us, const access::v1::Delivered& delivered) {
    if (delivered.envelopes()) return;
    uint64_t delivery = delivered.first_delivery();
    for (const access::v1::Run& run : delivered.runs()) {
      auto found = of_.lower_bound(run.first());
      for (; found != of_.end() && found->first < run.first() + run.count();
           ++found) {
        for (const Of& of : found->second) {
          Row& row = of.tracked->RowOf(
              {delivered.agency(), delivered.role(), delivered.name()});
          Note(log_us, run.groups(), found->first, of.is_correction, row);
          out_[delivered.session()].emplace(
              delivery + (found->first - run.first()),
              Out{&row, of.is_correction});
        }
      }
      delivery += run.count();
    }
  }

  static void Note(uint64_t log_us, uint32_t groups, uint64_t sequence,
                   bool is_correction, Row& row) {
    v1::CorrectionRecipient& recipient = row.recipient;
    if (is_correction) {
      if (recipient.told_time() == 0) recipient.set_told_time(log_us);
      return;
    }
    row.had.insert(sequence);
    recipient.set_groups(recipient.groups() | groups);
    if (recipient.delivered_time() == 0) recipient.set_delivered_time(log_us);
  }

  void Take(uint64_t log_us, const access::v1::Acknowledged& acknowledged) {
    const auto out = out_.find(acknowledged.session());
    if (out == out_.end()) return;
    auto& deliveries = out->second;
    const auto end = deliveries.upper_bound(acknowledged.through_delivery());
    for (auto each = deliveries.begin(); each != end; ++each) {
      Acknowledge(log_us, each->second);
    }
    deliveries.erase(deliveries.begin(), end);
    for (const uint64_t delivery : acknowledged.deliveries()) {
      const auto [first, last] = deliveries.equal_range(delivery);
      for (auto each = first; each != last; ++each) {
        Acknowledge(log_us, each->second);
      }
      deliveries.erase(first, last);
    }
  }

  static void Acknowledge(uint64_t log_us, const Out& out) {
    v1::CorrectionRecipient& recipient = out.row->recipient;
    if (!out.is_correction) {
      if (recipient.acknowledged_time() == 0) {
        recipient.set_acknowledged_time(log_us);
      }
    } else if (recipient.accepted_time() == 0) {
      recipient.set_accepted(true);
      recipient.set_accepted_time(log_us);
    }
  }

  void Take(uint64_t log_us, const access::v1::Called& called) {
    if (called.outcome() != "OK" || called.method() != kReadPerson) return;
    for (const std::string& subject : called.subjects()) {
      const auto found = by_subject_.find(subject);
      if (found == by_subject_.end()) continue;
      for (Tracked* const tracked : found->second) {
        if (!tracked->original.has_value() ||
            log_us < tracked->original->accepted_us) {
          continue;
        }
        Row& row = tracked->RowOf({called.agency(), called.role(), ""});
        if (log_us < tracked->entry->accepted_us) {
          row.recipient.set_opened_time(log_us);
        } else {
          row.opened_since = log_us;
        }
      }
    }
  }

  std::map<uint64_t, std::vector<Of>> of_;  // By sequence.
  std::map<std::string, std::vector<Tracked*>> by_subject_;
  // By session, what is not acknowledged; two corrections may have one original.
  std::map<uint64_t, std::multimap<uint64_t, Out>> out_;
};

// What agencies have said of it, and how it stands with each.
class Standing {
 public:
  Standing(EventLog& log, const PolicyFold& fold,
           const CorrectionRegister::Question& question)
      : log_(log), fold_(fold), question_(question) {}

  void AddPlaces(Tracked& tracked) const {
    if (!tracked.original.has_value() ||
        tracked.entry->kind == CorrectionBook::Kind::kCut) {
      return;
    }
    for (const SubscriptionInfo& info : question_.subscriptions) {
      if (info.name.empty() || info.acknowledged < tracked.original->sequence) {
        continue;
      }
      const RowKey key = {info.agency, info.role, info.name};
      v1::CorrectionRecipient reader;
      reader.set_agency(info.agency);
      reader.set_role(info.role);
      const Recipient to = ReaderOf(*question_.registry, reader);
      const bool is_there = tracked.rows.contains(key);
      if (!is_there && fold_.Granted(*tracked.original, to) == 0) continue;
      Row& row = tracked.RowOf(key);
      row.had.insert(tracked.original->sequence.value);
      if (info.acknowledged >= tracked.entry->sequence &&
          fold_.Granted(tracked.correction, to) != 0) {
        row.recipient.set_accepted(true);
      }
    }
  }

  absl::StatusOr<v1::Correction> Answer(Tracked& tracked) {
    const Entry& entry = *tracked.entry;
    v1::Correction correction;
    correction.set_sequence(entry.sequence.value);
    correction.set_type(entry.type);
    correction.set_controller(entry.controller);
    correction.set_retraction(entry.kind == CorrectionBook::Kind::kRetraction);
    correction.set_accepted_time(entry.accepted_us);
    correction.set_cut(entry.kind == CorrectionBook::Kind::kCut);
    std::set<uint64_t> originals;
    const bool whole =
        question_.of_all || entry.controller == question_.to.agency;
    uint32_t waits_for = 0;
    for (auto& [key, row] : tracked.rows) {
      if (!whole && key.agency != question_.to.agency) continue;
      const absl::StatusOr<bool> had = Judge(tracked, row);
      if (!had.ok()) return had.status();
      if (!*had) continue;
      if (!row.recipient.accepted()) ++waits_for;
      originals.insert(row.had.begin(), row.had.end());
      *correction.add_recipients() = row.recipient;
    }
    correction.set_waits_for(waits_for);
    // Who asks for its own part hears of what it had.
    if (whole) {
      for (const Sequence each : entry.originals) originals.insert(each.value);
    }
    if (!originals.empty()) correction.set_original(*originals.begin());
    if (correction.cut()) {
      correction.mutable_originals()->Assign(originals.begin(),
                                             originals.end());
    }
    return correction;
  }

 private:
  // False: it did not have the original.
  absl::StatusOr<bool> Judge(const Tracked& tracked, Row& row) {
    v1::CorrectionRecipient& recipient = row.recipient;
    const Recipient to = ReaderOf(*question_.registry, recipient);
    if (row.had.empty() && recipient.opened_time() != 0 &&
        fold_.Granted(*tracked.original, to) != 0) {
      row.had.insert(tracked.original->sequence.value);
    }
    if (row.had.empty()) return false;
    recipient.set_left(fold_.Granted(tracked.correction, to) == 0);
    if (recipient.accepted()) {
      recipient.set_state("has it");
      return true;
    }
    const auto said = SaidBy(tracked.entry->sequence, recipient.agency());
    if (!said.ok()) return said.status();
    if (said->has_value()) {
      recipient.set_accepted(true);
      recipient.set_accepted_time((*said)->accepted_us);
      recipient.set_state((*said)->words);
    } else if (recipient.left()) {
      recipient.set_state(
          tracked.entry->kind == CorrectionBook::Kind::kCut
              ? "is to be told: a cut is delivered to no agency"
              : "left: nothing of the person is shown to it now; is to be told "
                "outside of the hub");
    } else if (row.opened_since != 0) {
      recipient.set_accepted(true);
      recipient.set_accepted_time(row.opened_since);
      recipient.set_state("has opened the person since");
    } else {
      recipient.set_state(recipient.told_time() == 0
                              ? "was not sent it yet"
                              : "was sent it, and has not acknowledged it");
    }
    return true;
  }

  struct Said {
    uint64_t accepted_us = 0;
    std::string words;
  };
  absl::StatusOr<std::optional<Said>> SaidBy(Sequence correction,
                                             const std::string& agency) {
    const auto key = std::make_pair(correction, agency);
    if (const auto known = said_.find(key); known != said_.end()) {
      return known->second;
    }
    const auto at = log_.OfId(kHubSource, AcceptanceId(correction, agency));
    if (!at.ok()) return at.status();
    std::optional<Said> said;
    if (at->value != 0) {
      const auto event = log_.ReadOne(*at);
      if (!event.ok()) return event.status();
      hub::v1::CorrectionAccepted accepted;
      if (accepted.ParseFromString(MessageOf(*event))) {
        said = Said{event->accepted_us,
                    accepted.told_outside()
                        ? absl::StrCat("was told outside: ", accepted.how())
                        : absl::StrCat("knows, says ", accepted.by())};
      }
    }
    return said_.emplace(key, std::move(said)).first->second;
  }

  EventLog& log_;
  const PolicyFold& fold_;
  const CorrectionRegister::Question& question_;
  std::map<std::pair<Sequence, std::string>, std::optional<Said>> said_;
};

}  // namespace

std::string AcceptanceId(Sequence correction, absl::string_view agency) {
  return absl::StrCat("c", correction.value, "-", agency);
}

absl::Status CorrectionRegister::CatchUp() {
  const absl::Status folded = fold_.CatchUp(log_);
  return folded.ok() ? book_.CatchUp() : folded;
}

absl::StatusOr<std::vector<v1::Correction>> CorrectionRegister::Fill(
    const std::vector<const Entry*>& entries, const Question& question) {
  std::vector<Tracked> all;
  all.reserve(entries.size());
  for (const Entry* const entry : entries) {
    Tracked& tracked = all.emplace_back();
    tracked.entry = entry;
    auto correction = log_.ReadOne(entry->sequence);
    if (!correction.ok()) return correction.status();
    tracked.correction = *std::move(correction);
    if (entry->originals.empty()) continue;
    auto original = log_.ReadOne(entry->originals.front());
    if (!original.ok()) return original.status();
    tracked.original = *std::move(original);
    if (!tracked.original->header.subject.empty()) {
      tracked.subject = tracked.original->header.subject.ToString();
    }
  }
  Records records(all);
  const absl::Status read = store_.Read(
      0, [&](uint64_t, const access::v1::Record& record, absl::string_view) {
        records.Take(record);
        return absl::OkStatus();
      });
  if (!read.ok()) return read;
  Standing standing(log_, fold_, question);
  std::vector<v1::Correction> corrections;
  for (Tracked& tracked : all) {
    standing.AddPlaces(tracked);
    auto correction = standing.Answer(tracked);
    if (!correction.ok()) return correction.status();
    // Who did not have the original is not told of it.
    if (!MayKnowAll(question, *tracked.entry) &&
        correction->recipients().empty()) {
      continue;
    }
    corrections.push_back(*std::move(correction));
  }
  return corrections;
}

absl::StatusOr<std::vector<v1::Correction>> CorrectionRegister::List(
    const Question& question) {
  const absl::Status caught_up = CatchUp();
  if (!caught_up.ok()) return caught_up;
  std::vector<const Entry*> entries;
  const auto& all = book_.entries();
  for (auto it = all.rbegin(); it != all.rend() && entries.size() < kListMax;
       ++it) {
    const auto allowed = lists_.Allow(question.to, it->subject);
    if (!allowed.ok()) return allowed.status();
    if (*allowed) entries.push_back(&*it);
  }
  return Fill(entries, question);
}

absl::StatusOr<CorrectionRegister::Found> CorrectionRegister::Find(
    const Question& question, Sequence at) {
  const absl::Status caught_up = CatchUp();
  if (!caught_up.ok()) return caught_up;
  const auto& all = book_.entries();
  const auto found =
      std::find_if(all.rbegin(), all.rend(), [&](const Entry& entry) {
        return entry.sequence == at ||
               std::binary_search(entry.originals.begin(),
                                  entry.originals.end(), at);
      });
  const absl::Status none =
      absl::NotFoundError("no correction that you may ask about is there");
  if (found == all.rend()) return none;
  const auto allowed = lists_.Allow(question.to, found->subject);
  if (!allowed.ok()) return allowed.status();
  if (!*allowed) return none;
  auto filled = Fill({&*found}, question);
  if (!filled.ok()) return filled.status();
  if (filled->empty()) return none;
  return Found{std::move(filled->front()), *found,
               MayKnowAll(question, *found)};
}

}  // namespace concordat::bus
