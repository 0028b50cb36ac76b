#include "services/bus/log/rocks_index_store.h"

#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::bus {
namespace {

constexpr absl::string_view kRebuildMark = ".rebuild";

rocksdb::Slice AsSlice(absl::string_view text) {
  return {text.data(), text.size()};
}

rocksdb::Options MakeOptions() {
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.max_background_jobs = 1;
  options.max_open_files = 256;
  options.keep_log_file_num = 1;
  options.write_buffer_size = 1 << 20;  // Nothing is written but whole files.
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksIndexStore>> RocksIndexStore::Open(
    const std::string& path) {
  std::unique_ptr<RocksIndexStore> store(new RocksIndexStore(path));
  absl::Status status =
      std::filesystem::exists(absl::StrCat(path, kRebuildMark))
          ? absl::UnavailableError("marked")
          : store->OpenDb();
  if (!status.ok()) status = store->Clear();
  if (!status.ok()) return status;
  return store;
}

RocksIndexStore::RocksIndexStore(std::string path) : path_(std::move(path)) {}
RocksIndexStore::~RocksIndexStore() = default;

absl::Status RocksIndexStore::OpenDb() {
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(MakeOptions(), path_, &db);
  db_.reset(db);
  return status.ok() ? absl::OkStatus() : Failed(status);
}

absl::Status RocksIndexStore::Clear() {
  db_ = nullptr;
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  std::filesystem::create_directories(path_, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("index ", path_, ": ", error.message()));
  }
  absl::Status status = OpenDb();
  if (status.ok()) {
    std::filesystem::remove(absl::StrCat(path_, kRebuildMark), error);
  }
  return status;
}

absl::Status RocksIndexStore::Failed(const rocksdb::Status& status) const {
  if (status.IsCorruption()) std::ofstream(absl::StrCat(path_, kRebuildMark));
  return absl::UnavailableError(absl::StrCat("index: ", status.ToString()));
}

absl::StatusOr<std::optional<std::string>> RocksIndexStore::Get(
    absl::string_view key) const {
  std::string value;
  const rocksdb::Status status =
      db_->Get(rocksdb::ReadOptions(), AsSlice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return Failed(status);
  return std::optional<std::string>(std::move(value));
}

absl::Status RocksIndexStore::Visit(
    absl::string_view from, absl::string_view to,
    const std::function<bool(absl::string_view, absl::string_view)>& visit)
    const {
  rocksdb::ReadOptions options;
  const rocksdb::Slice end = AsSlice(to);
  options.iterate_upper_bound = &end;
  const std::unique_ptr<rocksdb::Iterator> entry(db_->NewIterator(options));
  for (entry->Seek(AsSlice(from)); entry->Valid(); entry->Next()) {
    const rocksdb::Slice key = entry->key();
    const rocksdb::Slice value = entry->value();
    if (!visit({key.data(), key.size()}, {value.data(), value.size()})) break;
  }
  return entry->status().ok() ? absl::OkStatus() : Failed(entry->status());
}

absl::Status RocksIndexStore::Add(
    const std::vector<std::pair<std::string, std::string>>& entries) {
  const std::string file = absl::StrCat(path_, "/adding.sst");
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), MakeOptions());
  rocksdb::Status status = writer.Open(file);
  for (const auto& [key, value] : entries) {
    if (!status.ok()) break;
    status = writer.Put(key, value);
  }
  if (status.ok()) status = writer.Finish();
  if (status.ok()) {
    rocksdb::IngestExternalFileOptions options;
    options.move_files = true;
    status = db_->IngestExternalFile({file}, options);
  }
  return status.ok() ? absl::OkStatus() : Failed(status);
}

}  // namespace concordat::bus
