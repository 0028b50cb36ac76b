#include "services/alerts/rpc/rule_adoption.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/hub/v1/approval.pb.h"
#include "services/common/base/bytes.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/make_event.h"

namespace concordat::alerts {
namespace {

constexpr char kFile[] = "rules-in-force";
constexpr char kRuleAct[] = "rule";
constexpr absl::Duration kTick = absl::Milliseconds(50);
constexpr absl::Duration kPublishWait = absl::Seconds(10);

void Sort(std::vector<v1::Rule>& rules) {
  std::sort(rules.begin(), rules.end(), [](const auto& a, const auto& b) {
    return std::pair(a.id(), a.version()) < std::pair(b.id(), b.version());
  });
}

std::string NameOf(const v1::Rule& rule) {
  return absl::StrCat(rule.id(), " version ", rule.version());
}

// "R17 version 4 in place of R17 version 3; R40 version 1".
std::string ChangeInWords(const std::vector<v1::Rule>& before,
                          const std::vector<v1::Rule>& after) {
  std::map<std::string, std::pair<const v1::Rule*, const v1::Rule*>> by_id;
  for (const v1::Rule& rule : before) by_id[rule.id()].first = &rule;
  for (const v1::Rule& rule : after) by_id[rule.id()].second = &rule;
  std::vector<std::string> words;
  for (const auto& [id, pair] : by_id) {
    const auto [old, now] = pair;
    if (now == nullptr) {
      words.push_back(absl::StrCat("no ", NameOf(*old), " any more"));
    } else if (old == nullptr) {
      words.push_back(NameOf(*now));
    } else if (old->SerializeAsString() != now->SerializeAsString()) {
      words.push_back(
          absl::StrCat(NameOf(*now), " in place of ", NameOf(*old)));
    }
  }
  return absl::StrJoin(words, "; ");
}

// Two people agreed to an act of rules with this digest. False also when the log does
// not answer in time.
bool IsAgreed(BusClient& bus, absl::string_view digest,
              const SteadyClock& clock, absl::Duration patience) {
  SubscribeOptions options;
  options.name = "rule-approvals";
  options.types = {std::string(hub::v1::ApprovalGiven().GetTypeName())};
  options.own_place = true;  // From the first.
  const auto subscription = bus.Subscribe(std::move(options));
  if (!subscription.ok()) return false;
  const absl::Duration end = clock.Elapsed() + patience;
  while (clock.Elapsed() < end) {
    const Sequence scanned = (*subscription)->scanned_through();
    const auto delivery = (*subscription)->Next(kTick);
    if (absl::IsDeadlineExceeded(delivery.status())) {
      if ((*subscription)->connected() &&
          scanned >= (*subscription)->log_end()) {
        return false;
      }
      continue;
    }
    if (!delivery.ok()) return false;
    hub::v1::ApprovalGiven given;
    if (given.ParseFromString(delivery->view.Data()) &&
        given.kind() == kRuleAct && given.digest() == digest) {
      return true;
    }
    (*subscription)->Ack(delivery->number);
  }
  return false;
}

absl::Status Keep(Directory& folder, const std::vector<v1::Rule>& rules) {
  v1::ListRulesResponse kept;
  kept.mutable_rules()->Assign(rules.begin(), rules.end());
  return ReplaceWhole(folder, kFile, kept.SerializeAsString());
}

}  // namespace

std::string DigestOf(std::vector<v1::Rule> rules) {
  Sort(rules);
  std::string bytes = "concordat/rules/1";
  for (const v1::Rule& rule : rules) {
    const std::string one = rule.SerializeAsString();
    PutNumber(bytes, static_cast<uint64_t>(one.size()));
    bytes += one;
  }
  const Sha256Hash hash = Sha256::Of(bytes);
  return std::string(AsView(hash));
}

absl::StatusOr<RulesInForce> FindRulesInForce(Directory& folder,
                                              std::vector<v1::Rule> of_folder,
                                              BusClient& bus,
                                              const SteadyClock& clock,
                                              absl::Duration patience) {
  RulesInForce in_force;
  const auto bytes = ReadWhole(folder, kFile);
  if (absl::IsNotFound(bytes.status())) {
    const absl::Status kept = Keep(folder, of_folder);
    if (!kept.ok()) return kept;
    in_force.rules = std::move(of_folder);
    return in_force;
  }
  if (!bytes.ok()) return bytes.status();
  v1::ListRulesResponse kept;
  if (!kept.ParseFromString(*bytes)) {
    return absl::DataLossError(
        absl::StrCat(kFile, ": the rules in force cannot be read"));
  }
  in_force.rules = {kept.rules().begin(), kept.rules().end()};
  const std::string digest = DigestOf(of_folder);
  if (digest == DigestOf(in_force.rules)) return in_force;
  if (!IsAgreed(bus, digest, clock, patience)) {
    in_force.waiting.set_digest(digest);
    in_force.waiting.set_what(ChangeInWords(in_force.rules, of_folder));
    return in_force;
  }
  const absl::Status replaced = Keep(folder, of_folder);
  if (!replaced.ok()) return replaced;
  in_force.rules = std::move(of_folder);
  in_force.adopted = true;
  return in_force;
}

absl::Status SayAdopted(const std::vector<v1::Rule>& rules,
                        const bus::v1::Principal& self, Publisher& publisher,
                        const TypeRegistry& types, Random& random) {
  std::vector<v1::Rule> sorted = rules;
  Sort(sorted);
  hub::v1::RulesAdopted adopted;
  adopted.set_digest(DigestOf(sorted));
  for (const v1::Rule& rule : sorted) adopted.add_rules(NameOf(rule));
  Header header;
  header.source = SourceOf(self);
  header.controller = self.agency();
  header.purpose = self.default_purpose();
  header.gateway = self.default_gateway();
  header.regime = self.default_regime();
  header.id = absl::StrCat(
      "rules-", absl::BytesToHexString(adopted.digest()).substr(0, 32));
  header.stream = "rules";
  auto event = MakeEvent(types, std::move(header), adopted, random);
  if (!event.ok()) return event.status();
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes = PublishAndWait(publisher, std::move(set), kPublishWait);
  if (!outcomes.ok()) return outcomes.status();
  if (outcomes->front().accepted) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(
      "the bus refused it: ", RefusalWord(outcomes->front().refusal)));
}

}  // namespace concordat::alerts
