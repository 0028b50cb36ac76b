#ifndef CONCORDAT_TESTS_SUPPORT_HISTORY_H_
#define CONCORDAT_TESTS_SUPPORT_HISTORY_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "services/common/event/event.h"
#include "services/common/projection/decide.h"

namespace concordat::testing {

// A stream's events for a domain's test, as the log would hand them out.
class History {
 public:
  // Adds one; change its header through what is returned.
  View& Add(const google::protobuf::Message& message) {
    return Add(
        ProposedEvent{message.GetTypeName(), message.SerializeAsString()});
  }
  View& Add(const ProposedEvent& event) {
    View& view = views_.emplace_back();
    view.sequence = {views_.size()};
    view.header.id = absl::StrCat("id-", views_.size());
    view.header.type = event.type;
    view.groups.push_back({0, event.data, {}});
    return view;
  }
  const std::vector<View>& views() const { return views_; }

 private:
  std::vector<View> views_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_HISTORY_H_
