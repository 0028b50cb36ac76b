#include "services/common/bundle/proved.h"

#include "absl/strings/str_cat.h"

namespace concordat {

absl::Status CheckProved(
    const Checkpoint& tree, uint64_t index, const TreeHash& leaf,
    const google::protobuf::RepeatedPtrField<std::string>& proof) {
  const auto hashes = TreeHashesOf(proof);
  if (!hashes.has_value()) {
    return absl::DataLossError("a proof's hash is not 32 bytes");
  }
  return CheckInclusion(index, tree.size, leaf, *hashes, tree.root);
}

absl::StatusOr<access::v1::Record> OpenProved(
    const Checkpoint& tree, const access::v1::BundledRecord& record) {
  const absl::Status in = CheckProved(
      tree, record.number(), HashLeaf(record.record()), record.proof());
  if (!in.ok()) {
    return absl::Status(
        in.code(),
        absl::StrCat("access record ", record.number(), ": ", in.message()));
  }
  access::v1::Record opened;
  if (!opened.ParseFromString(record.record())) {
    return absl::DataLossError(
        absl::StrCat("access record ", record.number(), " cannot be read"));
  }
  return opened;
}

}  // namespace concordat
