#include "services/common/rpc/persons.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "concordat/hub/v1/command.pb.h"
#include "google/protobuf/descriptor.h"
#include "services/common/base/ids.h"

namespace concordat {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;

constexpr int kDepthMax = 16;
constexpr size_t kKeyChars = 28;

}  // namespace

void CallPersons::AddText(const std::string& text) {
  if (text.size() != kKeyChars || !absl::StartsWith(text, "p-") ||
      !PersonKey::Parse(text).ok() ||
      std::find(subjects.begin(), subjects.end(), text) != subjects.end()) {
    return;
  }
  if (subjects.size() >= kMax) {
    more = true;
  } else {
    subjects.push_back(text);
  }
}

void CallPersons::Add(const Message& message) { Add(message, 0); }

void CallPersons::Add(const Message& message, int depth) {
  if (depth > kDepthMax) return;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  std::string scratch;
  for (const FieldDescriptor* field : fields) {
    const bool is_text = field->type() == FieldDescriptor::TYPE_STRING;
    if (!is_text && field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    const int count =
        field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (is_text) {
        AddText(field->is_repeated()
                    ? reflection.GetRepeatedStringReference(message, field, i,
                                                            &scratch)
                    : reflection.GetStringReference(message, field, &scratch));
      } else {
        Add(field->is_repeated()
                ? reflection.GetRepeatedMessage(message, field, i)
                : reflection.GetMessage(message, field),
            depth + 1);
      }
    }
  }
}

void CallPersons::AddRequest(const Message& request) {
  Add(request);
  const FieldDescriptor* const field =
      request.GetDescriptor()->FindFieldByName("command");
  if (field == nullptr || field->is_repeated() ||
      field->message_type() != hub::v1::Command::descriptor()) {
    return;
  }
  is_command = true;
  const auto& command = static_cast<const hub::v1::Command&>(
      request.GetReflection()->GetMessage(request, field));
  on_behalf_of = command.on_behalf_of();
}

void CallPersons::Remove(const CallPersons& others) {
  std::erase_if(subjects, [&others](const std::string& subject) {
    return std::find(others.subjects.begin(), others.subjects.end(), subject) !=
           others.subjects.end();
  });
}

policy::v1::Operation OperationOf(absl::string_view method, bool is_command) {
  const google::protobuf::MethodDescriptor* const found =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
          absl::StrReplaceAll(method, {{"/", "."}}));
  if (found != nullptr) {
    const policy::v1::Operation said =
        found->options().GetExtension(policy::v1::operation);
    if (said != policy::v1::OPERATION_UNSPECIFIED) return said;
  }
  return is_command ? policy::v1::OPERATION_ALTERATION
                    : policy::v1::OPERATION_CONSULTATION;
}

}  // namespace concordat
