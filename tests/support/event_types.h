// The repository's own event types and code lists, and types made up for a
// test, as registries.
#ifndef CONCORDAT_TESTS_SUPPORT_EVENT_TYPES_H_
#define CONCORDAT_TESTS_SUPPORT_EVENT_TYPES_H_

#include <memory>
#include <string>
#include <vector>

#include "concordat/policy/v1/agreement.pb.h"
#include "google/protobuf/message.h"
#include "services/common/event/type_table.h"

namespace concordat::testing {

// Whole of a file; the test ends when it cannot be read.
std::string ReadFileOrDie(const std::string& path);

// The serialized descriptor set of everything under proto/.
std::string DescriptorSet();
// deploy/config/codes.
std::vector<policy::v1::CodeList> CodeLists();
// The registry of both.
std::shared_ptr<const TypeRegistry> EventTypes();

// The serialized descriptor set of one file in package test, described as a
// google.protobuf.FileDescriptorProto in text; a field's policy is written
//   options { [concordat.policy.v1.field] { tier: TIER_S1 } }
std::string DescriptorSetOf(const std::string& file);

// Fills every field at random: presence, repetition, and values of all sizes.
// Strings are letters of one to three bytes.
void FillAtRandom(uint64_t seed, google::protobuf::Message& message);

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_EVENT_TYPES_H_
