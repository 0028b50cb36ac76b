#include "gateway/common/schemas.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver_util.h"

namespace concordat::gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;
namespace util = ::google::protobuf::util;

constexpr char kHealthEdge[] = "edge-health";
constexpr char kHealthEdgeProgram[] = "concordat-adapter";
constexpr char kTypeUrlPrefix[] = "type.googleapis.com";

std::string TypeUrl(const Descriptor& type) {
  return absl::StrCat(kTypeUrlPrefix, "/", type.full_name());
}

// Protobuf's own string type is not absl::string_view.
google::protobuf::StringPiece Piece(absl::string_view text) {
  return {text.data(), text.size()};
}

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
    schemas->files_.push_back(schemas->pool_.BuildFile(file));
    if (schemas->files_.back() == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("the descriptor set's ", file.name(), " does not load"));
    }
  }
  schemas->resolver_.reset(
      util::NewTypeResolverForDescriptorPool(kTypeUrlPrefix, &schemas->pool_));
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
  const std::string package = absl::StrCat("concordat.", parts[0], ".v1");
  std::vector<std::string> known;
  for (const FileDescriptor* const file : files_) {
    if (file->package() != package) continue;
    for (int i = 0; i < file->service_count(); ++i) {
      const ServiceDescriptor& service = *file->service(i);
      const auto* found = service.FindMethodByName(parts[1]);
      if (found != nullptr) return found;
      for (int j = 0; j < service.method_count(); ++j) {
        known.push_back(service.method(j)->name());
      }
    }
  }
  if (known.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no package ", parts[0], " with methods"));
  }
  return absl::NotFoundError(absl::StrCat("there is no method ", name, "; ",
                                          parts[0], " has ",
                                          absl::StrJoin(known, ", ")));
}

std::unique_ptr<Message> Schemas::NewMessage(const Descriptor& type) const {
  return std::unique_ptr<Message>(factory_.GetPrototype(&type)->New());
}

absl::StatusOr<std::string> Schemas::FromJson(const Descriptor& type,
                                              absl::string_view json) const {
  std::string bytes;
  const auto status = util::JsonToBinaryString(resolver_.get(), TypeUrl(type),
                                               Piece(json), &bytes);
  if (status.ok()) return bytes;
  return absl::InvalidArgumentError(absl::StrCat(
      "not a ", type.full_name(), ": ",
      absl::string_view(status.message().data(), status.message().size())));
}

absl::StatusOr<std::string> Schemas::ToJson(const Descriptor& type,
                                            absl::string_view bytes) const {
  std::string json;
  const std::string message(bytes);
  // The converter gives what it could read of bytes that are no message.
  if (NewMessage(type)->ParseFromString(message) &&
      util::BinaryToJsonString(resolver_.get(), TypeUrl(type), message, &json)
          .ok()) {
    return json;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the answer is not a ", type.full_name()));
}

std::string FullName(const MethodDescriptor& method) {
  return absl::StrCat(method.service()->full_name(), "/", method.name());
}

std::string ProgramOf(const MethodDescriptor& method) {
  const std::vector<std::string> parts =
      absl::StrSplit(method.full_name(), '.');
  // concordat.<package>.v1.<Service>.<Method>
  if (parts.size() < 2) return "";
  if (parts[1] == "edge") return kHealthEdgeProgram;
  // Every program has one; the bus's tells of deliveries.
  if (parts[1] == "access") return "concordat-bus";
  return absl::StrCat("concordat-", parts[1]);
}

std::string ProgramOfEdge(const PrincipalRegistry& registry,
                          absl::string_view agency) {
  for (const auto& each : registry.proto().principals()) {
    if (each.role() == "adapter" && each.agency() == agency &&
        each.name() != kHealthEdge) {
      return each.name();
    }
  }
  return kHealthEdgeProgram;
}

}  // namespace concordat::gateway
