#include "gateway/cli/person_papers.h"

#include <cstdio>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "concordat/bus/v1/service.pb.h"
#include "gateway/cli/json.h"
#include "gateway/cli/keys/key_files.h"
#include "gateway/cli/person_pack.h"
#include "services/common/base/system_clock.h"
#include "services/common/event/codec.h"

namespace concordat::cli {
namespace {

struct Read {
  std::vector<View> views;
  uint64_t position = 0;
  uint32_t gone = 0;
  std::set<std::string> restricted;  // Controllers.
};

absl::Status CheckMayMakePack(Hub& hub) {
  const auto list = hub.Call<bus::v1::ListAgreementsResponse>(
      "concordat-bus", "concordat.bus.v1.BusService/ListAgreements",
      bus::v1::ListAgreementsRequest());
  if (!list.ok()) return list.status();
  std::vector<policy::v1::Agreement> in_force;
  for (const auto& each : list->agreements()) {
    if (each.in_force()) in_force.push_back(each.agreement());
  }
  return MayMakePack(in_force, hub.principal().agency(),
                     hub.principal().role());
}

absl::StatusOr<Read> ReadAll(Hub& hub, const std::string& subject) {
  Read read;
  bus::v1::ReadPersonRequest request;
  request.set_subject(subject);
  for (bool more = true; more;) {
    auto page = hub.Call<bus::v1::ReadPersonResponse>(
        "concordat-bus", "concordat.bus.v1.BusService/ReadPerson", request);
    if (!page.ok()) return page.status();
    more = page->more();
    read.position = page->position().sequence();
    read.gone += page->removed();
    read.restricted.insert(page->restricted().begin(),
                           page->restricted().end());
    // `dictionary` and `views` have the numbers of a StreamEvents.
    bus::v1::ReadPersonResponse events;
    *events.mutable_dictionary() = page->dictionary();
    *events.mutable_views() = page->views();
    auto decoded = DecodeStreamEvents(events.SerializeAsString());
    if (!decoded.ok()) return decoded.status();
    for (View& view : decoded->views) {
      request.set_after(view.sequence.value);
      read.views.push_back(std::move(view));
    }
  }
  return read;
}

void Print(const bus::v1::PersonPack& pack) {
  if (!pack.answer().empty()) std::printf("%s\n", pack.answer().c_str());
  for (const bus::v1::PackItem& item : pack.items()) {
    std::printf(
        "%4u  %-20s  %-24s  %s%s\n", item.number(), item.happened().c_str(),
        item.controller().c_str(), item.title().c_str(),
        item.marks().empty()
            ? ""
            : absl::StrCat("  [", absl::StrJoin(item.marks(), "; "), "]")
                  .c_str());
    if (!item.data().empty()) std::printf("      %s\n", item.data().c_str());
    if (!item.withheld().empty()) {
      std::printf("      not shown to this profile: %s\n",
                  absl::StrJoin(item.withheld(), "; ").c_str());
    }
  }
  if (pack.gone() > 0) {
    std::printf("%u events are erased or past their period\n", pack.gone());
  }
  if (!pack.restricted().empty()) std::printf("%s\n", InWords(pack).c_str());
}

}  // namespace

absl::Status MakePersonPaper(const CommandLine& line,
                             const PaperRequest& request) {
  const auto hub = line.OpenHub();
  if (!hub.ok()) return hub.status();
  const bus::v1::Principal& self = (*hub)->principal();
  PackRequest pack_request;
  pack_request.controller =
      request.controller.empty() ? self.agency() : request.controller;
  if (pack_request.controller != self.agency()) {
    return absl::PermissionDeniedError(
        absl::StrCat("each controller answers for its own: this profile is of ",
                     self.agency()));
  }
  if (!request.is_schedule) {
    const absl::Status may = CheckMayMakePack(**hub);
    if (!may.ok()) return may;
  }
  const auto data = line.OpenData();
  if (!data.ok()) return data.status();
  const auto types = data->LoadTypes();
  if (!types.ok()) return types.status();
  const auto codes = data->LoadCodeLists();
  if (!codes.ok()) return codes.status();
  const auto registry = TypeRegistry::Build(*types, *codes);
  if (!registry.ok()) return registry.status();

  Read read;
  const auto subject = (*hub)->ResolveSubject(request.whom);
  // Nobody that this agency knows is answered as somebody of whom it told nothing.
  if (!subject.ok() && !absl::IsNotFound(subject.status())) {
    return subject.status();
  }
  if (subject.ok()) {
    auto all = ReadAll(**hub, *subject);
    if (!all.ok()) return all.status();
    read = *std::move(all);
  }
  pack_request.made_by = self.name();
  pack_request.now = SystemClock().Now();
  pack_request.position = read.position;
  pack_request.gone = read.gone;
  pack_request.restricted = read.restricted;
  const auto pack =
      request.is_schedule
          ? DisclosureSchedule(read.views, **registry, pack_request)
          : SubjectAccessPack(read.views, **registry, pack_request);
  if (!pack.ok()) return pack.status();
  if (!request.to.empty()) {
    absl::Status written =
        WriteNewFile(request.to + ".json", ToJson(*pack) + "\n", kPrivateFile);
    if (written.ok()) {
      written = WriteNewFile(request.to + ".html", PrintablePack(*pack),
                             kPrivateFile);
    }
    if (!written.ok()) return written;
    std::printf("%d items in %s.json and %s.html\n", pack->items_size(),
                request.to.c_str(), request.to.c_str());
  } else if (request.as_json) {
    std::printf("%s\n", ToJson(*pack).c_str());
  } else {
    Print(*pack);
  }
  return absl::OkStatus();
}

}  // namespace concordat::cli
