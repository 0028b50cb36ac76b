#include "services/common/rpc/program.h"

#include <unistd.h>

#include <csignal>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/base/check.h"
#include "services/common/config/settings.h"
#include "services/common/rpc/access_service.h"
#include "services/common/rpc/health_watch.h"

namespace concordat {

Program::Program(ProgramOptions options, int argc, char** argv,
                 const std::function<void(Flags&)>& add_flags)
    : options_(std::move(options)),
      start_(options_.name, options_.summary),
      log_(options_.name) {
  if (add_flags != nullptr) add_flags(start_.flags());
  start_.DescribeSettings(kWatchSettings,
                          *hub::v1::WatchSettings::descriptor());
  data_ = std::make_unique<DataDirectory>(start_.Open(argc, argv));
  live_ = start_.Value(
      LiveRegistry::Open(*data_, clock_, [this](const absl::Status& s) {
        log_.Error("the new registry does not load; the old one holds",
                   {{"why", s.message()}});
      }));
  at_start_ = live_->Current();
  folder_ = start_.Value(data_->StateFolder(options_.folder));
  access_ = start_.Value(OpenAccessLog(absl::StrCat(folder_, "/access")));
  ServerHostOptions host = {
      .program = options_.name,
      .port = start_.Value(data_->Port(options_.name, "grpc")),
      .tls = start_.Value(data_->LoadTls(options_.principal))};
  const hub::v1::WatchSettings watch = start_.Value(LoadWatchSettings(*data_));
  SetWatch(watch, &host);
  spans_ = std::make_unique<SpanExporter>(
      options_.name, static_cast<uint16_t>(watch.trace_port()), random_,
      metrics_);
  host_ = std::make_unique<ServerHost>(std::move(host), live_->source(), clock_,
                                       log_, metrics_, *access_);
  WatchRegistry(*live_, host_->health());
  start_.Check(BeginAccess(*access_, options_.name, clock_.Now()));
  access_desk_ = std::make_unique<AccessDesk>(options_.name, *access_);
  access_desk_->Serve(*host_);
}

const bus::v1::Principal& Program::self() const {
  const auto* self = at_start_->FindByName(options_.principal);
  if (self == nullptr) {
    start_.Check(absl::NotFoundError(
        absl::StrCat("the registry has no principal ", options_.principal)));
  }
  return *self;
}

std::function<void(const absl::Status&)> Program::Following(std::string what) {
  return [this, what = std::move(what)](const absl::Status& failure) {
    if (!absl::IsDataLoss(failure)) {
      log_.Warning(what, {{"why", failure.message()}});
      return;
    }
    log_.Error("what was built from the log has to be built anew; stopping",
               {{"why", failure.message()}});
    kill(getpid(), SIGTERM);  // To WaitForStop().
  };
}

void Program::Serve(
    std::vector<std::pair<std::string, std::string>> addresses) {
  const uint16_t port = start_.Value(host_->Start());
  addresses.emplace_back("grpc", absl::StrCat("127.0.0.1:", port));
  addresses.emplace_back(
      "metrics", start_.Value(metrics_.Listen(
                     start_.Value(data_->Port(options_.name, "metrics")))));
  start_.Check(data_->WriteAddresses(options_.name, addresses));
  start_.WaitForStop();
  log_.Info("stopping");
  data_->ForgetAddresses(options_.name);
  access_desk_->Stop();
  host_->Stop();
  EndAccess(*access_, clock_.Now()).IgnoreError();
}

}  // namespace concordat
