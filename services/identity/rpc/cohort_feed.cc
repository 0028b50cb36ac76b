#include "services/identity/rpc/cohort_feed.h"

#include <list>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"

namespace concordat::identity {
namespace {

// How often it is looked whether a heartbeat is due.
constexpr absl::Duration kTick = absl::Milliseconds(500);

bool MayMeet(const System& edge, const CanonicalIdentifier& identifier) {
  return identifier.scheme == Scheme::kChi ||
         absl::StartsWith(identifier.authority,
                          System{edge.agency, ""}.ToUrn());
}

}  // namespace

CohortFeed::CohortFeed(IdentityStore& store, const CaseParties& parties,
                       const SteadyClock& clock, const Logger& log)
    : store_(store),
      parties_(parties),
      clock_(clock),
      log_(log),
      thread_([this] { Run(); }) {}

CohortFeed::~CohortFeed() {
  {
    MutexLock lock(mu_);
    stop_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void CohortFeed::Open(const System& edge, bool registered_too, Sink sink) {
  MutexLock lock(mu_);
  opened_.emplace_back();
  opened_.back().edge = edge;
  opened_.back().registered_too = registered_too;
  opened_.back().sink = std::move(sink);
  woken_ = true;
  changed_.NotifyAll();
}

void CohortFeed::PersonChanged(const PersonKey& person) {
  MutexLock lock(mu_);
  people_.insert(person);
  woken_ = true;
  changed_.NotifyAll();
}

void CohortFeed::Wake() {
  MutexLock lock(mu_);
  woken_ = true;
  changed_.NotifyAll();
}

void CohortFeed::Run() {
  std::list<Stream> streams;
  std::set<PersonKey> waiting;
  for (;;) {
    // Read before the changes are taken: whoever changed somebody up to here
    // has said so already.
    Sequence position;
    {
      MutexLock lock(mu_);
      changed_.WaitFor(mu_, kTick, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return stop_ || woken_;
      });
      woken_ = false;
    }
    const bool current = parties_.current();
    position = parties_.position();
    {
      MutexLock lock(mu_);
      if (stop_) break;
      streams.splice(streams.end(), opened_);
      waiting.merge(people_);
      people_.clear();
    }
    if (!current) continue;
    streams.remove_if(
        [&](Stream& stream) { return !Serve(stream, waiting, position); });
    waiting.clear();
  }
  for (Stream& stream : streams) {
    stream.sink.finish(absl::UnavailableError("the service is stopping"));
  }
}

absl::StatusOr<v1::CohortMember> CohortFeed::MemberOf(const Stream& stream,
                                                      const PersonKey& person,
                                                      ToldNumbers& told) const {
  v1::CohortMember member;
  const System& edge = stream.edge;
  absl::StatusOr<bool> party =
      parties_.IsParty(edge.agency, person, stream.registered_too);
  if (!party.ok()) return std::move(party).status();
  if (!*party) return member;
  absl::StatusOr<std::vector<CanonicalIdentifier>> usable =
      store_.UsableIdentifiers(person);
  if (!usable.ok()) return std::move(usable).status();
  const auto lists = parties_.ListsFor(edge.agency, person);
  if (!lists.ok()) return lists.status();
  member.set_restricted(!lists->restricted_to.empty());
  for (const AccessEntry& entry : lists->restricted_to) {
    if (!entry.agency.empty()) member.add_restricted_to(entry.ToString());
  }
  for (const AccessEntry& entry : lists->excluded) {
    member.add_excluded(entry.ToString());
  }
  member.set_subject(person.ToString());
  told.person = person;
  for (CanonicalIdentifier& identifier : *usable) {
    if (!MayMeet(edge, identifier)) continue;
    v1::Identifier* written = member.add_identifiers();
    written->set_scheme(std::string(SchemeName(identifier.scheme)));
    written->set_value(identifier.value);
    written->set_authority(identifier.authority);
    told.identifiers.push_back(std::move(identifier));
  }
  return member;
}

bool CohortFeed::Serve(Stream& stream, const std::set<PersonKey>& changed,
                       Sequence position) {
  std::set<PersonKey> people = changed;
  if (!stream.complete) {
    auto everyone =
        parties_.PeopleOf(stream.edge.agency, stream.registered_too);
    if (!everyone.ok()) return true;  // Lost this moment: the next round.
    people.insert(everyone->begin(), everyone->end());
  }
  std::vector<v1::CohortChange> changes;
  std::vector<ToldNumbers> joined;
  uint64_t left = 0;
  for (const PersonKey& person : people) {
    ToldNumbers numbers;
    absl::StatusOr<v1::CohortMember> member = MemberOf(stream, person, numbers);
    if (!member.ok()) {
      log_.Error("a cohort cannot be told",
                 {{"agency", stream.edge.agency},
                  {"status", member.status().ToString()}});
      stream.sink.finish(absl::UnavailableError("the cohort is not known"));
      return false;
    }
    v1::CohortChange change;
    change.set_position(position.value);
    const auto told = stream.told.find(person);
    if (member->subject().empty()) {
      if (told == stream.told.end()) continue;
      stream.told.erase(told);
      change.set_left_subject(person.ToString());
      ++left;
    } else {
      std::string bytes = member->SerializeAsString();
      if (told != stream.told.end() && told->second == bytes) continue;
      stream.told[person] = std::move(bytes);
      *change.mutable_joined() = *std::move(member);
      joined.push_back(std::move(numbers));
    }
    changes.push_back(std::move(change));
  }
  if (joined.size() + left > 0) {
    absl::Status noted =
        store_.RecordDisclosure(stream.edge, joined, left, position);
    if (!noted.ok()) {
      log_.Error("a disclosure cannot be noted",
                 {{"status", noted.ToString()}});
      stream.sink.finish(absl::UnavailableError("nothing can be disclosed"));
      return false;
    }
    log_.Info("cohort disclosed", {{"agency", stream.edge.agency},
                                   {"system", stream.edge.system},
                                   {"joined", joined.size()},
                                   {"left", left},
                                   {"position", position.value}});
  }
  const absl::Duration now = clock_.Elapsed();
  if (!stream.complete || position > stream.position ||
      now - stream.written_at >= kHeartbeat) {
    v1::CohortChange heartbeat;
    heartbeat.set_complete(true);
    heartbeat.set_position(position.value);
    changes.push_back(std::move(heartbeat));
  }
  for (const v1::CohortChange& change : changes) {
    if (!stream.sink.write(change)) return false;
    stream.written_at = now;
  }
  stream.complete = true;
  stream.position = position;
  return true;
}

}  // namespace concordat::identity
