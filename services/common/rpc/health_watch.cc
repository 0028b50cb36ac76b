#include "services/common/rpc/health_watch.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/rpc/tls.h"

namespace concordat {
namespace {

constexpr absl::Duration kLookEvery = absl::Seconds(1);

}  // namespace

void HealthWatch::WatchCertificates(const TlsCredentials& tls,
                                    absl::Duration expiry_warning) {
  tls_ = tls;
  health_.Add([this, expiry_warning](Troubles& troubles) {
    for (const Expiry& expiry : Expiries()) {
      const absl::Duration left = expiry.end - clock_.Now();
      if (left > expiry_warning) continue;
      const std::string day =
          absl::FormatTime("%Y-%m-%d", expiry.end, absl::UTCTimeZone());
      troubles.push_back(
          {"certificate", expiry.of,
           absl::StrCat(
               "the certificate of the ", expiry.of,
               left <= absl::ZeroDuration() ? " ended on " : " ends on ", day),
           left <= absl::Hours(24)});
    }
  });
}

std::vector<HealthWatch::Expiry> HealthWatch::Expiries() const {
  std::vector<Expiry> expiries;
  const auto tls = ReadAgain(tls_);
  if (!tls.ok()) return expiries;
  const auto own = EndOfCertificate(tls->certificate);
  if (own.ok()) expiries.push_back({"program", *own});
  const auto authority = EndOfCertificate(tls->ca);
  if (authority.ok()) expiries.push_back({"authority", *authority});
  return expiries;
}

void HealthWatch::Start(Fill fill) {
  fill_ = std::move(fill);
  collector_ =
      metrics_.OnCollect([this](Samples& samples) { Collect(samples); });
  ticker_.Start(kLookEvery, [this] {
    hub::v1::GetStatusResponse status;
    status.set_ready(true);
    Say(Now(&status));
    return kLookEvery;
  });
}

void HealthWatch::Stop() {
  collector_.reset();
  ticker_.Stop();
}

Troubles HealthWatch::Now(hub::v1::GetStatusResponse* status) const {
  if (fill_ != nullptr) fill_(status);
  Troubles troubles = health_.Now();
  if (!status->degraded_because().empty()) {
    troubles.push_back({"program", "", status->degraded_because(), false});
  }
  return troubles;
}

void HealthWatch::FillStatus(hub::v1::GetStatusResponse* status) const {
  const Troubles troubles = Now(status);
  status->set_degraded_because(Describe(troubles));
  status->set_critical(!troubles.empty() && troubles.front().critical);
}

void HealthWatch::Collect(Samples& samples) const {
  hub::v1::GetStatusResponse status;
  status.set_ready(true);
  const Troubles troubles = Now(&status);
  samples.Gauge("concordat_ready", "1: it does its work.",
                status.ready() ? 1 : 0);
  for (const Trouble& trouble : troubles) {
    samples.Gauge("concordat_trouble", "1: this is wrong with the program.", 1,
                  {{"code", trouble.code},
                   {"about", trouble.about},
                   {"critical", trouble.critical ? "yes" : "no"}});
  }
  for (const Expiry& expiry : Expiries()) {
    samples.Gauge("concordat_certificate_end_seconds",
                  "When it ends, since 1970.",
                  static_cast<double>(absl::ToUnixSeconds(expiry.end)),
                  {{"of", expiry.of}});
  }
}

void HealthWatch::Say(const Troubles& troubles) {
  for (const TroubleLog::Line& line : said_.Say(troubles, steady_.Elapsed())) {
    const Trouble& trouble = line.trouble;
    if (line.kind == TroubleLog::Line::Kind::kOver) {
      log_.Info("no longer wrong",
                {{"code", trouble.code}, {"about", trouble.about}});
      continue;
    }
    const char* const what = line.kind == TroubleLog::Line::Kind::kBegan
                                 ? "something is wrong"
                                 : "still wrong";
    if (trouble.critical) {
      log_.Error(what, {{"code", trouble.code},
                        {"about", trouble.about},
                        {"critical", "yes"},
                        {"why", trouble.what}});
    } else {
      log_.Warning(what, {{"code", trouble.code},
                          {"about", trouble.about},
                          {"why", trouble.what}});
    }
  }
}

void WatchRegistry(const LiveRegistry& registry, Health& health) {
  health.Add([&registry](Troubles& troubles) {
    const absl::Status problem = registry.problem();
    if (problem.ok()) return;
    troubles.push_back({"registry", "",
                        absl::StrCat("the new registry does not load, the old "
                                     "one holds: ",
                                     problem.message()),
                        false});
  });
}

}  // namespace concordat
