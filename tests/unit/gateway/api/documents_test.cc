// bug                                        test that catches it
//   a message that holds itself never ends   EveryReferenceLeadsSomewhere
//   a nested type left out                   EveryReferenceLeadsSomewhere
//   64 bits as a number                      SchemasAreProtobufsJsonMapping
//   an internal type offered                 AsyncApiHasEveryPublicEventType
//   comments lost on the way                 SayInWordsWhatTheProtosSay
//   words beside a reference, which no       SayInWordsWhatTheProtosSay
//     reader of AsyncAPI sees
//   a table of errors run into one line      AListInACommentStaysAList
//   words of another build believed          WordsOfOtherProtosAreNotTaken
#include "gateway/api/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/support/demo_types.h"
#include "tests/support/status_matchers.h"

namespace concordat::gateway {
namespace {

namespace json = boost::json;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::testing::AllOf;
using ::testing::HasSubstr;

class DocumentsTest : public ::testing::Test {
 protected:
  DocumentsTest()
      : schemas_(*Schemas::Build(testing::DemoDocumentedSet())),
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
        // HTTP/1.1 has no way for a stream of requests.
        if (method.client_streaming()) {
          EXPECT_EQ(item, nullptr) << path;
          continue;
        }
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

TEST_F(DocumentsTest, SayInWordsWhatTheProtosSay) {
  const json::object& look =
      open_.at("paths")
          .at("/concordat.edge.v1.EdgeService/LookAtItem")
          .at("post")
          .as_object();
  EXPECT_EQ(look.at("summary"), "What is kept of an item");
  EXPECT_EQ(look.at("description"),
            "What is kept of an item. That it was looked at is recorded before "
            "it is shown.");
  const json::object& counts = SchemaOf("concordat.edge.v1.Counts");
  EXPECT_TRUE(counts.at("description")
                  .as_string()
                  .starts_with("What became of the messages:"));
  EXPECT_EQ(counts.at("properties").at("spooled").at("description"),
            "Waiting for cohort or identity.");
  // A field that is a message of its own.
  const json::value& item = SchemaOf("concordat.edge.v1.LookAtItemResponse")
                                .at("properties")
                                .at("fields");
  EXPECT_EQ(item.at("description"), "None: nothing of it is kept.");
  int described = 0;
  for (const auto& [name, message] :
       async_.at("components").at("messages").as_object()) {
    if (message.as_object().contains("description")) ++described;
  }
  EXPECT_GT(described, 30);
}

TEST_F(DocumentsTest, AListInACommentStaysAList) {
  const json::array& tags = open_.at("tags").as_array();
  const auto edge =
      std::find_if(tags.begin(), tags.end(), [](const json::value& tag) {
        return tag.at("name") == "concordat.edge.v1.EdgeService";
      });
  ASSERT_NE(edge, tags.end());
  EXPECT_THAT(std::string(edge->at("description").as_string()),
              AllOf(HasSubstr("Of every act but looking:\n"
                              "- NOT_FOUND: there is no such item\n"
                              "- ABORTED: somebody else"),
                    HasSubstr("ask again with the same request id")));
}

TEST_F(DocumentsTest, WordsOfOtherProtosAreNotTaken) {
  const std::string types = testing::DemoDescriptorSet();
  EXPECT_THAT(CheckDocumented(types, testing::DemoDocumentedSet()), IsOk());
  EXPECT_THAT(CheckDocumented(types, ""),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(CheckDocumented(types, "none"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat::gateway
