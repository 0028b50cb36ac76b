#include "gateway/cli/command.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace concordat::cli {

CommandLine::CommandLine(std::string usage, std::string explanation)
    : usage_(std::move(usage)), explanation_(std::move(explanation)) {
  flags_.AddString("data",
                   "The data directory; default $CONCORDAT_DATA, else "
                   "build/run.",
                   &data_);
  flags_.AddString("profile", "The principal to act as.", &profile_);
  flags_.AddBool("json", "One JSON object a line.", &json_);
  flags_.AddBool("help", "Prints this.", &help_);
}

absl::StatusOr<bool> CommandLine::Parse(
    const std::vector<std::string>& arguments, size_t words_min,
    size_t words_max) {
  if (auto status = flags_.Parse(arguments, &words_); !status.ok()) {
    return status;
  }
  if (help_) {
    std::printf("Usage: concordat %s\n%s\n%s", usage_.c_str(),
                explanation_.c_str(), flags_.Help().c_str());
    return false;
  }
  if (words_.size() < words_min || words_.size() > words_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("usage: concordat ", usage_));
  }
  return true;
}

std::string CommandLine::data_path() const {
  if (!data_.empty()) return data_;
  if (const char* set = std::getenv("CONCORDAT_DATA");
      set != nullptr && *set != '\0') {
    return set;
  }
  return CheckoutPath() + "/build/run";
}

absl::StatusOr<DataDirectory> CommandLine::OpenData() const {
  return DataDirectory::Open(data_path());
}

absl::StatusOr<std::unique_ptr<Hub>> CommandLine::OpenHub() const {
  auto data = OpenData();
  if (!data.ok()) return data.status();
  return Hub::Open(*std::move(data), profile_);
}

std::string CheckoutPath() {
  std::error_code error;
  // <checkout>/build/<preset>/bin/concordat
  std::filesystem::path path =
      std::filesystem::read_symlink("/proc/self/exe", error);
  for (int i = 0; i < 4; ++i) path = path.parent_path();
  if (!error && std::filesystem::exists(path / "deploy" / "demo", error)) {
    return path.string();
  }
  return std::filesystem::current_path(error).string();
}

absl::Status RunBeside(const std::string& program,
                       const std::vector<std::string>& arguments) {
  std::error_code error;
  const std::filesystem::path self =
      std::filesystem::read_symlink("/proc/self/exe", error);
  std::vector<std::string> words = {(self.parent_path() / program).string()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execv(words[0].c_str(), pointers.data());
  return absl::UnavailableError(absl::StrCat("cannot run ", words[0]));
}

}  // namespace concordat::cli
