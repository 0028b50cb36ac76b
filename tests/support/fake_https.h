#ifndef CONCORDAT_TESTS_SUPPORT_FAKE_HTTPS_H_
#define CONCORDAT_TESTS_SUPPORT_FAKE_HTTPS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gateway/signin/https_client.h"

namespace concordat::testing {

// What a web site says, by URL, and what it was asked. For one thread.
struct FakeSite {
  std::map<std::string, gateway::HttpsAnswer> pages;
  std::vector<gateway::HttpsRequest> asked;
  std::function<void()> on_request;

  size_t Count(const std::string& url) const {
    size_t count = 0;
    for (const auto& request : asked) count += request.url == url;
    return count;
  }
};

// What the provider at login.example says of itself; `more` are members:
// R"("issuer":"https://login.example")".
inline std::string ProviderDescription(const std::string& more) {
  return R"({"authorization_endpoint":"https://login.example/auth",)"
         R"("token_endpoint":"https://login.example/token",)"
         R"("jwks_uri":"https://login.example/keys",)" +
         more + "}";
}

// Reaches that site and no other. The site outlives it.
class FakeHttps : public gateway::HttpsClient {
 public:
  explicit FakeHttps(FakeSite& site) : site_(site) {}
  absl::StatusOr<gateway::HttpsAnswer> Send(
      const gateway::HttpsRequest& request) override {
    site_.asked.push_back(request);
    if (site_.on_request) site_.on_request();
    const auto page = site_.pages.find(request.url);
    if (page == site_.pages.end()) return absl::UnavailableError("refused");
    return page->second;
  }

 private:
  FakeSite& site_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_FAKE_HTTPS_H_
