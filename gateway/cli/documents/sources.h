// What documents are made from, and what follows from it: who publishes a type, and
// which of its fields a line of an agreement gives.
//
// The fields are judged by the same code that makes views (services/common/policy):
// a document says what the hub does.
//
// Threads  Immutable once made.
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_SOURCES_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_SOURCES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/retention.pb.h"
#include "concordat/edge/v1/inventory.pb.h"
#include "concordat/hub/v1/feed.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "concordat/policy/v1/legal.pb.h"
#include "gateway/common/schemas.h"
#include "services/common/event/type_table.h"

namespace concordat::cli {

struct StandingAgreement {
  policy::v1::Agreement agreement;
  bool in_force = false;
  std::vector<std::string> signed_by =
      {};  // Parties whose signatures the log has.
  // Of one that a party ended early.
  std::string retired_by = {};
  std::string retired_because = {};
};

struct PeopleCount {
  std::string what;  // "open cases at Level 2"
  uint64_t count = 0;
};

struct Sources {
  absl::Time made;
  absl::TimeZone zone;
  std::string environment;
  bus::v1::Registry registry;
  std::vector<StandingAgreement> agreements;
  std::shared_ptr<const TypeRegistry> types;
  // With what the schemas' authors wrote, if it was found.
  std::shared_ptr<const gateway::Schemas> schemas;
  policy::v1::LegalReference legal;
  std::vector<hub::v1::Feed> feeds;
  // Those in force, how each came to be, and that others wait.
  alerts::v1::ListRulesResponse rules;
  // Those of the folder, which are not in force if they are others; not there: they
  // cannot be read.
  std::optional<std::vector<alerts::v1::Rule>> folder_rules;
  std::optional<bus::v1::RetentionPolicy> retention;
  std::vector<edge::v1::FieldInventory> inventories;
  // Codes of the list person-view, in its order.
  std::vector<std::string> person_views;
  // How many people; empty: who made the paper may not count them.
  std::vector<PeopleCount> people;

  // As people write it.
  std::string AgencyOf(absl::string_view name) const;
  // "27 November 2026".
  std::string Day() const;
  // "27 Nov 2026 16:45"; of 0, "-".
  std::string When(uint64_t micros) const;
  // The registry, the types and the law, by version or hash.
  std::vector<std::string> MadeFrom() const;
};

// Which of a rule's versions a paper is of: that in force, or the folder's, which waits
// for two people.
enum class RuleStage { kInForce, kCandidate };

std::string NameOf(const StandingAgreement& agreement);

// One data item.
struct DataItem {
  std::string field;
  std::string tier;     // In words, with the category.
  std::string meaning;  // What the schema says; may be empty.
  std::string limits;   // "required; one of the list concern-type".
  bool given = false;   // By the line that it is listed for.
};

// A type of event that a line gives to an agency.
struct SharedType {
  std::string type;  // Full name.
  std::string meaning;
  std::vector<std::string> from;  // Agencies that may publish it.
  std::vector<DataItem> items;
};

// One line of an agreement for one recipient.
struct SharingLine {
  const policy::v1::Agreement* agreement = nullptr;
  int line = 0;  // see[line]
  std::string to;
  std::string people;  // Whose data, in words.
  std::vector<SharedType> types;
};

// Every line of it, with "each" and patterns of types written out.
//   INVALID_ARGUMENT  the agreement does not load.
absl::StatusOr<std::vector<SharingLine>> LinesOf(
    const Sources& sources, const policy::v1::Agreement& agreement);

// Agencies whose principals may publish the type, in order.
std::vector<std::string> PublishersOf(const Sources& sources,
                                      absl::string_view type);
// The event types that an agency may publish, in order.
std::vector<std::string> PublishedBy(const Sources& sources,
                                     absl::string_view agency);
// Its fields; `given` is as `mask` has their groups.
std::vector<DataItem> ItemsOf(const Sources& sources, absl::string_view type,
                              unsigned mask);
// "Concern shared" of "concordat.police.v1.ConcernShared".
std::string TitleOf(absl::string_view type);
std::string TierInWords(policy::v1::Tier tier, policy::v1::Category category);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_SOURCES_H_
