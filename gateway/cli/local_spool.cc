#include "gateway/cli/local_spool.h"

#include <cstdio>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/crypto/sha256.h"

namespace concordat::cli {

absl::StatusOr<std::unique_ptr<LocalSpool>> LocalSpool::Open(
    const DataDirectory& data, absl::string_view principal) {
  const auto secret = data.LoadSecret(principal);
  if (!secret.ok()) return secret.status();
  const auto folder = data.StateFolder(absl::StrCat("spool-", principal));
  if (!folder.ok()) return folder.status();
  auto directory = PosixDirectory::OpenLocked(*folder);
  if (!directory.ok()) return directory.status();
  std::unique_ptr<LocalSpool> local(new LocalSpool(*std::move(directory)));
  const Sha256Hash key = HmacSha256(*secret).Of("concordat publish spool");
  auto spool = PublishSpool::Open(
      *local->directory_, std::string(key.begin(), key.end()), local->random_);
  if (!spool.ok()) return spool.status();
  local->spool_ = *std::move(spool);
  return local;
}

std::unique_ptr<SpooledPublisher> LocalSpool::PublishTo(Publisher& bus) {
  auto publisher =
      std::make_unique<SpooledPublisher>(std::move(spool_), bus, clock_);
  publisher->Start();
  return publisher;
}

void PrintSent(const SpooledPublisher& publisher, absl::Duration timeout) {
  const bool is_sent = publisher.WaitUntilSent(timeout);
  const SpoolState state = publisher.state();
  if (!is_sent) {
    std::fprintf(stderr, "%llu wait in the spool: %s\n",
                 static_cast<unsigned long long>(state.waiting_sets),
                 state.held_up_by.empty() ? "the bus has not answered yet"
                                          : state.held_up_by.c_str());
  }
  if (state.refused_sets > 0) {
    std::fprintf(stderr, "%zu were refused: concordat spool lists them\n",
                 state.refused_sets);
  }
}

}  // namespace concordat::cli
