#ifndef CONCORDAT_TESTS_SUPPORT_POSTGRES_CLUSTER_H_
#define CONCORDAT_TESTS_SUPPORT_POSTGRES_CLUSTER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/bus/log/postgres/connection.h"
#include "tests/support/temp_dir.h"

namespace concordat::testing {

// PostgreSQL servers of the test's own on loopback: the first is the primary at
// the beginning, the others follow it, and a commit needs one other. What
// Patroni would do when one fails, the test does. Failures fail the test. All
// end with this.
class PostgresCluster {
 public:
  explicit PostgresCluster(int servers);
  ~PostgresCluster();
  PostgresCluster(const PostgresCluster&) = delete;
  PostgresCluster& operator=(const PostgresCluster&) = delete;

  int primary() const { return primary_; }
  int size() const { return static_cast<int>(servers_.size()); }
  // To the primary, whichever it is, of a new database of this name.
  std::string MakeDatabase(const std::string& name);
  // To whichever server takes writes.
  bus::PostgresOptions Options(const std::string& database) const;

  // With everything it has started, at once: power off.
  void Kill(int server);
  // It stands still until Continue().
  void Stop(int server);
  void Continue(int server);
  // A standby that was killed comes back, as it was.
  void Start(int server);
  // Of those that run the one that has received most becomes the primary, and
  // the rest follow it. The one before runs no more, or stands still.
  void Promote();
  // What ran as a primary comes back as a standby, from a new copy.
  void Rebuild(int server);
  // Until so many standbys stream.
  void AwaitStandbys(int count);
  // Changes a setting of the primary, at once.
  void Set(const std::string& setting, const std::string& value);

  // One statement at a server; its first field as text, or empty.
  std::string Ask(int server, const std::string& sql,
                  const std::string& database = "postgres") const;

 private:
  struct Server {
    std::string folder;
    uint16_t port = 0;
    pid_t pid = -1;
    bool stopped = false;
  };
  void Configure(const Server& server, int number) const;
  void Follow(int server, int primary) const;
  std::string OthersThan(int server) const;  // One of them is enough.
  std::string ConnectionTo(int server) const;
  absl::StatusOr<std::string> TryAsk(int server, const std::string& sql,
                                     const std::string& database) const;
  void Signal(int server, int signal);

  TempDir folder_;
  std::vector<Server> servers_;
  int primary_ = 0;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_POSTGRES_CLUSTER_H_
