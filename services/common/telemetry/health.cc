#include "services/common/telemetry/health.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace concordat {

Troubles Health::Now() const {
  Troubles troubles;
  for (const Source& source : sources_) source(troubles);
  std::stable_partition(troubles.begin(), troubles.end(),
                        [](const Trouble& t) { return t.critical; });
  return troubles;
}

std::string Describe(const Troubles& troubles) {
  std::string text;
  for (const Trouble& trouble : troubles) {
    absl::StrAppend(&text, text.empty() ? "" : "; ",
                    trouble.critical ? "CRITICAL: " : "", trouble.what);
  }
  return text;
}

std::vector<TroubleLog::Line> TroubleLog::Say(const Troubles& troubles,
                                              absl::Duration now) {
  std::vector<Line> lines;
  std::set<std::pair<std::string, std::string>> present;
  for (const Trouble& trouble : troubles) {
    const std::pair<std::string, std::string> key(trouble.code, trouble.about);
    present.insert(key);
    const auto [known, is_new] = known_.try_emplace(key, Known{trouble, now});
    const bool worse = trouble.critical && !known->second.trouble.critical;
    known->second.trouble = trouble;
    const bool is_due = now - known->second.said_at >= repeat_every_;
    if (!is_new && !worse && !is_due) continue;
    known->second.said_at = now;
    lines.push_back(
        {is_new || worse ? Line::Kind::kBegan : Line::Kind::kLasts, trouble});
  }
  for (auto known = known_.begin(); known != known_.end();) {
    if (present.count(known->first) > 0) {
      ++known;
      continue;
    }
    lines.push_back({Line::Kind::kOver, known->second.trouble});
    known = known_.erase(known);
  }
  return lines;
}

}  // namespace concordat
