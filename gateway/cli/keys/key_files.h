// Files of keys and of who may speak, read and written whole.
//
// Threads  Any; two that write one file: the last one stands, but for EditFile().
#ifndef CONCORDAT_GATEWAY_CLI_KEYS_KEY_FILES_H_
#define CONCORDAT_GATEWAY_CLI_KEYS_KEY_FILES_H_

#include <sys/types.h>

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {

inline constexpr mode_t kPublicFile = 0644;
inline constexpr mode_t kPrivateFile = 0600;

//   NOT_FOUND  it cannot be read; names it.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
// The mode holds from the first byte on.
//   ALREADY_EXISTS  it is there.  UNAVAILABLE  it cannot be written; names it.
absl::Status WriteNewFile(const std::string& path, absl::string_view text,
                          mode_t mode);
// A reader sees the old one or the new one, whole; durable when it returns.
//   UNAVAILABLE
absl::Status ReplaceFile(const std::string& path, absl::string_view text,
                         mode_t mode);

// Puts what `edit` makes of the file's text in its place, as ReplaceFile() does. Of
// several that edit one file each sees what the one before it wrote, in whatever process
// they are: they wait for each other at a lock on `path`.lock, which stays there.
//   What `edit` answers; then the file is as it was.  NOT_FOUND, UNAVAILABLE
absl::Status EditFile(
    const std::string& path, mode_t mode,
    absl::FunctionRef<absl::StatusOr<std::string>(const std::string& before)>
        edit);

//   INTERNAL  this ZeroMQ has no CURVE.
absl::StatusOr<CurveKeyPair> MakeCurveKeys();
// As the files of pairs are.
std::string TextOf(const CurveKeyPair& keys);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_KEYS_KEY_FILES_H_
