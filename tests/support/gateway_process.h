#ifndef CONCORDAT_TESTS_SUPPORT_GATEWAY_PROCESS_H_
#define CONCORDAT_TESTS_SUPPORT_GATEWAY_PROCESS_H_

#include <map>
#include <memory>
#include <string>

#include "tests/support/https_client.h"
#include "tests/support/hub_processes.h"

namespace concordat::testing {

// The real concordat-gateway on a demo data directory of its own, beside what
// other programs of the hub a test starts.
class GatewayProcess {
 public:
  // `settings` replace those of deploy/config/gateway, by name. Failures fail
  // the test.
  explicit GatewayProcess(std::map<std::string, std::string> settings = {});

  HubProcesses& hub() { return hub_; }
  const DataDirectory& data() const { return hub_.data(); }
  void Start() { hub_.Start("concordat-gateway"); }

  // A connection as this principal, or without a certificate; fails the test
  // when there is none.
  std::unique_ptr<HttpsClient> Connect(const std::string& principal = "") const;
  // One request on a connection of its own.
  HttpAnswer Ask(const std::string& principal,
                 const std::string& request) const;
  // A call by the Connect protocol, in JSON.
  HttpAnswer Call(const std::string& principal, const std::string& method,
                  const std::string& json) const;

 private:
  HubProcesses hub_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_GATEWAY_PROCESS_H_
