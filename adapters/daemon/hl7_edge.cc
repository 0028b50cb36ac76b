#include "adapters/daemon/hl7_edge.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/common/crypto/sha256.h"

namespace concordat::edge {
namespace {

// A key of its own for each use of the edge's secret.
std::string KeyFor(absl::string_view secret, absl::string_view use) {
  const Sha256Hash key =
      HmacSha256(secret).Of(absl::StrCat("concordat/edge/1/", use));
  return std::string(key.begin(), key.end());
}

}  // namespace

Hl7EdgeProcess::Hl7EdgeProcess(Hl7EdgeParts parts, hl7v2::Mapping mapping)
    : parts_(std::move(parts)),
      mapping_(std::move(mapping)),
      cohort_(KeyFor(parts_.secret, "cohort"), *parts_.clock),
      decisions_(mapping_.zone()),
      events_(parts_.principal, parts_.types, KeyFor(parts_.secret, "seed")),
      rules_(mapping_, cohort_, decisions_),
      identity_(parts_.open_identity) {}

absl::StatusOr<std::unique_ptr<Hl7EdgeProcess>> Hl7EdgeProcess::Start(
    Hl7EdgeParts parts) {
  const v1::Hl7Listener& listener = parts.settings.listener();
  const std::string address =
      listener.address().empty() ? "127.0.0.1" : listener.address();
  if (!listener.mutual_tls() && !hl7v2::IsLoopback(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("listener: ", address, " needs mutual_tls"));
  }
  parts.settings.mutable_listener()->set_address(address);
  auto mapping = hl7v2::Mapping::Build(parts.settings);
  if (!mapping.ok()) return mapping.status();
  std::unique_ptr<Hl7EdgeProcess> edge(
      new Hl7EdgeProcess(std::move(parts), *std::move(mapping)));
  const absl::Status started = edge->StartParts();
  if (!started.ok()) return started;
  return edge;
}

absl::Status Hl7EdgeProcess::StartParts() {
  EdgeLimits limits;
  limits.bytes_max = parts_.settings.spool_bytes_max();
  limits.kept.bytes_max = parts_.settings.held_bytes_max();
  limits.kept.age_max = absl::Hours(24) * parts_.settings.held_days_max();
  auto store =
      EdgeStore::Open(*parts_.directory, KeyFor(parts_.secret, "spool"),
                      *parts_.random, limits);
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  desk_ = std::make_unique<ItemDesk>(*store_, rules_, events_, *parts_.clock,
                                     *parts_.log_clock);
  cohort_feed_ =
      std::make_unique<CohortFeed>(cohort_, parts_.open_identity, *parts_.log);
  auto decisions = DecisionFeed::Start(*parts_.bus, decisions_, *parts_.log);
  if (!decisions.ok()) return decisions.status();
  decision_feed_ = *std::move(decisions);
  auto erasures = ErasureFeed::Start(
      *parts_.bus, parts_.principal, parts_.types, *parts_.random, *parts_.log,
      [this](const PersonKey& person) { return store_->ErasePerson(person); });
  if (!erasures.ok()) return erasures.status();
  erasure_feed_ = *std::move(erasures);
  worker_ = std::make_unique<SpoolWorker>(
      *store_, *parts_.bus, events_, *parts_.clock,
      [this](const WaitingMessage& message) { return JudgeMessage(message); });
  worker_thread_ = std::thread([this] { worker_->Run(); });

  const v1::Hl7Listener& listener = parts_.settings.listener();
  hl7v2::MllpServerOptions options;
  options.address = listener.address();
  options.port = parts_.mllp_port;
  options.connections_max = listener.connections_max();
  options.idle_max = absl::Seconds(listener.idle_seconds());
  std::unique_ptr<hl7v2::MllpStreamFactory> streams = hl7v2::NewClearStreams();
  if (listener.mutual_tls()) {
    auto tls = hl7v2::NewTlsStreams(parts_.tls);
    if (!tls.ok()) return tls.status();
    streams = *std::move(tls);
  }
  receiver_ = std::make_unique<hl7v2::Receiver>(
      mapping_, cohort_, *store_, KeyFor(parts_.secret, "message"),
      *parts_.clock, *parts_.random);
  if (!parts_.settings.feed().empty()) {
    FeedHeartbeat::Options heartbeat;
    heartbeat.feed = parts_.settings.feed();
    heartbeat.minutes = parts_.settings.feed_minutes();
    // A sender's clock that is ahead says nothing of what is to come.
    heartbeat.newest_message_us = [this] {
      return std::min(
          receiver_->last_message_us(),
          static_cast<uint64_t>(absl::ToUnixMicros(parts_.clock->Now())));
    };
    heartbeat_ = std::make_unique<FeedHeartbeat>(*parts_.bus, events_,
                                                 std::move(heartbeat));
  }
  auto server =
      hl7v2::MllpServer::Start(options, std::move(streams), *receiver_);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

Hl7EdgeProcess::~Hl7EdgeProcess() {
  server_.reset();
  if (worker_ != nullptr) worker_->Stop();
  if (worker_thread_.joinable()) worker_thread_.join();
}

Judgement Hl7EdgeProcess::JudgeMessage(const WaitingMessage& message) {
  hl7v2::Outcome outcome =
      hl7v2::Decide(message.message, mapping_, cohort_, decisions_);
  Judgement judgement;
  judgement.wait = outcome.wait;
  judgement.verdict = outcome.verdict;
  if (outcome.missed.has_value()) {
    judgement.made.push_back(hl7v2::MakeMissed(message, *outcome.missed));
  }
  if (outcome.for_identity.has_value()) {
    judgement.tell = [this, &message, outcome = std::move(outcome)] {
      return TellIdentity(message, outcome);
    };
  }
  return judgement;
}

absl::Status Hl7EdgeProcess::TellIdentity(const WaitingMessage& message,
                                          const hl7v2::Outcome& outcome) {
  const std::string request_id = absl::StrCat(
      "hl7-", absl::BytesToHexString(absl::string_view(
                  reinterpret_cast<const char*>(message.key.data()),
                  message.key.size())));
  const hl7v2::ForIdentity& news = *outcome.for_identity;
  const Verdict& verdict = outcome.verdict;
  if (!news.address.empty()) {
    return identity_.OfferAddress(request_id, verdict.happened_us, news.subject,
                                  news.address);
  }
  return identity_.OpenReview(request_id, verdict.happened_us, news.review_kind,
                              news.subject, news.identifiers);
}

void Hl7EdgeProcess::FillCounts(v1::Counts& counts) const {
  counts.set_last_seen_at(receiver_->last_seen_us());
  counts.set_last_message_at(receiver_->last_message_us());
}

void Hl7EdgeProcess::FillStatus(hub::v1::GetStatusResponse* status) const {
  const EdgeCounts counts = store_->counts();
  const bool fresh = cohort_.fresh();
  const bool current = decisions_.current();
  status->set_ready(fresh && current);
  if (!fresh) {
    status->set_degraded_because("the cohort is not known");
  } else if (!current) {
    status->set_degraded_because("sharing decisions are not known");
  } else if (counts.waiting > 0) {
    status->set_degraded_because("messages wait");
  }
  const Sequence folded = std::min(cohort_.position(), decisions_.position());
  const bool behind = heartbeat_ != nullptr && heartbeat_->behind();
  status->set_position(counts.waiting > 0 || behind ? 0 : folded.value);
  status->set_log_end(std::max(decision_feed_->log_end().value,
                               worker_->last_published().value));
}

}  // namespace concordat::edge
