#ifndef CONCORDAT_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define CONCORDAT_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <memory>
#include <string>

#include "services/common/config/data_directory.h"

namespace concordat::testing {

// A certificate authority made for one test. P-256, a day long.
class TestCa {
 public:
  TestCa();
  ~TestCa();

  const std::string& certificate() const { return pem_; }
  // A key and a certificate with this URI, signed by this authority, beside
  // the authority's own certificate.
  TlsCredentials Issue(const std::string& uri) const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::string pem_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_TEST_CERTIFICATES_H_
