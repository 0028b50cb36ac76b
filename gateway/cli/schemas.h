// Methods and messages as the data directory's descriptor set has them: the
// command line links no service's messages that it only passes on.
//
// Threads  Any number of readers.
#ifndef CONCORDAT_GATEWAY_CLI_SCHEMAS_H_
#define CONCORDAT_GATEWAY_CLI_SCHEMAS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"

namespace concordat::cli {

class Schemas {
 public:
  // `descriptor_set` is a serialized FileDescriptorSet that holds its imports.
  //   INVALID_ARGUMENT
  static absl::StatusOr<std::unique_ptr<Schemas>> Build(
      absl::string_view descriptor_set);

  // "mappa.OpenCase", "concordat.mappa.v1.MappaService/OpenCase", or with a dot
  // for the slash.
  //   NOT_FOUND  names the methods that there are in the package.
  absl::StatusOr<const google::protobuf::MethodDescriptor*> FindMethod(
      absl::string_view name) const;

  // A message from JSON, and back (json.h has the mapping).
  //   INVALID_ARGUMENT  names what is wrong.
  absl::StatusOr<std::unique_ptr<google::protobuf::Message>> FromJson(
      const google::protobuf::Descriptor& type, absl::string_view json) const;
  absl::StatusOr<std::string> ToJson(const google::protobuf::Descriptor& type,
                                     absl::string_view bytes) const;

 private:
  Schemas() = default;

  google::protobuf::DescriptorPool pool_;
  mutable google::protobuf::DynamicMessageFactory factory_{&pool_};
};

// "concordat.mappa.v1.MappaService/OpenCase".
std::string FullName(const google::protobuf::MethodDescriptor& method);
// The program that serves it: "concordat-mappa".
std::string ProgramOf(const google::protobuf::MethodDescriptor& method);

}  // namespace concordat::cli

#endif  // CONCORDAT_GATEWAY_CLI_SCHEMAS_H_
