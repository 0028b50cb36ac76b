// Where a data directory has its wrapping keys: `wrapping.key`, and beside it the
// newest key table. The file is that of WrappingKeys (wrapping_keys.h), or it is
// under custody: sealed with a key that is in no file, of which people hold shares.
//
//   concordat wrapping keys sealed 1
//   <shares needed> <fingerprint, 16 hex digits> <nonce and sealed file, hex>
//
// Whoever opens it needs so many share files in the folder `shares`, where they are
// put for a start and taken away after it (a memory file system, or what systemd
// gives a service as credentials):
//
//   concordat custody share 1
//   <index> <shares needed> <fingerprint> <64 hex digits>
//
// Threads  Any.
#ifndef CONCORDAT_SERVICES_BUS_LOG_KEY_FILE_H_
#define CONCORDAT_SERVICES_BUS_LOG_KEY_FILE_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/bus/log/key_table.h"
#include "services/bus/log/wrapping_keys.h"
#include "services/common/base/mutex.h"
#include "services/common/base/random.h"
#include "services/common/crypto/aead.h"
#include "services/common/storage/storage.h"

namespace concordat::bus {

inline constexpr char kWrappingKeyFile[] = "wrapping.key";
inline constexpr char kSharesFolder[] = "shares";

class KeyFile {
 public:
  // `keys` is the data directory's folder of keys, `shares` the one in it; all
  // outlive this.
  KeyFile(Directory& keys, Directory& shares, Random& random)
      : keys_(keys), shares_(shares), random_(random) {}

  // Once it was opened no share is needed again.
  //   NOT_FOUND            no file.
  //   INVALID_ARGUMENT     names the file and the line, never a key.
  //   FAILED_PRECONDITION  under custody, and too few shares, or others, are there.
  absl::StatusOr<WrappingKeys> Load();
  // Puts what `change` makes of the keys in the file's place, under the same
  // custody; nobody else changes it meanwhile. Those that it has now.
  //   as Load(), `change` and ReplaceAndDestroy().
  absl::StatusOr<WrappingKeys> Change(
      const std::function<absl::Status(WrappingKeys&)>& change);

  // Puts the file under new custody. `keep` gets each share file's text, with its
  // number, before they are what opens the file. It is opened before, with the
  // shares of before if it has some.
  //   as Load(), SplitSecret(), `keep` and ReplaceAndDestroy().
  using KeepShare =
      std::function<absl::Status(size_t number, const std::string& text)>;
  absl::Status Split(int need, int count, const KeepShare& keep);

  absl::StatusOr<KeyTable> LoadTable() const { return LoadKeyTable(keys_); }
  absl::Status SaveTable(const KeyTable& table) {
    return SaveKeyTable(keys_, table);
  }

 private:
  struct Custody {
    int need = 0;
    std::string fingerprint;
    AeadKeyBytes key = {};
  };
  absl::StatusOr<WrappingKeys> LoadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status Replace(const WrappingKeys& keys)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status FindCustody(int need, const std::string& fingerprint)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string Seal(const std::string& text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Directory& keys_;
  Directory& shares_;
  Random& random_;
  Mutex mu_;
  std::optional<Custody> custody_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_LOG_KEY_FILE_H_
