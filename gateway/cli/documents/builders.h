// The governance documents that are made from data (users.md 10.1).
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_BUILDERS_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_BUILDERS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/access/v1/extract.pb.h"
#include "concordat/access/v1/glass.pb.h"
#include "concordat/access/v1/report.pb.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/bus/v1/agreements.pb.h"
#include "concordat/bus/v1/corrections.pb.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/bus/v1/records.pb.h"
#include "concordat/bus/v1/service.pb.h"
#include "concordat/gateway/v1/signin.pb.h"
#include "concordat/mappa/v1/service.pb.h"
#include "concordat/socialwork/v1/events.pb.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"
#include "services/common/calendar/limit_clocks.h"

namespace concordat::cli {

// ---- Of an agreement.  NOT_FOUND: no such; names those that there are.

// Its schedule, in the layout of the Scottish Information Sharing Toolkit: parties,
// purposes, gateways, data items, frequency, method, security, retention, review,
// signatories.
absl::StatusOr<Document> ScheduleOf(const Sources& sources,
                                    absl::string_view agreement);
// What another version would change, in plain words, as the bus compares them.
Document ChangesOf(const Sources& sources,
                   const bus::v1::DiffAgreementResponse& diff);
// The annex of joint controllers: who answers what (UK GDPR Article 26, Data
// Protection Act 2018 section 58).
absl::StatusOr<Document> JointOf(const Sources& sources,
                                 absl::string_view agreement);
// The terms of the processor (Article 28, section 59).
absl::StatusOr<Document> ProcessorOf(const Sources& sources,
                                     absl::string_view agreement);

// ---- Of a controller.  NOT_FOUND: no such agency; names those that there are.

// The extract of its record of processing that the hub can fill (Article 30, section
// 61).
absl::StatusOr<Document> ProcessingOf(const Sources& sources,
                                      absl::string_view agency);
// Inputs to its impact assessment (Article 35, section 64): flows, categories,
// recipients, retention, people, rules and who decides, risks with control and test,
// consultation.
absl::StatusOr<Document> ImpactOf(const Sources& sources,
                                  absl::string_view agency);
// The appropriate policy document (section 42; Schedule 1, Part 4).
absl::StatusOr<Document> SensitiveOf(const Sources& sources,
                                     absl::string_view agency);
// The text of its privacy notice, in layers.
absl::StatusOr<Document> NoticeOf(const Sources& sources,
                                  absl::string_view agency);

// ---- Of the hub.

// What an edge reads, field by field.
//   NOT_FOUND  no such edge; names those that there are.
absl::StatusOr<Document> FieldsOf(const Sources& sources,
                                  absl::string_view edge);
// Everything about an alert rule of that stage. `backtest` is of it.
//   as FindRule()
absl::StatusOr<Document> RuleOf(
    const Sources& sources, absl::string_view rule, RuleStage stage,
    const alerts::v1::BacktestRulesResponse& backtest);

// A component that it is made of.
struct Component {
  std::string name;
  std::string version;
  std::string from;  // "Debian package"
  std::string hash;  // As its registry has it; may be empty.
};
struct CertificateEnd {
  std::string principal;
  std::string uri;
  absl::Time not_after;
};
struct SecurityParts {
  std::vector<Component> components;
  std::vector<CertificateEnd> certificates;
  std::string threat_model;  // Markdown.
};
// Threat model, components, keys and certificates, who has which right.
Document SecurityPackOf(const Sources& sources, const SecurityParts& parts);

struct PeopleParts {
  std::vector<bus::v1::LogRecord> changes;  // Of the registry, in a period.
  // Of this hub's own sign-in, without their hashes.
  std::vector<gateway::v1::Account> accounts;
  // Of whose people alone; empty: of each agency.
  std::string agency;
};
// Who joined, moved and left, who may do what now, and when each was trained and
// is vetted to: for the agencies' review of access.
Document PeopleOf(const Sources& sources, const PeopleParts& parts);

struct EdgeParts {
  std::vector<bus::v1::LogRecord> records;  // Of the registry and of feeds.
  bus::v1::ListSubscriptionsResponse subscriptions;
  bus::v1::ListHoldsResponse holds;
};
// The certificate that an edge is decommissioned: its feed ended, its views ended,
// what stays and for how long. While something stands against it, it says so and
// certifies nothing.
//   NOT_FOUND  there never was such an edge; names those that there are.
absl::StatusOr<Document> DecommissionOf(const Sources& sources,
                                        absl::string_view edge,
                                        const EdgeParts& parts);

// ---- Of what was done.

// A line of what `concordat log backup` and `restore` record.
struct BackupAct {
  std::string act;  // "backup", "restore"
  std::string at;   // RFC 3339.
  double seconds = 0;
  std::string failed = {};  // Why; empty: it was done.
  uint64_t sequence = 0;
  std::string accepted_time = {};  // Of that event.
  bool opened = false;             // Of a restore: every payload was opened.
};
// Of JSON lines, in their order.
//   INVALID_ARGUMENT  names the line.
absl::StatusOr<std::vector<BackupAct>> ParseBackupActs(absl::string_view text);

// What was known of people when something began that kept the hub from telling more.
struct KnownAt {
  std::string what;  // "hub down"
  uint64_t from = 0;
  uint64_t to = 0;  // 0: not yet.
  std::vector<access::v1::WhoKnewReport> reports;
};
struct ResilienceParts {
  std::vector<BackupAct> acts;
  std::vector<bus::v1::LogRecord> records;
  access::v1::AccessExtract
      extract;  // For the times when programs did not run.
  std::vector<KnownAt> known;
  // Outages and people that were not asked about, in words; none: all were.
  std::vector<std::string> not_asked;
};
// Backups and restores that were tried, outages with where each is told, and what
// was known meanwhile.
Document ResilienceOf(const Sources& sources, const ResilienceParts& parts);

struct RightsParts {
  bus::v1::ListCorrectionsResponse corrections;
  bus::v1::ListRestrictionsResponse restrictions;
  bus::v1::ListErasuresResponse erasures;
};
// What a controller rectified, restricted after an objection or for another reason,
// and had erased.
//   NOT_FOUND  no such agency; names those that there are.
absl::StatusOr<Document> RightsOf(const Sources& sources,
                                  absl::string_view agency,
                                  const RightsParts& parts);
// The letter to who asked for their own data and may be told of none: the same
// for everybody who asks that agency.
//   NOT_FOUND            no such agency.
//   FAILED_PRECONDITION  the legal reference has no such letter, or one with a word
//                        in braces that nothing stands for; names it.
absl::StatusOr<Document> NeitherOf(const Sources& sources,
                                   absl::string_view agency);

// The s.62 extract.  `proof`: the name of the file that shows it and its SHA-256;
// empty: none was written.
Document AccessOf(const Sources& sources,
                  const access::v1::AccessExtract& extract,
                  absl::string_view proof);
Document GlassOf(const Sources& sources,
                 const access::v1::ListGlassResponse& glass);
// Erasures with their confirmations, holds, and what retention would take.
Document ErasuresOf(const Sources& sources,
                    const bus::v1::ListErasuresResponse& erasures,
                    const bus::v1::ListHoldsResponse& holds,
                    const bus::v1::RunRetentionResponse& retention);

struct Breach {
  access::v1::AccessExtract extract;  // Of the question.
  // One for each person that it is about.
  std::vector<access::v1::WhoKnewReport> reports;
  // Persons whom it names and who asked may not be told about.
  std::vector<std::string> untold;
  absl::Time known;    // Since when the controller knows.
  absl::Time tell_by;  // By the clock.
  std::string clock;   // Which, in words.
  // Empty: each who was shown something.
  std::string to;
};
Document BreachOf(const Sources& sources, const Breach& breach);
// Its letters: of each controller to the Commissioner, to who had its data and to
// each of the people; and the operator's to each controller.
//   FAILED_PRECONDITION  as NeitherOf.
absl::StatusOr<Document> BreachLettersOf(const Sources& sources,
                                         const Breach& breach);

// ---- Of the arrangement's cases, as one of its people sees them.

struct CaseRecords {
  // Each with its history, closed ones too.
  std::vector<mappa::v1::GetCaseResponse> cases;
  bool more = false;  // There are more than could be asked for.
};
// Why a paper of them is not complete; nothing: it is.
std::vector<std::string> MissingOf(const CaseRecords& records);

// Everyone managed on a day, at its end, by category and level, and how each got
// there.
Document ManagedOf(const Sources& sources, const CaseRecords& records,
                   absl::CivilDay day);

struct Sample {
  uint32_t level = 2;
  uint32_t count = 10;
  std::string seed;
};
// So many people of a level on a day, drawn by the seed: the same draw for whoever
// draws from the same cases. From notification to decision to meeting, against the
// clocks.
//   NOT_FOUND  there is no clock of the standard.
absl::StatusOr<Document> SampleOf(const Sources& sources,
                                  const CaseRecords& records,
                                  const LimitClocks& clocks, absl::CivilDay day,
                                  const Sample& sample);
// Who came to the meetings of its cases, or wrote instead.
Document AttendanceOf(const Sources& sources, const CaseRecords& records);
// ---- Of facts, as one of its people sees them.

struct Review {
  std::string agency;  // That published it.
  socialwork::v1::ReviewHeld held;
};
// How many have the person's own view, by agency and kind.
Document OwnViewsOf(const Sources& sources, const std::vector<Review>& reviews);
// What is asked for and nobody tells the hub.
Document UnrecordedOf(const Sources& sources);
struct Assessment {
  std::string person;
  std::string ref;
};
// Those that referrals cite and that are not among `completed`.
Document AssessmentsOf(const Sources& sources, const CaseRecords& records,
                       const std::vector<Assessment>& completed);

// ---- Of alerts and feeds.

// Those that nobody accepted first; those held to be wrong, or withdrawn.
Document AlertsOf(const Sources& sources,
                  const alerts::v1::ListAlertsResponse& alerts);
struct EqualityRecords {
  alerts::v1::ListAlertsResponse alerts;
  std::vector<std::string> open_cases;        // Person keys.
  std::map<std::string, std::string> births;  // ISO date by person key.
  std::vector<std::string> missing;           // Why it is not complete.
};
// What a rule's alerts are by age, as far as the hub can tell, and what it does with
// data about children: for the controllers' equality and children's rights
// assessments. Numbers that would tell of so few are left out.
//   as FindRule()
absl::StatusOr<Document> EqualityOf(const Sources& sources,
                                    absl::string_view rule, RuleStage stage,
                                    const EqualityRecords& records);
// What was not known: feeds silent, agreements ended, people in doubt, programs that
// did not run (of `extract`).
Document UnknownOf(const Sources& sources,
                   const alerts::v1::ListFeedsResponse& feeds,
                   const alerts::v1::ListAlertsResponse& alerts,
                   const access::v1::AccessExtract& extract);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_BUILDERS_H_
