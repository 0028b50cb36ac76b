#include "tests/simulation/bus/follower_program.h"

#include <algorithm>
#include <utility>

namespace concordat::simulation {

FollowerProgram::FollowerProgram(World& world, Oracle& oracle, Network& network,
                                 const Registrar& registrar, int member,
                                 Kind kind)
    : Program(world, oracle, network, registrar, member),
      kind_(kind),
      name_(kind == Kind::kTail ? "" : absl::StrCat("follow-", member)),
      credit_events_(static_cast<uint32_t>(world.dice.Between(1, 40))),
      credit_bytes_(static_cast<uint32_t>(world.dice.Between(2'000, 100'000))),
      eagerness_(world.dice.Chance(2500) ? world.dice.Between(50, 500)
                                         : world.dice.Between(3000, 10'000)) {}

void FollowerProgram::Started() { Subscribe(); }

void FollowerProgram::Subscribe() {
  SubscribeOptions options;
  options.name = name_;
  options.credit_events = credit_events_;
  options.credit_bytes = credit_bytes_;
  if (kind_ == Kind::kOwnPlace) {
    options.own_place = true;
    options.after = {position_};
    options.backfilled_through = {backfilled_through_};
  }
  if (!member_.process_types.empty()) options.types = member_.process_types;
  held_.clear();
  handed_out_.clear();
  numbers_.clear();
  live_.clear();
  last_number_ = applied_number_ = acked_number_ = 0;
  if (kind_ == Kind::kTail) effects_.clear();
  link_ = client_->Subscribe(std::move(options));
}

void FollowerProgram::Died() {
  held_.clear();
  link_ = nullptr;
}

void FollowerProgram::Work() {
  Dice& dice = world_.dice;
  if (is_shut_out()) return;
  const uint64_t eagerness = world_.healing ? 9000 : eagerness_;
  while (dice.Chance(eagerness) && held_.size() < credit_events_) {
    auto next = link_->Next(absl::ZeroDuration());
    if (next.ok()) {
      Take(*std::move(next));
      continue;
    }
    if (absl::IsDeadlineExceeded(next.status())) break;
    if (AsksAgain(next.status())) Subscribe();
    return;
  }
  while (!held_.empty() && dice.Chance(eagerness)) Apply();
  if (applied_number_ > acked_number_ && dice.Chance(eagerness)) {
    link_->Ack(applied_number_);
    acked_number_ = applied_number_;
    while (!numbers_.empty() && numbers_.begin()->first <= acked_number_) {
      acked_.insert(numbers_.begin()->second);
      numbers_.erase(numbers_.begin());
    }
  }
}

uint32_t FollowerProgram::GroupsOf(const View& view) const {
  uint32_t groups = 0;
  for (const View::Group& group : view.groups) groups |= 1u << group.number;
  // An envelope shows no group, and an operator sees it.
  return member_.role == "operator" ? 1 : groups;
}

void FollowerProgram::Take(Delivery delivery) {
  const Key key = {delivery.view.sequence.value, delivery.backfill_cause.value};
  if (delivery.number != last_number_ + 1) {
    world_.Fail(member_.name, ": delivery ", delivery.number, " after ",
                last_number_);
  }
  last_number_ = delivery.number;
  CheckOrder(delivery);
  uint32_t& groups = handed_out_[key];
  if ((GroupsOf(delivery.view) & ~groups) == 0) {
    world_.Fail(member_.name, ": ", key.first, " because of ", key.second,
                " is handed out twice");
  }
  groups |= GroupsOf(delivery.view);
  held_.push_back(std::move(delivery));
}

void FollowerProgram::Apply() {
  const Delivery& delivery = held_.front();
  const Key key = {delivery.view.sequence.value, delivery.backfill_cause.value};
  uint32_t& groups = effects_[key];
  // Its place is stored with the effect, so that nothing live comes again.
  if ((GroupsOf(delivery.view) & ~groups) == 0 && kind_ == Kind::kOwnPlace &&
      key.second == 0) {
    world_.Fail(member_.name, ": ", key.first, " takes effect twice");
  }
  groups |= GroupsOf(delivery.view);
  if (key.second == 0) position_ = std::max(position_, key.first);
  backfilled_through_ =
      std::max(backfilled_through_, delivery.scanned_through.value);
  applied_number_ = delivery.number;
  numbers_[delivery.number] = key;
  held_.pop_front();
}

void FollowerProgram::CheckOrder(const Delivery& delivery) {
  const uint64_t sequence = delivery.view.sequence.value;
  if (delivery.backfill_cause.value != 0) {
    if (delivery.backfill_cause.value <= sequence) {
      world_.Fail(member_.name, ": ", sequence, " is shown because of ",
                  delivery.backfill_cause.value, " before it");
    }
    return;
  }
  const Header& header = delivery.view.header;
  std::map<uint64_t, uint64_t>& before =
      live_[header.stream.empty()
                ? header.subject.ToString()
                : absl::StrCat(header.source, " ", header.stream)];
  // From an older place what it may see only now comes after what it had, and
  // what was back-filled, or acknowledged by the process before and not stored,
  // comes again; what it could see all the time does not.
  if (acked_.count({sequence, 0}) > 0) return;
  const auto filled = handed_out_.upper_bound({sequence, 0});
  if (filled != handed_out_.end() && filled->first.first == sequence) return;
  for (auto later = before.upper_bound(sequence); later != before.end();
       ++later) {
    const uint32_t then = oracle_.MayShow(member_, sequence, later->second);
    if ((GroupsOf(delivery.view) & ~then) == 0) {
      world_.Fail(member_.name, ": ", sequence, " comes after ", later->first);
    }
  }
  // Earlier copies of it, of which the network lost the link, do not count.
  before.emplace(sequence, sent_last_.at({sequence, 0}));
}

bool FollowerProgram::IsAcked(const Key& key, uint64_t judged_at) const {
  if (acked_.count(key) > 0) return true;
  for (auto at = acked_.lower_bound({key.first, 0});
       at != acked_.end() && at->first == key.first; ++at) {
    if (sent_last_.at(*at) >= judged_at) return true;
  }
  return false;
}

bool FollowerProgram::IsHiddenSince(const Key& key, uint64_t judged_at) const {
  const uint32_t then = oracle_.MayShow(member_, key.first, judged_at);
  for (uint64_t at = judged_at; at <= oracle_.end(); ++at) {
    if ((then & ~oracle_.MayShow(member_, key.first, at)) != 0) return true;
  }
  return false;
}

void FollowerProgram::CheckPlaces(const bus::Places& places) const {
  if (kind_ != Kind::kDurable) return;
  const auto found =
      places.find(absl::StrCat(member_.agency, "/", member_.role, "/", name_));
  if (found == places.end()) return;
  const bus::Place& place = found->second;
  if (place.acknowledged.value > oracle_.end() ||
      place.judged.value > oracle_.end()) {
    world_.Fail(member_.name, ": its place is ", place.acknowledged.value,
                " judged to ", place.judged.value, " and the log ends at ",
                oracle_.end());
  }
  for (const auto& [key, judged_at] : sent_) {
    // What is after the place comes live.
    const bool passed = key.first <= place.acknowledged.value &&
                        key.second <= place.judged.value;
    if (passed && !IsAcked(key, judged_at) && !IsHiddenSince(key, judged_at)) {
      world_.Fail(member_.name, ": its place ", place.acknowledged.value,
                  " judged to ", place.judged.value, " passes ", key.first,
                  " because of ", key.second, ", not acknowledged");
    }
  }
}

bool FollowerProgram::settled() const {
  return client_ != nullptr && link_ != nullptr && link_->connected() &&
         held_.empty() && link_->scanned_through().value >= oracle_.end() &&
         applied_number_ == acked_number_;
}

void FollowerProgram::CheckComplete() const {
  const bool operates = member_.role == "operator";
  std::map<uint64_t, uint32_t> shown;
  for (const auto& [key, groups] : effects_) shown[key.first] |= groups;
  for (uint64_t at = 1; at <= oracle_.end(); ++at) {
    const uint32_t may =
        operates ? 1 : oracle_.MayShow(member_, at, oracle_.end());
    if ((may & ~shown[at]) != 0) {
      world_.Fail(member_.name, ": of event ", at, " it has groups ", shown[at],
                  " and may see ", may);
    }
  }
}

std::string FollowerProgram::Where() const {
  return absl::StrCat(
      member_.name, ": ",
      link_ != nullptr && link_->connected() ? "connected" : "away", ", at ",
      link_ == nullptr ? 0 : link_->scanned_through().value, " of ",
      oracle_.end(), ", holds ", held_.size());
}

}  // namespace concordat::simulation
