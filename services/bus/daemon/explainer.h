// Says why somebody sees an event or does not, and which agreements there are,
// from the log alone.
//
// Threads  One at a time. Its fold is not that of those who deliver, so that it
//          neither waits for them nor holds them up.
#ifndef CONCORDAT_SERVICES_BUS_DAEMON_EXPLAINER_H_
#define CONCORDAT_SERVICES_BUS_DAEMON_EXPLAINER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/log/event_log.h"
#include "services/common/config/live_registry.h"

namespace concordat::bus {

class Explainer {
 public:
  // `log` and `fold` outlive this; `fold` is caught up at each question. Of an end
  // it tells from so many days before.
  Explainer(EventLog& log, PolicyFold& fold,
            std::shared_ptr<const TypeRegistry> types, uint32_t warning_days,
            RegistrySource registry)
      : log_(log),
        fold_(fold),
        types_(std::move(types)),
        warning_days_(warning_days),
        registry_(std::move(registry)) {}

  // `purpose` is the caller's. Who may ask what: BusService.ExplainView.
  //   NOT_FOUND          no event that the caller may ask about; the same words
  //                      whether or not there is one.
  //   PERMISSION_DENIED  about another agency, and the event is not the caller's.
  //   DATA_LOSS, UNAVAILABLE  the log cannot be read.
  absl::StatusOr<v1::ExplainViewResponse> Explain(
      const v1::Principal& caller, absl::string_view purpose,
      const v1::ExplainViewRequest& request);

  absl::StatusOr<v1::ListAgreementsResponse> Agreements(
      const v1::Principal& caller, absl::string_view purpose);

 private:
  absl::StatusOr<StoredEvent> Find(const v1::ExplainViewRequest& request);
  // Whoever has the role, for no purpose yet.
  Recipient ReaderOf(const std::string& agency, const std::string& role) const;
  // ", since position 41 (Tue 4 Nov 2025 09:31)", or nothing.
  absl::StatusOr<std::string> Since(const PersonKey& person,
                                    const JudgedLine& line,
                                    const std::string& agency);

  EventLog& log_;
  PolicyFold& fold_;
  const std::shared_ptr<const TypeRegistry> types_;
  const uint32_t warning_days_;
  const RegistrySource registry_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DAEMON_EXPLAINER_H_
