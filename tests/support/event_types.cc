#include "tests/support/event_types.h"

#include <random>

#include "concordat/policy/v1/options.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/text_format.h"
#include "services/common/base/check.h"

namespace concordat::testing {
namespace {

namespace pb = google::protobuf;

class Filler {
 public:
  explicit Filler(uint64_t seed) : engine_(seed) {}

  void Fill(pb::Message& message, int depth) {
    const pb::Descriptor& descriptor = *message.GetDescriptor();
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const pb::FieldDescriptor& field = *descriptor.field(i);
      if (field.message_type() != nullptr && depth > 3) continue;
      const uint64_t count = field.is_repeated() ? Below(4) : Below(2);
      for (uint64_t n = 0; n < count; ++n) Set(message, field, depth);
    }
  }

 private:
  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  // As often short as long.
  uint64_t Number() { return engine_() >> Below(64); }

  std::string Text() {
    static constexpr const char* kLetters[] = {"a", "Z", "0", "é", "水", " "};
    std::string text;
    for (uint64_t n = Below(2) == 0 ? Below(9) : Below(300); n > 0; --n) {
      text += kLetters[Below(6)];
    }
    return text;
  }

  void Set(pb::Message& message, const pb::FieldDescriptor& field, int depth) {
    const pb::Reflection& access = *message.GetReflection();
    const bool add = field.is_repeated();
#define CONCORDAT_SET(Kind, value)                   \
  (add ? access.Add##Kind(&message, &field, (value)) \
       : access.Set##Kind(&message, &field, (value)))
    switch (field.cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        return CONCORDAT_SET(Int32, static_cast<int32_t>(Number()));
      case pb::FieldDescriptor::CPPTYPE_INT64:
        return CONCORDAT_SET(Int64, static_cast<int64_t>(Number()));
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        return CONCORDAT_SET(UInt32, static_cast<uint32_t>(Number()));
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        return CONCORDAT_SET(UInt64, Number());
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        return CONCORDAT_SET(Double, static_cast<double>(Number()));
      case pb::FieldDescriptor::CPPTYPE_FLOAT:
        return CONCORDAT_SET(Float, static_cast<float>(Number()));
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        return CONCORDAT_SET(Bool, Below(2) == 0);
      case pb::FieldDescriptor::CPPTYPE_ENUM:
        return CONCORDAT_SET(
            Enum,
            field.enum_type()->value(static_cast<int>(Below(
                static_cast<uint64_t>(field.enum_type()->value_count())))));
      case pb::FieldDescriptor::CPPTYPE_STRING:
        return CONCORDAT_SET(String, Text());
      case pb::FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(add ? *access.AddMessage(&message, &field)
                 : *access.MutableMessage(&message, &field),
             depth + 1);
        return;
    }
#undef CONCORDAT_SET
  }

  std::mt19937_64 engine_;
};

}  // namespace

std::string DescriptorSetOf(const std::string& file) {
  pb::FileDescriptorSet set;
  const pb::FileDescriptor* const options =
      policy::v1::FieldPolicy::descriptor()->file();
  options->dependency(0)->CopyTo(set.add_file());
  options->CopyTo(set.add_file());
  pb::FileDescriptorProto& ours = *set.add_file();
  CONCORDAT_CHECK(pb::TextFormat::ParseFromString(file, &ours));
  ours.set_name("test.proto");
  ours.set_package("test");
  ours.set_syntax("proto3");
  ours.add_dependency(options->name());
  return set.SerializeAsString();
}

void FillAtRandom(uint64_t seed, pb::Message& message) {
  Filler(seed).Fill(message, 0);
}

}  // namespace concordat::testing
