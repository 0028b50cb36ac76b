#include "gateway/cli/keys/key_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::cli {
namespace {

absl::Status CannotWrite(const std::string& path, int error) {
  const std::string what =
      absl::StrCat("cannot write ", path, ": ", strerror(error));
  return error == EEXIST ? absl::AlreadyExistsError(what)
                         : absl::UnavailableError(what);
}

absl::Status WriteAll(const std::string& path, absl::string_view text,
                      mode_t mode, bool durable) {
  const int file =
      open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) return CannotWrite(path, errno);
  int error = 0;
  while (error == 0 && !text.empty()) {
    const ssize_t count = write(file, text.data(), text.size());
    if (count > 0) text.remove_prefix(static_cast<size_t>(count));
    if (count < 0 && errno != EINTR) error = errno;
  }
  if (error == 0 && durable && fsync(file) != 0) error = errno;
  if (close(file) != 0 && error == 0) error = errno;
  return error == 0 ? absl::OkStatus() : CannotWrite(path, error);
}

}  // namespace

absl::StatusOr<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::move(text).str();
}

absl::Status WriteNewFile(const std::string& path, absl::string_view text,
                          mode_t mode) {
  return WriteAll(path, text, mode, /*durable=*/false);
}

absl::Status ReplaceFile(const std::string& path, absl::string_view text,
                         mode_t mode) {
  const std::string draft = absl::StrCat(path, ".new-", getpid());
  absl::Status status = WriteAll(draft, text, mode, /*durable=*/true);
  if (!status.ok()) return status;
  if (std::rename(draft.c_str(), path.c_str()) != 0) {
    status = CannotWrite(path, errno);
    unlink(draft.c_str());
    return status;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int directory = open(folder.empty() ? "." : folder.c_str(),
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0 || fsync(directory) != 0) {
    status = CannotWrite(path, errno);
  }
  if (directory >= 0) close(directory);
  return status;
}

absl::Status EditFile(
    const std::string& path, mode_t mode,
    absl::FunctionRef<absl::StatusOr<std::string>(const std::string& before)>
        edit) {
  const std::string lock_path = absl::StrCat(path, ".lock");
  const int lock =
      open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile);
  if (lock < 0) return CannotWrite(lock_path, errno);
  int error = 0;
  do {
    error = flock(lock, LOCK_EX) == 0 ? 0 : errno;
  } while (error == EINTR);
  const auto edited = [&]() -> absl::Status {
    if (error != 0) return CannotWrite(lock_path, error);
    const auto before = ReadWholeFile(path);
    if (!before.ok()) return before.status();
    const auto after = edit(*before);
    if (!after.ok()) return after.status();
    return ReplaceFile(path, *after, mode);
  }();
  close(lock);  // Which lets it go.
  return edited;
}

absl::StatusOr<CurveKeyPair> MakeCurveKeys() {
  char public_key[41] = {};
  char secret_key[41] = {};
  if (zmq_curve_keypair(public_key, secret_key) != 0) {
    return absl::InternalError("this ZeroMQ has no CURVE");
  }
  return CurveKeyPair{public_key, secret_key};
}

std::string TextOf(const CurveKeyPair& keys) {
  return absl::StrCat(keys.public_key, "\n", keys.secret_key, "\n");
}

}  // namespace concordat::cli
