#include "services/common/rpc/access_log.h"

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/common/storage/posix_directory.h"

namespace concordat {
namespace {

// With one record more it still is a block.
constexpr size_t kBlockBytes =
    RecordChain::kBlockBytesMax / 2 - RecordChain::kRecordBytesMax / 2;

}  // namespace

using access::v1::Record;

Record RecordOf(const AccessRecord& from) {
  Record record;
  record.set_time(static_cast<uint64_t>(absl::ToUnixMicros(from.at)));
  access::v1::Called& called = *record.mutable_called();
  called.set_principal(std::string(from.principal));
  called.set_agency(std::string(from.agency));
  called.set_role(std::string(from.role));
  called.set_via(std::string(from.via));
  called.set_staff(std::string(from.staff));
  called.set_method(std::string(from.method));
  called.set_purpose(std::string(from.purpose));
  called.set_outcome(absl::StatusCodeToString(from.outcome));
  called.set_duration_us(
      static_cast<uint64_t>(absl::ToInt64Microseconds(from.duration)));
  const bool is_command = from.persons != nullptr && from.persons->is_command;
  called.set_operation(OperationOf(from.method, is_command));
  if (from.persons == nullptr) return record;
  called.set_on_behalf_of(from.persons->on_behalf_of);
  called.mutable_subjects()->Assign(from.persons->subjects.begin(),
                                    from.persons->subjects.end());
  called.set_more_subjects(from.persons->more);
  return record;
}

absl::Status WatchedAccessLog::Append(const AccessRecord& record) {
  absl::Status appended = log_.Append(record);
  failed_ = !appended.ok();
  return appended;
}

void WatchedAccessLog::Judge(Troubles& troubles) const {
  if (!failed_) return;
  troubles.push_back({"access", "",
                      "what is asked cannot be recorded, so that it is not "
                      "answered; see to the disk and start it again",
                      true});
}

absl::StatusOr<std::unique_ptr<AccessStore>> AccessStore::Open(
    Directory& directory, LogTime log_time) {
  auto chain = RecordChain::Open(directory);
  if (!chain.ok()) return chain.status();
  return std::unique_ptr<AccessStore>(
      new AccessStore(*std::move(chain), std::move(log_time)));
}

absl::StatusOr<std::unique_ptr<AccessStore>> AccessStore::OpenToRead(
    const std::string& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError(
        absl::StrCat(folder, ": there is no such folder"));
  }
  auto directory = PosixDirectory::Open(folder);
  if (!directory.ok()) return directory.status();
  auto chain = RecordChain::OpenToRead(**directory);
  if (!chain.ok()) return chain.status();
  std::unique_ptr<AccessStore> store(
      new AccessStore(*std::move(chain), [] { return uint64_t{0}; }));
  store->own_directory_ = *std::move(directory);
  return store;
}

absl::Status AccessStore::Append(const AccessRecord& record) {
  Record made = RecordOf(record);
  made.set_log_time(log_time_());
  return Add(absl::MakeConstSpan(&made, 1));
}

absl::Status AccessStore::Add(absl::Span<const Record> records) {
  MutexLock lock(mu_);
  std::vector<std::string> bytes;
  size_t total = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    bytes.push_back(records[i].SerializeAsString());
    total += bytes.back().size();
    if (total < kBlockBytes && i + 1 < records.size()) continue;
    const absl::Status appended = chain_->Append(bytes);
    if (!appended.ok()) {
      return absl::UnavailableError(absl::StrCat(
          "the access could not be recorded: ", appended.message()));
    }
    bytes.clear();
    total = 0;
  }
  return absl::OkStatus();
}

absl::Status AccessStore::Read(uint64_t first, Visit visit) const {
  return chain_->Read(
      first, [&](uint64_t number, absl::string_view bytes) -> absl::Status {
        Record record;
        if (!record.ParseFromArray(bytes.data(),
                                   static_cast<int>(bytes.size()))) {
          return absl::DataLossError(
              absl::StrCat("access record ", number, " cannot be read"));
        }
        return visit(number, record, bytes);
      });
}

absl::StatusOr<std::unique_ptr<AccessStore>> OpenAccessLog(
    const std::string& folder, AccessStore::LogTime log_time) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  std::filesystem::permissions(folder, std::filesystem::perms::owner_all,
                               error);
  auto directory = PosixDirectory::Open(folder);
  if (!directory.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, ": cannot open: ", directory.status().message()));
  }
  auto store = AccessStore::Open(**directory, std::move(log_time));
  if (!store.ok()) {
    return absl::Status(store.status().code(),
                        absl::StrCat(folder, ": ", store.status().message()));
  }
  (*store)->own_directory_ = *std::move(directory);
  return store;
}

}  // namespace concordat
