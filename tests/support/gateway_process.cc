#include "tests/support/gateway_process.h"

#include <fstream>
#include <regex>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace concordat::testing {

GatewayProcess::GatewayProcess(std::map<std::string, std::string> settings) {
  const std::string path = data().PathOf("doors/gateway.textproto");
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::string edited = text.str();
  for (const auto& [name, value] : settings) {
    const std::regex line(absl::StrCat("(^|\n)", name, ": [^\n]*"));
    EXPECT_TRUE(std::regex_search(edited, line)) << name;
    edited =
        std::regex_replace(edited, line, absl::StrCat("$1", name, ": ", value));
  }
  std::ofstream(path) << edited;
}

std::unique_ptr<HttpsClient> GatewayProcess::Connect(
    const std::string& principal) const {
  auto client = HttpsClient::Connect(GatewayOptions(data(), principal));
  EXPECT_TRUE(client.ok()) << client.status() << "\n"
                           << hub_.LogOf("concordat-gateway");
  return client.ok() ? *std::move(client) : nullptr;
}

HttpAnswer GatewayProcess::Ask(const std::string& principal,
                               const std::string& request) const {
  const auto client = Connect(principal);
  return client == nullptr ? HttpAnswer() : client->Ask(request);
}

HttpAnswer GatewayProcess::Call(const std::string& principal,
                                const std::string& method,
                                const std::string& json) const {
  return Ask(principal,
             HttpRequest("POST", absl::StrCat("/", method),
                         "Content-Type: application/json\r\n", json));
}

}  // namespace concordat::testing
