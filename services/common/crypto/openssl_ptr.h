#ifndef CONCORDAT_SERVICES_COMMON_CRYPTO_OPENSSL_PTR_H_
#define CONCORDAT_SERVICES_COMMON_CRYPTO_OPENSSL_PTR_H_

#include <memory>

namespace concordat {

// An object of OpenSSL's that is freed as OpenSSL wants it to be:
//   using Certificate = OpensslPtr<X509, X509_free>;
template <auto kFree>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
template <typename T, auto kFree>
using OpensslPtr = std::unique_ptr<T, OpensslFree<kFree>>;

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CRYPTO_OPENSSL_PTR_H_
