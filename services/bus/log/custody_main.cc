// concordat-key-custody: puts the file of wrapping keys under custody, so that no
// one person can open a log. Done on the files, while no bus runs.
//
//   concordat-key-custody --data DIR --need M --shares N --to DIR
//
// Writes N share files into a new folder, for N people to take away, and seals
// keys/wrapping.key with a key that only M of them together give. Under custody
// already, it needs M of the shares of before in keys/shares, and those are of no
// use afterwards.
#include <cstdio>
#include <filesystem>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/bus/log/open_event_log.h"
#include "services/common/base/system_random.h"

namespace concordat::bus {
namespace {

struct Arguments {
  std::string data;
  std::string to;
  int need = 0;
  int shares = 0;
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const absl::string_view flag = argv[i];
    if (flag == "--data") {
      arguments.data = argv[i + 1];
    } else if (flag == "--to") {
      arguments.to = argv[i + 1];
    } else if (flag == "--need") {
      if (!absl::SimpleAtoi(argv[i + 1], &arguments.need)) return false;
    } else if (flag != "--shares" ||
               !absl::SimpleAtoi(argv[i + 1], &arguments.shares)) {
      return false;
    }
  }
  return argc % 2 == 1 && !arguments.data.empty() && !arguments.to.empty();
}

absl::Status Split(const Arguments& arguments) {
  std::error_code error;
  if (std::filesystem::exists(arguments.to, error)) {
    return absl::AlreadyExistsError(
        absl::StrCat(arguments.to, " is there already; name a new folder"));
  }
  const std::string folder = absl::StrCat(arguments.data, "/", kKeysFolder);
  // Who has the log has the keys in use.
  auto log =
      PosixDirectory::OpenLocked(absl::StrCat(arguments.data, "/", kLogFolder));
  if (!log.ok()) return log.status();
  auto keys = PosixDirectory::Open(folder);
  if (!keys.ok()) return keys.status();
  auto before = PosixDirectory::Open(absl::StrCat(folder, "/", kSharesFolder));
  if (!before.ok()) return before.status();
  auto to = PosixDirectory::Open(arguments.to);
  if (!to.ok()) return to.status();
  SystemRandom random;
  KeyFile file(**keys, **before, random);
  // The shares are durable before only they open it.
  return file.Split(arguments.need, arguments.shares,
                    [&to](size_t number, const std::string& text) {
                      return ReplaceWhole(**to, absl::StrCat("share-", number),
                                          text);
                    });
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: concordat-key-custody --data DIR --need M --shares N "
                 "--to DIR\n");
    return 2;
  }
  const absl::Status status = Split(arguments);
  if (!status.ok()) {
    std::fprintf(stderr, "concordat-key-custody: %s\n",
                 std::string(status.message()).c_str());
    return 1;
  }
  std::printf(
      "%d shares are in %s; %d of them open the key file.\n"
      "Give each to another person and destroy this folder. To start the bus: "
      "put %d\ninto keys/%s of the data directory, and take them away once it "
      "is ready.\nDestroy every copy of the key file of before.\n",
      arguments.shares, arguments.to.c_str(), arguments.need, arguments.need,
      kSharesFolder);
  return 0;
}

}  // namespace
}  // namespace concordat::bus

int main(int argc, char** argv) { return concordat::bus::Main(argc, argv); }
