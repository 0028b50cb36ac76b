#include "services/alerts/domain/vector.h"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/crypto/sha256.h"

namespace concordat::alerts {
namespace {

constexpr absl::string_view kFormat = "%Y-%m-%d %H:%M";

absl::StatusOr<uint64_t> MicrosOf(const std::string& local) {
  absl::Time at;
  std::string error;
  if (!absl::ParseTime(kFormat, local, London(), &at, &error)) {
    return absl::InvalidArgumentError(
        absl::StrCat(local, " is no moment: ", error));
  }
  return static_cast<uint64_t>(absl::ToUnixMicros(at));
}

std::string LocalOf(uint64_t us) {
  if (us == 0) return "";
  return absl::FormatTime(
      kFormat, absl::FromUnixMicros(static_cast<int64_t>(us)), London());
}

PersonKey KeyOf(const std::string& name) {
  if (name.empty()) return {};
  const Sha256Hash hash = Sha256::Of(name);
  std::array<uint8_t, PersonKey::kBytes> bytes;
  std::copy_n(hash.begin(), bytes.size(), bytes.begin());
  return PersonKey(bytes);
}

AlertCaller CallerOf(const std::string& by) {
  const std::pair<std::string, std::string> parts =
      absl::StrSplit(by, absl::MaxSplits('/', 1));
  return {by, parts.first, {parts.second}};
}

class Runner {
 public:
  Runner(Engine engine, const TypeRegistry& types, const v1::RuleVector& vector)
      : engine_(std::move(engine)), types_(types), vector_(vector) {}

  absl::Status Run(const Definitions& definitions,
                   const std::vector<policy::v1::Agreement>& agreements);
  std::vector<std::string> Compare() const;

 private:
  absl::Status Step(const v1::VectorStep& step);
  absl::Status Act(const v1::VectorAct& act);
  absl::Status Fold(Header header, const std::string& data);
  absl::Status FoldMessage(Header header,
                           const google::protobuf::Message& message) {
    header.type = std::string(message.GetDescriptor()->full_name());
    return Fold(std::move(header), message.SerializeAsString());
  }
  Header HeaderOf(const std::string& agency, const std::string& system);
  const Alert* ActualOf(const v1::VectorAlert& expected) const;
  v1::VectorAlert Describe(const Alert& alert) const;
  std::string NameOf(const PersonKey& person) const {
    const auto it = names_.find(person.ToString());
    return it == names_.end() ? "" : it->second;
  }

  Engine engine_;
  const TypeRegistry& types_;
  const v1::RuleVector& vector_;
  uint64_t sequence_ = 0;
  uint64_t now_us_ = 0;
  std::map<uint64_t, std::string> ids_;         // Of steps, by sequence.
  std::map<std::string, std::string> sources_;  // By id of step.
  std::map<std::string, std::string> names_;    // Of persons.
};

Header Runner::HeaderOf(const std::string& agency, const std::string& system) {
  Header header;
  header.source = absl::StrCat("urn:concordat:", agency, ":", system);
  header.controller = agency;
  header.id = absl::StrCat("made-", sequence_ + 1);
  header.time_us = now_us_;
  header.purpose = "MAPPA_RISK_MANAGEMENT";
  header.gateway = "G1";
  return header;
}

absl::Status Runner::Fold(Header header, const std::string& data) {
  std::deque<std::pair<Header, std::string>> due;
  due.emplace_back(std::move(header), data);
  while (!due.empty()) {
    auto [next, bytes] = std::move(due.front());
    due.pop_front();
    View view;
    view.sequence = {++sequence_};
    view.accepted_us = now_us_;
    view.header = std::move(next);
    const EventType* type = types_.Find(view.header.type);
    if (type == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(view.header.type, " is no event type"));
    }
    auto groups = type->Split(bytes);
    if (!groups.ok()) return groups.status();
    for (auto& group : *groups) {
      view.groups.push_back({group.number, std::move(group.data), {}});
    }
    const auto drafts = engine_.Apply(view);
    if (!drafts.ok()) return drafts.status();
    for (const AlertDraft& draft : *drafts) {
      Header own = HeaderOf("mappa-tayside", "alerts");
      own.id = draft.key;
      own.type = draft.type;
      own.stream = draft.stream;
      own.subject = draft.subject;
      own.time_us = draft.time_us;
      due.emplace_back(std::move(own), draft.data);
    }
  }
  return absl::OkStatus();
}

absl::Status Runner::Step(const v1::VectorStep& step) {
  const auto at = MicrosOf(step.at());
  const auto happened =
      step.happened().empty() ? at : MicrosOf(step.happened());
  if (!at.ok()) return at.status();
  if (!happened.ok()) return happened.status();
  now_us_ = std::max(now_us_, *at);
  if (step.has_act()) return Act(step.act());
  const std::pair<std::string, std::string> by =
      absl::StrSplit(step.by(), absl::MaxSplits('/', 1));
  Header header = HeaderOf(by.first, by.second);
  header.time_us = *happened;
  if (!step.id().empty()) header.id = step.id();
  if (!step.feed().empty()) {
    hub::v1::FeedReceived received;
    received.set_feed(step.feed());
    received.set_complete_to(*happened);
    return FoldMessage(std::move(header), received);
  }
  if (step.type().empty()) {
    hub::v1::TimePassed passed;
    passed.set_to(*at);
    return FoldMessage(std::move(header), passed);
  }
  const auto data = types_.FromJson(step.type(), step.json());
  if (!data.ok()) return data.status();
  header.type = step.type();
  header.subject = KeyOf(step.person());
  if (step.reported()) header.basis = bus::v1::BASIS_REPORTED_BY_PARTNER;
  const auto named = [&](const std::string& id) {
    return id.empty() ? "" : absl::StrCat(sources_[id], "#", id);
  };
  header.retracts = named(step.retracts());
  header.corrects = named(step.corrects());
  names_[header.subject.ToString()] = step.person();
  sources_[header.id] = header.source;
  ids_[sequence_ + 1] = header.id;
  return Fold(std::move(header), *data);
}

absl::Status Runner::Act(const v1::VectorAct& act) {
  const auto expected = std::find_if(
      vector_.alerts().begin(), vector_.alerts().end(),
      [&act](const auto& alert) { return alert.name() == act.alert(); });
  const Alert* alert =
      expected == vector_.alerts().end() ? nullptr : ActualOf(*expected);
  if (alert == nullptr) {
    return absl::NotFoundError(absl::StrCat("no alert ", act.alert(), " yet"));
  }
  const AlertCaller caller = CallerOf(act.by());
  if (!MaySee(*alert, caller)) {
    return absl::NotFoundError(
        absl::StrCat(act.alert(), " is not addressed to ", act.by()));
  }
  const Header header = HeaderOf("mappa-tayside", "alerts");
  const auto fold = [&](const auto& event) {
    return event.ok() ? FoldMessage(header, *event) : event.status();
  };
  switch (act.kind()) {
    case v1::VectorAct::KIND_SHOW:
      return FoldMessage(header, DecideShow(*alert, caller));
    case v1::VectorAct::KIND_ACCEPT:
      return fold(DecideAccept(*alert, caller, act.text(), act.act_by()));
    case v1::VectorAct::KIND_CLOSE:
      return fold(DecideClose(*alert, caller, act.text()));
    case v1::VectorAct::KIND_PASS:
      return fold(DecidePass(*alert, caller, act.to(), act.text(),
                             engine_.MayPassTo(*alert, caller)));
    case v1::VectorAct::KIND_DISPUTE:
      return fold(DecideDispute(*alert, caller, act.text()));
    case v1::VectorAct::KIND_ACCEPT_WITHDRAWAL:
      return fold(DecideAcceptWithdrawal(*alert, caller));
    default:
      return absl::InvalidArgumentError("an act of no kind");
  }
}

absl::Status Runner::Run(const Definitions& definitions,
                         const std::vector<policy::v1::Agreement>& agreements) {
  if (vector_.steps().empty()) return absl::InvalidArgumentError("no steps");
  const auto start = MicrosOf(vector_.steps(0).at());
  if (!start.ok()) return start.status();
  now_us_ = *start;
  absl::Status status;
  for (const policy::v1::Agreement& agreement : agreements) {
    hub::v1::AgreementAdopted adopted;
    adopted.set_name(agreement.name());
    adopted.set_version(agreement.version());
    adopted.set_agreement(agreement.SerializeAsString());
    status.Update(FoldMessage(HeaderOf("hub", "bus"), adopted));
  }
  for (const identity::v1::RolesDefined& roles : definitions.roles) {
    status.Update(FoldMessage(HeaderOf("hub", "identity"), roles));
  }
  for (const v1::VectorStep& step : vector_.steps()) {
    if (!status.ok()) return status;
    status = Step(step);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat("step ", step.at(), " ", step.id(), ": ",
                                       status.message()));
    }
  }
  if (vector_.until().empty()) return status;
  const auto until = MicrosOf(vector_.until());
  if (!until.ok()) return until.status();
  now_us_ = *until;
  hub::v1::TimePassed passed;
  passed.set_to(*until);
  return FoldMessage(HeaderOf("hub", "player"), passed);
}

v1::VectorAlert Runner::Describe(const Alert& alert) const {
  v1::VectorAlert is;
  is.set_rule(alert.rule);
  is.set_limb(alert.limb);
  is.set_person(NameOf(alert.subject));
  is.set_raised(LocalOf(alert.raised_us));
  is.set_accept_by(LocalOf(alert.accept_by_us));
  is.set_state(std::string(StageName(alert.stage)));
  is.set_not_known(alert.not_known);
  is.set_overdue(alert.overdue);
  bool stands = false;
  for (const AlertMember& member : alert.members) {
    stands |= !member.withdrawn();
    if (alert.escalated_us != 0 && member.who.step == alert.step) {
      is.add_escalated(
          absl::StrCat(member.who.Name(), " ", LocalOf(alert.escalated_us)));
    }
    if (!member.told()) continue;
    is.add_to(
        absl::StrCat(member.who.Name(), member.who.copy ? " (copy)" : ""));
  }
  const AlertMember& first = alert.members.front();
  for (const Sequence sequence : first.evidence) {
    const auto it = ids_.find(sequence.value);
    if (it != ids_.end()) is.add_evidence(it->second);
  }
  if (!stands) {
    is.set_state("withdrawn");
    is.set_withdrawn(LocalOf(first.withdrawn_us));
    is.set_withdrawn_because(first.withdrawn_because);
  }
  const auto sight =
      engine_.See(alert, {"", first.who.agency, {first.who.role}});
  if (sight.has_value()) is.set_headline(sight->headline);
  return is;
}

const Alert* Runner::ActualOf(const v1::VectorAlert& expected) const {
  for (const auto& alert : engine_.alerts()) {
    const v1::VectorAlert is = Describe(*alert);
    if (is.rule() == expected.rule() && is.person() == expected.person() &&
        is.raised() == expected.raised()) {
      return alert.get();
    }
  }
  return nullptr;
}

std::vector<std::string> Runner::Compare() const {
  std::vector<std::string> failures;
  std::vector<const Alert*> alerts;
  for (const auto& alert : engine_.alerts()) {
    if (vector_.rules().empty() ||
        std::find(vector_.rules().begin(), vector_.rules().end(),
                  alert->rule) != vector_.rules().end()) {
      alerts.push_back(alert.get());
    }
  }
  const int count = static_cast<int>(alerts.size());
  for (int i = 0; i < std::max(count, vector_.alerts_size()); ++i) {
    v1::VectorAlert expected, is;
    if (i < vector_.alerts_size()) expected = vector_.alerts(i);
    if (i < count) is = Describe(*alerts[static_cast<size_t>(i)]);
    const std::string name = expected.name();
    expected.clear_name();
    if (i < vector_.alerts_size() && expected.state().empty()) {
      expected.set_state("raised");
    }
    if (expected.headline().empty()) is.clear_headline();
    if (expected.SerializeAsString() == is.SerializeAsString()) continue;
    failures.push_back(absl::StrCat(
        i < vector_.alerts_size()
            ? absl::StrCat("alert ", name, " should be {",
                           expected.ShortDebugString(), "}")
            : std::string("no alert should be there"),
        i < count ? absl::StrCat(" and is {", is.ShortDebugString(), "}")
                  : std::string(" and was never raised")));
  }
  if (!engine_.fault().empty()) failures.push_back(engine_.fault());
  return failures;
}

}  // namespace

v1::VectorResult RunVector(const Definitions& definitions,
                           const std::vector<policy::v1::Agreement>& agreements,
                           const v1::RuleVector& vector) {
  v1::VectorResult result;
  result.set_name(vector.name());
  auto engine = MakeEngine(definitions);
  if (!engine.ok()) {
    result.add_failures(std::string(engine.status().message()));
    return result;
  }
  Runner runner(*std::move(engine), *definitions.types, vector);
  if (absl::Status status = runner.Run(definitions, agreements); !status.ok()) {
    result.add_failures(std::string(status.message()));
  }
  for (std::string& failure : runner.Compare()) {
    result.add_failures(std::move(failure));
  }
  return result;
}

}  // namespace concordat::alerts
