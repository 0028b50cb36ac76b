// What the journal of an edge says, as values and back. PURE.
#ifndef CONCORDAT_ADAPTERS_CORE_SPOOL_RECORDS_H_
#define CONCORDAT_ADAPTERS_CORE_SPOOL_RECORDS_H_

#include "absl/strings/string_view.h"
#include "adapters/core/kept_items.h"
#include "concordat/edge/v1/spool.pb.h"

namespace concordat::edge {

MessageKey KeyFrom(absl::string_view bytes);
absl::string_view Bytes(const MessageKey& key);

v1::SpoolRecord AcceptedRecord(const WaitingMessage& message);
WaitingMessage MessageFrom(const v1::Accepted& accepted);

// `message` is what came with the verdict; its content is not repeated for a
// message that has an Accepted.
v1::SpoolRecord FinishedRecord(const WaitingMessage& message,
                               const Verdict& verdict, bool with_content);
KeptItem ItemFrom(const v1::Finished& finished);

v1::SpoolRecord ActedRecord(const Act& act);
Act ActFrom(const v1::Acted& acted);
v1::SpoolRecord EndedRecord(const Act& act);

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_SPOOL_RECORDS_H_
