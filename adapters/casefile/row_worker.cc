#include "adapters/casefile/row_worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "adapters/casefile/table.h"
#include "concordat/hub/v1/events.pb.h"
#include "services/common/base/mutex.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/make_event.h"

namespace concordat::casefile {
namespace {

using edge::v1::KnownRow;
using edge::v1::RowDone;
using edge::v1::WaitingRow;

constexpr size_t kBatchRows = 64;
constexpr size_t kIdBytes = 16;
constexpr char kFeedReceived[] = "concordat.hub.v1.FeedReceived";

// What somebody did, and nothing of what the row holds.
RowWorker::Fact FactOf(const edge::v1::Acted& acted) {
  RowWorker::Fact fact;
  const auto fill = [&](auto event) {
    event.set_item_ref(acted.item_ref());
    event.set_by(acted.by());
    event.set_reason(acted.reason());
    fact.type = event.GetDescriptor()->full_name();
    fact.data = event.SerializeAsString();
  };
  if (acted.kind() == edge::v1::ACT_KIND_REPLAY) {
    fill(hub::v1::KeptItemReplayed());
  } else {
    fill(hub::v1::KeptItemLeft());
  }
  fact.id = DerivedId(
      "casefile-act",
      absl::StrCat(fact.type, "\n", acted.item_ref(), "\n", acted.by(), "\n",
                   acted.request_id(), "\n", acted.at()),
      0);
  fact.stream = absl::StrCat("kept-item/", acted.item_ref());
  fact.on_behalf_of = acted.on_behalf_of();
  fact.time_us = acted.at();
  return fact;
}

// The answers to several sets that were sent at once.
class Answers {
 public:
  explicit Answers(size_t count) : outcomes_(count), missing_(count) {}

  Publisher::Done For(size_t i, std::shared_ptr<Answers> self) {
    return [i, self = std::move(self)](std::vector<PublishOutcome> outcomes) {
      MutexLock lock(self->mu_);
      if (outcomes.size() == 1) self->outcomes_[i] = std::move(outcomes[0]);
      --self->missing_;
      self->changed_.NotifyAll();
    };
  }
  // Empty: not all came in time.
  std::vector<std::optional<PublishOutcome>> Wait(absl::Duration timeout) {
    MutexLock lock(mu_);
    const bool all = changed_.WaitFor(
        mu_, timeout,
        [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return missing_ == 0; });
    if (!all) return {};
    return outcomes_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<std::optional<PublishOutcome>> outcomes_ ABSL_GUARDED_BY(mu_);
  size_t missing_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

RowWorker::RowWorker(CaseStore& store, const edge::Cohort& cohort,
                     Publisher& bus, std::shared_ptr<const TypeRegistry> types,
                     RowPublisher self, const std::string& key,
                     absl::Duration publish_timeout)
    : store_(store),
      cohort_(cohort),
      bus_(bus),
      types_(std::move(types)),
      self_(std::move(self)),
      ids_(absl::StrCat("concordat/casefile/id/1", key)),
      seed_key_(absl::StrCat("concordat/casefile/seed/1", key)),
      publish_timeout_(publish_timeout) {}

RowWorker::Step RowWorker::RunOnce(
    const std::map<std::string, std::set<std::string>>& feeds) {
  if (const auto act = store_.OldestAct()) return WorkAct(*act);
  const std::vector<WaitingRow> rows = store_.Oldest(kBatchRows);
  if (!rows.empty()) return WorkRows(rows);
  const std::vector<FeedNews> news = store_.News(feeds);
  return news.empty() ? Step::kIdle : TellFeed(news.front());
}

Header RowWorker::MakeHeader() const {
  Header header;
  header.source = self_.source;
  header.controller = self_.principal.agency();
  header.purpose = self_.principal.default_purpose();
  header.gateway = self_.principal.default_gateway();
  header.regime = self_.principal.default_regime();
  header.classification = bus::v1::CLASSIFICATION_OFFICIAL_SENSITIVE;
  return header;
}

Seed RowWorker::SeedOf(const std::string& id) const {
  return SeedFor(seed_key_, self_.source, id);
}

absl::StatusOr<Event> RowWorker::MakeEventOf(
    const WaitingRow& row, const PersonKey& subject,
    const std::optional<KnownRow>& before) const {
  const bool gone = row.kind() == edge::v1::ROW_KIND_VANISHED;
  const bool chained =
      before.has_value() && (gone || before->retracted() || row.amended() == 0);
  std::string id =
      absl::StrCat(gone ? "gone;" : "row;", row.key(), ";", row.amended(), ";",
                   row.amended() == 0 ? row.content() : "", ";",
                   chained ? before->event_id() : "");
  const Sha256Hash hash = ids_.Of(id);
  Header header = MakeHeader();
  header.id = absl::StrCat(
      "cf-", absl::BytesToHexString(absl::string_view(
                 reinterpret_cast<const char*>(hash.data()), kIdBytes)));
  header.type = row.type();
  header.subject = subject;
  header.stream = row.stream();
  header.time_us = row.time();
  header.time_precision = static_cast<bus::v1::TimePrecision>(row.precision());
  header.recorded_us = row.amended();
  header.basis = static_cast<bus::v1::Basis>(row.basis());
  if (before.has_value() && !before->retracted()) {
    (gone ? header.retracts : header.corrects) = before->event_id();
  }
  const Seed seed = SeedOf(header.id);
  return MakeEvent(*types_, std::move(header), row.data(), seed);
}

absl::StatusOr<RowWorker::Judged> RowWorker::Judge(
    const WaitingRow& row) const {
  Judged judged;
  judged.done.set_number(row.number());
  judged.done.set_outcome(edge::v1::ROW_OUTCOME_REJECTED);
  PersonKey subject;
  // A row whose person cannot be read is for somebody to look at.
  if (!row.person().empty()) {
    const edge::CohortAnswer who =
        cohort_.Find({{row.scheme(), row.person(), row.system()}});
    if (who.kind == edge::CohortAnswer::Kind::kUnknown) {
      return absl::UnavailableError("the cohort is not known");
    }
    if (who.kind == edge::CohortAnswer::Kind::kOutside) {
      judged.done.set_outcome(edge::v1::ROW_OUTCOME_OUTSIDE);
      return judged;
    }
    subject = who.subject;
    judged.done.set_subject(std::string(subject.bytes()));
  }
  if (row.kind() == edge::v1::ROW_KIND_REJECT) return judged;
  const std::optional<KnownRow> before = store_.FindKnown(row.key());
  const bool published = before.has_value() && !before->retracted();
  if (row.kind() == edge::v1::ROW_KIND_VANISHED && !published) {
    judged.done.set_outcome(edge::v1::ROW_OUTCOME_KNOWN);
    return judged;
  }
  if (row.kind() == edge::v1::ROW_KIND_FACT && published) {
    const bool same = before->content() == row.content();
    if (row.amended() < before->amended() ||
        (same && row.amended() == before->amended())) {
      judged.done.set_outcome(edge::v1::ROW_OUTCOME_KNOWN);
      return judged;
    }
    if (row.amended() != 0 && row.amended() == before->amended()) {
      judged.done.set_reason(
          "it differs from what was taken before, and was not amended later");
      return judged;
    }
  }
  auto event = MakeEventOf(row, subject, before);
  if (!event.ok()) {
    judged.done.set_reason(std::string(event.status().message()));
    return judged;
  }
  judged.done.set_outcome(edge::v1::ROW_OUTCOME_PUBLISHED);
  judged.done.set_event_id(event->header.id);
  judged.set.push_back(*std::move(event));
  return judged;
}

bool RowWorker::PublishRows(std::vector<Judged>& judged) {
  std::vector<Judged*> sent;
  for (Judged& each : judged) {
    if (!each.set.empty()) sent.push_back(&each);
  }
  if (sent.empty()) return true;
  const auto answers = std::make_shared<Answers>(sent.size());
  for (size_t i = 0; i < sent.size(); ++i) {
    if (!bus_.Publish(std::move(sent[i]->set), answers->For(i, answers)).ok()) {
      return false;
    }
  }
  const auto outcomes = answers->Wait(publish_timeout_);
  if (outcomes.empty()) return false;
  for (size_t i = 0; i < sent.size(); ++i) {
    const std::optional<PublishOutcome>& outcome = outcomes[i];
    if (!outcome.has_value()) return false;
    if (outcome->accepted) {
      NotePublished(outcome->sequence);
      continue;
    }
    if (IsPassing(outcome->refusal)) return false;
    sent[i]->done.set_outcome(edge::v1::ROW_OUTCOME_REJECTED);
    sent[i]->done.set_reason(absl::StrCat(
        "the hub refused it: ", outcome->detail.substr(0, kReasonBytesMax)));
  }
  return true;
}

RowWorker::Step RowWorker::WorkAct(const edge::v1::RejectAct& act) {
  const auto said = Publish(FactOf(act.acted()));
  const bool refused = absl::IsFailedPrecondition(said.status()) ||
                       absl::IsInvalidArgument(said.status());
  if (!said.ok() && !refused) return Step::kBlocked;
  edge::v1::ActEnded ended;
  ended.set_act(act.acted().act());
  ended.set_done(said.ok());
  if (said.ok()) {
    ended.set_position(said->value);
  } else {
    ended.set_why(std::string(said.status().message()));
  }
  return store_.End(ended).ok() ? Step::kDone : Step::kBlocked;
}

RowWorker::Step RowWorker::WorkRows(const std::vector<WaitingRow>& rows) {
  std::vector<Judged> judged;
  std::set<std::string> keys;
  for (const WaitingRow& row : rows) {
    // What comes of the first of a key decides about the second.
    if (!row.key().empty() && !keys.insert(row.key()).second) break;
    auto each = Judge(row);
    if (!each.ok()) break;
    judged.push_back(*std::move(each));
  }
  if (judged.empty() || !PublishRows(judged)) return Step::kBlocked;
  std::vector<RowDone> done;
  for (Judged& each : judged) done.push_back(std::move(each.done));
  return store_.Finish(done).ok() ? Step::kDone : Step::kBlocked;
}

RowWorker::Step RowWorker::TellFeed(const FeedNews& news) {
  hub::v1::FeedReceived received;
  received.set_feed(news.feed);
  received.set_complete_to(news.complete_to);
  received.set_records(news.records);
  received.set_rejected(news.rejected);
  Fact fact;
  fact.type = kFeedReceived;
  fact.data = received.SerializeAsString();
  fact.id = DerivedId("casefile-feed",
                      absl::StrCat(news.feed, "/", news.complete_to, "/",
                                   news.records, "/", news.rejected),
                      0);
  fact.stream = absl::StrCat("feed/", news.feed);
  fact.time_us = news.complete_to;
  if (!Publish(fact).ok()) return Step::kBlocked;
  return store_.Told(news).ok() ? Step::kDone : Step::kBlocked;
}

absl::StatusOr<Event> RowWorker::MakeEventOf(const Fact& fact) const {
  Header header = MakeHeader();
  header.id = fact.id;
  header.type = fact.type;
  header.stream = fact.stream;
  header.time_us = fact.time_us;
  header.on_behalf_of = fact.on_behalf_of;
  header.classification = bus::v1::CLASSIFICATION_OFFICIAL;
  const Seed seed = SeedOf(fact.id);
  return MakeEvent(*types_, std::move(header), fact.data, seed);
}

absl::Status RowWorker::Check(const edge::v1::Acted& acted) const {
  return MakeEventOf(FactOf(acted)).status();
}

absl::StatusOr<Sequence> RowWorker::Publish(const Fact& fact) {
  auto event = MakeEventOf(fact);
  if (!event.ok()) return event.status();
  std::vector<Event> set;
  set.push_back(*std::move(event));
  const auto outcomes = PublishAndWait(bus_, std::move(set), publish_timeout_);
  if (!outcomes.ok()) return outcomes.status();
  const PublishOutcome& outcome = outcomes->front();
  if (!outcome.accepted) {
    const std::string why =
        absl::StrCat("the hub refused it: ", outcome.detail);
    return IsPassing(outcome.refusal) ? absl::UnavailableError(why)
                                      : absl::FailedPreconditionError(why);
  }
  NotePublished(outcome.sequence);
  return outcome.sequence;
}

void RowWorker::NotePublished(Sequence sequence) {
  uint64_t last = last_published_.load();
  while (sequence.value > last &&
         !last_published_.compare_exchange_weak(last, sequence.value)) {
  }
}

}  // namespace concordat::casefile
