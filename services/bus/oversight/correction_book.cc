#include "services/bus/oversight/correction_book.h"

#include <boost/json.hpp>
#include <set>

#include "absl/strings/numbers.h"
#include "services/common/event/amends.h"

namespace concordat::bus {
namespace {

namespace json = boost::json;

struct Cut {
  std::set<std::string, std::less<>> sources;
  uint64_t after = 0;
};

// The bus links no domain message: identity's LinkCut by its type's JSON. Of one
// whose content was destroyed nothing is known.
Cut ReadCut(const StoredEvent& event, const TypeRegistry& types) {
  Cut cut;
  const auto text = types.ToJson(event.header.type, MessageOf(event));
  if (!text.ok()) return cut;
  boost::system::error_code error;
  const json::value parsed = json::parse(*text, error);
  if (error || !parsed.is_object()) return cut;
  const json::object& object = parsed.as_object();
  if (const json::value* sources = object.if_contains("sources");
      sources != nullptr && sources->is_array()) {
    for (const json::value& each : sources->as_array()) {
      if (each.is_string()) cut.sources.insert(each.as_string().c_str());
    }
  }
  if (const json::value* after = object.if_contains("after");
      after != nullptr && after->is_string() &&
      !absl::SimpleAtoi(after->as_string().c_str(), &cut.after)) {
    cut.sources.clear();
  }
  return cut;
}

}  // namespace

absl::Status CorrectionBook::CatchUp() {
  const auto amendments = log_.Amendments(folded_);
  if (!amendments.ok()) return amendments.status();
  for (const Sequence sequence : *amendments) {
    const auto event = log_.ReadOne(sequence);
    if (!event.ok()) return event.status();
    const absl::Status folded = Fold(*event);
    if (!folded.ok()) return folded;
    folded_ = sequence;
  }
  return absl::OkStatus();
}

absl::Status CorrectionBook::Fold(const StoredEvent& event) {
  const HeaderView& header = event.header;
  Entry entry;
  entry.sequence = event.sequence;
  entry.type = std::string(header.type);
  entry.controller = std::string(header.controller);
  entry.subject = header.subject;
  entry.accepted_us = event.accepted_us;
  if (header.type == kLinkCutType) {
    entry.kind = Kind::kCut;
    const absl::Status found = FindCut(event, entry);
    if (!found.ok()) return found;
  } else {
    entry.kind =
        header.retracts.empty() ? Kind::kCorrection : Kind::kRetraction;
    const EventReference of = AmendedBy(header);
    const auto original = log_.OfId(of.source, of.id);
    if (!original.ok()) return original.status();
    if (original->value != 0) entry.originals.push_back(*original);
  }
  entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

absl::Status CorrectionBook::FindCut(const StoredEvent& event,
                                     Entry& entry) const {
  const Cut cut = ReadCut(event, *types_);
  if (cut.sources.empty()) return absl::OkStatus();
  const auto of_person = log_.OfPerson(event.header.subject, {cut.after},
                                       {event.sequence.value - 1});
  if (!of_person.ok()) return of_person.status();
  for (const Sequence sequence : *of_person) {
    if (entry.originals.size() >= kOriginalsMax) break;
    const auto told = log_.ReadOne(sequence);
    if (!told.ok()) return told.status();
    if (cut.sources.contains(told->header.source)) {
      entry.originals.push_back(sequence);
    }
  }
  return absl::OkStatus();
}

}  // namespace concordat::bus
