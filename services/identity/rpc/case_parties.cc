#include "services/identity/rpc/case_parties.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "concordat/hub/v1/erasure.pb.h"

namespace concordat::identity {
namespace {

// How soon the position of others' events and a stop are noticed.
constexpr absl::Duration kPoll = absl::Milliseconds(20);
constexpr absl::Duration kSubscribeAgain = absl::Seconds(1);

constexpr char kPersonErased[] = "concordat.hub.v1.PersonErased";

SubscribeOptions Options() {
  SubscribeOptions options;
  options.name = "identity-case-parties";
  options.types = {"concordat.mappa.v1.*", "concordat.identity.v1.*",
                   kPersonErased};
  options.own_place = true;  // The state is in memory: always from the start.
  return options;
}

absl::Status NotCurrent() {
  return absl::UnavailableError("the cases are not read to the log's end");
}

}  // namespace

CaseParties::CaseParties(BusClient& bus,
                         std::shared_ptr<const TypeRegistry> types,
                         std::string arrangement, const SteadyClock& clock,
                         const Logger& log)
    : bus_(bus),
      types_(std::move(types)),
      arrangement_(std::move(arrangement)),
      clock_(clock),
      log_(log),
      policy_(std::make_unique<PolicyState>(types_)) {}

CaseParties::~CaseParties() { Stop(); }

void CaseParties::Start(std::function<void(const PersonKey&)> on_change) {
  on_change_ = std::move(on_change);
  thread_ = std::thread([this] { Run(); });
}

void CaseParties::Stop() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    stopping_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void CaseParties::Run() {
  for (;;) {
    absl::StatusOr<std::unique_ptr<Subscription>> subscription =
        bus_.Subscribe(Options());
    if (subscription.ok()) {
      Follow(**subscription);
    } else {
      log_.Error("cannot follow the log",
                 {{"status", subscription.status().ToString()}});
    }
    // Ended for good, perhaps on another log than before: fold it anew.
    MutexLock lock(mu_);
    if (stopping_.WaitFor(
            mu_, kSubscribeAgain,
            [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return stop_; })) {
      return;
    }
    policy_ = std::make_unique<PolicyState>(types_);
    people_.clear();
    position_ = Sequence();
    read_to_end_ = lists_known_ = false;
  }
}

void CaseParties::Follow(Subscription& subscription) {
  for (;;) {
    // Asked before Next(): when that has nothing, all of it is folded.
    const Sequence scanned = subscription.scanned_through();
    absl::StatusOr<Delivery> delivery = subscription.Next(kPoll);
    if (delivery.ok()) {
      Fold(*delivery);
      subscription.Ack(delivery->number);
    } else if (delivery.status().code() !=
               absl::StatusCode::kDeadlineExceeded) {
      log_.Error("the subscription ended",
                 {{"status", delivery.status().ToString()}});
      return;
    }
    const bool connected = subscription.connected();
    const Sequence end = subscription.log_end();
    bool moved = false;
    {
      MutexLock lock(mu_);
      if (stop_) return;
      log_end_ = std::max(log_end_, end);
      const bool was_current = CurrentNow();
      if (connected) heard_at_ = clock_.Elapsed();
      const Sequence reached =
          delivery.ok() ? std::max(position_, delivery->view.sequence)
                        : std::max(position_, scanned);
      // A back-fill item is older than what was folded.
      moved = reached > position_ || CurrentNow() != was_current;
      position_ = reached;
      if (connected && !delivery.ok() && !read_to_end_ && position_ >= end) {
        read_to_end_ = lists_known_ = moved = true;
      }
    }
    if (moved) on_change_(PersonKey());
  }
}

void CaseParties::Fold(const Delivery& delivery) {
  const View& view = delivery.view;
  if (view.header.type == kPersonErased && on_erased_ != nullptr) {
    hub::v1::PersonErased erased;
    if (erased.ParseFromString(view.Data())) {
      on_erased_(view.header.subject, erased.erasure_ref());
    }
  }
  {
    MutexLock lock(mu_);
    absl::StatusOr<bool> changed =
        policy_->Apply(AsView(view.header), view.Data());
    if (!changed.ok()) {
      log_.Error("a policy event cannot be folded",
                 {{"sequence", view.sequence.value},
                  {"status", changed.status().ToString()}});
      return;
    }
    if (!*changed || view.header.subject.empty()) return;
    people_.insert(view.header.subject);
  }
  on_change_(view.header.subject);
}

bool CaseParties::IsPartyNow(absl::string_view agency,
                             const PersonPolicy& person,
                             bool registered_too) const {
  if (registered_too && person.registered_by.count(std::string(agency)) > 0) {
    return true;
  }
  if (agency == arrangement_) return person.arrangement_party;
  return person.case_open && person.parties.count(std::string(agency)) > 0;
}

bool CaseParties::CurrentNow() const {
  return read_to_end_ && clock_.Elapsed() - heard_at_ < kStaleAfter;
}

absl::StatusOr<bool> CaseParties::IsParty(absl::string_view agency,
                                          const PersonKey& person,
                                          bool registered_too) const {
  MutexLock lock(mu_);
  if (!CurrentNow()) return NotCurrent();
  return IsPartyNow(agency, policy_->Of(person), registered_too);
}

absl::StatusOr<bool> CaseParties::Allows(const bus::v1::Principal& caller,
                                         const PersonKey& person) const {
  Recipient to{caller.agency(), caller.role(), {}};
  to.principal = caller.name();
  MutexLock lock(mu_);
  if (!lists_known_) return NotCurrent();
  return policy_->Of(person).Allows(to);
}

absl::StatusOr<CaseParties::Lists> CaseParties::ListsFor(
    absl::string_view agency, const PersonKey& person) const {
  const auto own = [agency](const std::vector<AccessEntry>& entries) {
    std::vector<AccessEntry> found;
    for (const AccessEntry& entry : entries) {
      if (entry.agency == agency) found.push_back(entry);
    }
    return found;
  };
  MutexLock lock(mu_);
  if (!lists_known_) return NotCurrent();
  const PersonPolicy& policy = policy_->Of(person);
  Lists lists{own(policy.restricted_to), own(policy.excluded)};
  if (!policy.restricted_to.empty() && lists.restricted_to.empty()) {
    lists.restricted_to.emplace_back();
  }
  return lists;
}

CaseParties::Involved CaseParties::InvolvedNow(
    absl::string_view agency, const PersonPolicy& person) const {
  if (!person.case_open || !IsPartyNow(agency, person, false)) return {};
  return {person.lead, person.parties};
}

absl::StatusOr<CaseParties::Involved> CaseParties::InvolvedFor(
    absl::string_view agency, const PersonKey& person) const {
  MutexLock lock(mu_);
  if (!CurrentNow()) return NotCurrent();
  return InvolvedNow(agency, policy_->Of(person));
}

absl::StatusOr<std::set<std::string>> CaseParties::PartnersOf(
    absl::string_view agency) const {
  MutexLock lock(mu_);
  if (!CurrentNow()) return NotCurrent();
  std::set<std::string> partners;
  for (const PersonKey& person : people_) {
    partners.merge(InvolvedNow(agency, policy_->Of(person)).parties);
  }
  partners.erase(std::string(agency));
  return partners;
}

absl::StatusOr<std::vector<PersonKey>> CaseParties::PeopleOf(
    absl::string_view agency, bool registered_too) const {
  MutexLock lock(mu_);
  if (!CurrentNow()) return NotCurrent();
  std::vector<PersonKey> found;
  for (const PersonKey& person : people_) {
    if (IsPartyNow(agency, policy_->Of(person), registered_too)) {
      found.push_back(person);
    }
  }
  return found;
}

Sequence CaseParties::position() const {
  MutexLock lock(mu_);
  return position_;
}

Sequence CaseParties::log_end() const {
  MutexLock lock(mu_);
  return log_end_;
}

bool CaseParties::current() const {
  MutexLock lock(mu_);
  return CurrentNow();
}

}  // namespace concordat::identity
