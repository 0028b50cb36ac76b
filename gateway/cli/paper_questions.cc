#include "gateway/cli/paper_questions.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "concordat/access/v1/who_knew.pb.h"
#include "concordat/bus/v1/evidence.pb.h"
#include "gateway/cli/event_door.h"
#include "gateway/cli/json.h"

namespace concordat::cli {
namespace {

constexpr char kProve[] = "concordat.bus.v1.EvidenceService/ProveInclusion";
constexpr char kWhoKnew[] = "concordat.access.v1.WhoKnewService/WhoKnew";
constexpr char kReviewHeld[] = "concordat.socialwork.v1.ReviewHeld";
constexpr char kAssessmentCompleted[] =
    "concordat.socialwork.v1.AssessmentCompleted";
constexpr char kMappa[] = "concordat-mappa";
constexpr char kCases[] = "concordat.mappa.v1.MappaService/";
// Of a page with proofs: they have to fit in one answer.
constexpr uint32_t kProvedRowsMax = 200;
constexpr uint32_t kCasesMax = 1000;
constexpr char kBreachClock[] = "C65-breach";

absl::Status ProveEvents(Hub& hub, access::v1::AccessExtract& extract) {
  std::set<uint64_t> sequences;
  for (const auto& page : extract.pages()) {
    for (const auto& access : page.accesses()) {
      if (access.of_event()) sequences.insert(access.record());
    }
  }
  for (const uint64_t sequence : sequences) {
    if (static_cast<size_t>(extract.events_size()) == kEventsProvedMax) break;
    bus::v1::ProveInclusionRequest request;
    request.set_sequence(sequence);
    const auto proved =
        AskBus<bus::v1::ProveInclusionResponse>(hub, kProve, request);
    // Newer than what is signed: it stays without.
    if (absl::IsOutOfRange(proved.status())) continue;
    if (!proved.ok()) return proved.status();
    access::v1::ExtractedEvent& event = *extract.add_events();
    event.set_sequence(sequence);
    event.set_leaf_hash(proved->leaf_hash());
    event.set_leaf(proved->leaf());
    *event.mutable_proof() = proved->hashes();
    event.set_checkpoint(proved->checkpoint());
  }
  return absl::OkStatus();
}

absl::Status AddReport(Hub& hub, const std::string& person, Breach& breach) {
  auto report = AskWhoKnew(hub, person, 0);
  if (!report.ok()) return report.status();
  if (report->has_value()) {
    breach.reports.push_back(**std::move(report));
  } else {
    breach.untold.push_back(person);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::optional<access::v1::WhoKnewReport>> AskWhoKnew(
    Hub& hub, const std::string& person, uint64_t at) {
  access::v1::WhoKnewRequest request;
  request.set_subject(person);
  request.set_at(at);
  auto known = AskBus<access::v1::WhoKnewResponse>(hub, kWhoKnew, request);
  if (absl::IsNotFound(known.status())) return std::nullopt;
  if (!known.ok()) return known.status();
  return std::move(*known->mutable_report());
}

absl::StatusOr<access::v1::AccessExtract> CollectExtract(
    Hub& hub, const AccessQuestion& question, absl::Time now, bool with_proof) {
  auto request = RequestOf(hub, question);
  if (!request.ok()) return request.status();
  request->set_with_proof(with_proof);
  if (with_proof) request->set_limit(kProvedRowsMax);
  access::v1::AccessExtract extract;
  extract.set_made(static_cast<uint64_t>(absl::ToUnixMicros(now)));
  extract.set_made_by(hub.profile());
  *extract.mutable_question() = *request;
  auto missing = AskEveryProgram(
      hub, *request, [&](const access::v1::ListAccessResponse& page) {
        *extract.add_pages() = page;
      });
  if (!missing.ok()) return missing.status();
  for (std::string& each : *missing) extract.add_missing(std::move(each));
  if (with_proof) {
    const absl::Status proved = ProveEvents(hub, extract);
    if (!proved.ok()) return proved;
  }
  return extract;
}

absl::StatusOr<CaseRecords> CollectCases(Hub& hub) {
  mappa::v1::ListCasesRequest request;
  request.set_with_closed(true);
  request.set_limit(kCasesMax);
  const auto list = hub.Call<mappa::v1::ListCasesResponse>(
      kMappa, absl::StrCat(kCases, "ListCases"), request);
  if (!list.ok()) return list.status();
  CaseRecords records;
  records.more = list->more();
  for (const mappa::v1::Case& each : list->cases()) {
    mappa::v1::GetCaseRequest one;
    one.set_subject(each.subject());
    auto found = hub.Call<mappa::v1::GetCaseResponse>(
        kMappa, absl::StrCat(kCases, "GetCase"), one);
    if (!found.ok()) return found.status();
    records.cases.push_back(*std::move(found));
  }
  return records;
}

std::vector<PeopleCount> CountPeople(const Sources& sources,
                                     const CaseRecords& records) {
  std::map<std::string, uint64_t> counts;
  uint64_t open = 0;
  for (const mappa::v1::GetCaseResponse& one : records.cases) {
    const mappa::v1::Case& record = one.record();
    if (record.closed_at() != 0) {
      ++counts["closed cases"];
      continue;
    }
    ++open;
    ++counts[record.level() == 0
                 ? std::string("open cases without a level yet")
                 : absl::StrCat("open cases at Level ", record.level())];
    ++counts[absl::StrCat("open cases that ", sources.AgencyOf(record.lead()),
                          " leads")];
  }
  std::vector<PeopleCount> people = {{"open cases", open}};
  for (const auto& [what, count] : counts) people.push_back({what, count});
  return people;
}

absl::StatusOr<std::vector<Review>> CollectReviews(Hub& hub) {
  const auto door = EventDoor::Open(hub);
  if (!door.ok()) return door.status();
  const auto views = (*door)->ReadAll({kReviewHeld});
  if (!views.ok()) return views.status();
  std::vector<Review> reviews;
  for (const View& view : *views) {
    Review& review = reviews.emplace_back();
    review.agency = std::string(AgencyOfSource(view.header.source));
    if (!review.held.ParseFromString(view.Data())) {
      return absl::DataLossError(
          absl::StrCat("event ", view.sequence.value, " is no ", kReviewHeld));
    }
  }
  return reviews;
}

absl::StatusOr<std::vector<Assessment>> CollectAssessments(Hub& hub) {
  const auto door = EventDoor::Open(hub);
  if (!door.ok()) return door.status();
  const auto views = (*door)->ReadAll({kAssessmentCompleted});
  if (!views.ok()) return views.status();
  std::vector<Assessment> assessments;
  for (const View& view : *views) {
    socialwork::v1::AssessmentCompleted completed;
    if (!completed.ParseFromString(view.Data())) {
      return absl::DataLossError(absl::StrCat("event ", view.sequence.value,
                                              " is no ", kAssessmentCompleted));
    }
    assessments.push_back(
        {view.header.subject.ToString(), completed.assessment_ref()});
  }
  return assessments;
}

absl::StatusOr<LimitClocks> LoadLimitClocks(const Sources& sources,
                                            const DataDirectory& data) {
  const auto files = data.LoadClocks();
  if (!files.ok()) return files.status();
  const auto days = data.LoadCalendars();
  if (!days.ok()) return days.status();
  auto calendars = Calendars::Build(*days, sources.zone);
  if (!calendars.ok()) return calendars.status();
  return LimitClocks::Build(
      *files, std::make_shared<const Calendars>(*std::move(calendars)),
      sources.zone);
}

absl::StatusOr<Breach> CollectBreach(Hub& hub, const Sources& sources,
                                     const AccessQuestion& question,
                                     const std::string& known) {
  const auto since = ParseIsoTime(known);
  if (!since.ok()) {
    return absl::InvalidArgumentError(
        "--known: since when the controller knows, like 2026-11-27T09:00:00Z");
  }
  if (question.person.empty() && question.user.empty()) {
    return absl::InvalidArgumentError(
        "say whose data it is by --person, or who had it by --user");
  }
  Breach breach;
  breach.known = absl::FromUnixMicros(static_cast<int64_t>(*since));
  const auto clocks = LoadLimitClocks(sources, hub.data());
  if (!clocks.ok()) return clocks.status();
  const auto clock = clocks->Find(kBreachClock, sources.made);
  if (!clock.ok()) return clock.status();
  const auto due = clocks->Due(**clock, {.start = breach.known}, sources.made);
  if (!due.ok()) return due.status();
  breach.tell_by = *due;
  breach.clock = absl::StrCat((*clock)->id(), ": ", (*clock)->source());
  breach.to = question.agency;
  auto extract = CollectExtract(hub, question, sources.made, false);
  if (!extract.ok()) return extract.status();
  breach.extract = *std::move(extract);
  std::set<std::string> people;
  if (!question.person.empty()) {
    people.insert(breach.extract.question().subject());
  } else {
    for (const auto& page : breach.extract.pages()) {
      for (const auto& access : page.accesses()) {
        people.insert(access.subjects().begin(), access.subjects().end());
      }
    }
  }
  if (people.size() > kBreachPeopleMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(people.size(),
                     " people: narrow it by --from, --to and "
                     "--operation to ",
                     kBreachPeopleMax, " at a time"));
  }
  for (const std::string& person : people) {
    const absl::Status status = AddReport(hub, person, breach);
    if (!status.ok()) return status;
  }
  return breach;
}

}  // namespace concordat::cli
