// How rules come into force: those of the folder, once two people have agreed to
// exactly them (bus.v1.ApprovalService/Agree, kind "rule"), from where the log says
// that they are adopted (RuleHistory). The first rules of a data directory are those
// of whoever makes it, and are kept beside the log.
#ifndef CONCORDAT_SERVICES_ALERTS_RPC_RULE_ADOPTION_H_
#define CONCORDAT_SERVICES_ALERTS_RPC_RULE_ADOPTION_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "concordat/alerts/v1/rule.pb.h"
#include "concordat/alerts/v1/service.pb.h"
#include "concordat/hub/v1/approval.pb.h"
#include "services/common/storage/storage.h"

namespace concordat::alerts {

// The rules of the folder as it is now, checked.
//   INVALID_ARGUMENT  says what is wrong.
using FolderRules = std::function<absl::StatusOr<std::vector<v1::Rule>>()>;

// Those with which the fold of the log begins. When `folder` has none yet, it keeps
// `of_folder`.
//   DATA_LOSS, UNAVAILABLE  the folder.
absl::StatusOr<std::vector<v1::Rule>> FirstRules(
    Directory& folder, const std::vector<v1::Rule>& of_folder);

// Of the folder's, when they are others than those in force: their digest, and what
// would change. Of a folder that cannot be used: why, and no digest.
v1::WaitingRules WaitingRulesOf(
    const std::vector<v1::Rule>& in_force,
    const absl::StatusOr<std::vector<v1::Rule>>& of_folder);

// What the log is told of them.
hub::v1::RulesAdopted AdoptionOf(std::vector<v1::Rule> rules);

}  // namespace concordat::alerts

#endif  // CONCORDAT_SERVICES_ALERTS_RPC_RULE_ADOPTION_H_
