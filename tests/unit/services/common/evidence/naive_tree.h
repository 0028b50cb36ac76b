// RFC 6962 section 2.1 word for word: slow and obviously right.
#ifndef CONCORDAT_TESTS_UNIT_SERVICES_COMMON_EVIDENCE_NAIVE_TREE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_COMMON_EVIDENCE_NAIVE_TREE_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "services/common/evidence/merkle.h"

namespace concordat::testing {

using Leaves = absl::Span<const std::string>;

inline TreeHash HashOfText(const std::string& text) { return Sha256::Of(text); }
inline std::string Text(const TreeHash& hash) {
  return {hash.begin(), hash.end()};
}

inline size_t NaiveSplit(size_t n) {
  size_t k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

inline TreeHash NaiveRoot(Leaves d) {
  if (d.empty()) return HashOfText("");
  if (d.size() == 1) return HashOfText(std::string(1, '\0') + d[0]);
  const size_t k = NaiveSplit(d.size());
  return HashOfText("\x01" + Text(NaiveRoot(d.subspan(0, k))) +
                    Text(NaiveRoot(d.subspan(k))));
}

inline std::vector<TreeHash> NaivePath(size_t m, Leaves d) {
  if (d.size() <= 1) return {};
  const size_t k = NaiveSplit(d.size());
  std::vector<TreeHash> path =
      m < k ? NaivePath(m, d.subspan(0, k)) : NaivePath(m - k, d.subspan(k));
  path.push_back(NaiveRoot(m < k ? d.subspan(k) : d.subspan(0, k)));
  return path;
}

inline std::vector<TreeHash> NaiveSubproof(size_t m, Leaves d, bool known) {
  if (m == d.size()) {
    return known ? std::vector<TreeHash>() : std::vector{NaiveRoot(d)};
  }
  const size_t k = NaiveSplit(d.size());
  std::vector<TreeHash> proof = m <= k
                                    ? NaiveSubproof(m, d.subspan(0, k), known)
                                    : NaiveSubproof(m - k, d.subspan(k), false);
  proof.push_back(NaiveRoot(m <= k ? d.subspan(k) : d.subspan(0, k)));
  return proof;
}

inline std::vector<std::string> SomeLeaves(size_t count) {
  std::vector<std::string> leaves;
  for (size_t i = 0; i < count; ++i) leaves.push_back(absl::StrCat("leaf ", i));
  return leaves;
}

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_COMMON_EVIDENCE_NAIVE_TREE_H_
