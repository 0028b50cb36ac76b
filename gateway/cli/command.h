// What every subcommand of `concordat` has: flags, help, and how it fails.
#ifndef CONCORDAT_GATEWAY_CLI_COMMAND_H_
#define CONCORDAT_GATEWAY_CLI_COMMAND_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/cli/hub.h"
#include "services/common/config/data_directory.h"
#include "services/common/config/start_up.h"

namespace concordat::cli {

// A subcommand. `Run` gets what stands after its name.
struct Command {
  const char* name;
  const char* summary;
  absl::Status (*run)(const std::vector<std::string>& arguments);
};

absl::Status RunAccess(const std::vector<std::string>& arguments);
absl::Status RunAccount(const std::vector<std::string>& arguments);
absl::Status RunAgreements(const std::vector<std::string>& arguments);
absl::Status RunAlerts(const std::vector<std::string>& arguments);
absl::Status RunApprovals(const std::vector<std::string>& arguments);
absl::Status RunBench(const std::vector<std::string>& arguments);
absl::Status RunCall(const std::vector<std::string>& arguments);
absl::Status RunCorrections(const std::vector<std::string>& arguments);
absl::Status RunDemo(const std::vector<std::string>& arguments);
absl::Status RunDocuments(const std::vector<std::string>& arguments);
absl::Status RunErasure(const std::vector<std::string>& arguments);
absl::Status RunHold(const std::vector<std::string>& arguments);
absl::Status RunKeys(const std::vector<std::string>& arguments);
absl::Status RunLog(const std::vector<std::string>& arguments);
absl::Status RunPerson(const std::vector<std::string>& arguments);
absl::Status RunPublish(const std::vector<std::string>& arguments);
absl::Status RunRejects(const std::vector<std::string>& arguments);
absl::Status RunRules(const std::vector<std::string>& arguments);
absl::Status RunSettings(const std::vector<std::string>& arguments);
absl::Status RunSpool(const std::vector<std::string>& arguments);
absl::Status RunRestriction(const std::vector<std::string>& arguments);
absl::Status RunRetention(const std::vector<std::string>& arguments);
absl::Status RunSubscriptions(const std::vector<std::string>& arguments);
absl::Status RunTail(const std::vector<std::string>& arguments);
absl::Status RunVerify(const std::vector<std::string>& arguments);
absl::Status RunWrappingKey(const std::vector<std::string>& arguments);
absl::Status RunWatch(const std::vector<std::string>& arguments);
absl::Status RunWhoKnew(const std::vector<std::string>& arguments);

// Flags of one subcommand, with --data, --profile, --json and --help there.
class CommandLine {
 public:
  // `usage` is the line after "Usage: concordat ".
  CommandLine(std::string usage, std::string explanation);

  Flags& flags() { return flags_; }
  void set_default_profile(std::string profile) {
    profile_ = std::move(profile);
  }

  // False: help was asked for and has been printed; there is nothing to do.
  //   INVALID_ARGUMENT  unknown flag, or more or fewer words than allowed.
  absl::StatusOr<bool> Parse(const std::vector<std::string>& arguments,
                             size_t words_min, size_t words_max);

  // What stood there and was no flag.
  const std::vector<std::string>& words() const { return words_; }
  const std::string& profile() const { return profile_; }
  bool json() const { return json_; }
  // --data, else $CONCORDAT_DATA, else build/run of the checkout.
  std::string data_path() const;
  absl::StatusOr<DataDirectory> OpenData() const;
  absl::StatusOr<std::unique_ptr<Hub>> OpenHub() const;

 private:
  const std::string usage_;
  const std::string explanation_;
  Flags flags_;
  std::vector<std::string> words_;
  std::string data_;
  std::string profile_;
  bool json_ = false;
  bool help_ = false;
};

// Runs the program of this name beside this one, in its place. Returns when it
// cannot be run.  UNAVAILABLE
absl::Status RunBeside(const std::string& program,
                       const std::vector<std::string>& arguments);

// The checkout that this program was built in, or the working directory.
std::string CheckoutPath();

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_COMMAND_H_
