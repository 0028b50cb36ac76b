#include "tests/simulation/bus/publisher_program.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "services/common/event/commitments.h"

namespace concordat::simulation {
namespace {

// The client as who publishes through it has it.
class ClientPublisher : public Publisher {
 public:
  explicit ClientPublisher(ClientCore& client) : client_(client) {}
  absl::Status Publish(std::vector<Event> set, Done done) override {
    absl::InlinedVector<EventView, 4> views;
    for (const Event& event : set) views.push_back(AsView(event));
    return client_.Publish(std::move(set), views, std::move(done));
  }

 private:
  ClientCore& client_;
};

}  // namespace

PublisherProgram::PublisherProgram(World& world, Oracle& oracle,
                                   Network& network, const Registrar& registrar,
                                   int member)
    : Program(world, oracle, network, registrar, member),
      random_(world.dice.Next()),
      events_left_(static_cast<int>(member == 2 ? world.dice.Between(8, 40)

                                                : world.dice.Between(20, 130))),
      rate_(world.dice.Between(150, 1500)),
      ids_grow_(world.dice.Chance(6000)),
      clock_(world),
      spool_disk_(member == 1 && world.dice.Chance(6000)
                      ? std::make_unique<testing::FakeDisk>()
                      : nullptr) {}

void PublisherProgram::Started() {
  next_ = 0;
  rewinding_ = false;
  if (spool_disk_ != nullptr) OpenSpool();
}

void PublisherProgram::OpenSpool() {
  SpoolLimits limits;
  limits.file_bytes = 8 * 1024;
  limits.bytes_max = 64 * 1024;
  auto spool =
      PublishSpool::Open(*spool_disk_, std::string(32, 'k'), random_, limits);
  if (!spool.ok()) {
    return world_.Fail(
        member_.name, ": its spool does not open: ", spool.status().ToString());
  }
  to_client_ = std::make_unique<ClientPublisher>(*client_);
  spool_ = std::make_unique<SpooledPublisher>(*std::move(spool), *to_client_,
                                              clock_);
  spool_turns_at_us_ = 0;
}

void PublisherProgram::Died() {
  if (spool_disk_ != nullptr) {
    spool_ = nullptr;
    if (world_.dice.Chance(5000)) {
      spool_disk_->PowerCut(
          static_cast<testing::FakeDisk::Survives>(world_.dice.Below(4)),
          world_.dice.Next());
    } else {
      spool_disk_->ProcessKill();
    }
    for (Item& item : outbox_) {
      if (item.state == State::kSent) item.state = State::kSpooled;
    }
  }
  // Of an answer it may have died before it was written down.
  size_t forgotten = world_.dice.Chance(5000) ? world_.dice.Below(4) : 0;
  for (auto item = outbox_.rbegin(); item != outbox_.rend(); ++item) {
    if (item->state == State::kSent) item->state = State::kWaiting;
    if (item->state == State::kAnswered && forgotten > 0) {
      --forgotten;
      item->state = State::kWaiting;
      item->is_repeat = true;
    }
  }
  unanswered_ = in_flight_ = 0;
}

void PublisherProgram::Work() {
  if (events_left_ > 0 && (world_.healing || world_.dice.Chance(rate_))) Make();
  Send();
  if (spool_ == nullptr || world_.now_us < spool_turns_at_us_) return;
  if (!spool_->Turn()) {
    spool_turns_at_us_ =
        world_.now_us + static_cast<uint64_t>(absl::ToInt64Microseconds(
                            SpooledPublisher::kPause));
  }
}

bool PublisherProgram::settled() const {
  if (client_ == nullptr || next_ < outbox_.size()) return false;
  return spool_ != nullptr ? spool_->state().waiting_sets == 0
                           : unanswered_ == 0;
}

void PublisherProgram::CheckDone() const {
  for (const Item& item : outbox_) {
    if (item.refusal != bus::v1::REFUSAL_UNSPECIFIED) continue;
    for (const Event& event : item.set) {
      if (!oracle_.IsInLog({event.header.source, event.header.id})) {
        world_.Fail(member_.name, ": ", event.header.id, " is not in the log");
      }
    }
  }
}

std::string PublisherProgram::NewId() {
  ++made_;
  if (ids_grow_) return absl::StrCat("e-", 100'000 + made_);
  return absl::StrCat("r-", world_.dice.Below(1'000'000), "-", made_);
}

Event PublisherProgram::Bind(Header header,
                             std::vector<BasicGroup<std::string>> groups) {
  header.source = member_.source;
  header.controller = member_.agency;
  header.purpose = "CARE";
  header.gateway = "G1";
  header.time_us = 1'764'000'000'000'000 + made_;
  header.on_behalf_of = "staff/7";
  Event event;
  event.header = std::move(header);
  event.groups = std::move(groups);
  random_.Fill(event.seed.data(), event.seed.size());
  const EventView view = AsView(event);
  event.digest = Commit(view.header, *types_->Find(event.header.type),
                        view.groups, view.seed)
                     .digest;
  return event;
}

void PublisherProgram::Amend(Header& header) {
  Dice& dice = world_.dice;
  const Header& earlier = outbox_[dice.Below(outbox_.size())].set[0].header;
  (dice.Chance(5000) ? header.retracts : header.corrects) = earlier.id;
  // Mostly of the same record.
  if (dice.Chance(2000)) return;
  header.subject = earlier.subject;
  header.stream = earlier.stream;
}

Event PublisherProgram::MakeFact() {
  Dice& dice = world_.dice;
  Header header;
  header.id = NewId();
  const uint64_t kind = dice.Below(10);
  header.type = kind < 6 ? kFact : kind < 8 ? kOther : kUrgent;
  const int person = static_cast<int>(dice.Below(kPersons + 1));
  if (person > 0) header.subject = Person(person);
  // A stream is of one thing, and so about one person.
  if (dice.Chance(8000)) {
    header.stream = absl::StrCat("record/", person, "/", dice.Below(2));
  }
  if (!outbox_.empty() && dice.Chance(1200)) Amend(header);
  header.regime =
      dice.Chance(2000) ? bus::v1::REGIME_PART3 : bus::v1::REGIME_GDPR;
  std::vector<BasicGroup<std::string>> groups;
  for (uint32_t group = 0; group < 4; ++group) {
    if (group > 0 && dice.Chance(3000)) continue;
    std::string text = absl::StrCat(member_.name, "/", header.id, "/", group);
    if (dice.Chance(400)) text.append(dice.Between(500, 4000), '.');
    if (group == 0 && header.type == kUrgent && dice.Chance(1000)) {
      text.insert(0, "!");
    }
    groups.push_back({group, std::move(text)});
  }
  return Bind(std::move(header), std::move(groups));
}

Event PublisherProgram::MakeCase() {
  Dice& dice = world_.dice;
  const std::string agencies[] = {"red", "blue", "green"};
  const int person = static_cast<int>(dice.Between(1, kPersons));
  Header header;
  header.id = NewId();
  header.subject = Person(person);
  header.stream = absl::StrCat("case/", person);
  header.regime = bus::v1::REGIME_GDPR;
  std::string facts;
  const uint64_t kind = dice.Below(10);
  if (kind < 3) {
    header.type = kOpened;
    for (const std::string& agency : agencies) {
      if (dice.Chance(5000)) absl::StrAppend(&facts, agency, ",");
    }
    absl::StrAppend(&facts, ";", agencies[dice.Below(3)], ";0");
  } else if (kind < 9) {
    const bool level = kind == 7;
    header.type = level ? kLevel : kind < 7 ? kJoined : kLeft;
    facts = level ? absl::StrCat(";;", dice.Between(1, 3))
                  : absl::StrCat(agencies[dice.Below(3)], ";;0");
  } else {
    header.type = kClosed;
    facts = ";;0";
  }
  return Bind(std::move(header), {{0, facts}});
}

bool PublisherProgram::IsBusy(const std::string& stream) const {
  return std::any_of(outbox_.begin(), outbox_.end(), [&](const Item& item) {
    return item.state != State::kAnswered &&
           std::any_of(item.set.begin(), item.set.end(),
                       [&](const Event& event) {
                         return event.header.stream == stream;
                       });
  });
}

void PublisherProgram::Make() {
  Dice& dice = world_.dice;
  Item item;
  const uint64_t kind = dice.Below(100);
  if (kind < 4 && !outbox_.empty()) {
    // The same again: it gets the first one's receipt.
    const Item& earlier = outbox_[dice.Below(outbox_.size())];
    if (earlier.state != State::kAnswered || earlier.is_repeat) return;
    item = earlier;
    item.state = State::kWaiting;
    item.is_repeat = true;
  } else {
    Event event = member_.agency == "office" ? MakeCase() : MakeFact();
    if (kind < 7) {
      event.groups[0].data.insert(0, "!");
      event.header.type = kFact;
      event = Bind(event.header, event.groups);
      item.refusal = bus::v1::REFUSAL_FIELD_RULE;
      if (member_.agency == "office") {
        item.refusal = bus::v1::REFUSAL_TYPE_NOT_ALLOWED;
      }
    } else if (kind < 10 && !event.header.stream.empty()) {
      event.header.expected_version = Sequence{1'000'000};
      event = Bind(event.header, event.groups);
      item.refusal = bus::v1::REFUSAL_VERSION_CONFLICT;
    } else if (kind < 25 && !event.header.stream.empty()) {
      if (IsBusy(event.header.stream)) return;
      event.header.expected_version = Sequence{versions_[event.header.stream]};
      event = Bind(event.header, event.groups);
    } else if (kind < 27 && !outbox_.empty()) {
      const Item& earlier = outbox_[dice.Below(outbox_.size())];
      if (earlier.state != State::kAnswered ||
          earlier.refusal != bus::v1::REFUSAL_UNSPECIFIED) {
        return;
      }
      event.header.id = earlier.set[0].header.id;
      event = Bind(event.header, event.groups);
      item.refusal = bus::v1::REFUSAL_ID_REUSED;
    }
    item.set.push_back(std::move(event));
    const bool alone = item.set[0].header.expected_version.has_value() ||
                       member_.agency == "office";
    while (!alone && item.set.size() < 4 && dice.Chance(2500)) {
      item.set.push_back(MakeFact());
    }
  }
  // One whose version is to be the last has the stream for itself.
  for (const Item& earlier : outbox_) {
    if (earlier.state != State::kWaiting && earlier.state != State::kSent) {
      continue;
    }
    const std::optional<Sequence>& version =
        earlier.set[0].header.expected_version;
    if (!version.has_value() || earlier.refusal != 0) continue;
    for (const Event& event : item.set) {
      if (event.header.stream == earlier.set[0].header.stream) return;
    }
  }
  if (!item.is_repeat && item.refusal != bus::v1::REFUSAL_ID_REUSED) {
    for (const Event& event : item.set) oracle_.Made(event);
  }
  events_left_ -= static_cast<int>(item.set.size());
  outbox_.push_back(std::move(item));
}

void PublisherProgram::Send() {
  // What is out has its answer first, or it could be taken before.
  if (world_.now_us < sends_again_at_us_) return;
  if (spool_ == nullptr && rewinding_ && unanswered_ > 0) return;
  rewinding_ = false;
  for (; next_ < outbox_.size(); ++next_) {
    Item& item = outbox_[next_];
    if (item.state != State::kWaiting) continue;
    const size_t events = item.set.size();
    const absl::Status status = Hand(
        item.set,
        [this, at = next_, life = life_](std::vector<PublishOutcome> outcomes) {
          if (life == life_) Answered(at, outcomes);
        });
    if (absl::IsResourceExhausted(status)) {
      if (spool_ == nullptr && in_flight_ + events <= kInFlightMax) {
        world_.Fail(member_.name, ": is told that too much is in flight");
      }
      return;
    }
    if (!status.ok()) {
      return world_.Fail(member_.name, ": cannot publish: ", status.ToString());
    }
    in_flight_ += events;
    if (spool_ == nullptr && in_flight_ > kInFlightMax) {
      world_.Fail(member_.name, ": has ", in_flight_, " events in flight");
    }
    item.state = State::kSent;
    ++unanswered_;
  }
}

absl::Status PublisherProgram::Hand(std::vector<Event> set,
                                    Publisher::Done done) {
  if (spool_ != nullptr)
    return spool_->Publish(std::move(set), std::move(done));
  return ClientPublisher(*client_).Publish(std::move(set), std::move(done));
}

void PublisherProgram::Answered(size_t at,
                                const std::vector<PublishOutcome>& outcomes) {
  Item& item = outbox_[at];
  if (item.state != State::kSent || outcomes.size() != item.set.size()) {
    return world_.Fail(member_.name, ": an answer to nothing, or a second one");
  }
  --unanswered_;
  in_flight_ -= item.set.size();
  item.state = State::kAnswered;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const PublishOutcome& outcome = outcomes[i];
    const Event& event = item.set[i];
    const EventName name = {event.header.source, event.header.id};
    const bool is_shut_out =
        (outcome.refusal == bus::v1::REFUSAL_REVOKED ||
         outcome.refusal == bus::v1::REFUSAL_NOT_REGISTERED) &&
        registrar_.HasChanged(index_);
    if (outcome.refusal == bus::v1::REFUSAL_READ_ONLY ||
        outcome.refusal == bus::v1::REFUSAL_SHUTTING_DOWN || is_shut_out) {
      item.state = State::kWaiting;
      next_ = std::min(next_, at);
      rewinding_ = true;
      sends_again_at_us_ = world_.now_us + 200'000;
      world_.Say(member_.name, ": does not know of ", event.header.id, ": ",
                 bus::v1::Refusal_Name(outcome.refusal));
      return;
    }
    if (outcome.accepted) {
      if (item.refusal != bus::v1::REFUSAL_UNSPECIFIED) {
        return world_.Fail(member_.name, ": ", event.header.id,
                           " was to be refused and is accepted");
      }
      if (oracle_.PlaceOf(name) != outcome.sequence.value) {
        return world_.Fail(member_.name, ": ", event.header.id,
                           " is told accepted at ", outcome.sequence.value,
                           " and is durable at ", oracle_.PlaceOf(name));
      }
      if (outcome.digest != event.digest) {
        return world_.Fail(member_.name, ": another event's receipt");
      }
      oracle_.Told(name, outcome.sequence.value);
      uint64_t& version = versions_[event.header.stream];
      version = std::max(version, outcome.sequence.value);
      continue;
    }
    const bus::v1::Refusal due = item.set.size() > 1 && i > 0
                                     ? bus::v1::REFUSAL_ATOMIC_SET
                                     : item.refusal;
    if (item.refusal == bus::v1::REFUSAL_UNSPECIFIED ||
        outcome.refusal != due) {
      return world_.Fail(member_.name, ": ", event.header.id, " is refused: ",
                         bus::v1::Refusal_Name(outcome.refusal), " ",
                         outcome.detail);
    }
    if (outcome.refusal != bus::v1::REFUSAL_ID_REUSED) oracle_.Refused(name);
  }
}

std::string PublisherProgram::Where() const {
  return absl::StrCat(member_.name, ": ", next_, " of ", outbox_.size(),
                      " sent, ", unanswered_, " without an answer");
}

}  // namespace concordat::simulation
