#ifndef CONCORDAT_SERVICES_BUS_LOG_ROCKS_INDEX_STORE_H_
#define CONCORDAT_SERVICES_BUS_LOG_ROCKS_INDEX_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/bus/log/index_store.h"

namespace rocksdb {
class DB;
class Status;
}  // namespace rocksdb

namespace concordat::bus {

// An IndexStore in a folder of its own. Without a write-ahead log: each Add()
// is one sorted file, taken in whole or not at all, and costs no later flush.
class RocksIndexStore : public IndexStore {
 public:
  // One that is damaged is begun anew: it is all derived.
  //   UNAVAILABLE
  static absl::StatusOr<std::unique_ptr<RocksIndexStore>> Open(
      const std::string& path);
  ~RocksIndexStore() override;

  absl::StatusOr<std::optional<std::string>> Get(
      absl::string_view key) const override;
  absl::Status Visit(
      absl::string_view from, absl::string_view to,
      const std::function<bool(absl::string_view key, absl::string_view value)>&
          visit) const override;
  absl::Status Add(
      const std::vector<std::pair<std::string, std::string>>& entries) override;
  absl::Status Clear() override;

 private:
  explicit RocksIndexStore(std::string path);
  absl::Status OpenDb();
  // Damage makes the next opening begin anew.
  absl::Status Failed(const rocksdb::Status& status) const;

  const std::string path_;
  std::unique_ptr<rocksdb::DB> db_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_ROCKS_INDEX_STORE_H_
