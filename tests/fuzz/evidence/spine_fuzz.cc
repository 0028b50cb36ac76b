// Whatever stands for a spine, its leaf and its digest end with an answer, and
// the leaf of a leaf is itself.
#include <cstdint>
#include <string>

#include "services/common/base/check.h"
#include "services/common/evidence/spine.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto spine = concordat::DecodeSpine(bytes);
  if (spine.ok()) concordat::CheckDigest(*spine).IgnoreError();
  std::string buffer;
  const auto leaf = concordat::LeafOfSpine(bytes, buffer);
  if (leaf.ok()) {
    const std::string once(*leaf);
    CONCORDAT_CHECK(*concordat::LeafOfSpine(once, buffer) == once);
  }
  return 0;
}
