#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_ALERT_STORY_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_ALERT_STORY_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "concordat/access/v1/report.pb.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

// What became of the alerts about a person, from their events in log order. It
// reads them by their types' JSON: the bus links no domain message.
//
// An agency is told what the alerts service would show it (alerts/domain/sight.h):
// alerts that came to it and rest on something that it sees; what is said in passing
// one on, to whom it is said and to who said it; that an alert is disputed, to its
// owner and to who disputes it.
class AlertStories {
 public:
  // False: it is no event of an alert.
  bool Take(const StoredEvent& event, const TypeRegistry& types);
  struct Reader {
    std::string agency;
    // A co-ordinator: of every agency, when it was put in front of whom.
    bool of_all = false;
    // Whether it sees the event of that reference, or somebody whom it asks for.
    std::function<bool(const std::string& event)> sees;
  };
  void Fill(access::v1::WhoKnewReport& report, const Reader& reader) const;

 private:
  struct Story {
    access::v1::KnownAlert alert;
    std::vector<std::string> evidence;  // References.
    std::vector<std::string>
        passed_to;  // Of each step: agency/role, or nothing.
  };
  Story& Of(const std::string& alert_ref);
  static bool IsShown(const Story& story, const Reader& reader);

  std::vector<Story> stories_;  // As they were raised.
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_ALERT_STORY_H_
