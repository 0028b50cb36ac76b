#include "gateway/cli/schemas.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "gateway/cli/json.h"
#include "google/protobuf/descriptor.pb.h"

namespace concordat::cli {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

}  // namespace

absl::StatusOr<std::unique_ptr<Schemas>> Schemas::Build(
    absl::string_view descriptor_set) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(descriptor_set.data(),
                          static_cast<int>(descriptor_set.size()))) {
    return absl::InvalidArgumentError("not a descriptor set");
  }
  std::unique_ptr<Schemas> schemas(new Schemas());
  for (const auto& file : set.file()) {
    if (schemas->pool_.BuildFile(file) == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the descriptor set's ", file.name(), " does not load"));
    }
  }
  return schemas;
}

absl::StatusOr<const MethodDescriptor*> Schemas::FindMethod(
    absl::string_view name) const {
  std::vector<std::string> parts =
      absl::StrSplit(name, absl::ByAnyChar("./"), absl::SkipEmpty());
  if (parts.size() > 2) {
    const auto* found = pool_.FindMethodByName(absl::StrJoin(parts, "."));
    if (found != nullptr) return found;
    return absl::NotFoundError(absl::StrCat("there is no method ", name));
  }
  if (parts.size() != 2) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is not of the form mappa.OpenCase"));
  }
  // A package has its services in one file.
  for (const char* file_name : {"service", "status"}) {
    const FileDescriptor* const file = pool_.FindFileByName(
        absl::StrCat("concordat/", parts[0], "/v1/", file_name, ".proto"));
    if (file == nullptr) continue;
    std::vector<std::string> known;
    for (int i = 0; i < file->service_count(); ++i) {
      const ServiceDescriptor& service = *file->service(i);
      const auto* found = service.FindMethodByName(parts[1]);
      if (found != nullptr) return found;
      for (int j = 0; j < service.method_count(); ++j) {
        known.push_back(service.method(j)->name());
      }
    }
    return absl::NotFoundError(absl::StrCat("there is no method ", name, "; ",
                                            parts[0], " has ",
                                            absl::StrJoin(known, ", ")));
  }
  return absl::NotFoundError(
      absl::StrCat("there is no package ", parts[0], " with methods"));
}

absl::StatusOr<std::unique_ptr<Message>> Schemas::FromJson(
    const Descriptor& type, absl::string_view json) const {
  std::unique_ptr<Message> message(factory_.GetPrototype(&type)->New());
  auto status = cli::FromJson(json, message.get());
  if (!status.ok()) return status;
  return message;
}

absl::StatusOr<std::string> Schemas::ToJson(const Descriptor& type,
                                            absl::string_view bytes) const {
  const std::unique_ptr<Message> message(factory_.GetPrototype(&type)->New());
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError(
        absl::StrCat("the answer is not a ", type.full_name()));
  }
  return cli::ToJson(*message);
}

std::string FullName(const MethodDescriptor& method) {
  return absl::StrCat(method.service()->full_name(), "/", method.name());
}

std::string ProgramOf(const MethodDescriptor& method) {
  const std::vector<std::string> parts =
      absl::StrSplit(method.full_name(), '.');
  // concordat.<package>.v1.<Service>.<Method>
  if (parts.size() < 2) return "";
  if (parts[1] == "edge") return "concordat-adapter";
  return absl::StrCat("concordat-", parts[1]);
}

}  // namespace concordat::cli
