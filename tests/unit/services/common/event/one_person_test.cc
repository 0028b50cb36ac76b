// One event, one person: what is told of somebody is sealed with their key alone if no
// event holds anything of another person whom the hub knows. So an erasure of one
// leaves nothing of them readable in an event about another, and takes nothing of the
// other. Mutant: a type with a field for another person's key, which nothing would
// seal with it.
#include <algorithm>
#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "concordat/policy/v1/options.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "gtest/gtest.h"
#include "tests/support/demo_types.h"

namespace concordat {
namespace {

using ::testing::ElementsAre;

bool MayNameAPerson(const google::protobuf::FieldDescriptorProto& field) {
  const std::string& pattern =
      field.options().GetExtension(policy::v1::field).pattern();
  const std::string& name = field.name();
  return absl::StrContains(pattern, "p-[") || name == "subject" ||
         name == "person" || absl::EndsWith(name, "_subject") ||
         absl::EndsWith(name, "_person");
}

// Fields of `message`, and of those in it.
void Collect(const google::protobuf::DescriptorProto& message,
             const std::string& scope, std::set<std::string>& found) {
  const std::string name = absl::StrCat(scope, ".", message.name());
  for (const auto& field : message.field()) {
    if (MayNameAPerson(field)) {
      found.insert(absl::StrCat(name, ".", field.name()));
    }
  }
  for (const auto& nested : message.nested_type()) {
    Collect(nested, name, found);
  }
}

TEST(OnePersonTest, NoEventHoldsAnothersKey) {
  google::protobuf::FileDescriptorSet set;
  ASSERT_TRUE(set.ParseFromString(testing::DemoDescriptorSet()));
  std::set<std::string> found;
  int events = 0;
  for (const auto& file : set.file()) {
    const auto is_event = [](const auto& message) {
      return message.options().GetExtension(policy::v1::type).event();
    };
    // What an event is made of is in its file.
    const int in_file = static_cast<int>(std::count_if(
        file.message_type().begin(), file.message_type().end(), is_event));
    events += in_file;
    if (in_file == 0) continue;
    for (const auto& message : file.message_type()) {
      Collect(message, file.package(), found);
    }
  }
  EXPECT_GT(events, 50);
  // Two keys of one person: both are named when they are erased.
  EXPECT_THAT(found, ElementsAre("concordat.identity.v1.IdentityReviewDecided."
                                 "survivor"));
}

}  // namespace
}  // namespace concordat
