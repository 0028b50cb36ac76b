#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_TYPES_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_TYPES_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "services/common/event/type_table.h"

namespace concordat::testing {

// A type whose messages are text: "party,party;lead;level", and after two more
// semicolons who it is restricted to and who is excluded.
class FakeType : public EventType {
 public:
  FakeType(std::string name, policy::v1::TypePolicy policy,
           std::vector<GroupInfo> groups)
      : name_(std::move(name)),
        policy_(std::move(policy)),
        groups_(std::move(groups)) {}
  absl::string_view name() const override { return name_; }
  const std::vector<GroupInfo>& groups() const override { return groups_; }
  const policy::v1::TypePolicy& policy() const override { return policy_; }
  // A group that starts with '!' breaks a rule.
  absl::Status Check(GroupViews groups,
                     std::vector<std::string>* faults) const override {
    for (const auto& group : groups) {
      if (group.data.empty() || group.data[0] != '!') continue;
      if (!policy_.urgent()) {
        return absl::InvalidArgumentError("text: may not start with !");
      }
      faults->push_back("text: may not start with !");
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::vector<BasicGroup<std::string>>> Split(
      absl::string_view message) const override {
    return std::vector<BasicGroup<std::string>>{{0, std::string(message)}};
  }
  absl::StatusOr<PolicyFacts> ReadPolicyFacts(
      absl::string_view message) const override {
    const std::vector<std::string> parts = absl::StrSplit(message, ';');
    PolicyFacts facts;
    if ((parts.size() != 3 && parts.size() != 5) ||
        !absl::SimpleAtoi(parts[2], &facts.level)) {
      return absl::InvalidArgumentError("not facts");
    }
    if (parts.size() == 5) {
      facts.restricted_to = absl::StrSplit(parts[3], ',', absl::SkipEmpty());
      facts.excluded = absl::StrSplit(parts[4], ',', absl::SkipEmpty());
    }
    facts.parties = absl::StrSplit(parts[0], ',', absl::SkipEmpty());
    facts.lead = parts[1];
    return facts;
  }

 private:
  const std::string name_;
  const policy::v1::TypePolicy policy_;
  const std::vector<GroupInfo> groups_;
};

class FakeTypes : public TypeRegistry {
 public:
  // Groups 0 to 2 and, from 3 on, one for each of `categories`.
  FakeTypes& Add(std::string name, policy::v1::TypePolicy policy = {},
                 const std::vector<policy::v1::Category>& categories = {}) {
    std::vector<GroupInfo> groups = {
        {0, policy::v1::TIER_S1, policy::v1::CATEGORY_UNSPECIFIED},
        {1, policy::v1::TIER_S2, policy::v1::CATEGORY_UNSPECIFIED},
        {2, policy::v1::TIER_S3, policy::v1::CATEGORY_UNSPECIFIED}};
    for (const policy::v1::Category category : categories) {
      groups.push_back({static_cast<uint32_t>(groups.size()),
                        policy::v1::TIER_S4, category});
    }
    policy.set_event(true);
    types_[name] =
        std::make_unique<FakeType>(name, std::move(policy), std::move(groups));
    return *this;
  }
  FakeTypes& AddGroups(std::string name, policy::v1::TypePolicy policy,
                       std::vector<GroupInfo> groups) {
    policy.set_event(true);
    types_[name] =
        std::make_unique<FakeType>(name, std::move(policy), std::move(groups));
    return *this;
  }
  const EventType* Find(absl::string_view name) const override {
    const auto found = types_.find(std::string(name));
    return found == types_.end() ? nullptr : found->second.get();
  }
  std::vector<absl::string_view> names() const override {
    std::vector<absl::string_view> names;
    for (const auto& [name, type] : types_) names.push_back(name);
    return names;
  }
  absl::StatusOr<std::string> FromJson(absl::string_view,
                                       absl::string_view) const override {
    return absl::UnimplementedError("not in tests");
  }
  absl::StatusOr<std::string> ToJson(absl::string_view,
                                     absl::string_view) const override {
    return absl::UnimplementedError("not in tests");
  }

 private:
  std::map<std::string, std::unique_ptr<EventType>> types_;
};

inline policy::v1::TypePolicy WithEffect(policy::v1::Effect effect) {
  policy::v1::TypePolicy policy;
  policy.set_effect(effect);
  return policy;
}

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_TYPES_H_
