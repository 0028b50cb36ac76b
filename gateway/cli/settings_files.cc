#include "gateway/cli/settings_files.h"

#include "concordat/alerts/v1/notifier.pb.h"
#include "concordat/bus/v1/evidence_settings.pb.h"
#include "concordat/bus/v1/settings.pb.h"
#include "concordat/edge/v1/casefile.pb.h"
#include "concordat/edge/v1/hl7.pb.h"
#include "concordat/gateway/v1/settings.pb.h"
#include "concordat/gateway/v1/signin.pb.h"
#include "concordat/hub/v1/watch.pb.h"

namespace concordat::cli {

std::vector<SettingsFile> AllSettingsFiles() {
  return {
      {kWatchSettings, "Of every program; may be absent.",
       hub::v1::WatchSettings::descriptor()},
      {kBusSettings, "Of the bus; may be absent.",
       bus::v1::DeliverySettings::descriptor()},
      {kStoreSettings, "Of the bus; may be absent. `postgresql.md` says more.",
       bus::v1::StoreSettings::descriptor()},
      {kEvidenceSettings, "Of the bus; may be absent.",
       bus::v1::EvidenceSettings::descriptor()},
      {"notifier/notifier.textproto", "Of the alerts service.",
       alerts::v1::NotifierSettings::descriptor()},
      {"doors/gateway.textproto", "Of the gateway.",
       gateway::v1::GatewaySettings::descriptor()},
      {"doors/sign-in.textproto", "Of the gateway: how people sign in.",
       gateway::v1::SignInSettings::descriptor()},
      {"adapters/edge-health.textproto", "Of an HL7 v2 edge, by its name.",
       edge::v1::Hl7Edge::descriptor()},
      {"adapters/edge-council.textproto", "Of a case-file edge, by its name.",
       edge::v1::CaseFileEdge::descriptor()},
  };
}

}  // namespace concordat::cli
