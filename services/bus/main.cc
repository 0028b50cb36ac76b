// concordat-bus: one durable log, and the two ports that lead to it and from it.
// Where several processes have the log, one of them writes it.
// services/bus/README.md tells how an event goes through.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <thread>

#include "absl/functional/bind_front.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/evidence_settings.pb.h"
#include "services/bus/daemon/access_disclosures.h"
#include "services/bus/daemon/act_recorder.h"
#include "services/bus/daemon/agreed_text.h"
#include "services/bus/daemon/agreement_desk.h"
#include "services/bus/daemon/arrival_desk.h"
#include "services/bus/daemon/bus_health.h"
#include "services/bus/daemon/bus_metrics.h"
#include "services/bus/daemon/bus_service.h"
#include "services/bus/daemon/correction_desk.h"
#include "services/bus/daemon/delivery_loop.h"
#include "services/bus/daemon/drain.h"
#include "services/bus/daemon/erasure_desk.h"
#include "services/bus/daemon/evidence_desk.h"
#include "services/bus/daemon/four_eyes.h"
#include "services/bus/daemon/hold_desk.h"
#include "services/bus/daemon/ingest_loop.h"
#include "services/bus/daemon/key_watch.h"
#include "services/bus/daemon/loop_meters.h"
#include "services/bus/daemon/operator_desk.h"
#include "services/bus/daemon/registry_recorder.h"
#include "services/bus/daemon/rekeyer.h"
#include "services/bus/daemon/retention_desk.h"
#include "services/bus/daemon/review_desk.h"
#include "services/bus/daemon/subscription_desk.h"
#include "services/bus/daemon/who_knew_desk.h"
#include "services/bus/delivery/cursor_store.h"
#include "services/bus/delivery/delivery_settings.h"
#include "services/bus/delivery/person_reader.h"
#include "services/bus/delivery/postgres/postgres_places.h"
#include "services/bus/evidence/log_tree.h"
#include "services/bus/evidence/stamping.h"
#include "services/bus/evidence/tree_thread.h"
#include "services/bus/ingest/hub_records.h"
#include "services/bus/log/open_event_log.h"
#include "services/bus/log/postgres/shared_keys.h"
#include "services/bus/log/postgres/shared_log.h"
#include "services/bus/transport/grpc_carrier.h"
#include "services/bus/transport/zmq_carrier.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bundle/bundle.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/config/live_registry.h"
#include "services/common/config/settings.h"
#include "services/common/config/start_up.h"
#include "services/common/event/make_event.h"
#include "services/common/rpc/access_tree.h"
#include "services/common/rpc/health_watch.h"
#include "services/common/storage/posix_directory.h"
#include "services/common/telemetry/trace.h"

namespace concordat::bus {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kKeys[] = "bus";
constexpr char kRetentionPolicy[] = "retention.textproto";

// Null: the log is in files of this machine.
std::unique_ptr<SharedLog> OpenShared(const StartUp& start,
                                      const DataDirectory& data,
                                      SystemRandom& random,
                                      const Logger& logger) {
  v1::StoreSettings settings;
  start.Check(LoadCheckedSettings(data, kStoreSettings, &settings));
  if (settings.postgres() == 0) return nullptr;
  PostgresOptions options;
  options.conninfo = start.Value(data.LoadPostgresConnection());
  options.one_server = settings.one_server() != 0;
  options.name =
      absl::StrCat("concordat-bus ", getpid(), " ", UuidV7(random).Next(0));
  return std::make_unique<SharedLog>(
      options, absl::Milliseconds(settings.lease_ms()), options.name,
      // What was taken and not answered is published again elsewhere.
      [&logger](const absl::Status& why) {
        logger.Error("this process writes the log no more",
                     {{"status", why.ToString()}});
        std::_Exit(1);
      });
}

// What this machine's key file is called among those of other processes.
std::string HolderName(const DataDirectory& data) {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, ":", data.PathOf("keys"));
}

// Where the log's time goes on, or where a story may begin: with the first
// agreement.
absl::StatusOr<uint64_t> StartOfTime(const EventLog& log,
                                     const Agreements& agreements) {
  const Sequence end = log.Status().end;
  if (end.value > 0) {
    const auto last = log.ReadOne(end);
    if (!last.ok()) return last.status();
    return last->accepted_us;
  }
  const uint64_t first = agreements.NextChangeAfter(0);
  return first == std::numeric_limits<uint64_t>::max() ? 0 : first;
}

// Whether who may use the name with this key processes for the hub.
bool IsOfHubService(const PrincipalRegistry& registry, const std::string& key) {
  for (const v1::Principal& principal : registry.proto().principals()) {
    if (principal.has_process() &&
        absl::StartsWith(
            key, SubscriptionKey(principal.agency(), principal.role(), ""))) {
      return true;
    }
  }
  return false;
}

// Blocks and frames of some hundred kilobytes come and go all the time; given
// back to the system after each, their pages would be made and cleared anew.
void KeepMemory() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

// 0 when it cannot be asked.
uint64_t FreeBytes(const std::string& path) {
  std::error_code error;
  const auto space = std::filesystem::space(path, error);
  return error ? 0 : space.available;
}

// A span for each event that is traced.
void TraceBlock(const EventBlock& block, absl::Time start, absl::Time end,
                SpanExporter& spans) {
  for (const StoredEvent& event : block.events) {
    if (event.header.traceparent.empty()) continue;
    auto parent = ParseTraceparent(event.header.traceparent);
    if (!parent.has_value()) continue;
    spans.Add({*std::move(parent), "append", std::string(event.header.type),
               start, end});
  }
}

int Main(int argc, char** argv) {
  KeepMemory();
  // The registry's file is looked at all the time; there is nothing to reload.
  std::signal(SIGHUP, SIG_IGN);
  // A file that may not grow is a failed write, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  StartUp start(kProgram, "The log of events, and who gets which of them.");
  start.DescribeSettings(kWatchSettings, *hub::v1::WatchSettings::descriptor());
  start.DescribeSettings(kBusSettings, *v1::DeliverySettings::descriptor());
  start.DescribeSettings(kStoreSettings, *v1::StoreSettings::descriptor());
  start.DescribeSettings(kEvidenceSettings,
                         *v1::EvidenceSettings::descriptor());
  const DataDirectory data = start.Open(argc, argv);
  const hub::v1::WatchSettings watch = start.Value(LoadWatchSettings(data));
  const Logger logger(kProgram);
  const SystemClock clock;
  const SystemSteadyClock steady;
  SystemRandom random;

  HubRecords records;
  records.environment = data.environment();
  records.descriptor_set = start.Value(data.LoadTypes());
  records.agreements = start.Value(data.LoadAgreements());
  records.adopt = [&](const policy::v1::Agreement& agreement) {
    return AdoptedFrom(data, agreement, clock.Now());
  };
  const std::shared_ptr<const TypeRegistry> types =
      start.Value(TypeRegistry::Build(records.descriptor_set,
                                      start.Value(data.LoadCodeLists())));
  PolicyState agreed(types);
  for (const policy::v1::Agreement& agreement : records.agreements) {
    start.Check(agreed.Adopt(agreement));
  }
  const auto registry = start.Value(
      LiveRegistry::Open(data, clock, [&logger](const absl::Status& problem) {
        logger.Error("the registry does not load",
                     {{"status", problem.ToString()}});
      }));

  const std::string folder = start.Value(data.StateFolder("bus"));
  EventLogOptions log_options;
  log_options.environment = data.environment();
  const auto key_folder =
      start.Value(PosixDirectory::Open(data.PathOf(kKeysFolder)));
  const auto shares_folder = start.Value(PosixDirectory::Open(
      absl::StrCat(data.PathOf(kKeysFolder), "/", kSharesFolder)));
  KeyFile key_file(*key_folder, *shares_folder, random);
  start.Check(key_file.Load().status());  // Later no share is asked for again.
  const std::unique_ptr<SharedLog> shared =
      OpenShared(start, data, random, logger);
  std::unique_ptr<SharedKeys> shared_keys;
  if (shared != nullptr) {
    log_options.blocks = shared->Opener(log_options.segments.segment_bytes);
    log_options.load_wrapping = [&key_file] { return key_file.Load(); };
    // Before the log is opened: from here on it is told of every new key.
    shared_keys = start.Value(SharedKeys::Start(
        {shared->options(), HolderName(data)}, key_file, random));
  }
  const OpenedEventLog opened =
      start.Value(OpenEventLog(data.PathOf(""), log_options, random));
  DurableEventLog* const log = opened.log.get();
  const auto places_folder =
      start.Value(PosixDirectory::Open(absl::StrCat(folder, "/places")));
  std::unique_ptr<CursorStore> cursors;
  std::unique_ptr<PostgresPlaces> shared_places;
  Places places;
  if (shared == nullptr) {
    cursors = start.Value(CursorStore::Open(*places_folder));
    places = cursors->places();
  } else {
    shared_places = std::make_unique<PostgresPlaces>(shared->options(),
                                                     shared->options().name);
    places = start.Value(shared_places->All());
  }
  PlaceStore& place_store =
      shared == nullptr ? static_cast<PlaceStore&>(*cursors) : *shared_places;

  Refusals refusals;
  Faults faults;
  auto core = std::make_unique<IngestCore>(
      *log, types,
      LogTime(data.environment(), clock,
              start.Value(StartOfTime(*log, *agreed.agreements()))),
      refusals);
  const auto record_start = [&](IngestCore& by) {
    return RecordStart(records, *log, by, *types, random);
  };
  if (shared == nullptr) start.Check(record_start(*core));
  PolicyFold fold(types);
  start.Check(fold.CatchUp(*log));
  PolicyFold asked = fold;  // Of the questions that come by gRPC.
  asked.ForgetChanges();

  const auto tree_folder =
      start.Value(PosixDirectory::Open(absl::StrCat(folder, "/tree")));
  const Ed25519Signer signer = start.Value(LoadLogSigner(data));
  const auto tree = start.Value(
      LogTree::Open(data.environment(), *log, *log, signer, *tree_folder));

  const KeyWatch::First first = start.Value(KeyWatch::FindFirst(data));
  const auto hub =
      start.Value(ZmqHub::Start(first.keys, [&registry](absl::string_view key) {
        const auto now = registry->Current();
        const v1::Principal* principal = now->FindByCurveKey(key);
        return principal != nullptr && !principal->revoked();
      }));
  const auto bind = [&](const std::string& name, int io_thread) {
    PortOptions options;
    options.name = name;
    options.endpoint =
        absl::StrCat("tcp://127.0.0.1:",
                     start.Value(data.Port(kProgram, name + first.suffix)));
    options.io_thread = io_thread;
    return start.Value(hub->Bind(options));
  };
  const auto ingest_port = bind("ingest", 0);
  const auto delivery_port = bind("delivery", 1);
  const TurnedAway refused = absl::bind_front(&Refusals::Add, &refusals);
  const auto sessions_on = [&](Port port, Carrier& carrier) {
    SessionOptions options;
    options.port = port;
    options.environment = data.environment();
    auto sessions = std::make_unique<SessionServer>(
        options, carrier, steady, random, registry->Current());
    const LogStatus status = log->Status();
    sessions->SetLog(status.log_id, status.epoch);
    sessions->SetTurnedAway(refused);
    return sessions;
  };
  GrpcCarrier ingest_calls(*ingest_port, steady);
  GrpcCarrier delivery_calls(*delivery_port, steady);
  const auto ingest_sessions = sessions_on(Port::kIngest, ingest_calls);
  const auto delivery_sessions = sessions_on(Port::kDelivery, delivery_calls);

  // Who may see what is no longer known: better nothing than too much.
  const auto fatal = [&logger](const absl::Status& why) {
    logger.Error("the log cannot be folded", {{"status", why.ToString()}});
    std::_Exit(1);
  };
  v1::DeliverySettings settings;
  start.Check(LoadCheckedSettings(data, kBusSettings, &settings));
  DeliveryOptions delivery_options = start.Value(OptionsOf(settings));
  delivery_options.stalled_after = absl::Seconds(watch.stalled_after_s());
  delivery_options.started = clock.Now() - steady.Elapsed();
  delivery_options.never_expires = [&registry](const std::string& key) {
    return IsOfHubService(*registry->Current(), key);
  };
  std::unique_ptr<IngestLoop> ingest_loop;
  const auto access = start.Value(
      OpenAccessLog(absl::StrCat(folder, "/access"),
                    [&ingest_loop] { return ingest_loop->now_us(); }));
  start.Check(BeginAccess(*access, BeganOf(log->Status(), clock.Now())));
  // Once what was delivered last is recorded, too.
  const AccessEnd access_end(*access, clock);
  AccessDisclosures disclosures(*access, clock);
  delivery_options.follows = [&ingest_loop] { return ingest_loop->follows(); };
  Metrics metrics;
  SpanExporter spans(kProgram, static_cast<uint16_t>(watch.trace_port()),
                     random, metrics);
  LoopMeters meters(metrics, steady, log->Status().end);
  Drain drain(absl::Seconds(settings.drain_patience_s()));
  std::unique_ptr<SubscriptionDesk> desk;
  LaneOptions lanes;
  lanes.bulk_events_per_s = settings.bulk_events_per_s();
  lanes.wait_max = absl::Milliseconds(settings.bulk_wait_max_ms());
  IngestLoop* takes = nullptr;
  DeliveryLoop delivery(
      *delivery_sessions, registry->source(), steady,
      DeliveryCore(*log, types, fold, std::move(places), delivery_options),
      place_store, shared_places.get(), meters, drain,
      {fatal,
       [&](const absl::Status& why, bool recorded) {
         logger.Error("places cannot be stored", {{"status", why.ToString()}});
         // Another process has a name that this one goes on with; or nothing more
         // is recorded before the access log is opened anew.
         if (shared != nullptr || !recorded) std::_Exit(1);
       },
       refused, [&desk](const std::string& key) { desk->Expire(key); },
       [&takes](bool lags) { takes->HoldBulk(lags); }},
      std::make_unique<BackgroundThread>(),
      std::make_unique<BackgroundThread>());
  std::function<void()> ends_change;  // Of the wrapping key.
  ingest_loop = std::make_unique<IngestLoop>(
      lanes, *log, *ingest_sessions, registry->source(), steady, types,
      std::move(core), std::move(fold), random, faults, meters, drain,
      IngestLoop::Hooks{
          [&delivery](std::shared_ptr<const EventBlock> block) {
            delivery.Post(std::move(block));
          },
          fatal,
          [&](const absl::Status& why) {
            logger.Error("the log takes no writes",
                         {{"status", why.ToString()}});
            // Another process writes on, and answers what this one has not.
            if (shared != nullptr) std::_Exit(1);
          },
          refused,
          [&](const EventBlock& block, absl::Duration began) {
            if (!spans.wants()) return;
            const absl::Time now = clock.Now();
            TraceBlock(block, now - (steady.Elapsed() - began), now, spans);
          },
          [&delivery](Drain::View& view) {
            DeliverySnapshot snapshot = delivery.Snapshot();
            view.folded = snapshot.folded;
            view.stored = snapshot.stored;
            view.subscriptions = std::move(snapshot.subscriptions);
          },
          record_start, [&ends_change] { ends_change(); },
          [log](const StoredLink& link) { log->StageLink(link); },
          [&tree](const v1::ProveConsistency& question) {
            return tree->Answer(question);
          },
          [&](const v1::Principal& principal, const v1::Cosign& cosignature) {
            const absl::Status added =
                tree->AddCosignature(principal, cosignature);
            if (added.ok()) return;
            logger.Error("a cosignature is not taken",
                         {{"principal", principal.name()},
                          {"status", added.ToString()}});
          }},
      std::make_unique<BackgroundThread>(),
      std::make_unique<BackgroundThread>());
  IngestLoop& ingest = *ingest_loop;

  delivery.RecordIn(disclosures);
  takes = &ingest;
  ActRecorder recorder(ingest, types, random, clock);
  FourEyes four_eyes(*log, recorder, clock);
  desk = std::make_unique<SubscriptionDesk>(*log, delivery, recorder, four_eyes,
                                            delivery_options.redrive_per_s);
  const absl::TimeZone london = start.Value(LondonTime());
  OperatorDesk operators(drain, recorder, data, clock, london);
  KeyWatch::Addresses addresses;  // Of all but the two ports.
  KeyWatch keys(data, *ingest_port, *delivery_port, logger,
                [&](const KeyWatch::Addresses& ports) {
                  KeyWatch::Addresses all = addresses;
                  all.insert(all.end(), ports.begin(), ports.end());
                  return data.WriteAddresses(kProgram, all);
                });
  const auto load_policy = [&data]() -> absl::StatusOr<v1::RetentionPolicy> {
    v1::RetentionPolicy policy;
    const absl::Status loaded = data.LoadSettings(kRetentionPolicy, &policy);
    if (!loaded.ok()) return loaded;
    return policy;
  };
  RetentionDesk retention(*log, *log, ingest, delivery, recorder, four_eyes,
                          types, load_policy, london,
                          std::make_unique<BackgroundThread>());
  Rekeyer rekeyer(*log, ingest, delivery, recorder, key_file, shared_keys.get(),
                  random, std::make_unique<BackgroundThread>());
  ends_change = [&rekeyer, &logger] {
    rekeyer.Finish([&logger](const absl::StatusOr<Rekeyer::Outcome>& outcome) {
      if (outcome.ok()) return logger.Info("a change of keys is ended", {});
      logger.Error("a change of keys is not ended",
                   {{"status", outcome.status().ToString()}});
    });
  };
  PersonLists lists(*log, asked);
  const std::string missing = MissingAccess(shared != nullptr);
  ErasureDesk erasures(*log, rekeyer, recorder, four_eyes, types, load_policy,
                       lists, std::make_unique<BackgroundThread>());
  HoldDesk holds(
      *log, recorder, four_eyes, [&ingest] { return ingest.now_us(); }, london);
  ReviewDesk reviews(*log, ingest, recorder, types, load_policy, london, lists,
                     std::make_unique<BackgroundThread>());
  const auto bus_folder = start.Value(PosixDirectory::Open(folder));
  RegistryRecorder registry_recorder(registry->source(), ingest, recorder,
                                     *bus_folder, logger);

  AgreementDesk agreements(*log, asked, ingest, recorder, data, types, clock,
                           std::make_unique<BackgroundThread>());

  CorrectionDesk corrections(
      *log, types, delivery, recorder,
      CorrectionRegister(*log, types, *access, asked, lists), missing,
      std::make_unique<BackgroundThread>());
  const auto access_tree = start.Value(
      AccessTree::Open(*access, start.Value(AccessOriginOf(tree->key().name)),
                       signer, *tree_folder));
  WhoKnew who_knew(*log, types, *access, lists, missing);
  BundleMaker bundles(*log, *log, *log, *tree, types, *access, *access_tree,
                      signer);
  WhoKnewDesk who_knew_desk(who_knew, bundles,
                            std::make_unique<BackgroundThread>());
  ServerHostOptions host_options;
  host_options.program = kProgram;
  // Above every credit of a subscriber: bytes bound what waits for it.
  host_options.stream_messages_max = 1 << 17;
  host_options.port = start.Value(data.Port(kProgram, "grpc"));
  host_options.tls = start.Value(data.LoadTls(kKeys));
  SetWatch(watch, &host_options);
  AccessDesk access_desk(kProgram, *access, *access_tree,
                         AccessEventsOf(*log, lists, missing));
  ServerHost host(host_options, registry->source(), clock, logger, metrics,
                  *access);
  Explainer explainer(*log, asked, types, watch.expiry_warning_days(),
                      registry->source());
  ArrivalDesk arrivals(*log, explainer, delivery, *access, missing,
                       std::make_unique<BackgroundThread>());
  PersonReader persons(*log, asked, types, clock);
  const std::unique_ptr<Stamping> stamping =
      start.Value(Stamping::Start(data, folder, *tree, steady, random));
  EvidenceDesk evidence(
      *tree, *access_tree, *log, *log, *log, asked,
      [&stamping] {
        return stamping == nullptr ? std::pair<std::string, std::string>()
                                   : stamping->Newest();
      },
      [&ingest](const v1::Principal& principal, const v1::ChainSigned& link) {
        return ingest.Sign(principal, link);
      },
      std::make_unique<BackgroundThread>(), clock);
  const LimitClocks clocks = start.Value(LimitClocks::Build(
      start.Value(data.LoadClocks()),
      std::make_shared<const Calendars>(start.Value(
          Calendars::Build(start.Value(data.LoadCalendars()), london))),
      london));
  GlassDesk glass(*log, lists, ingest, types, random, clock,
                  start.Value(LoadBreakGlassPolicy(data, clocks, clock.Now())),
                  clocks);
  const BusParts parts = {
      *log,           ingest,    delivery,     refusals,       faults,
      explainer,      persons,   glass,        *desk,          operators,
      keys,           retention, ingest_calls, delivery_calls, *ingest_port,
      *delivery_port, clock,     steady};
  ServeBus(host, data.environment(), parts);
  evidence.Serve(host);
  access_desk.Serve(host);
  who_knew_desk.Serve(host);
  const TreeThread tree_thread(*tree, steady, [&](const LogTree::View& now) {
    ingest_sessions->SetCheckpoint(now.note);
    delivery_sessions->SetCheckpoint(now.note);
  });
  four_eyes.Serve(host);
  erasures.Serve(host);
  corrections.Serve(host);
  arrivals.Serve(host);
  holds.Serve(host);
  reviews.Serve(host);
  agreements.Serve(host);
  WatchRegistry(*registry, host.health());
  BusHealth health(watch, london);
  host.health().Add([&](Troubles& troubles) {
    health.Judge(
        {steady.Elapsed(), log->Status(), delivery.Snapshot().subscriptions,
         FreeBytes(data.path()), ingest.agreements(), ingest.now_us()},
        troubles);
    operators.Judge(troubles);
    agreements.Warn(watch.expiry_warning_days());
    keys.Judge(troubles);
    tree_thread.Judge(troubles);
    access_tree->Judge(troubles);
    if (stamping != nullptr) stamping->Judge(troubles);
    rekeyer.Judge(troubles);
    JudgeKeys(registry->Current()->proto(), clock.Now(),
              absl::Hours(24) * watch.expiry_warning_days(), troubles);
  });
  if (shared != nullptr) {
    host.health().Add([&shared, &shared_keys](Troubles& troubles) {
      std::string trouble = shared->Trouble();
      if (!trouble.empty()) {
        troubles.push_back({"store", "", std::move(trouble), true});
      }
      trouble = shared_keys->Trouble();
      if (!trouble.empty()) {
        troubles.push_back({"keys", "", std::move(trouble), false});
      }
    });
  }
  const auto collected = metrics.OnCollect([&](Samples& samples) {
    CollectBus(parts, meters, samples);
    const LogTree::View view = tree->Now();
    if (stamping != nullptr) stamping->Collect(samples);
    samples.Gauge("concordat_bus_tree_leaves", "Events in the log's tree.",
                  static_cast<double>(view.leaves));
    samples.Gauge("concordat_bus_tree_signed",
                  "Events that the newest checkpoint is of.",
                  static_cast<double>(view.checkpoint.size));
    samples.Gauge("concordat_bus_disk_free_bytes", "Room left for the log.",
                  static_cast<double>(FreeBytes(data.path())));
  });
  access_tree->Start();
  const uint16_t grpc_port = start.Value(host.Start());

  if (shared != nullptr) ingest.Follow();
  std::thread ingest_thread([&ingest] { ingest.Run(); });
  std::thread delivery_thread([&delivery] { delivery.Run(); });
  addresses = {{"metrics", start.Value(metrics.Listen(
                               start.Value(data.Port(kProgram, "metrics"))))},
               {"grpc", absl::StrCat("127.0.0.1:", grpc_port)}};
  start.Check(keys.Start());
  start.Check(registry_recorder.Start());
  if (shared != nullptr) {
    shared->Start(*log, {[&ingest](std::shared_ptr<const EventBlock> block) {
                           ingest.Followed(std::move(block));
                         },
                         [&](uint64_t term) {
                           logger.Info("writes the log", {{"term", term}});
                           ingest.BeginWriting();
                         },
                         [&](uint32_t wrapping_key) {
                           rekeyer.Followed();
                           shared_keys->Drop(wrapping_key);
                         }});
  } else {
    ends_change();
  }
  logger.Info("ready", {{"end", log->Status().end.value}});

  start.WaitForStop();
  keys.Stop();
  data.ForgetAddresses(kProgram);
  registry_recorder.Stop();
  retention.Stop();
  agreements.Stop();
  if (shared != nullptr) shared->Stop();
  ingest.Stop();
  ingest_thread.join();
  if (shared != nullptr) shared->GiveUp();
  delivery.Stop();
  delivery_thread.join();
  ingest_calls.Close();
  delivery_calls.Close();
  who_knew_desk.Stop();
  access_desk.Stop();
  host.Stop();
  return 0;
}

}  // namespace
}  // namespace concordat::bus

int main(int argc, char** argv) { return concordat::bus::Main(argc, argv); }
