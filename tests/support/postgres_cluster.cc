#include "tests/support/postgres_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "services/common/base/system_clock.h"
#include "tests/support/status_matchers.h"

extern char** environ;

namespace concordat::testing {
namespace {

constexpr char kBin[] = "/usr/lib/postgresql/15/bin/";
constexpr absl::Duration kPatience = absl::Seconds(60);

// As the user that PostgreSQL insists on when we are root. This is the process
// that runs, not one that waits for it.
std::vector<std::string> AsServerUser(std::vector<std::string> command) {
  if (geteuid() != 0) return command;
  std::vector<std::string> whole = {"/usr/bin/setpriv", "--reuid=postgres",
                                    "--regid=postgres", "--init-groups"};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

pid_t Spawn(std::vector<std::string> command, const std::string& output) {
  command = AsServerUser(std::move(command));
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, output.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, arguments[0], &files, nullptr, arguments.data(),
                        environ),
            0);
  posix_spawn_file_actions_destroy(&files);
  return pid;
}

void RunToEnd(std::vector<std::string> command, const std::string& output) {
  const std::string program = command[0];
  const pid_t pid = Spawn(std::move(command), output);
  int status = -1;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  if (status == 0) return;
  std::ifstream file(output);
  ADD_FAILURE() << program << ": "
                << std::string(std::istreambuf_iterator<char>(file), {});
}

// PostgreSQL does not choose one itself. Held until all are chosen, so that they
// differ.
uint16_t FreePort(std::vector<int>& held) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  EXPECT_EQ(bind(socket_fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(
      getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &length),
      0);
  held.push_back(socket_fd);
  return ntohs(address.sin_port);
}

template <typename Done>
bool Await(Done done) {
  const SystemSteadyClock clock;
  const absl::Duration until = clock.Elapsed() + kPatience;
  while (!done()) {
    if (clock.Elapsed() >= until) return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    pid_t pid = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &pid)) continue;
    std::ifstream file(entry.path() / "stat");
    std::string line;
    std::getline(file, line);
    // "pid (name) state parent"
    const std::vector<std::string> fields =
        absl::StrSplit(line.substr(line.rfind(')') + 1), ' ');
    if (fields.size() > 2 && fields[2] == absl::StrCat(parent)) {
      children.push_back(pid);
    }
  }
  return children;
}

}  // namespace

PostgresCluster::PostgresCluster(int servers) : servers_(servers) {
  if (geteuid() == 0) {
    const passwd* user = getpwnam("postgres");
    EXPECT_NE(user, nullptr);
    EXPECT_EQ(chown(folder_.path().c_str(), user->pw_uid, user->pw_gid), 0);
  }
  std::vector<int> held;
  for (int i = 0; i < servers; ++i) {
    servers_[i].folder = folder_.PathOf(absl::StrCat("s", i));
    servers_[i].port = FreePort(held);
  }
  for (const int socket_fd : held) close(socket_fd);
  RunToEnd({absl::StrCat(kBin, "initdb"), "-D", servers_[0].folder, "-U",
            "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"},
           folder_.PathOf("log"));
  Configure(servers_[0], 0);
  Start(0);
  for (int i = 1; i < servers; ++i) Rebuild(i);
  if (servers > 1) {
    AwaitStandbys(servers - 1);
    Set("synchronous_standby_names", OthersThan(0));
  }
}

PostgresCluster::~PostgresCluster() {
  for (int i = 0; i < size(); ++i) Kill(i);
}

void PostgresCluster::Configure(const Server& server, int number) const {
  std::ofstream file(server.folder + "/postgresql.conf", std::ios::app);
  file << "listen_addresses = '127.0.0.1'\n"
       << "unix_socket_directories = ''\n"
       << "port = " << server.port << "\n"
       << "cluster_name = 's" << number << "'\n"
       << "shared_buffers = 16MB\n"
       << "max_connections = 100\n"
       << "wal_keep_size = 256MB\n"
       << "wal_sender_timeout = 3s\n"
       << "wal_receiver_timeout = 3s\n"
       << "wal_retrieve_retry_interval = 100ms\n";
}

std::string PostgresCluster::OthersThan(int server) const {
  std::vector<std::string> others;
  for (int i = 0; i < size(); ++i) {
    if (i != server) others.push_back(absl::StrCat("s", i));
  }
  return absl::StrCat("ANY 1 (", absl::StrJoin(others, ","), ")");
}

std::string PostgresCluster::ConnectionTo(int server) const {
  return absl::StrCat("host=127.0.0.1 user=postgres port=",
                      servers_[server].port);
}

bus::PostgresOptions PostgresCluster::Options(
    const std::string& database) const {
  std::vector<std::string> hosts;
  std::vector<std::string> ports;
  for (const Server& server : servers_) {
    hosts.push_back("127.0.0.1");
    ports.push_back(absl::StrCat(server.port));
  }
  bus::PostgresOptions options;
  options.conninfo = absl::StrCat("host=", absl::StrJoin(hosts, ","),
                                  " port=", absl::StrJoin(ports, ","),
                                  " user=postgres dbname=", database);
  return options;
}

absl::StatusOr<std::string> PostgresCluster::TryAsk(
    int server, const std::string& sql, const std::string& database) const {
  bus::PostgresOptions options;
  options.conninfo = absl::StrCat(ConnectionTo(server), " dbname=", database,
                                  " target_session_attrs=any");
  options.one_server = true;
  const auto connection = bus::PostgresConnection::Connect(options);
  if (!connection.ok()) return connection.status();
  // However busy this machine is, the server is there.
  int patience = 20;
  const auto rows =
      (*connection)->Run(sql.c_str(), {}, [&] { return --patience > 0; });
  if (!rows.ok()) return rows.status();
  return rows->count() == 0 ? "" : std::string(rows->Bytes(0, 0));
}

std::string PostgresCluster::Ask(int server, const std::string& sql,
                                 const std::string& database) const {
  const auto answer = TryAsk(server, sql, database);
  EXPECT_THAT(answer, IsOk()) << sql;
  return answer.ok() ? *answer : "";
}

std::string PostgresCluster::MakeDatabase(const std::string& name) {
  Ask(primary_, absl::StrCat("CREATE DATABASE ", name));
  return name;
}

void PostgresCluster::Start(int server) {
  Server& one = servers_[server];
  // One that was killed leaves processes that go when they notice; until then
  // it does not start.
  EXPECT_TRUE(Await([&] {
    if (one.pid > 0) {
      if (waitpid(one.pid, nullptr, WNOHANG) == 0) {
        return TryAsk(server, "SELECT 'here'", "postgres").ok();
      }
      one.pid = -1;
    }
    one.pid = Spawn({absl::StrCat(kBin, "postgres"), "-D", one.folder},
                    folder_.PathOf(absl::StrCat("log", server)));
    return false;
  })) << server;
}

void PostgresCluster::Signal(int server, int signal) {
  const pid_t pid = servers_[server].pid;
  if (pid <= 0) return;
  // Itself first: it makes no more of them.
  kill(pid, SIGSTOP);
  const std::vector<pid_t> children = ChildrenOf(pid);
  for (const pid_t child : children) kill(child, signal);
  if (signal != SIGSTOP) kill(pid, signal);
}

void PostgresCluster::Kill(int server) {
  Signal(server, SIGKILL);
  if (servers_[server].pid > 0) waitpid(servers_[server].pid, nullptr, 0);
  servers_[server].pid = -1;
  servers_[server].stopped = false;
}

void PostgresCluster::Stop(int server) {
  Signal(server, SIGSTOP);
  servers_[server].stopped = true;
}

void PostgresCluster::Continue(int server) {
  Signal(server, SIGCONT);
  servers_[server].stopped = false;
}

void PostgresCluster::Follow(int server, int primary) const {
  Ask(server,
      absl::StrCat("ALTER SYSTEM SET primary_conninfo = '",
                   ConnectionTo(primary), " application_name=s", server, "'"));
  Ask(server, "SELECT pg_reload_conf()");
}

void PostgresCluster::Promote() {
  const int before = primary_;
  uint64_t most = 0;
  int best = -1;
  for (int i = 0; i < size(); ++i) {
    const Server& one = servers_[i];
    if (i == before || one.pid <= 0 || one.stopped) continue;
    uint64_t received = 0;
    EXPECT_TRUE(absl::SimpleAtoi(
        Ask(i,
            "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text"),
        &received));
    if (best < 0 || received > most) {
      best = i;
      most = received;
    }
  }
  ASSERT_GE(best, 0);
  // The others first: nothing more is acknowledged by the one before.
  for (int i = 0; i < size(); ++i) {
    const Server& one = servers_[i];
    if (i != before && i != best && one.pid > 0 && !one.stopped) {
      Follow(i, best);
    }
  }
  Ask(best, "SELECT pg_promote(false)::text");
  EXPECT_TRUE(Await([&] {
    const auto standby =
        TryAsk(best, "SELECT pg_is_in_recovery()::text", "postgres");
    return standby.ok() && *standby == "false";
  }));
  primary_ = best;
}

void PostgresCluster::Rebuild(int server) {
  Kill(server);
  Server& one = servers_[server];
  std::filesystem::remove_all(one.folder);
  RunToEnd({absl::StrCat(kBin, "pg_basebackup"), "-D", one.folder, "-c", "fast",
            "-X", "stream", "-d", ConnectionTo(primary_)},
           folder_.PathOf("log"));
  Configure(one, server);
  std::ofstream(one.folder + "/standby.signal");
  {
    std::ofstream file(one.folder + "/postgresql.auto.conf", std::ios::app);
    file << "primary_conninfo = '" << ConnectionTo(primary_)
         << " application_name=s" << server << "'\n";
    file << "synchronous_standby_names = '" << OthersThan(server) << "'\n";
  }
  Start(server);
}

void PostgresCluster::AwaitStandbys(int count) {
  EXPECT_TRUE(Await([&] {
    const auto streaming =
        TryAsk(primary_,
               "SELECT count(*)::text FROM pg_stat_replication"
               " WHERE state = 'streaming'",
               "postgres");
    int found = 0;
    return streaming.ok() && absl::SimpleAtoi(*streaming, &found) &&
           found >= count;
  }));
}

void PostgresCluster::Set(const std::string& setting,
                          const std::string& value) {
  Ask(primary_, absl::StrCat("ALTER SYSTEM SET ", setting, " = '", value, "'"));
  Ask(primary_, "SELECT pg_reload_conf()");
}

}  // namespace concordat::testing
