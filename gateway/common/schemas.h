// Methods and messages as the data directory's descriptor set has them: neither
// the command line nor the gateway links messages that it only passes on. PURE.
//
// Threads  Any number of readers.
#ifndef CONCORDAT_GATEWAY_COMMON_SCHEMAS_H_
#define CONCORDAT_GATEWAY_COMMON_SCHEMAS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/util/type_resolver.h"
#include "services/common/config/principal_registry.h"

namespace concordat::gateway {

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

  // An empty message of this type.
  std::unique_ptr<google::protobuf::Message> NewMessage(
      const google::protobuf::Descriptor& type) const;

  // A message's bytes from JSON, and back, by protobuf's own mapping: unknown
  // fields are refused, fields with their default value left out.
  //   INVALID_ARGUMENT  names what is wrong.
  absl::StatusOr<std::string> FromJson(const google::protobuf::Descriptor& type,
                                       absl::string_view json) const;
  absl::StatusOr<std::string> ToJson(const google::protobuf::Descriptor& type,
                                     absl::string_view bytes) const;

  // In the order of the descriptor set.
  const std::vector<const google::protobuf::FileDescriptor*>& files() const {
    return files_;
  }

 private:
  Schemas() = default;

  google::protobuf::DescriptorPool pool_;
  mutable google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::vector<const google::protobuf::FileDescriptor*> files_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

// "concordat.mappa.v1.MappaService/OpenCase".
std::string FullName(const google::protobuf::MethodDescriptor& method);
// The program that serves it: "concordat-mappa". Each edge serves those of
// concordat.edge: ask ProgramOfEdge().
std::string ProgramOf(const google::protobuf::MethodDescriptor& method);
// The program that is the edge of an agency: "concordat-adapter" for the health
// board's, and for an agency that has none; else the adapter's name.
std::string ProgramOfEdge(const PrincipalRegistry& registry,
                          absl::string_view agency);

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_COMMON_SCHEMAS_H_
