#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "boost/json.hpp"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/util/json_util.h"
#include "services/common/event/type_compiler.h"
#include "services/common/event/type_table.h"

namespace concordat {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::DynamicMessageFactory;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

class Registry : public TypeRegistry {
 public:
  Registry() : compiler_(&code_lists_) {}

  absl::Status Init(absl::string_view descriptor_set,
                    const std::vector<policy::v1::CodeList>& code_lists) {
    for (const policy::v1::CodeList& list : code_lists) {
      code_lists_[list.name()].insert(list.codes().begin(), list.codes().end());
    }
    std::vector<const Descriptor*> event_types;
    absl::Status status =
        TypeCompiler::Load(descriptor_set, pool_, event_types);
    for (const Descriptor* const type : event_types) {
      if (!status.ok()) return status;
      status = compiler_.Add(*type);
      names_.push_back(type->full_name());
    }
    std::sort(names_.begin(), names_.end());
    return status;
  }

  const EventType* Find(absl::string_view name) const override {
    const auto found = compiler_.types().find(name);
    return found == compiler_.types().end() ? nullptr : found->second.get();
  }

  std::vector<absl::string_view> names() const override {
    return {names_.begin(), names_.end()};
  }

  absl::StatusOr<std::string> FromJson(absl::string_view type,
                                       absl::string_view json) const override {
    std::unique_ptr<Message> message = New(type);
    if (message == nullptr) return NoSuchType();
    if (!Parse(json, *message)) {
      return WhatIsWrong(json, *message->GetDescriptor());
    }
    return message->SerializeAsString();
  }

  absl::StatusOr<std::string> ToJson(absl::string_view type,
                                     absl::string_view bytes) const override {
    std::unique_ptr<Message> message = New(type);
    if (message == nullptr) return NoSuchType();
    std::string json;
    if (!message->ParseFromArray(bytes.data(),
                                 static_cast<int>(bytes.size())) ||
        !google::protobuf::util::MessageToJsonString(*message, &json).ok()) {
      return absl::InvalidArgumentError("data: not a message of its type");
    }
    return json;
  }

 private:
  static absl::Status NoSuchType() {
    return absl::NotFoundError("type: no such event type");
  }

  static bool Parse(absl::string_view json, Message& message) {
    return google::protobuf::util::JsonStringToMessage(
               google::protobuf::StringPiece(json.data(), json.size()),
               &message)
        .ok();
  }

  std::unique_ptr<Message> New(absl::string_view type) const {
    if (Find(type) == nullptr) return nullptr;
    const Descriptor* const descriptor =
        pool_.FindMessageTypeByName(std::string(type));
    return std::unique_ptr<Message>(factory_.GetPrototype(descriptor)->New());
  }

  // The parser's own words quote values, so they are not passed on.
  absl::Status WhatIsWrong(absl::string_view json,
                           const Descriptor& descriptor) const {
    boost::json::error_code error;
    const boost::json::value value =
        boost::json::parse({json.data(), json.size()}, error);
    if (error || !value.is_object()) {
      return absl::InvalidArgumentError("data: not a JSON object");
    }
    for (const auto& member : value.get_object()) {
      const std::string name(member.key());
      const FieldDescriptor* field = descriptor.FindFieldByCamelcaseName(name);
      if (field == nullptr) field = descriptor.FindFieldByName(name);
      if (field == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("data: a field that the type does not have, ",
                         Ordinal(value.get_object(), member.key())));
      }
      const std::unique_ptr<Message> message(
          factory_.GetPrototype(&descriptor)->New());
      const boost::json::object alone = {{member.key(), member.value()}};
      if (!Parse(boost::json::serialize(alone), *message)) {
        return absl::InvalidArgumentError(
            absl::StrCat("data.", field->json_name(), ": not of its type"));
      }
    }
    return absl::InvalidArgumentError("data: not JSON of its type");
  }

  static std::string Ordinal(const boost::json::object& object,
                             boost::json::string_view key) {
    const auto at = object.find(key) - object.begin();
    return absl::StrCat("member number ", at + 1);
  }

  CodeLists code_lists_;
  DescriptorPool pool_;
  mutable DynamicMessageFactory factory_;  // Locks for itself.
  TypeCompiler compiler_;
  std::vector<std::string> names_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const TypeRegistry>> TypeRegistry::Build(
    absl::string_view descriptor_set,
    const std::vector<policy::v1::CodeList>& code_lists) {
  auto registry = std::make_shared<Registry>();
  const absl::Status status = registry->Init(descriptor_set, code_lists);
  if (!status.ok()) return status;
  return registry;
}

}  // namespace concordat
