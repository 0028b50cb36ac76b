// The governance documents that are made from data (users.md 10.1).
#ifndef CONCORDAT_GATEWAY_CLI_DOCUMENTS_BUILDERS_H_
#define CONCORDAT_GATEWAY_CLI_DOCUMENTS_BUILDERS_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/cli/documents/document.h"
#include "gateway/cli/documents/sources.h"

namespace concordat::cli {

// The schedule of an agreement, in the layout of the Scottish Information Sharing
// Toolkit: parties, purposes, gateways, data items, frequency, method, security,
// retention, review, signatories.
//   NOT_FOUND  no such agreement; names those that there are.
absl::StatusOr<Document> ScheduleOf(const Sources& sources,
                                    absl::string_view agreement);

// The extract of a controller's record of processing that the hub can fill: UK GDPR
// Article 30, Data Protection Act 2018 section 61.
//   NOT_FOUND  no such agency; names those that there are.
absl::StatusOr<Document> ProcessingOf(const Sources& sources,
                                      absl::string_view agency);

// Inputs to a controller's impact assessment: flows, categories, recipients,
// retention, rules and who decides, risks with control and test.
//   NOT_FOUND  no such agency; names those that there are.
absl::StatusOr<Document> ImpactOf(const Sources& sources,
                                  absl::string_view agency);

// What an edge reads, field by field.
//   NOT_FOUND  no such edge; names those that there are.
absl::StatusOr<Document> FieldsOf(const Sources& sources,
                                  absl::string_view edge);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_DOCUMENTS_BUILDERS_H_
