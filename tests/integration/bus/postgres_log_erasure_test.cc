// Erasure where two concordat-bus processes have the log in PostgreSQL. What each
// test catches:
//
//   the process that follows never learns the new key     BothForget…
//   it still has what it had opened; a key file keeps     the same
//     the wrapping key of before
//   who follows erases, or says nothing of why not        the same
//   what was erased opens where the other writes on       the same
//   payload in the database, or in a dump of it           NothingInTheDatabase…
//   a dump of before that opens with today's keys         the same
//   a machine that was away is not waited for             AMachineThatWasAway…
//   a key is given to whoever has a row                   AStrangersRow…
//   a restored database is written on, by who knew more   ARestoreToBefore…
//     or by who knew less
//   after it what was erased opens, or nothing does       ARestoreToBefore…
//   who was shown what is lost is not told                ARestoreToBefore…
//   an epoch is begun while a bus writes                  ARestoreToBefore…
//   a change of the primary stops who lost nothing        WhoSawTheEndWritesOn…
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "concordat/hub/v1/events.pb.h"
#include "concordat/police/v1/events.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/bus/log/open_event_log.h"
#include "services/bus/log/postgres/shared_log.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"
#include "services/common/bus_client/zmq_bus_client.h"
#include "services/common/event/codec.h"
#include "services/common/event/make_event.h"
#include "services/common/rpc/channel.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/process.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kLong = absl::Seconds(60);
constexpr char kProgram[] = "concordat-bus";
constexpr char kPolice[] = "urn:concordat:police-scotland:rms";
constexpr char kPlayer[] = "urn:concordat:concordat-operator:player";
constexpr char kMark[] = "MARK-QZX-7";
constexpr uint64_t kStoryUs = 1'762'135'200'000'000;  // 3 Nov 2025 02:00.
constexpr int kPerson = 7;
constexpr int kOther = 8;

class PostgresErasureTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    servers_ = std::make_unique<PostgresCluster>(2);
  }
  static void TearDownTestSuite() { servers_ = nullptr; }

  PostgresErasureTest()
      : database_(servers_->MakeDatabase(absl::StrCat("log", ++databases_))) {
    const std::string source = std::getenv("CONCORDAT_SOURCE");
    const std::string build = std::getenv("CONCORDAT_BUILD");
    const std::string first = folder_.PathOf("bus0");
    Process keys({"concordat", "keys", "demo", "--data", first, "--share",
                  source + "/deploy", "--types", build + "/concordat.binpb",
                  "--any-port"});
    EXPECT_EQ(keys.Wait(), 0);
    std::ofstream(first + "/store.textproto")
        << "postgres: 1\nlease_ms: 1000\n";
    std::ofstream(first + "/keys/postgres.conninfo")
        << servers_->Options(database_).conninfo << "\n";
    std::filesystem::copy(first, folder_.PathOf("bus1"),
                          std::filesystem::copy_options::recursive);
    for (int i = 0; i < 2; ++i) {
      data_.push_back(
          *DataDirectory::Open(folder_.PathOf(absl::StrCat("bus", i))));
      Start(i);
    }
    const auto types =
        TypeRegistry::Build(*data_[0].LoadTypes(), *data_[0].LoadCodeLists());
    EXPECT_THAT(types, IsOk());
    types_ = *types;
    hub::v1::TimePassed passed;
    passed.set_to(kStoryUs);
    Publish("player", Make(kPlayer, "concordat-operator", "t-1", 0, passed));
  }

  void Start(int bus) {
    data_[bus].ForgetAddresses(kProgram);
    buses_[bus] = std::make_unique<Process>(
        std::vector<std::string>{kProgram, "--data", data_[bus].path()});
    EXPECT_THAT(data_[bus].WaitForAddress(kProgram, "grpc", kLong), IsOk());
  }
  // Until it is so. False: not in time.
  template <typename Done>
  static bool Until(Done done) {
    const SystemSteadyClock clock;
    const absl::Duration end = clock.Elapsed() + kLong;
    while (!done()) {
      if (clock.Elapsed() > end) return false;
    }
    return true;
  }
  template <typename Response, typename Request>
  absl::StatusOr<Response> Call(int bus, absl::string_view principal,
                                absl::string_view method,
                                const Request& request) {
    const auto channel = OpenChannel(data_[bus], kProgram, principal, kLong);
    if (!channel.ok()) return channel.status();
    CallOptions options;
    options.timeout = kLong;
    const auto bytes =
        GenericCall(*channel, absl::StrCat("concordat.bus.v1.", method),
                    request.SerializeAsString(), options);
    if (!bytes.ok()) return bytes.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }
  bool Follows(int bus) {
    const auto status = Call<bus::v1::GetLogStatusResponse>(
        bus, "admin", "BusService/GetLogStatus",
        bus::v1::GetLogStatusRequest());
    return !status.ok() || status->follows();
  }
  // The bus that writes.
  int Writer() {
    int writer = 0;
    EXPECT_TRUE(Until([&] {
      for (writer = 0; writer < 2; ++writer) {
        if (buses_[writer] != nullptr && !Follows(writer)) return true;
      }
      return false;
    }));
    return writer;
  }
  Event Make(std::string source, std::string controller, std::string id,
             int person, const google::protobuf::MessageLite& message) {
    Header header;
    header.source = std::move(source);
    header.controller = std::move(controller);
    header.id = std::move(id);
    header.purpose = "MAPPA_RISK_MANAGEMENT";
    header.gateway = "G1";
    header.time_us = kStoryUs;
    header.recorded_us = kStoryUs;
    if (person != 0) header.subject = KeyOf(person);
    auto event = MakeEvent(*types_, std::move(header), message, random_);
    EXPECT_THAT(event, IsOk());
    return *std::move(event);
  }
  static PersonKey KeyOf(int person) {
    return PersonKey({static_cast<uint8_t>(person)});
  }
  void Publish(absl::string_view principal, Event event) {
    const auto client = ConnectBus(data_[Writer()], principal);
    ASSERT_THAT(client, IsOk());
    const auto outcomes = PublishAndWait(**client, {std::move(event)}, kLong);
    ASSERT_THAT(outcomes, IsOk());
    ASSERT_TRUE((*outcomes)[0].accepted) << (*outcomes)[0].detail;
  }
  void Concern(const std::string& id, int person, const std::string& ref) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref(ref);
    Publish("police", Make(kPolice, "police-scotland", id, person, concern));
  }
  void PublishBoth() {
    for (int i = 0; i < 3; ++i) {
      Concern(absl::StrCat("c-", i), kPerson, kMark);
      Concern(absl::StrCat("d-", i), kOther, "INC-1");
    }
  }
  // Ids of what the police told of the person, as that bus reads them now.
  std::vector<std::string> Told(int bus, int person) {
    bus::v1::ReadPersonRequest request;
    request.set_subject(KeyOf(person).ToString());
    auto response = Call<bus::v1::ReadPersonResponse>(
        bus, "police", "BusService/ReadPerson", request);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return {};
    response->clear_position();
    const auto decoded = DecodeStreamEvents(response->SerializeAsString());
    EXPECT_THAT(decoded, IsOk());
    std::vector<std::string> ids;
    for (const View& view : decoded->views) {
      if (!absl::StartsWith(view.header.id, "E-")) {
        ids.push_back(view.header.id);
      }
    }
    return ids;
  }
  absl::StatusOr<bus::v1::ErasePersonResponse> Erase(int bus) {
    bus::v1::ErasePersonRequest request;
    request.set_subject(KeyOf(kPerson).ToString());
    request.set_reason("PERIOD_ENDED");
    request.set_confirmed_count(3);
    request.set_why("the board's decision");
    const auto asked = Call<bus::v1::ErasePersonResponse>(
        bus, "admin", "ErasureService/ErasePerson", request);
    if (!asked.ok()) return asked.status();
    request.set_approval(asked->asked().approval());
    request.set_why("");
    return Call<bus::v1::ErasePersonResponse>(
        bus, "second-operator", "ErasureService/ErasePerson", request);
  }
  std::string KeyFileOf(int bus) const {
    std::stringstream text;
    text << std::ifstream(data_[bus].PathOf("keys/wrapping.key")).rdbuf();
    return text.str();
  }
  static std::string RunCommand(const std::string& command, int* status) {
    FILE* const pipe = popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> part;
    size_t count = 0;
    while ((count = std::fread(part.data(), 1, part.size(), pipe)) > 0) {
      output.append(part.data(), count);
    }
    *status = pclose(pipe);
    return output;
  }
  std::string Dump(const std::string& database) {
    int status = -1;
    std::string dump =
        RunCommand(absl::StrCat("/usr/lib/postgresql/15/bin/pg_dump -d '",
                                servers_->Options(database).conninfo, "'"),
                   &status);
    EXPECT_EQ(status, 0);
    return dump;
  }
  void Stop(int bus) {
    buses_[bus]->Signal(SIGTERM);
    EXPECT_EQ(buses_[bus]->Wait(), 0);
    buses_[bus] = nullptr;
  }
  // Until it ends; its status.
  int Run(int bus) {
    Process process(
        std::vector<std::string>{kProgram, "--data", data_[bus].path()});
    return process.Wait();
  }
  // What the command says.
  std::string Restored(int bus) {
    int status = -1;
    return RunCommand(absl::StrCat(std::getenv("CONCORDAT_BIN"),
                                   "/concordat log restored --data ",
                                   data_[bus].path(), " 2>&1"),
                      &status);
  }
  // The database is as it was.
  void Restore(const std::string& dump) {
    servers_->Ask(servers_->primary(), "DROP SCHEMA concordat CASCADE",
                  database_);
    const std::string file = folder_.PathOf("restore.sql");
    std::ofstream(file) << dump;
    int status = -1;
    RunCommand(absl::StrCat("/usr/lib/postgresql/15/bin/psql -q -d '",
                            servers_->Options(database_).conninfo, "' -f ",
                            file, " 2>&1"),
               &status);
    ASSERT_EQ(status, 0);
  }
  bus::v1::GetLogStatusResponse StatusOf(int bus) {
    const auto status = Call<bus::v1::GetLogStatusResponse>(
        bus, "admin", "BusService/GetLogStatus",
        bus::v1::GetLogStatusRequest());
    EXPECT_THAT(status, IsOk());
    return status.value_or(bus::v1::GetLogStatusResponse());
  }
  Sequence End(int bus) { return {StatusOf(bus).end_sequence()}; }
  LogEpoch EpochOf(int bus) {
    const auto status = StatusOf(bus);
    return {std::string(status.log_id()), status.epoch()};
  }
  // How many events open there with every key that the directory has, and how many
  // of them have the mark.
  struct Readable {
    int events = 0;
    int marked = 0;
  };
  absl::StatusOr<Readable> OpenAll(const DataDirectory& data,
                                   const std::string& database) {
    std::filesystem::remove_all(data.PathOf("bus/log"));
    std::filesystem::remove_all(data.PathOf("bus/index"));
    bus::SharedLog shared(servers_->Options(database), absl::Seconds(1),
                          "reader", [](const absl::Status&) {});
    bus::EventLogOptions options;
    options.environment = bus::v1::ENVIRONMENT_DEMO;
    options.blocks = shared.Opener(options.segments.segment_bytes);
    const auto log = bus::OpenEventLog(data.path(), options, random_);
    if (!log.ok()) return log.status();
    Readable opened;
    for (uint64_t i = 1; i <= log->log->Status().end.value; ++i) {
      const auto event = log->log->ReadOne({i});
      if (!event.ok()) return event.status();
      for (const bus::StoredGroup& group : event->opened) {
        opened.marked += absl::StrContains(group.data, kMark);
      }
      opened.events += !event->opened.empty();
    }
    return opened;
  }
  static int FilesWith(const std::string& folder, const std::string& bytes) {
    int found = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::stringstream text;
      text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
      found += absl::StrContains(text.str(), bytes);
    }
    return found;
  }

  static inline std::unique_ptr<PostgresCluster> servers_;
  static inline int databases_ = 0;
  TempDir folder_;
  SystemRandom random_;
  const std::string database_;
  std::vector<DataDirectory> data_;
  std::array<std::unique_ptr<Process>, 2> buses_;
  std::shared_ptr<const TypeRegistry> types_;
};

TEST_F(PostgresErasureTest, BothForgetAndTheOtherWritesOn) {
  PublishBoth();
  const int writer = Writer();
  const int other = 1 - writer;
  // It has opened them, too.
  ASSERT_TRUE(Until([&] { return Told(other, kPerson).size() == 3; }));
  const auto refused = Erase(other);
  EXPECT_FALSE(refused.ok());
  const auto erased = Erase(writer);
  ASSERT_THAT(erased, IsOk());
  EXPECT_EQ(erased->erased_keys(), 1u);
  for (const int bus : {writer, other}) {
    SCOPED_TRACE(bus);
    EXPECT_THAT(KeyFileOf(bus), HasSubstr("\n2 "));
    EXPECT_THAT(KeyFileOf(bus), ::testing::Not(HasSubstr("\n1 ")));
    EXPECT_TRUE(Until([&] { return Told(bus, kPerson).empty(); }));
    EXPECT_THAT(Told(bus, kOther), SizeIs(3));
  }
  int status = -1;
  const std::string verified =
      RunCommand(absl::StrCat(std::getenv("CONCORDAT_BIN"),
                              "/concordat log verify --profile admin --data ",
                              data_[writer].path(), " 2>&1"),
                 &status);
  EXPECT_EQ(status, 0) << verified;

  buses_[writer]->Kill();
  buses_[writer] = nullptr;
  EXPECT_EQ(Writer(), other);
  Concern("later", kPerson, "INC-2");
  EXPECT_THAT(Told(other, kPerson), ::testing::ElementsAre("later"));
  EXPECT_THAT(Told(other, kOther), SizeIs(3));
  Start(writer);
  EXPECT_TRUE(Until([&] { return Told(writer, kPerson).size() == 1; }));
  const auto list = Call<bus::v1::ListErasuresResponse>(
      other, "admin", "ErasureService/ListErasures",
      bus::v1::ListErasuresRequest());
  ASSERT_THAT(list, IsOk());
  ASSERT_EQ(list->erasures_size(), 1);
  EXPECT_TRUE(list->erasures(0).keys_destroyed());
}

TEST_F(PostgresErasureTest, NothingInTheDatabaseOpensWhatWasErased) {
  PublishBoth();
  const std::string before = Dump(database_);
  ASSERT_THAT(Erase(Writer()), IsOk());
  const std::string after = Dump(database_);
  EXPECT_THAT(after, HasSubstr("key_holder"));
  for (const std::string* dump : {&before, &after}) {
    EXPECT_FALSE(absl::StrContains(*dump, kMark));
    // As bytes are written there.
    EXPECT_FALSE(absl::StrContains(*dump, "4d41524b2d515a58"));
  }
  for (const int bus : {0, 1}) Stop(bus);
  for (const DataDirectory& data : data_) {
    EXPECT_EQ(FilesWith(data.path(), kMark), 0);
  }
  const auto opened = OpenAll(data_[0], database_);
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->marked, 0);
  EXPECT_GE(opened->events, 3);
  // A database of before, with every key that exists: it does not even open.
  const std::string restored = servers_->MakeDatabase("restored");
  const std::string file = folder_.PathOf("dump.sql");
  std::ofstream(file) << before;
  int status = -1;
  RunCommand(absl::StrCat("/usr/lib/postgresql/15/bin/psql -q -d '",
                          servers_->Options(restored).conninfo, "' -f ", file,
                          " 2>&1"),
             &status);
  ASSERT_EQ(status, 0);
  const auto old = OpenAll(data_[0], restored);
  EXPECT_THAT(old, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(old.status().message()), HasSubstr("wrapping key 1"));
}

TEST_F(PostgresErasureTest, ARestoreToBeforeAnErasureBeginsAnEpochWithoutIt) {
  PublishBoth();
  const std::string before = Dump(database_);
  const int writer = Writer();
  ASSERT_THAT(Erase(writer), IsOk());
  Concern("lost", kOther, "INC-2");
  // Somebody who was shown it, and keeps a place of its own.
  const Sequence shown = End(writer);
  const LogEpoch epoch = EpochOf(writer);
  EXPECT_THAT(Restored(writer), HasSubstr("another process is using"));
  Stop(1 - writer);
  EXPECT_THAT(Restored(1 - writer), HasSubstr("a bus writes this log"));
  Stop(writer);
  Restore(before);
  // Neither who knew more, nor, elsewhere, who knows nothing.
  EXPECT_NE(Run(writer), 0);
  servers_->Ask(servers_->primary(),
                "UPDATE concordat.server SET identity = '1/00000001' "
                "RETURNING identity",
                database_);
  std::filesystem::remove(data_[1 - writer].PathOf("bus/log/durable"));
  EXPECT_NE(Run(1 - writer), 0);

  std::string said;
  // The lease of who could not start is over.
  EXPECT_TRUE(Until([&] {
    said = Restored(1 - writer);
    return !absl::StrContains(said, "a moment ago");
  }));
  EXPECT_THAT(said, HasSubstr("of the machine that erased"));
  EXPECT_THAT(Restored(writer), HasSubstr("begins epoch"));
  Start(1 - writer);
  Start(writer);
  EXPECT_THAT(Told(writer, kPerson), IsEmpty());
  EXPECT_THAT(Told(writer, kOther), SizeIs(3));
  EXPECT_GT(EpochOf(writer).epoch, epoch.epoch);
  const auto client = ConnectBus(data_[Writer()], "police");
  ASSERT_THAT(client, IsOk());
  SubscribeOptions options;
  options.own_place = true;
  options.after = shown;
  options.log_epoch = epoch;
  const auto subscription = (*client)->Subscribe(std::move(options));
  ASSERT_THAT(subscription, IsOk());
  absl::Status told;
  EXPECT_TRUE(Until([&] {
    told = (*subscription)->Next(absl::Milliseconds(200)).status();
    return !absl::IsDeadlineExceeded(told);
  }));
  EXPECT_THAT(told, HasCode(absl::StatusCode::kDataLoss));
  Concern("after", kOther, "INC-3");
  EXPECT_THAT(Told(Writer(), kOther), SizeIs(4));
}

TEST_F(PostgresErasureTest, WhoSawTheEndWritesOnWhereverTheServerIs) {
  PublishBoth();
  const int writer = Writer();
  Stop(1 - writer);
  Stop(writer);
  servers_->Ask(servers_->primary(),
                "UPDATE concordat.server SET identity = '1/00000001' "
                "RETURNING identity",
                database_);
  std::filesystem::remove(data_[1 - writer].PathOf("bus/log/durable"));
  EXPECT_NE(Run(1 - writer), 0);
  Start(writer);
  Concern("on", kOther, "INC-2");
  Start(1 - writer);
  EXPECT_TRUE(Until([&] { return Told(1 - writer, kOther).size() == 4; }));
}

TEST_F(PostgresErasureTest, AMachineThatWasAwayIsWaitedForByName) {
  PublishBoth();
  const int writer = Writer();
  const int other = 1 - writer;
  buses_[other]->Kill();
  buses_[other] = nullptr;
  // As one that was not heard of for long.
  servers_->Ask(servers_->primary(),
                "UPDATE concordat.key_holder SET until = '2000-01-01' WHERE "
                "holder LIKE '%bus" +
                    absl::StrCat(other) + "%' RETURNING holder",
                database_);
  const auto erased = Erase(writer);
  EXPECT_THAT(erased, HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(std::string(erased.status().message()),
              ::testing::AllOf(HasSubstr("it is in the log"),
                               HasSubstr(absl::StrCat("bus", other))));
  EXPECT_THAT(Told(writer, kPerson), IsEmpty());
  auto list = Call<bus::v1::ListErasuresResponse>(
      writer, "admin", "ErasureService/ListErasures",
      bus::v1::ListErasuresRequest());
  ASSERT_THAT(list, IsOk());
  EXPECT_FALSE(list->erasures(0).keys_destroyed());
  // Whoever has custody copies the file: then it starts, and the change that is made
  // once more says that all is destroyed.
  std::filesystem::copy_file(data_[writer].PathOf("keys/wrapping.key"),
                             data_[other].PathOf("keys/wrapping.key"),
                             std::filesystem::copy_options::overwrite_existing);
  Start(other);
  bus::v1::ChangeWrappingKeyRequest change;
  change.set_why("the second machine is there again");
  const auto asked = Call<bus::v1::ChangeWrappingKeyResponse>(
      writer, "admin", "ErasureService/ChangeWrappingKey", change);
  ASSERT_THAT(asked, IsOk());
  change.set_why("");
  change.set_approval(asked->asked().approval());
  ASSERT_THAT((Call<bus::v1::ChangeWrappingKeyResponse>(
                  writer, "second-operator", "ErasureService/ChangeWrappingKey",
                  change)),
              IsOk());
  list = Call<bus::v1::ListErasuresResponse>(writer, "admin",
                                             "ErasureService/ListErasures",
                                             bus::v1::ListErasuresRequest());
  ASSERT_THAT(list, IsOk());
  EXPECT_TRUE(list->erasures(0).keys_destroyed());
}

TEST_F(PostgresErasureTest, AStrangersRowIsGivenNoKey) {
  PublishBoth();
  servers_->Ask(servers_->primary(),
                "INSERT INTO concordat.key_holder VALUES ('stranger:/keys',"
                " now() + interval '1 hour', decode(repeat('ab', 32), 'hex'),"
                " decode(repeat('cd', 32), 'hex'), 1, 1) RETURNING holder",
                database_);
  const auto erased = Erase(Writer());
  EXPECT_THAT(erased, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(erased.status().message()),
              HasSubstr("stranger:/keys does not prove"));
  EXPECT_EQ(servers_->Ask(servers_->primary(),
                          "SELECT count(*)::text FROM concordat.key_holder"
                          " WHERE holder LIKE 'stranger%' AND offered IS NULL",
                          database_),
            "1");
  EXPECT_THAT(Told(Writer(), kPerson), SizeIs(3));
}

}  // namespace
}  // namespace concordat::testing
