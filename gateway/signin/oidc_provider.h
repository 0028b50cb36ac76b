// The conversation with an OpenID Connect provider: what it says of itself, its
// keys, and the exchange of a code for somebody's identity. Logic alone; what
// goes over the network is the HttpsClient's.
//
// Threads  Any; a call waits for the provider. At most so many at once do: a
//          provider that hangs must not hold up everybody else's requests.
#ifndef CONCORDAT_GATEWAY_SIGNIN_OIDC_PROVIDER_H_
#define CONCORDAT_GATEWAY_SIGNIN_OIDC_PROVIDER_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/gateway/v1/signin.pb.h"
#include "gateway/signin/https_client.h"
#include "gateway/signin/id_token.h"
#include "gateway/signin/jws.h"
#include "gateway/signin/oidc_flow.h"
#include "services/common/base/clock.h"
#include "services/common/base/mutex.h"

namespace concordat::gateway {

//   INVALID_ARGUMENT  something is missing or not https; says what.
absl::Status CheckOidcSettings(const v1::OidcSettings& settings);

class OidcProvider {
 public:
  // The clocks outlive this. An empty secret: a public client.
  OidcProvider(const v1::OidcSettings& settings, std::string client_secret,
               std::unique_ptr<HttpsClient> client, const Clock& clock,
               const SteadyClock& steady);

  // Where to send the browser.
  //   UNAVAILABLE  the provider does not say.
  absl::StatusOr<std::string> Begin(const OidcAttempt& attempt);

  // Whom the provider's answer is about.
  //   PERMISSION_DENIED    the provider or the mapping of roles says no; for
  //                        people.
  //   FAILED_PRECONDITION  not an answer to this attempt; for people.
  //   UNAUTHENTICATED      what it gave proves nothing; for the log.
  //   UNAVAILABLE          it does not answer.
  absl::StatusOr<Person> Finish(const OidcAnswer& answer,
                                const OidcAttempt& attempt);

  const v1::OidcSettings& settings() const { return settings_; }

 private:
  class Turn;
  absl::StatusOr<std::string> Fetch(const HttpsRequest& request);
  absl::StatusOr<ProviderMetadata> Metadata();
  // The newest known, fetched when they are old; with `again`, unless they were
  // fetched a moment ago.
  absl::StatusOr<std::shared_ptr<const KeySet>> Keys(const std::string& uri,
                                                     bool again);
  absl::Status Verify(const Jws& token, const std::string& jwks_uri);

  const v1::OidcSettings settings_;
  const std::string client_secret_;
  const std::unique_ptr<HttpsClient> client_;
  const Clock& clock_;
  const SteadyClock& steady_;
  Mutex mu_;
  int under_way_ ABSL_GUARDED_BY(mu_) = 0;
  absl::StatusOr<ProviderMetadata> metadata_ ABSL_GUARDED_BY(mu_) =
      absl::UnavailableError("not asked yet");
  absl::Duration metadata_until_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<const KeySet> keys_ ABSL_GUARDED_BY(mu_);
  absl::Duration keys_fetched_ ABSL_GUARDED_BY(mu_);
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_SIGNIN_OIDC_PROVIDER_H_
