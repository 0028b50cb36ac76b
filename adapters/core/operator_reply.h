// What the operator hears of replays: the same at every edge.
#ifndef CONCORDAT_ADAPTERS_CORE_OPERATOR_REPLY_H_
#define CONCORDAT_ADAPTERS_CORE_OPERATOR_REPLY_H_

#include <string>

#include "absl/status/status.h"
#include "concordat/edge/v1/service.pb.h"
#include "services/common/base/ids.h"

namespace concordat::edge {

// Of one preview.
inline constexpr int kPreviewItemsMax = 1000;

// Not why nothing came of it, which may say what the item holds.
absl::Status ForOperator(const absl::Status& status);
v1::ActReply ForOperator(Sequence position, bool duplicate,
                         const std::string& item_ref);

}  // namespace concordat::edge

#endif  // CONCORDAT_ADAPTERS_CORE_OPERATOR_REPLY_H_
