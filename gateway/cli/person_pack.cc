#include "gateway/cli/person_pack.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/common/policy/policy.h"

namespace concordat::cli {
namespace {

// As agreements write every party, and every type.
constexpr char kEach[] = "each";
constexpr char kEveryType[] = "*";

std::string TimeText(uint64_t us) {
  if (us == 0) return "";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ",
                          absl::FromUnixMicros(static_cast<int64_t>(us)),
                          absl::UTCTimeZone());
}

// "concordat.police.v1.ConcernShared": "Concern shared".
std::string TitleOf(absl::string_view type) {
  std::string title;
  for (const char c : type.substr(type.rfind('.') + 1)) {
    if (absl::ascii_isupper(c) && !title.empty()) {
      absl::StrAppend(&title, " ", std::string(1, absl::ascii_tolower(c)));
    } else {
      title.push_back(c);
    }
  }
  return title;
}

// Of the categories that are not the person's own to be shown without a thought.
std::vector<std::string> MarksOf(const EventType& type, const View& view) {
  GroupMask restricted = 0;
  for (const GroupInfo& group : type.groups()) {
    const bool is_shown = std::any_of(
        view.groups.begin(), view.groups.end(), [&](const auto& each) {
          return each.number == group.number && !each.data.empty();
        });
    if (is_shown && group.category != policy::v1::CATEGORY_UNSPECIFIED) {
      restricted = static_cast<GroupMask>(restricted | (1u << group.number));
    }
  }
  std::vector<std::string> marks;
  if (restricted != 0) marks = ShownInWords(type, restricted);
  if (view.header.basis == bus::v1::BASIS_SUSPICION) {
    marks.push_back("a suspicion: would it prejudice an inquiry?");
  }
  if (view.header.basis == bus::v1::BASIS_REPORTED_BY_PARTNER) {
    marks.push_back("told by a partner: ask that controller");
  }
  return marks;
}

absl::StatusOr<bus::v1::PackItem> ItemOf(const View& view,
                                         const TypeRegistry& types,
                                         bool with_data) {
  const EventType* type = types.Find(view.header.type);
  if (type == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(view.header.type, ": no such type here"));
  }
  bus::v1::PackItem item;
  item.set_sequence(view.sequence.value);
  item.set_type(view.header.type);
  item.set_title(TitleOf(view.header.type));
  item.set_happened(TimeText(view.header.time_us));
  item.set_accepted(TimeText(view.accepted_us));
  item.set_controller(view.header.controller);
  item.set_basis(bus::v1::Basis_Name(view.header.basis));
  item.set_classification(
      bus::v1::Classification_Name(view.header.classification));
  for (std::string& mark : MarksOf(*type, view)) {
    item.add_marks(std::move(mark));
  }
  for (const std::string& each : view.withheld) item.add_withheld(each);
  if (with_data) {
    auto data = types.ToJson(view.header.type, view.Data());
    if (!data.ok()) return data.status();
    item.set_data(*std::move(data));
  }
  return item;
}

bus::v1::PersonPack Begin(const char* kind, const PackRequest& request) {
  bus::v1::PersonPack pack;
  pack.set_kind(kind);
  pack.set_controller(request.controller);
  pack.set_made(
      absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", request.now, absl::UTCTimeZone()));
  pack.set_made_by(request.made_by);
  return pack;
}

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

}  // namespace

absl::Status MayMakePack(const std::vector<policy::v1::Agreement>& in_force,
                         absl::string_view agency, absl::string_view role) {
  std::set<std::string> roles;
  for (const policy::v1::Agreement& agreement : in_force) {
    for (const policy::v1::SeeGrant& see : agreement.see()) {
      const bool is_to =
          see.to() == agency || (see.to() == kEach && IsOf(agreement, agency));
      const bool is_whole = see.audience() == policy::v1::AUDIENCE_OWN &&
                            see.up_to() == policy::v1::TIER_UNSPECIFIED &&
                            std::find(see.types().begin(), see.types().end(),
                                      kEveryType) != see.types().end();
      if (is_to && is_whole) {
        roles.insert(see.roles().begin(), see.roles().end());
      }
    }
  }
  if (roles.contains(std::string(role))) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("the role ", role, " is not shown all that ", agency,
                   " told, so a pack of its would not be whole; ",
                   roles.empty() ? "by the agreements in force no role is"
                                 : absl::StrCat("as one of these it is: ",
                                                absl::StrJoin(roles, ", "))));
}

absl::StatusOr<bus::v1::PersonPack> SubjectAccessPack(
    const std::vector<View>& views, const TypeRegistry& types,
    const PackRequest& request) {
  bus::v1::PersonPack pack = Begin("subject-access", request);
  for (const View& view : views) {
    if (view.header.controller != request.controller) continue;
    auto item = ItemOf(view, types, /*with_data=*/true);
    if (!item.ok()) return item.status();
    item->set_number(static_cast<uint32_t>(pack.items_size()) + 1);
    *pack.add_items() = *std::move(item);
  }
  // Neither how far the log is nor that something is gone: both would tell.
  if (pack.items().empty()) {
    pack.set_answer(kNeitherConfirmNorDeny);
    return pack;
  }
  pack.set_position(request.position);
  pack.set_gone(request.gone);
  return pack;
}

absl::StatusOr<bus::v1::PersonPack> DisclosureSchedule(
    const std::vector<View>& views, const TypeRegistry& types,
    const PackRequest& request) {
  bus::v1::PersonPack pack = Begin("disclosure-schedule", request);
  pack.set_position(request.position);
  pack.set_gone(request.gone);
  pack.mutable_restricted()->Assign(request.restricted.begin(),
                                    request.restricted.end());
  for (const View& view : views) {
    auto item = ItemOf(view, types, /*with_data=*/false);
    if (!item.ok()) return item.status();
    item->set_number(static_cast<uint32_t>(pack.items_size()) + 1);
    *pack.add_items() = *std::move(item);
  }
  return pack;
}

std::string InWords(const bus::v1::PersonPack& pack) {
  if (pack.restricted().empty()) return "";
  return absl::StrCat("Restricted: what ",
                      absl::StrJoin(pack.restricted(), ", "),
                      " told of this person is kept, and is not in this.");
}

std::string PrintablePack(const bus::v1::PersonPack& pack) {
  const bool is_schedule = pack.kind() == "disclosure-schedule";
  std::string page = absl::StrCat(
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>",
      is_schedule ? "Schedule of what is held" : "Subject access",
      "</title><style>body{font:11pt sans-serif;margin:2cm}table{border-"
      "collapse:collapse;width:100%}td,th{border:1px solid #444;padding:4px;"
      "text-align:left;vertical-align:top}tr{break-inside:avoid}.mark{font-"
      "weight:bold}pre{white-space:pre-wrap;margin:0}</style><h1>",
      is_schedule ? "Schedule of what is held in Concordat"
                  : "What this agency told Concordat",
      "</h1><p>", Escape(pack.controller()), ", made ", Escape(pack.made()),
      " by ", Escape(pack.made_by()), ".</p>");
  if (!pack.answer().empty()) {
    return absl::StrCat(page, "<p>", Escape(pack.answer()), "</p></html>\n");
  }
  absl::StrAppend(&page, "<p>Complete to position ", pack.position(), "; ",
                  pack.gone(), " events are erased or past their period. ",
                  Escape(InWords(pack)),
                  "</p><table><tr><th>"
                  "No.<th>What<th>When<th>Controller<th>Look at before it goes "
                  "out",
                  is_schedule ? "<th>Not shown to this agency"
                              : "<th>Content<th>Not shown to who made this",
                  "</tr>\n");
  for (const bus::v1::PackItem& item : pack.items()) {
    absl::StrAppend(
        &page, "<tr><td>", item.number(), "<td>", Escape(item.title()), "<td>",
        Escape(item.happened().empty() ? item.accepted() : item.happened()),
        "<td>", Escape(item.controller()), "<td class=\"mark\">",
        Escape(absl::StrJoin(item.marks(), "; ")), "<td>",
        is_schedule ? ""
                    : absl::StrCat("<pre>", Escape(item.data()), "</pre><td>"),
        Escape(absl::StrJoin(item.withheld(), "; ")), "</tr>\n");
  }
  return absl::StrCat(page, "</table></html>\n");
}

}  // namespace concordat::cli
