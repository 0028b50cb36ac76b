// The operator of a hub on which the whole story has been played: every method of
// every program, by the gateway and directly, the command line, streams, metrics,
// logs and a backup. No name, number, address, date of birth or person of the story
// is in any of it, and no event's data.
//
// bug                                                  test that catches it
//   a reply is not masked for the operator               TheOperatorSeesNoPayloadOverAnyFace
//   a new method has no roles, and tells everybody       TheOperatorSeesNoPayloadOverAnyFace
//   an error quotes what it could not use                TheOperatorSeesNoPayloadOverAnyFace
//   a log or metric has an identifier                    TheOperatorSeesNoPayloadOverAnyFace
//   a backup can be read                                 TheOperatorSeesNoPayloadOverAnyFace
//   the test looks for nothing that is there             ThoseWhoMaySeeIt
//   a command of the inspector's page is none            EveryQuestionOfTheInspectorIsAnswered
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/common/schemas.h"
#include "services/common/rpc/channel.h"
#include "tests/support/gateway_process.h"
#include "tests/support/status_matchers.h"

namespace concordat::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr char kOperator[] = "admin";
constexpr absl::Duration kShort = absl::Seconds(10);

// What the story says of its people that nobody else is to read.
void Collect(const json::value& value, absl::string_view key,
             std::set<std::string>& secrets) {
  static const auto& keys = *new std::set<std::string, std::less<>>{
      "familyName", "givenName", "birthDate", "value",
      "fromUprn",   "toUprn",    "uprn"};
  if (value.is_object()) {
    // Its own reference for the person's record, by which a stream may be named.
    const auto* const scheme = value.get_object().if_contains("scheme");
    if (scheme != nullptr && *scheme == "local") return;
    for (const auto& [name, each] : value.get_object()) {
      Collect(each, {name.data(), name.size()}, secrets);
    }
  } else if (value.is_array()) {
    for (const json::value& each : value.get_array()) {
      Collect(each, key, secrets);
    }
  } else if (value.is_string() && keys.find(key) != keys.end()) {
    secrets.emplace(value.get_string().c_str());
  }
}

class OperatorFacesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new GatewayProcess({{"call_timeout_max_ms", "5000"}});
    std::ofstream(gateway_->data().PathOf("retention.textproto"))
        << "version: 1 effective: \"2025-01-01\" months_after_case: 24 "
           "months_after_event: 13\n";
    for (const std::string& program : HubProcesses::Programs()) {
      gateway_->hub().Start(program);
    }
    gateway_->Start();
    EXPECT_THAT(
        gateway_->hub().Run({"demo", "status", "--wait", "60s", "--quiet"}),
        IsOk());
    EXPECT_THAT(gateway_->hub().Run({"demo", "play"}), IsOk());
    std::ifstream story(absl::StrCat(std::getenv("CONCORDAT_SOURCE"),
                                     "/deploy/demo/story.jsonl"));
    secrets_ = new std::set<std::string>;
    for (std::string line; std::getline(story, line);) {
      Collect(json::parse(line), "", *secrets_);
    }
  }
  static void TearDownTestSuite() {
    delete gateway_;
    delete secrets_;
  }

  // The first secret in `text`, or a person; empty: none.
  static std::string SecretIn(const std::string& text,
                              bool persons_too = true) {
    for (const std::string& secret : *secrets_) {
      if (absl::StrContains(text, secret)) return secret;
    }
    static const auto& person = *new std::regex("p-[a-z2-7]{26}");
    std::smatch found;
    if (persons_too && std::regex_search(text, found, person)) {
      return found.str();
    }
    return "";
  }
  static std::string Run(std::vector<std::string> words) {
    const auto said = gateway_->hub().Run(std::move(words));
    return said.ok() ? *said : std::string(said.status().message());
  }
  // A request that names somebody and something, as far as it has fields for it.
  static std::string RequestFor(const google::protobuf::Descriptor& type,
                                const std::string& person) {
    json::object request;
    for (int i = 0; i < type.field_count(); ++i) {
      const auto& field = *type.field(i);
      const std::string& name = field.name();
      const bool text =
          field.cpp_type() ==
              google::protobuf::FieldDescriptor::CPPTYPE_STRING &&
          field.type() == google::protobuf::FieldDescriptor::TYPE_STRING;
      if (text && !field.is_repeated() &&
          (name == "subject" || name == "person")) {
        request[field.json_name()] = person;
      } else if (text && name == "case_ref") {
        request[field.json_name()] = "C-1";
      } else if (text && name == "purpose") {
        request[field.json_name()] = "MAPPA_RISK_MANAGEMENT";
      } else if (text && name == "family_name") {
        request[field.json_name()] = "Kinn";
      } else if (name == "sequence" && !field.is_repeated()) {
        request[field.json_name()] = "40";
      }
    }
    return json::serialize(request);
  }
  static std::string MetricsOf(const std::string& program) {
    const auto address = gateway_->data().ReadAddress(program, "metrics");
    if (!address.ok()) return "";
    const std::vector<std::string> parts = absl::StrSplit(*address, ':');
    uint32_t port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(parts.back(), &port));
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    const std::string request =
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(write(socket, request.data(), request.size()),
              static_cast<ssize_t>(request.size()));
    std::string text;
    char bytes[65536];
    for (ssize_t n; (n = read(socket, bytes, sizeof(bytes))) > 0;) {
      text.append(bytes, static_cast<size_t>(n));
    }
    close(socket);
    return text;
  }
  // Files under `folder` that hold a secret, each with it.
  static std::vector<std::string> SecretsIn(const std::string& folder) {
    std::vector<std::string> found;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::string bytes(entry.file_size(), '\0');
      std::ifstream(entry.path(), std::ios::binary)
          .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      const std::string secret = SecretIn(bytes, /*persons_too=*/false);
      if (!secret.empty()) {
        found.push_back(absl::StrCat(entry.path().string(), ": ", secret));
      }
    }
    return found;
  }
  // Somebody whom the council knows.
  static std::string SomePerson() {
    const std::string views = Run({"tail", "--from", "earliest", "--timeout",
                                   "1s", "--json", "--profile", "socialwork"});
    std::smatch found;
    EXPECT_TRUE(std::regex_search(views, found, std::regex("p-[a-z2-7]{26}")));
    return found.str();
  }

  static GatewayProcess* gateway_;
  static std::set<std::string>* secrets_;
};
GatewayProcess* OperatorFacesTest::gateway_ = nullptr;
std::set<std::string>* OperatorFacesTest::secrets_ = nullptr;

// What is looked for is there to be found, by those whose it is.
TEST_F(OperatorFacesTest, ThoseWhoMaySeeIt) {
  EXPECT_GT(secrets_->size(), 25u);
  const std::string views = Run({"tail", "--from", "earliest", "--timeout",
                                 "1s", "--json", "--profile", "police"});
  EXPECT_NE(SecretIn(views), "");
  EXPECT_THAT(views, HasSubstr("\"data\""));
}

TEST_F(OperatorFacesTest, TheOperatorSeesNoPayloadOverAnyFace) {
  const std::string person = SomePerson();
  const auto schemas = gateway::Schemas::Build(*gateway_->data().LoadTypes());
  ASSERT_THAT(schemas, IsOk());
  // What was said to the operator is looked at without what the operator said.
  const auto hides = [&](const std::string& where, std::string said) {
    for (size_t at; (at = said.find(person)) != std::string::npos;) {
      said.erase(at, person.size());
    }
    EXPECT_EQ(SecretIn(said), "") << where;
  };
  int methods = 0;
  for (const auto* file : (*schemas)->files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      for (int j = 0; j < file->service(i)->method_count(); ++j) {
        const auto& method = *file->service(i)->method(j);
        if (method.client_streaming() || method.server_streaming()) continue;
        const std::string name = gateway::FullName(method);
        SCOPED_TRACE(name);
        ++methods;
        const std::string request = RequestFor(*method.input_type(), person);
        hides("by the gateway", gateway_->Call(kOperator, name, request).body);
        const auto channel = OpenChannel(
            gateway_->data(), gateway::ProgramOf(method), kOperator, kShort);
        if (!channel.ok()) continue;
        const auto bytes = (*schemas)->FromJson(*method.input_type(), request);
        ASSERT_THAT(bytes, IsOk());
        CallOptions options;
        options.timeout = kShort;
        const auto answer = GenericCall(*channel, name, *bytes, options);
        hides("directly",
              answer.ok() ? *answer : std::string(answer.status().message()));
      }
    }
  }
  EXPECT_GT(methods, 60);

  const std::string tail = Run({"tail", "--from", "earliest", "--timeout", "1s",
                                "--json", "--profile", kOperator});
  EXPECT_THAT(tail, HasSubstr("concordat.police.v1.ConcernShared"));
  EXPECT_THAT(tail, Not(HasSubstr("\"data\"")));
  EXPECT_THAT(tail, Not(HasSubstr("\"subject\"")));
  hides("tail", tail);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{
           {"alerts", "--json"},
           {"rejects", "--json"},
           {"rejects", "--json", "--edge", "edge-council"},
           {"subscriptions", "--json"},
           {"approvals", "--json"},
           {"agreements", "list", "--json"},
           {"agreements", "explain", "2.15", "--for", "police"},
           {"log", "status", "--json"},
           {"watch"},
           {"documents", "processing", "police-scotland"},
           {"documents", "fields", "edge-health"},
           {"documents", "security"},
           {"documents", "erasures"},
           {"documents", "dpia", "nhs-tayside"},
           {"documents", "rule", "R07"},
           {"documents", "alerts"},
           {"documents", "managed", "2025-11-30"},
           {"documents", "access"},
           {"documents", "breach", "--user", "police", "--known",
            "2026-11-27T09:00:00Z"},
           {"keys", "list"}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--profile", kOperator});
    hides(words[0], Run(all));
  }
  for (const std::string& program : HubProcesses::Programs()) {
    hides(program + "'s metrics", MetricsOf(program));
  }
  hides("the gateway's metrics", MetricsOf("concordat-gateway"));

  // Logs of every program stand beside the data directory; then that itself, and a
  // backup of the log.
  const std::filesystem::path whole =
      std::filesystem::path(gateway_->data().path()).parent_path();
  const std::string backup = (whole / "backup").string();
  Run({"log", "backup", "--to", backup});
  EXPECT_FALSE(std::filesystem::is_empty(backup));
  EXPECT_THAT(SecretsIn(whole.string()), IsEmpty());
}

TEST_F(OperatorFacesTest, EveryQuestionOfTheInspectorIsAnswered) {
  std::ifstream page(absl::StrCat(std::getenv("CONCORDAT_SOURCE"),
                                  "/deploy/docs/inspector.md"));
  const std::regex command("`concordat ([^`]+)`");
  int commands = 0;
  for (std::string line; std::getline(page, line);) {
    if (!absl::StartsWith(line, "|")) continue;
    for (std::sregex_iterator at(line.begin(), line.end(), command), end;
         at != end; ++at) {
      std::vector<std::string> words;
      for (absl::string_view word : absl::StrSplit((*at)[1].str(), ' ')) {
        // As a shell would.
        if (word.size() > 1 && word.front() == '\'') {
          word = word.substr(1, word.size() - 2);
        }
        words.emplace_back(word);
      }
      const auto said = gateway_->hub().Run(words);
      // This one says by how it ends whether all is well.
      if (words[0] != "watch") EXPECT_THAT(said, IsOk()) << (*at)[1];
      ++commands;
    }
  }
  EXPECT_GE(commands, 40);
}

}  // namespace
}  // namespace concordat::testing
