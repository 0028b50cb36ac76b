#include "gateway/cli/documents/sources.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "concordat/policy/v1/options.pb.h"
#include "google/protobuf/descriptor.h"
#include "services/common/config/principal_registry.h"
#include "services/common/crypto/sha256.h"
#include "services/common/policy/policy.h"

namespace concordat::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using policy::v1::Agreement;
using policy::v1::SeeGrant;

// Of nobody: an event that is not the recipient's own.
constexpr char kStranger[] = "urn:concordat:somebody-else:system";
constexpr char kEach[] = "each";
constexpr size_t kHashShown = 12;

std::string HashOf(const std::string& bytes) {
  const Sha256Hash hash = Sha256::Of(bytes);
  return absl::BytesToHexString(
             absl::string_view(reinterpret_cast<const char*>(hash.data()),
                               hash.size()))
      .substr(0, kHashShown);
}

std::string OneLine(absl::string_view text) {
  std::string line = absl::StrReplaceAll(absl::StripAsciiWhitespace(text),
                                         {{"\n ", " "}, {"\n", " "}});
  return line;
}

std::string CommentOf(const Descriptor& type) {
  google::protobuf::SourceLocation location;
  return type.GetSourceLocation(&location) ? OneLine(location.leading_comments)
                                           : "";
}

std::string CommentOf(const FieldDescriptor& field) {
  google::protobuf::SourceLocation location;
  if (!field.GetSourceLocation(&location)) return "";
  return OneLine(location.leading_comments.empty() ? location.trailing_comments
                                                   : location.leading_comments);
}

const Descriptor* FindType(const Sources& sources, absl::string_view name) {
  for (const auto* file : sources.schemas->files()) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      if (file->message_type(i)->full_name() == name) {
        return file->message_type(i);
      }
    }
  }
  return nullptr;
}

// The options as the schemas' own pool has them: by their bytes.
policy::v1::FieldPolicy PolicyOf(const FieldDescriptor& field) {
  google::protobuf::FieldOptions known;
  policy::v1::FieldPolicy none;
  if (!known.ParseFromString(field.options().SerializeAsString())) return none;
  return known.GetExtension(policy::v1::field);
}

unsigned GroupOf(const EventType& type, const policy::v1::FieldPolicy& field) {
  for (const GroupInfo& group : type.groups()) {
    if (field.tier() == policy::v1::TIER_S4
            ? group.category == field.category()
            : group.category == policy::v1::CATEGORY_UNSPECIFIED &&
                  field.tier() <= group.tier_max) {
      return group.number;
    }
  }
  return 0;
}

std::string LimitsOf(const policy::v1::FieldPolicy& field) {
  std::vector<std::string> limits;
  if (field.required()) limits.push_back("required");
  if (!field.code_list().empty()) {
    limits.push_back(absl::StrCat("a code of the list ", field.code_list()));
  }
  if (field.free_text()) {
    limits.push_back("free text, at most 500 characters, no identifiers");
  }
  return absl::StrJoin(limits, "; ");
}

// The agreement with this line and no other, which gives what the line gives.
absl::StatusOr<std::shared_ptr<const Agreements>> OnlyLine(
    const Sources& sources, const Agreement& agreement, int line) {
  Agreement one = agreement;
  one.clear_see();
  *one.add_see() = agreement.see(line);
  return Agreements::None(sources.types)->With(one);
}

// What the line gives of this type, of somebody who is of its audience.
unsigned MaskOf(const Agreements& line, const Agreement& agreement,
                const SeeGrant& grant, const std::string& to,
                absl::string_view type) {
  const bool own = grant.audience() == policy::v1::AUDIENCE_OWN;
  HeaderView header;
  header.type = type;
  header.source = kStranger;
  header.controller = own ? absl::string_view(to) : "somebody-else";
  if (grant.audience() != policy::v1::AUDIENCE_NOBODY) {
    header.subject = PersonKey({1});
  }
  PersonPolicy person;
  person.parties = {to};
  person.lead = to;
  person.level = grant.level_min();
  person.arrangement_party = true;
  person.case_open = true;
  person.registered_by = {to};
  Recipient recipient;
  recipient.agency = to;
  recipient.role = grant.roles_size() > 0 ? grant.roles(0) : "";
  absl::CivilDay day;
  absl::ParseCivilTime(agreement.valid_from(), &day);
  // Somewhere in the first day, whatever the zone.
  const absl::Time noon =
      absl::FromCivil(day, absl::UTCTimeZone()) + absl::Hours(12);
  return line.Granted(header, recipient,
                      static_cast<uint64_t>(absl::ToUnixMicros(noon)), person);
}

std::vector<std::string> RecipientsOf(const Agreement& agreement,
                                      const SeeGrant& grant) {
  if (grant.to() != kEach) return {grant.to()};
  std::vector<std::string> all(agreement.parties().begin(),
                               agreement.parties().end());
  if (!agreement.arrangement().empty()) all.push_back(agreement.arrangement());
  return all;
}

std::string PeopleOf(const Sources& sources, const SeeGrant& grant,
                     const std::string& to) {
  const std::string agency = sources.AgencyOf(to);
  std::string levels;
  if (grant.level_max() > 0) {
    levels = absl::StrCat(", at MAPPA levels ", grant.level_min(), " to ",
                          grant.level_max());
  }
  switch (grant.audience()) {
    case policy::v1::AUDIENCE_PARTY:
      return absl::StrCat("people whose open case ", agency, " is a party to",
                          levels);
    case policy::v1::AUDIENCE_LEAD:
      return absl::StrCat("people whose case ", agency, " leads");
    case policy::v1::AUDIENCE_OWN:
      return absl::StrCat("what ", agency, " published itself");
    case policy::v1::AUDIENCE_REGISTERED:
      return absl::StrCat("people whom ", agency, " registered");
    case policy::v1::AUDIENCE_NOBODY:
      return "about nobody";
    default:
      return policy::v1::Audience_Name(grant.audience());
  }
}

bool Covers(const SeeGrant& grant, absl::string_view type) {
  return std::any_of(grant.types().begin(), grant.types().end(),
                     [type](const std::string& pattern) {
                       return TypePatternCovers(pattern, type);
                     });
}

}  // namespace

std::string NameOf(const StandingAgreement& agreement) {
  return absl::StrCat(agreement.agreement.name(), " version ",
                      agreement.agreement.version(),
                      agreement.in_force ? ", in force" : ", NOT IN FORCE");
}

std::string Sources::AgencyOf(absl::string_view name) const {
  for (const bus::v1::Agency& agency : registry.agencies()) {
    if (agency.name() == name) return agency.display_name();
  }
  return std::string(name);
}

std::string Sources::Day() const {
  return absl::FormatTime("%-d %B %Y", made, zone);
}

std::string Sources::When(uint64_t micros) const {
  if (micros == 0) return "-";
  return absl::FormatTime("%-d %b %Y %H:%M",
                          absl::FromUnixMicros(static_cast<int64_t>(micros)),
                          zone);
}

std::vector<std::string> Sources::MadeFrom() const {
  std::vector<std::string> from = {
      absl::StrCat("environment: ", environment),
      absl::StrCat("registry of principals, SHA-256 ",
                   HashOf(registry.SerializeAsString()))};
  for (const StandingAgreement& each : agreements) {
    from.push_back(absl::StrCat("agreement ", NameOf(each)));
  }
  if (legal.version() > 0) {
    from.push_back(absl::StrCat("legal reference version ", legal.version(),
                                " of ", legal.effective(), ", ",
                                legal.authority()));
  }
  return from;
}

std::string TitleOf(absl::string_view type) {
  const size_t dot = type.rfind('.');
  std::string title;
  for (const char c : type.substr(dot == type.npos ? 0 : dot + 1)) {
    const bool upper = absl::ascii_isupper(static_cast<unsigned char>(c));
    if (upper && !title.empty()) {
      title.push_back(' ');
      title.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
    } else {
      title.push_back(c);
    }
  }
  return title;
}

std::string TierInWords(policy::v1::Tier tier, policy::v1::Category category) {
  switch (tier) {
    case policy::v1::TIER_S0:
      return "S0 routing";
    case policy::v1::TIER_S1:
      return "S1 administrative";
    case policy::v1::TIER_S2:
      return "S2 personal";
    case policy::v1::TIER_S3:
      return "S3 criminal offence data or MAPPA status";
    case policy::v1::TIER_S4:
      return absl::StrCat(
          "S4 restricted: ",
          absl::StrReplaceAll(
              absl::AsciiStrToLower(absl::StripPrefix(
                  policy::v1::Category_Name(category), "CATEGORY_")),
              {{"_", " "}}));
    case policy::v1::TIER_S5:
      return "S5 never carried";
    default:
      return "no tier";
  }
}

std::vector<std::string> PublishersOf(const Sources& sources,
                                      absl::string_view type) {
  std::set<std::string> agencies;
  for (const bus::v1::Principal& principal : sources.registry.principals()) {
    for (const bus::v1::PublishGrant& grant : principal.publish()) {
      if (FindPublishGrant(principal, grant.source(), type) != nullptr) {
        agencies.insert(principal.agency());
      }
    }
  }
  return {agencies.begin(), agencies.end()};
}

std::vector<std::string> PublishedBy(const Sources& sources,
                                     absl::string_view agency) {
  std::vector<std::string> types;
  for (const absl::string_view type : sources.types->names()) {
    const std::vector<std::string> from = PublishersOf(sources, type);
    if (std::find(from.begin(), from.end(), agency) != from.end()) {
      types.emplace_back(type);
    }
  }
  std::sort(types.begin(), types.end());
  return types;
}

std::vector<DataItem> ItemsOf(const Sources& sources, absl::string_view type,
                              unsigned mask) {
  std::vector<DataItem> items;
  const Descriptor* const descriptor = FindType(sources, type);
  const EventType* const table = sources.types->Find(type);
  if (descriptor == nullptr || table == nullptr) return items;
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor& field = *descriptor->field(i);
    const policy::v1::FieldPolicy rule = PolicyOf(field);
    DataItem item;
    item.field = field.name();
    item.tier = TierInWords(rule.tier(), rule.category());
    item.meaning = CommentOf(field);
    item.limits = LimitsOf(rule);
    item.given = (mask >> GroupOf(*table, rule) & 1u) != 0;
    items.push_back(std::move(item));
  }
  return items;
}

absl::StatusOr<std::vector<SharingLine>> LinesOf(const Sources& sources,
                                                 const Agreement& agreement) {
  std::vector<absl::string_view> names = sources.types->names();
  std::sort(names.begin(), names.end());
  std::vector<SharingLine> lines;
  for (int i = 0; i < agreement.see_size(); ++i) {
    const SeeGrant& grant = agreement.see(i);
    const auto only = OnlyLine(sources, agreement, i);
    if (!only.ok()) return only.status();
    for (const std::string& to : RecipientsOf(agreement, grant)) {
      SharingLine line;
      line.agreement = &agreement;
      line.line = i;
      line.to = to;
      line.people = PeopleOf(sources, grant, to);
      for (const absl::string_view type : names) {
        if (!Covers(grant, type)) continue;
        const unsigned mask = MaskOf(**only, agreement, grant, to, type);
        if (mask == 0) continue;  // Internal: nobody's, whatever it says.
        SharedType shared;
        shared.type = std::string(type);
        const Descriptor* const descriptor = FindType(sources, type);
        if (descriptor != nullptr) shared.meaning = CommentOf(*descriptor);
        shared.from = PublishersOf(sources, type);
        shared.items = ItemsOf(sources, type, mask);
        line.types.push_back(std::move(shared));
      }
      lines.push_back(std::move(line));
    }
  }
  return lines;
}

}  // namespace concordat::cli
