#include "gateway/api/documents.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "concordat/policy/v1/options.pb.h"
#include "gateway/api/json_schema.h"
#include "google/protobuf/descriptor.pb.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;
using ::google::protobuf::Descriptor;
using ::google::protobuf::FileDescriptor;
using ::google::protobuf::FileDescriptorSet;
using ::google::protobuf::MethodDescriptor;
using ::google::protobuf::ServiceDescriptor;

constexpr char kVersion[] = "1";

json::value ParseConstant(const char* text) { return json::parse(text); }

json::object Info(const char* title, const char* description) {
  return {
      {"title", title}, {"version", kVersion}, {"description", description}};
}

json::object Content(const char* type, json::object schema) {
  return {{type, {{"schema", std::move(schema)}}}};
}

template <typename Each>
void ForEachService(const Schemas& schemas, const Each& each) {
  for (const FileDescriptor* const file : schemas.files()) {
    for (int i = 0; i < file->service_count(); ++i) each(*file->service(i));
  }
}

template <typename Each>
void ForEachEventType(const Schemas& schemas, const Each& each) {
  for (const FileDescriptor* const file : schemas.files()) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      const Descriptor& type = *file->message_type(i);
      const auto& policy = type.options().GetExtension(policy::v1::type);
      if (policy.event() && !policy.internal()) each(type);
    }
  }
}

// The first sentence as its summary.
void AddWords(const std::string& words, json::object* object) {
  if (words.empty()) return;
  const absl::string_view first =
      absl::string_view(words).substr(0, words.find('\n'));
  (*object)["summary"] =
      std::string(absl::StripSuffix(first.substr(0, first.find(". ")), "."));
  (*object)["description"] = words;
}

json::object OperationOf(const MethodDescriptor& method,
                         json::object* schemas) {
  AddSchemas(*method.input_type(), schemas);
  AddSchemas(*method.output_type(), schemas);
  const char* const type = method.server_streaming()
                               ? "application/connect+json"
                               : "application/json";
  json::object operation = {
      {"operationId", method.full_name()},
      {"tags", json::array{method.service()->full_name()}},
      {"parameters",
       json::array{{{"$ref", "#/components/parameters/Purpose"}},
                   {{"$ref", "#/components/parameters/Timeout"}},
                   {{"$ref", "#/components/parameters/Program"}}}},
      {"requestBody",
       {{"required", true},
        {"content", Content(type, ReferenceTo(*method.input_type()))}}},
      {"responses",
       {{"200",
         {{"description", method.server_streaming()
                              ? "A stream of envelopes, each with one message."
                              : "The answer."},
          {"content", Content(type, ReferenceTo(*method.output_type()))}}},
        {"default", {{"$ref", "#/components/responses/Error"}}}}}};
  AddWords(WordsOf(method), &operation);
  return operation;
}

// Paths that no method has.
const char kPaths[] = R"json({
  "/events": {
    "post": {
      "operationId": "publishEvents",
      "tags": ["events"],
      "summary": "Publishes CloudEvents",
      "description": "Publishes CloudEvents in the binary, structured or batched form. 200: every one was accepted; 422: at least one was refused; 503: the bus did not answer, repeat with the same ids. The body says what became of each, in order; /asyncapi.json has the types.",
      "requestBody": {"required": true, "content": {
        "application/cloudevents+json": {"schema": {"type": "object"}},
        "application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}},
        "application/json": {"schema": {"type": "object"}}}},
      "responses": {
        "200": {"$ref": "#/components/responses/Outcomes"},
        "422": {"$ref": "#/components/responses/Outcomes"},
        "503": {"$ref": "#/components/responses/Outcomes"},
        "default": {"$ref": "#/components/responses/Error"}}
    },
    "get": {
      "operationId": "readEvents",
      "tags": ["events"],
      "summary": "A person's events",
      "description": "A person's events as the caller may see them now, oldest first.",
      "parameters": [
        {"name": "subject", "in": "query", "required": true, "schema": {"type": "string"}, "description": "p- and 26 characters."},
        {"name": "after", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "Concordat-Position of the answer before."},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 256}},
        {"$ref": "#/components/parameters/Purpose"}],
      "responses": {
        "200": {
          "description": "The events.",
          "headers": {
            "Concordat-Position": {"schema": {"type": "string"}, "description": "Everything up to here is in this answer and those before."},
            "Concordat-More": {"schema": {"type": "string", "enum": ["true", "false"]}, "description": "Whether to ask again after the position."},
            "Concordat-Restricted": {"schema": {"type": "string"}, "description": "Controllers, with commas between, that have restricted what they told of the person: it is kept and shown to nobody else."}},
          "content": {"application/cloudevents-batch+json": {"schema": {"type": "array", "items": {"type": "object"}}}}},
        "default": {"$ref": "#/components/responses/Error"}}
    }
  },
  "/alerts/stream": {
    "get": {
      "operationId": "followAlerts",
      "tags": ["alerts"],
      "summary": "Follows the caller's alerts",
      "description": "Server-sent events: each alert addressed to the caller as it is raised or changes. Every few seconds the log's time up to which alerts are judged, and whether there is more. After a break Last-Event-ID says where to go on; what stood at that position comes again.",
      "parameters": [{"name": "Last-Event-ID", "in": "header", "schema": {"type": "string", "pattern": "^[0-9]+$"}}],
      "responses": {
        "200": {"description": "id: log position; event: alert; data: JSON of concordat.alerts.v1.Alert. Without id, event: time; data: JSON of time and upToDate of concordat.alerts.v1.ListAlertsResponse.", "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        "default": {"$ref": "#/components/responses/Error"}}
    }
  },
  "/healthz": {
    "get": {
      "operationId": "health",
      "tags": ["health"],
      "summary": "Whether the gateway answers",
      "security": [],
      "responses": {"200": {"description": "It answers.", "content": {"application/json": {"schema": {"type": "object"}}}}}
    }
  }
})json";

const char kComponents[] = R"json({
  "securitySchemes": {
    "certificate": {"type": "mutualTLS", "description": "A client certificate of the arrangement's authority."},
    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-concordat", "description": "Made by POST /session; what changes something also carries Concordat-CSRF."}
  },
  "parameters": {
    "Purpose": {"name": "Concordat-Purpose", "in": "header", "schema": {"type": "string", "pattern": "^[A-Z0-9_]{1,64}$"}, "description": "What the call is for; else the session's or the principal's own."},
    "Timeout": {"name": "Connect-Timeout-Ms", "in": "header", "schema": {"type": "integer", "minimum": 0}},
    "Program": {"name": "Concordat-Program", "in": "header", "schema": {"type": "string"}, "description": "Where several programs serve the method: which one."}
  },
  "responses": {
    "Error": {"description": "Why not.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}},
    "Outcomes": {"description": "What became of each event: one object, or for a batch an array.", "content": {"application/json": {"schema": {"oneOf": [
      {"$ref": "#/components/schemas/Outcome"},
      {"type": "array", "items": {"$ref": "#/components/schemas/Outcome"}}]}}}}
  }
})json";

const char kOwnSchemas[] = R"json({
  "Error": {
    "type": "object",
    "required": ["code", "message"],
    "properties": {
      "code": {"type": "string"},
      "message": {"type": "string"},
      "details": {"type": "array", "items": {"type": "object", "properties": {"type": {"type": "string"}, "value": {"type": "string", "contentEncoding": "base64"}}}}
    }
  },
  "Outcome": {
    "oneOf": [
      {"type": "object", "required": ["id", "sequence", "duplicate"], "properties": {
        "id": {"type": "string"}, "sequence": {"type": "integer"}, "duplicate": {"type": "boolean"},
        "faults": {"type": "array", "items": {"type": "string"}}}},
      {"type": "object", "required": ["id", "error"], "properties": {
        "id": {"type": "string"}, "error": {"type": "string"}}}
    ]
  }
})json";

// Beside type and data. services/common/event/cloudevents.h says what each
// means.
const char kAttributes[] = R"json({
  "type": "object",
  "required": ["specversion", "id", "type", "time"],
  "properties": {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "minLength": 1, "maxLength": 64},
    "source": {"type": "string", "pattern": "^urn:concordat:"},
    "type": {"type": "string"},
    "subject": {"type": "string", "description": "p- and 26 characters; or ref:<system>:<number>, which identity resolves."},
    "time": {"type": "string", "format": "date-time"},
    "recordedtime": {"type": "string", "format": "date-time"},
    "effectivetime": {"type": "string", "format": "date-time"},
    "timeprecision": {"enum": ["second", "minute", "day", "about"]},
    "controller": {"type": "string"},
    "purpose": {"type": "string"},
    "gateway": {"type": "string"},
    "stream": {"type": "string", "maxLength": 128},
    "expectedversion": {"type": "string", "pattern": "^[0-9]+$"},
    "regime": {"enum": ["part3", "gdpr"]},
    "basis": {"enum": ["observed", "reported-by-partner", "opinion", "suspicion"]},
    "classification": {"enum": ["OFFICIAL", "OFFICIAL-SENSITIVE"]},
    "subjectrole": {"type": "string"},
    "onbehalfof": {"type": "string"},
    "correlation": {"type": "string"},
    "causation": {"type": "string"},
    "corrects": {"type": "string"},
    "retracts": {"type": "string"},
    "traceparent": {"type": "string"},
    "datacontenttype": {"const": "application/json"},
    "sequence": {"type": "string", "pattern": "^[0-9]+$"},
    "acceptedtime": {"type": "string", "format": "date-time"},
    "withheld": {"type": "string", "description": "Items with \"; \" between them."},
    "faults": {"type": "string", "description": "Items with \"; \" between them."},
    "localsubject": {"type": "string"},
    "environment": {"enum": ["live", "shadow", "training", "demo"]}
  }
})json";

json::object MessageOf(const Descriptor& type) {
  json::object message = {
      {"name", type.full_name()},
      {"contentType", "application/cloudevents+json"},
      {"payload",
       {{"allOf", json::array{{{"$ref", "#/components/schemas/CloudEvent"}},
                              {{"type", "object"},
                               {"properties",
                                {{"type", {{"const", type.full_name()}}},
                                 {"data", ReferenceTo(type)}}}}}}}}};
  AddWords(WordsOf(type), &message);
  return message;
}

absl::StatusOr<FileDescriptorSet> Parse(absl::string_view bytes) {
  FileDescriptorSet set;
  if (!set.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError("not a descriptor set");
  }
  return set;
}

}  // namespace

absl::Status CheckDocumented(absl::string_view types,
                             absl::string_view documented) {
  const auto plain = Parse(types);
  if (!plain.ok()) return plain.status();
  auto bare = Parse(documented);
  if (!bare.ok()) return bare.status();
  for (auto& file : *bare->mutable_file()) file.clear_source_code_info();
  if (bare->SerializeAsString() == plain->SerializeAsString()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError("comments of other protos");
}

std::string OpenApi(const Schemas& schemas) {
  json::object components = ParseConstant(kComponents).as_object();
  json::object own = ParseConstant(kOwnSchemas).as_object();
  json::object paths = ParseConstant(kPaths).as_object();
  json::array tags;
  ForEachService(schemas, [&](const ServiceDescriptor& service) {
    json::object tag = {{"name", service.full_name()}};
    if (const std::string words = WordsOf(service); !words.empty()) {
      tag["description"] = words;
    }
    tags.push_back(std::move(tag));
    for (int i = 0; i < service.method_count(); ++i) {
      const MethodDescriptor& method = *service.method(i);
      if (method.client_streaming()) continue;
      paths[absl::StrCat("/", FullName(method))] = {
          {"post", OperationOf(method, &own)}};
    }
  });
  components["schemas"] = std::move(own);
  return json::serialize(json::object{
      {"openapi", "3.1.0"},
      {"info", Info("Concordat",
                    "Every method of the hub by the Connect protocol, in "
                    "the caller's name and with the caller's rights.")},
      {"tags", std::move(tags)},
      {"security", json::array{{{"certificate", json::array{}}},
                               {{"session", json::array{}}}}},
      {"paths", std::move(paths)},
      {"components", std::move(components)}});
}

std::string AsyncApi(const Schemas& schemas) {
  json::object own = {{"CloudEvent", ParseConstant(kAttributes)}};
  json::object messages;
  json::object in_channel;
  ForEachEventType(schemas, [&](const Descriptor& type) {
    AddSchemas(type, &own);
    messages[type.full_name()] = MessageOf(type);
    in_channel[type.full_name()] = {
        {"$ref", absl::StrCat("#/components/messages/", type.full_name())}};
  });
  json::object alert;
  for (const FileDescriptor* const file : schemas.files()) {
    if (file->package() != "concordat.alerts.v1") continue;
    if (const auto* const type = file->FindMessageTypeByName("Alert")) {
      AddSchemas(*type, &own);
      alert = {{"name", type->full_name()},
               {"contentType", "application/json"},
               {"payload", ReferenceTo(*type)}};
    }
  }
  json::object channels = {
      {"events",
       {{"address", "/events"}, {"messages", std::move(in_channel)}}}};
  json::object operations = {
      {"publish",
       {{"action", "receive"},
        {"channel", {{"$ref", "#/channels/events"}}},
        {"summary", "POST /events, as CloudEvents over HTTP."}}},
      {"read",
       {{"action", "send"},
        {"channel", {{"$ref", "#/channels/events"}}},
        {"summary",
         "GET /events?subject=…: a person's events as the caller "
         "may see them."}}}};
  if (!alert.empty()) {
    messages["Alert"] = std::move(alert);
    channels["alerts"] = {
        {"address", "/alerts/stream"},
        {"messages", {{"Alert", {{"$ref", "#/components/messages/Alert"}}}}}};
    operations["follow"] = {
        {"action", "send"},
        {"channel", {{"$ref", "#/channels/alerts"}}},
        {"summary",
         "GET /alerts/stream, as server-sent events; beside them, how "
         "far alerts are judged."}};
  }
  return json::serialize(json::object{
      {"asyncapi", "3.0.0"},
      {"info", Info("Concordat",
                    "The facts that are published and read, and "
                    "the alerts that are followed.")},
      {"defaultContentType", "application/cloudevents+json"},
      {"channels", std::move(channels)},
      {"operations", std::move(operations)},
      {"components",
       {{"messages", std::move(messages)}, {"schemas", std::move(own)}}}});
}

}  // namespace concordat::gateway
