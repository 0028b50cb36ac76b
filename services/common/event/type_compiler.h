// Compiles descriptors into tables. Internal to services/common/event.
#ifndef CONCORDAT_SERVICES_COMMON_EVENT_TYPE_COMPILER_H_
#define CONCORDAT_SERVICES_COMMON_EVENT_TYPE_COMPILER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "services/common/event/compiled_type.h"

namespace concordat {

using CodeLists =
    absl::flat_hash_map<std::string, absl::flat_hash_set<std::string>>;

// Tables of every event type of a pool, and what they stand on.
class TypeCompiler {
 public:
  // Fills `pool`, which is empty, and judges every message (see
  // CheckDescriptors()).
  static absl::Status Load(
      absl::string_view descriptor_set, google::protobuf::DescriptorPool& pool,
      std::vector<const google::protobuf::Descriptor*>& event_types);

  // `code_lists` null: not asked. Else they outlive this.
  explicit TypeCompiler(const CodeLists* code_lists)
      : code_lists_(code_lists) {}
  //   INVALID_ARGUMENT  names the field and the rule.
  absl::Status Add(const google::protobuf::Descriptor& descriptor);

  const absl::flat_hash_map<std::string, std::unique_ptr<CompiledType>>& types()
      const {
    return types_;
  }

 private:
  absl::StatusOr<const MessageTable*> Compile(
      const google::protobuf::Descriptor& descriptor);
  absl::Status CompileField(const google::protobuf::FieldDescriptor& descriptor,
                            FieldTable& field);
  static absl::Status AssignGroups(
      const google::protobuf::Descriptor& descriptor, MessageTable& table,
      std::vector<GroupInfo>& groups);

  const CodeLists* code_lists_;
  absl::flat_hash_map<const google::protobuf::Descriptor*,
                      std::unique_ptr<MessageTable>>
      tables_;
  absl::flat_hash_map<std::string, std::unique_ptr<CompiledType>> types_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVENT_TYPE_COMPILER_H_
