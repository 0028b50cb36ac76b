// Sections that several papers have.
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_SECTIONS_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_SECTIONS_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "concordat/access/v1/extract.pb.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"

namespace concordat::cli {

// With what it was made from.
Document Begin(const Sources& sources, std::string kind, std::string title);

// Agencies as people write them, with commas.
std::string Words(const Sources& sources,
                  const std::vector<std::string>& agencies);
// Whether something that names agencies, or none for all, is for this one; empty:
// for anybody.
bool IsFor(const google::protobuf::RepeatedPtrField<std::string>& agencies,
           absl::string_view agency);
bool IsPart3(const policy::v1::Agreement& agreement, absl::string_view agency);
// Null: the legal reference does not have it.
const policy::v1::Standing* StandingOf(const Sources& sources,
                                       absl::string_view agency);
// The agreement of that name.
//   NOT_FOUND  names those that there are.
absl::StatusOr<const StandingAgreement*> FindAgreement(const Sources& sources,
                                                       absl::string_view name);

// Those that an agency is of; of none: all.
std::vector<const StandingAgreement*> AgreementsWith(const Sources& sources,
                                                     absl::string_view agency);

// The rule of that id: as it is in force, or as the folder has it while that waits.
//   NOT_FOUND            names those that there are, or how to have one that waits.
//   FAILED_PRECONDITION  the folder's is in force, or cannot be used: why.
absl::StatusOr<const alerts::v1::Rule*> FindRule(const Sources& sources,
                                                 absl::string_view id,
                                                 RuleStage stage);
// "R17 version 4"; of a candidate it begins with that it is one.
std::string RuleTitle(const alerts::v1::Rule& rule, RuleStage stage,
                      absl::string_view paper);
// How it came to be in force, or that it is not, and what waits beside it.
Section InForceOf(const Sources& sources, const alerts::v1::Rule& rule,
                  RuleStage stage);

Section PartiesOf(const Sources& sources,
                  const policy::v1::Agreement& agreement);
Section PurposesOf(const Sources& sources, const std::set<std::string>& codes);
Section GatewaysOf(const Sources& sources, const std::set<std::string>& codes);
Section FrequencyOf(const Sources& sources, const std::set<std::string>& types);
Section SecurityOf();
// How long the hub keeps what is shared, with the periods that these state.
Section RetentionOf(const Sources& sources,
                    const std::vector<const StandingAgreement*>& agreements);
// The longest of these, each of the two periods by itself; one that states none has
// the policy's, which there is.
policy::v1::Retention LongestOf(
    const Sources& sources,
    const std::vector<const StandingAgreement*>& agreements);
Section SignatoriesOf(const Sources& sources,
                      const StandingAgreement& standing);
Section ReviewOf(const Sources& sources, const StandingAgreement& standing);
Section LineSection(const Sources& sources, const SharingLine& line);
// Each pair of sender and recipient, once; with `about`, those of that agency.
std::vector<Flow> FlowsOf(const Sources& sources,
                          const std::vector<SharingLine>& lines,
                          absl::string_view about = "");

// What the agreements that an agency is a party to make of it.
struct Controller {
  std::string agency;
  std::vector<const StandingAgreement*> agreements;
  std::vector<SharingLine> lines;  // Of those.
  std::set<std::string> purposes;
  std::set<std::string> gateways;
  bool part3 = false;  // It is a competent authority in one of them.
};

//   NOT_FOUND  no such agency; names those that there are.
absl::StatusOr<Controller> ControllerOf(const Sources& sources,
                                        absl::string_view agency);
// Who receives which of its types, by which line.
Table RecipientsOf(const Sources& sources, const Controller& controller);
Table ReceivedBy(const Sources& sources, const Controller& controller);
// Of everything that it publishes, by tier.
Table CategoriesOf(const Sources& sources, const Controller& controller);
Section AgreementsOf(const Controller& controller);
Section RulesOf(const Sources& sources);
// Times that a program of the extract did not run.
Section GapsOf(const Sources& sources,
               const access::v1::AccessExtract& extract);
Section RisksOf(const Sources& sources, absl::string_view agency);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_SECTIONS_H_
