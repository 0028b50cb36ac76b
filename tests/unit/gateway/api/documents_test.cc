// bug                                        test that catches it
//   a message that holds itself never ends   EveryReferenceLeadsSomewhere
//   a nested type left out                   EveryReferenceLeadsSomewhere
//   64 bits as a number                      SchemasAreProtobufsJsonMapping
//   an internal type offered                 AsyncApiHasEveryPublicEventType
#include "gateway/api/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/support/demo_types.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;

class DocumentsTest : public ::testing::Test {
 protected:
  DocumentsTest()
      : schemas_(*Schemas::Build(testing::DemoDescriptorSet())),
        open_(json::parse(OpenApi(*schemas_))),
        async_(json::parse(AsyncApi(*schemas_))) {}

  static const json::value* Follow(const json::value& document,
                                   const std::string& reference) {
    const json::value* at = &document;
    for (const absl::string_view step :
         absl::StrSplit(absl::StripPrefix(reference, "#/"), '/')) {
      const std::string key =
          absl::StrReplaceAll(step, {{"~1", "/"}, {"~0", "~"}});
      if (!at->is_object()) return nullptr;
      at = at->get_object().if_contains(key);
      if (at == nullptr) return nullptr;
    }
    return at;
  }
  // Fails the test for each "$ref" of `value` that leads nowhere.
  static int CheckReferences(const json::value& document,
                             const json::value& value) {
    int count = 0;
    if (value.is_array()) {
      for (const auto& each : value.get_array()) {
        count += CheckReferences(document, each);
      }
    } else if (value.is_object()) {
      for (const auto& member : value.get_object()) {
        if (member.key() == "$ref") {
          ++count;
          const std::string reference(member.value().as_string());
          const auto* const found = Follow(document, reference);
          EXPECT_TRUE(found != nullptr && found->is_object()) << reference;
        } else {
          count += CheckReferences(document, member.value());
        }
      }
    }
    return count;
  }
  const json::object& SchemaOf(const char* type) {
    return open_.at("components").at("schemas").at(type).as_object();
  }

  const std::unique_ptr<Schemas> schemas_;
  const json::value open_;
  const json::value async_;
};

TEST_F(DocumentsTest, AreOfTheVersionsThatTheySay) {
  EXPECT_EQ(open_.at("openapi"), "3.1.0");
  EXPECT_EQ(async_.at("asyncapi"), "3.0.0");
  for (const json::value* const document : {&open_, &async_}) {
    EXPECT_EQ(document->at("info").at("title"), "Concordat");
    EXPECT_TRUE(document->at("info").at("version").is_string());
  }
}

TEST_F(DocumentsTest, EveryReferenceLeadsSomewhere) {
  EXPECT_GT(CheckReferences(open_, open_), 100);
  EXPECT_GT(CheckReferences(async_, async_), 50);
}

TEST_F(DocumentsTest, OpenApiHasEveryMethod) {
  int methods = 0;
  for (const auto* const file : schemas_->files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const auto& method = *file->service(i)->method(j);
        ++methods;
        const std::string path = absl::StrCat("/", FullName(method));
        const auto* const item =
            open_.at("paths").as_object().if_contains(path);
        ASSERT_NE(item, nullptr) << path;
        const json::object& operation = item->at("post").as_object();
        EXPECT_EQ(operation.at("operationId"), json::value(method.full_name()));
        EXPECT_EQ(operation.at("requestBody")
                      .at("content")
                      .as_object()
                      .contains("application/connect+json"),
                  method.server_streaming());
        EXPECT_TRUE(operation.at("responses").as_object().contains("200"));
      }
    }
  }
  EXPECT_GT(methods, 30);
  for (const char* const path : {"/events", "/alerts/stream", "/healthz"}) {
    EXPECT_TRUE(open_.at("paths").as_object().contains(path)) << path;
  }
}

TEST_F(DocumentsTest, SchemasAreProtobufsJsonMapping) {
  const json::object& alert = SchemaOf("concordat.alerts.v1.Alert");
  const json::value& fields = alert.at("properties");
  EXPECT_EQ(fields.at("raisedAt").at("type"), "string");
  EXPECT_EQ(fields.at("raisedAt").at("x-concordat-tier"), "S1");
  EXPECT_EQ(fields.at("evidence").at("type"), "array");
  EXPECT_EQ(fields.at("evidence").at("items").at("$ref"),
            "#/components/schemas/concordat.alerts.v1.Evidence");
  EXPECT_EQ(fields.at("owner").at("type"), "boolean");
  EXPECT_EQ(alert.at("additionalProperties"), false);
}

TEST_F(DocumentsTest, AsyncApiHasEveryPublicEventType) {
  const auto types = *testing::DemoTypes();
  const json::object& messages =
      async_.at("components").at("messages").as_object();
  size_t count = 1;  // The alert.
  for (const absl::string_view name : types->names()) {
    if (types->Find(name)->policy().internal()) {
      EXPECT_FALSE(messages.contains(std::string(name))) << name;
      continue;
    }
    ++count;
    ASSERT_TRUE(messages.contains(std::string(name))) << name;
    EXPECT_TRUE(async_.at("channels")
                    .at("events")
                    .at("messages")
                    .as_object()
                    .contains(std::string(name)));
  }
  EXPECT_EQ(messages.size(), count);
  for (const auto& [name, operation] : async_.at("operations").as_object()) {
    EXPECT_TRUE(operation.at("action") == "send" ||
                operation.at("action") == "receive");
  }
}

}  // namespace
}  // namespace concordat::gateway
