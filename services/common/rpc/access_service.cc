#include "services/common/rpc/access_service.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/rpc/server_host.h"

namespace concordat {
namespace {

using access::v1::Access;
using access::v1::Record;

constexpr uint32_t kLimitMax = 1000;
constexpr size_t kQuestionsMax = 8;  // That wait.
// Events whose person one answer looks for; then it is full.
constexpr uint64_t kLookedAtMax = 20'000;
constexpr char kCoordinator[] = "coordinator";
constexpr char kGuardian[] = "guardian";

// Of which persons the caller may be told, each looked up once a question.
class Allowed {
 public:
  Allowed(const bus::v1::Principal& caller, const AccessEvents& events)
      : caller_(caller), events_(events) {}

  absl::StatusOr<bool> Has(const std::string& subject) {
    const auto [known, is_new] = known_.try_emplace(subject, true);
    if (!is_new || events_.allow == nullptr) return known->second;
    const auto person = PersonKey::Parse(subject);
    if (!person.ok()) return true;
    const auto allowed = events_.allow(caller_, *person);
    if (!allowed.ok()) return allowed.status();
    return known->second = *allowed;
  }

 private:
  const bus::v1::Principal& caller_;
  const AccessEvents& events_;
  std::map<std::string, bool> known_;
};

// One question on its way through the records.
class Extract {
 public:
  Extract(const bus::v1::Principal& caller,
          const access::v1::ListAccessRequest& request,
          const std::map<uint64_t, PersonEvent>& events,
          const Acknowledgements& acknowledged,
          const std::map<uint64_t, std::string>& principals,
          const AccessEvents& log, Allowed& allowed,
          access::v1::ListAccessResponse& response)
      : caller_(caller),
        request_(request),
        events_(events),
        acknowledged_(acknowledged),
        principals_(principals),
        log_(log),
        allowed_(allowed),
        response_(response) {}

  // Those after `request.after_event`, as far as the answer has room.
  absl::Status AddEvents(const AccessEvents::BySequence& events) {
    uint64_t last = request_.after_event();
    for (auto at = events.upper_bound(last); at != events.end(); ++at) {
      const PersonEvent& event = at->second;
      if (!SeesAgency(event.access.agency()) && !SeesAgency(event.controller)) {
        continue;
      }
      if (!Wants(event.access)) continue;
      Access row = event.access;
      const auto told = MayTell(row);
      if (!told.ok()) return told.status();
      if (!*told) continue;
      if (IsFull()) {
        response_.set_more(true);
        response_.set_next_event(last);
        return absl::OkStatus();
      }
      last = at->first;
      *response_.add_accesses() = std::move(row);
    }
    return absl::OkStatus();
  }

  enum class Added { kNo, kYes, kFull };
  //   the codes of AccessEvents::subject_of
  absl::StatusOr<Added> Add(uint64_t number, const Record& record) {
    Access row;
    row.set_time(record.time());
    row.set_log_time(record.log_time());
    row.set_record(number);
    bool is_there = false;
    if (record.has_called()) is_there = Fill(record.called(), row);
    if (record.has_delivered()) is_there = Fill(record.delivered(), row);
    if (!is_there || !Wants(row)) return Added::kNo;
    if (IsFull()) return Added::kFull;
    // Who asks what somebody had asks about whom.
    if (record.has_delivered() && request_.subject().empty() &&
        !request_.user().empty() && log_.subject_of != nullptr) {
      if (looked_at_ > kLookedAtMax) return Added::kFull;
      const absl::Status status = FillSubjects(record.delivered(), row);
      if (!status.ok()) return status;
    }
    // What it did itself it knows.
    if (!record.has_called() || row.principal() != caller_.name()) {
      const auto told = MayTell(row);
      if (!told.ok()) return told.status();
      if (!*told) return Added::kNo;
    }
    *response_.add_accesses() = std::move(row);
    return Added::kYes;
  }

 private:
  bool IsFull() const {
    const uint32_t limit = request_.limit() == 0
                               ? kLimitMax
                               : std::min(request_.limit(), kLimitMax);
    return static_cast<size_t>(response_.accesses_size()) >= limit;
  }
  bool SeesAgency(const std::string& agency) const {
    return ReadsAllAccess(caller_) || agency == caller_.agency();
  }

  // Takes those out of the row whom the caller is not told of. False: it is about
  // nobody else; or it was asked for by one of them; or it goes with its proof, which
  // has all of the record.
  absl::StatusOr<bool> MayTell(Access& row) {
    if (!request_.subject().empty()) {
      const auto asked = allowed_.Has(request_.subject());
      if (!asked.ok() || !*asked) return asked;
    }
    auto& subjects = *row.mutable_subjects();
    const int all = subjects.size();
    for (auto each = subjects.begin(); each != subjects.end();) {
      const auto has = allowed_.Has(*each);
      if (!has.ok()) return has.status();
      each = *has ? each + 1 : subjects.erase(each);
    }
    return subjects.size() == all ||
           (!request_.with_proof() && !subjects.empty());
  }

  bool Wants(const Access& row) const {
    if (request_.from() != 0 && row.time() < request_.from()) return false;
    if (request_.to() != 0 && row.time() >= request_.to()) return false;
    if (!request_.agency().empty() && row.agency() != request_.agency()) {
      return false;
    }
    const auto& user = request_.user();
    if (!user.empty() && row.principal() != user && row.staff() != user &&
        row.on_behalf_of() != user) {
      return false;
    }
    const auto& operations = request_.operations();
    return operations.empty() || std::find(operations.begin(), operations.end(),
                                           row.operation()) != operations.end();
  }

  bool Fill(const access::v1::Called& called, Access& row) const {
    const auto& subjects = called.subjects();
    const std::string& subject = request_.subject();
    if (!SeesAgency(called.agency())) return false;
    if (!subject.empty() && std::find(subjects.begin(), subjects.end(),
                                      subject) == subjects.end()) {
      return false;
    }
    row.set_operation(called.operation());
    row.set_agency(called.agency());
    row.set_role(called.role());
    row.set_principal(called.principal());
    row.set_via(called.via());
    row.set_staff(called.staff());
    row.set_on_behalf_of(called.on_behalf_of());
    row.set_purpose(called.purpose());
    row.set_what(called.method());
    row.set_outcome(called.outcome());
    *row.mutable_subjects() = subjects;
    row.set_more_subjects(called.more_subjects());
    return true;
  }

  absl::Status FillSubjects(const access::v1::Delivered& delivered,
                            Access& row) {
    std::set<std::string> subjects;
    for (const access::v1::Run& run : delivered.runs()) {
      for (uint32_t i = 0; i < run.count(); ++i) {
        ++looked_at_;
        auto subject = log_.subject_of(run.first() + i);
        if (!subject.ok()) return subject.status();
        if (!subject->empty()) subjects.insert(*std::move(subject));
      }
    }
    row.mutable_subjects()->Assign(subjects.begin(), subjects.end());
    return absl::OkStatus();
  }

  // Which events of a delivery count: of the person who was asked for, those that
  // the caller's agency has something to do with.
  bool Fill(const access::v1::Delivered& delivered, Access& row) const {
    if (delivered.envelopes()) return false;
    const bool is_own = SeesAgency(delivered.agency());
    uint64_t delivery = delivered.first_delivery();
    for (const access::v1::Run& run : delivered.runs()) {
      for (uint32_t i = 0; i < run.count(); ++i, ++delivery) {
        const uint64_t sequence = run.first() + i;
        if (!request_.subject().empty()) {
          const auto event = events_.find(sequence);
          if (event == events_.end() ||
              !(is_own || SeesAgency(event->second.controller))) {
            continue;
          }
          row.add_sequences(sequence);
        } else if (!is_own) {
          return false;
        }
        row.set_events(row.events() + 1);
        if (acknowledged_.Has(delivered.session(), delivery)) {
          row.set_acknowledged(row.acknowledged() + 1);
        }
      }
    }
    if (row.events() == 0) return false;
    row.set_operation(policy::v1::OPERATION_DISCLOSURE);
    row.set_agency(delivered.agency());
    row.set_role(delivered.role());
    row.set_purpose(delivered.purpose());
    row.set_what(delivered.name().empty() ? "-" : delivered.name());
    row.set_outcome("OK");
    row.set_policy_position(delivered.policy_position());
    // Another agency's is not named to a controller of some of the events.
    if (const auto principal = principals_.find(delivered.session());
        is_own && principal != principals_.end()) {
      row.set_principal(principal->second);
    }
    if (!request_.subject().empty()) row.add_subjects(request_.subject());
    return true;
  }

  const bus::v1::Principal& caller_;
  const access::v1::ListAccessRequest& request_;
  const std::map<uint64_t, PersonEvent>& events_;
  const Acknowledgements& acknowledged_;
  const std::map<uint64_t, std::string>& principals_;
  const AccessEvents& log_;
  Allowed& allowed_;
  access::v1::ListAccessResponse& response_;
  uint64_t looked_at_ = 0;  // Events, for whom they are about.
};

// Consultation and disclosure are told by the access log alone.
bool WantsEvents(const access::v1::ListAccessRequest& request) {
  return request.operations().empty() ||
         std::any_of(request.operations().begin(), request.operations().end(),
                     [](int operation) {
                       return operation != policy::v1::OPERATION_CONSULTATION &&
                              operation != policy::v1::OPERATION_DISCLOSURE;
                     });
}

}  // namespace

bool ReadsAllAccess(const bus::v1::Principal& caller) {
  return caller.role() == kCoordinator;
}

bool MayReadAccess(const bus::v1::Principal& caller) {
  return ReadsAllAccess(caller) || caller.role() == kGuardian;
}

void Acknowledgements::Add(const access::v1::Acknowledged& acknowledged) {
  Of& of = sessions_[acknowledged.session()];
  of.through = std::max(of.through, acknowledged.through_delivery());
  of.singly.insert(acknowledged.deliveries().begin(),
                   acknowledged.deliveries().end());
  of.singly.erase(of.singly.begin(), of.singly.upper_bound(of.through));
}

bool Acknowledgements::Has(uint64_t session, uint64_t delivery) const {
  const auto found = sessions_.find(session);
  return found != sessions_.end() && (delivery <= found->second.through ||
                                      found->second.singly.contains(delivery));
}

absl::Status AccessReader::Follow() {
  return store_.Read(followed_, [this](uint64_t number, const Record& record,
                                       absl::string_view) {
    if (record.has_acknowledged()) {
      acknowledged_.Add(record.acknowledged());
    }
    // A session's number is drawn at random, and is no other's of another run.
    if (record.has_subscribed()) {
      principals_[record.subscribed().session()] =
          record.subscribed().principal();
    }
    if (record.has_began() && record.began().last_time() != 0) {
      access::v1::NotRunning& gap = not_running_.emplace_back();
      gap.set_from(record.began().last_time());
      gap.set_to(record.time());
      gap.set_crashed(record.began().after_crash());
    }
    followed_ = number + 1;
    return absl::OkStatus();
  });
}

absl::StatusOr<AccessEvents::Part> AccessReader::EventsFor(
    const access::v1::ListAccessRequest& request) const {
  AccessEvents::Part part;
  if (!request.subject().empty()) {
    if (events_.of_person == nullptr) return part;
    auto found = events_.of_person(request.subject());
    if (!found.ok()) return found.status();
    part.events = *std::move(found);
    return part;
  }
  if (events_.of_period == nullptr || request.after() != 0 ||
      !WantsEvents(request)) {
    return part;
  }
  return events_.of_period(request.from(), request.to(), request.after_event());
}

absl::StatusOr<access::v1::ListAccessResponse> AccessReader::List(
    const bus::v1::Principal& caller,
    const access::v1::ListAccessRequest& request) {
  if (!MayReadAccess(caller)) {
    return absl::PermissionDeniedError(
        "access is read by co-ordinators and guardians");
  }
  if (!request.subject().empty() && !PersonKey::Parse(request.subject()).ok()) {
    return absl::InvalidArgumentError("subject: not a person key");
  }
  if (request.to() != 0 && request.from() >= request.to()) {
    return absl::InvalidArgumentError("to: not after from");
  }
  const auto part = EventsFor(request);
  if (!part.ok()) return part.status();
  access::v1::ListAccessResponse response;
  AccessTree::View tree;
  absl::Status status;
  if (request.with_proof()) {
    status = tree_.Follow();
    tree = tree_.Now();
    response.set_checkpoint(tree.note);
  }
  if (status.ok()) status = Follow();
  if (!status.ok()) return status;
  // What is recorded from now on is of the next question.
  const uint64_t end = request.with_proof() ? tree.checkpoint.size : followed_;
  response.mutable_not_running()->Assign(not_running_.begin(),
                                         not_running_.end());
  response.set_missing(events_.missing);
  Allowed allowed(caller, events_);
  Extract extract(caller, request, part->events, acknowledged_, principals_,
                  events_, allowed, response);
  if (request.after() == 0) {
    status = extract.AddEvents(part->events);
    if (!status.ok()) return status;
    if (part->more && !response.more()) {
      response.set_more(true);
      response.set_next_event(part->through);
    }
  }
  if (!response.more()) {
    const absl::Status enough = absl::CancelledError();
    status = store_.Read(
        request.after(),
        [&](uint64_t number, const Record& record,
            absl::string_view bytes) -> absl::Status {
          if (number >= end) return enough;
          const auto added = extract.Add(number, record);
          if (!added.ok()) return added.status();
          if (*added == Extract::Added::kFull) {
            response.set_more(true);
            return enough;
          }
          response.set_next(number + 1);
          if (*added == Extract::Added::kNo || !request.with_proof()) {
            return absl::OkStatus();
          }
          auto shown = tree_.Show(number, bytes, tree.checkpoint.size);
          if (!shown.ok()) return shown.status();
          *response.add_proofs() = *std::move(shown);
          return absl::OkStatus();
        });
    if (!status.ok() && status != enough) return status;
  }
  // It is full of events, and not one record fits in: after the last of them.
  if (response.more() && response.next() == 0 && response.next_event() == 0) {
    response.set_next_event(
        response.accesses(response.accesses_size() - 1).record());
  }
  return response;
}

absl::Status BeginAccess(AccessStore& store, Record began) {
  access::v1::Began& what = *began.mutable_began();
  bool has_ended = true;
  const absl::Status read =
      store.Read(0, [&](uint64_t, const Record& record, absl::string_view) {
        what.set_last_time(record.time());
        has_ended = record.has_ended() && record.ended().session() == 0;
        return absl::OkStatus();
      });
  if (!read.ok()) return read;
  what.set_after_crash(!has_ended && what.last_time() != 0);
  return store.Add(absl::MakeConstSpan(&began, 1));
}

absl::Status BeginAccess(AccessStore& store, const std::string& program,
                         absl::Time now) {
  Record began;
  began.set_time(static_cast<uint64_t>(absl::ToUnixMicros(now)));
  began.mutable_began()->set_program(program);
  return BeginAccess(store, std::move(began));
}

absl::Status EndAccess(AccessStore& store, absl::Time now) {
  Record ended;
  ended.set_time(static_cast<uint64_t>(absl::ToUnixMicros(now)));
  ended.mutable_ended();
  return store.Add(absl::MakeConstSpan(&ended, 1));
}

AccessDesk::AccessDesk(std::string program, const AccessStore& store)
    : program_(std::move(program)),
      own_tree_(std::make_unique<AccessTree>(
          store, absl::StrCat(program_, "/access"))),
      reader_(store, *own_tree_),
      thread_(kQuestionsMax) {}

AccessDesk::AccessDesk(std::string program, const AccessStore& store,
                       AccessTree& tree, AccessEvents events)
    : program_(std::move(program)),
      reader_(store, tree, std::move(events)),
      thread_(kQuestionsMax) {}

void AccessDesk::Serve(ServerHost& host) {
  using access::v1::ListAccessRequest;
  using access::v1::ListAccessResponse;
  host.HandleLater<ListAccessRequest, ListAccessResponse>(
      "concordat.access.v1.AccessService/ListAccess", {},
      [this](const Call& call, const ListAccessRequest& request,
             Reply<ListAccessResponse> reply) {
        const bool is_taken = thread_.Post([this, call, request, reply] {
          auto response = reader_.List(*call.principal, request);
          if (response.ok()) response->set_program(program_);
          reply(std::move(response));
        });
        if (!is_taken) {
          reply(absl::ResourceExhaustedError(
              "too many ask who reached what; try again"));
        }
      });
}

}  // namespace concordat
