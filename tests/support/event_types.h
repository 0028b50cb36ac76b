// Event types made up for a test, and messages made up at random.
#ifndef CONCORDAT_TESTS_SUPPORT_EVENT_TYPES_H_
#define CONCORDAT_TESTS_SUPPORT_EVENT_TYPES_H_

#include <cstdint>
#include <string>

#include "google/protobuf/message.h"

namespace concordat::testing {

// The serialized descriptor set of one file in package test, described as a
// google.protobuf.FileDescriptorProto in text; a field's policy is written
//   options { [concordat.policy.v1.field] { tier: TIER_S1 } }
std::string DescriptorSetOf(const std::string& file);

// Fills every field at random: presence, repetition, and values of all sizes.
// Strings are letters of one to three bytes.
void FillAtRandom(uint64_t seed, google::protobuf::Message& message);

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_EVENT_TYPES_H_
