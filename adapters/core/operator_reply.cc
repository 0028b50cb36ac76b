#include "adapters/core/operator_reply.h"

namespace concordat::edge {

absl::Status ForOperator(const absl::Status& status) {
  if (!absl::IsFailedPrecondition(status)) return status;
  return absl::FailedPreconditionError(
      "nothing would come of it; its agency can see why");
}

v1::ActReply ForOperator(Sequence position, bool duplicate,
                         const std::string& item_ref) {
  v1::ActReply reply;
  reply.set_position(position.value);
  reply.set_duplicate(duplicate);
  reply.mutable_item()->set_item_ref(item_ref);
  reply.mutable_item()->set_outcome("refused");
  reply.mutable_item()->set_state("replayed");
  return reply;
}

}  // namespace concordat::edge
