// concordat corrections: who of those that had a fact knows of its correction, what
// was made of the fact, and that somebody was told.
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "gateway/cli/command.h"
#include "gateway/cli/hub.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProgram[] = "concordat-bus";
constexpr char kService[] = "concordat.bus.v1.CorrectionService/";

const char* KindOf(const bus::v1::Correction& correction) {
  if (correction.cut()) return "cut";
  return correction.retraction() ? "retraction" : "correction";
}

void Print(const bus::v1::Correction& correction, bool with_accepted) {
  std::printf("%llu  %s  %s %s of ",
              static_cast<unsigned long long>(correction.sequence()),
              LocalMoment(correction.accepted_time()).c_str(),
              KindOf(correction), correction.type().c_str());
  if (correction.original() == 0) {
    std::printf("what the log does not have");
  } else if (correction.originals_size() > 1) {
    std::printf("%d events from %llu on", correction.originals_size(),
                static_cast<unsigned long long>(correction.original()));
  } else {
    std::printf("%llu", static_cast<unsigned long long>(correction.original()));
  }
  std::printf(", %s\n",
              correction.waits_for() == 0
                  ? "all know"
                  : absl::StrCat("waits for ", correction.waits_for()).c_str());
  for (const bus::v1::CorrectionRecipient& one : correction.recipients()) {
    if (one.accepted() && !with_accepted) continue;
    std::printf("    %s/%s/%s: %s\n", one.agency().c_str(), one.role().c_str(),
                one.name().empty() ? "-" : one.name().c_str(),
                one.state().c_str());
  }
}

// The limits of rules are known to the alerts service alone. When it does not answer
// that stands where they would.
void AddClocks(Hub& hub, bus::v1::TraceCorrectionResponse& trace) {
  alerts::v1::ListClocksRequest request;
  const bus::v1::Correction& correction = trace.correction();
  if (correction.originals().empty()) {
    request.add_facts(correction.original());
  } else {
    *request.mutable_facts() = correction.originals();
  }
  const auto list = hub.Call<alerts::v1::ListClocksResponse>(
      "concordat-alerts", "concordat.alerts.v1.AlertsService/ListClocks",
      request);
  if (!list.ok()) {
    bus::v1::CorrectionUse& use = *trace.add_uses();
    use.set_kind("clock");
    use.set_what("limits of rules");
    use.set_state(absl::StrCat("not known: ", list.status().message()));
    trace.set_complete(false);
    return;
  }
  for (const alerts::v1::FactClock& clock : list->clocks()) {
    bus::v1::CorrectionUse& use = *trace.add_uses();
    use.set_kind("clock");
    use.set_sequence(clock.fact());
    use.set_what(absl::StrCat("limit of rule ", clock.rule(), " ", clock.limb(),
                              clock.answers() ? ", which it answers" : "",
                              ", due ", LocalMoment(clock.due())));
    use.set_settled(clock.ended());
    use.set_settled_by(clock.ended() ? correction.sequence() : 0);
    use.set_state(clock.state());
    trace.set_complete(trace.complete() && clock.ended());
  }
}

// What the answer is not of.
void PrintMissing(const std::string& missing) {
  if (!missing.empty()) std::printf("not all: %s\n", missing.c_str());
}

void Print(const bus::v1::TraceCorrectionResponse& trace) {
  Print(trace.correction(), /*with_accepted=*/true);
  for (const bus::v1::CorrectionUse& use : trace.uses()) {
    std::printf("    %-6s %llu  %s%s%s: %s\n", use.kind().c_str(),
                static_cast<unsigned long long>(use.sequence()),
                use.ref().c_str(), use.ref().empty() ? "" : "  ",
                use.what().c_str(), use.state().c_str());
  }
  std::printf("%s\n", trace.complete() ? "complete" : "not complete");
  PrintMissing(trace.missing());
}

absl::Status List(Hub& hub, bool open, bool as_json) {
  bus::v1::ListCorrectionsRequest request;
  request.set_open(open);
  const auto list = hub.Call<bus::v1::ListCorrectionsResponse>(
      kProgram, absl::StrCat(kService, "ListCorrections"), request);
  if (!list.ok()) return list.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*list).c_str());
    return absl::OkStatus();
  }
  for (const bus::v1::Correction& each : list->corrections()) {
    Print(each, /*with_accepted=*/false);
  }
  if (list->corrections().empty()) std::printf("no corrections\n");
  PrintMissing(list->missing());
  return absl::OkStatus();
}

absl::Status Trace(Hub& hub, const std::string& event, bool as_json) {
  bus::v1::TraceCorrectionRequest request;
  uint64_t sequence = 0;
  if (absl::SimpleAtoi(event, &sequence)) {
    request.set_sequence(sequence);
  } else if (event.find('#') != std::string::npos) {
    request.set_event(event);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("--event ", event, "? a position, or <source>#<id>"));
  }
  auto trace = hub.Call<bus::v1::TraceCorrectionResponse>(
      kProgram, absl::StrCat(kService, "TraceCorrection"), request);
  if (!trace.ok()) return trace.status();
  if (hub.principal().role() != "operator" &&
      trace->correction().original() != 0) {
    AddClocks(hub, *trace);
  }
  if (as_json) {
    std::printf("%s\n", ToJson(*trace).c_str());
  } else {
    Print(*trace);
  }
  return absl::OkStatus();
}

absl::Status Accept(Hub& hub, const std::string& position,
                    const std::string& agency, const std::string& how,
                    bool as_json) {
  bus::v1::AcceptCorrectionRequest request;
  uint64_t sequence = 0;
  if (!absl::SimpleAtoi(position, &sequence)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--accept ", position, "? the correction's position"));
  }
  request.set_sequence(sequence);
  request.set_agency(agency);
  request.set_how(how);
  const auto accepted = hub.Call<bus::v1::AcceptCorrectionResponse>(
      kProgram, absl::StrCat(kService, "AcceptCorrection"), request);
  if (!accepted.ok()) return accepted.status();
  if (as_json) {
    std::printf("%s\n", ToJson(*accepted).c_str());
  } else {
    Print(accepted->correction(), /*with_accepted=*/true);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCorrections(const std::vector<std::string>& arguments) {
  CommandLine line(
      "corrections [--open] --profile NAME\n"
      "       corrections --event EVENT --profile NAME\n"
      "       corrections --accept POSITION [--agency A --how WORDS] "
      "--profile NAME",
      "Corrections, retractions and cuts of what your agency told or had, and "
      "who of\nthose that had the original does not know of them; to the "
      "operator and to\nco-ordinators all of them. Of one of them (--event: "
      "its position or\n<source>#<id>, or those of what it is about) "
      "everything that used the original.\n--accept says that your agency "
      "knows, or, by who controls the fact, that another\nwas told outside of "
      "the hub, and how.");
  bool open = false;
  std::string event;
  std::string accept;
  std::string agency;
  std::string how;
  line.flags().AddBool("open", "Those alone that wait for somebody.", &open);
  line.flags().AddString("event", "The correction, or its original.", &event);
  line.flags().AddString("accept", "The position of the correction.", &accept);
  line.flags().AddString("agency", "With --accept: who was told outside.",
                         &agency);
  line.flags().AddString("how", "With --agency: in which way.", &how);
  const auto go = line.Parse(arguments, 0, 0);
  if (!go.ok() || !*go) return go.status();
  if (int{open} + int{!event.empty()} + int{!accept.empty()} > 1) {
    return absl::InvalidArgumentError("one of --open, --event and --accept");
  }
  if (accept.empty() && (!agency.empty() || !how.empty())) {
    return absl::InvalidArgumentError("--agency, --how: with --accept");
  }
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  if (!event.empty()) return Trace(**hub, event, line.json());
  if (!accept.empty()) return Accept(**hub, accept, agency, how, line.json());
  return List(**hub, open, line.json());
}

}  // namespace concordat::cli
