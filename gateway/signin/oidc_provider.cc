#include "gateway/signin/oidc_provider.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace concordat::gateway {
namespace {

// Conversations at once.
constexpr int kAtOnce = 2;
constexpr absl::Duration kMetadataLifetime = absl::Hours(1);
// A provider that failed is not asked again by everybody at once.
constexpr absl::Duration kAfterFailure = absl::Seconds(5);
// A key that the provider withdrew is good for no longer.
constexpr absl::Duration kKeysLifetime = absl::Hours(1);
// An unknown key is looked for no more often: anybody can name one.
constexpr absl::Duration kKeysPace = absl::Minutes(1);

}  // namespace

absl::Status CheckOidcSettings(const v1::OidcSettings& settings) {
  const auto no = [](absl::string_view why) {
    return absl::InvalidArgumentError(absl::StrCat("oidc: ", why));
  };
  if (settings.name().empty()) return no("name is missing");
  if (!absl::StartsWith(settings.issuer(), "https://")) {
    return no("issuer is not https");
  }
  if (settings.client_id().empty()) return no("client_id is missing");
  if (!absl::StartsWith(settings.external_url(), "https://")) {
    return no("external_url is not https");
  }
  if (settings.role_claim().empty()) return no("role_claim is missing");
  if (settings.roles().empty()) return no("roles are missing");
  for (const v1::RoleMapping& role : settings.roles()) {
    if (role.value().empty() || role.principal().empty()) {
      return no("a role lacks its value or its principal");
    }
  }
  return absl::OkStatus();
}

// A place among those that talk to the provider.
class OidcProvider::Turn {
 public:
  explicit Turn(OidcProvider& provider) : provider_(provider) {
    MutexLock lock(provider_.mu_);
    taken_ = provider_.under_way_ < kAtOnce;
    if (taken_) ++provider_.under_way_;
  }
  ~Turn() {
    if (!taken_) return;
    MutexLock lock(provider_.mu_);
    --provider_.under_way_;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  absl::Status status() const {
    if (taken_) return absl::OkStatus();
    return absl::UnavailableError("too many conversations at once");
  }

 private:
  OidcProvider& provider_;
  bool taken_;
};

OidcProvider::OidcProvider(const v1::OidcSettings& settings,
                           std::string client_secret,
                           std::unique_ptr<HttpsClient> client,
                           const Clock& clock, const SteadyClock& steady)
    : settings_(settings),
      client_secret_(std::move(client_secret)),
      client_(std::move(client)),
      clock_(clock),
      steady_(steady) {}

absl::StatusOr<std::string> OidcProvider::Fetch(const HttpsRequest& request) {
  auto answer = client_->Send(request);
  if (!answer.ok()) return answer.status();
  if (answer->status == 200) return std::move(answer->body);
  const std::string what =
      absl::StrCat("the provider answers ", answer->status);
  // The only request that has something to be refused is the code's exchange.
  if (answer->status / 100 == 4) return absl::UnauthenticatedError(what);
  return absl::UnavailableError(what);
}

absl::StatusOr<ProviderMetadata> OidcProvider::Metadata() {
  {
    MutexLock lock(mu_);
    if (steady_.Elapsed() < metadata_until_) return metadata_;
  }
  const auto text = Fetch({.url = MetadataUrl(settings_.issuer())});
  absl::StatusOr<ProviderMetadata> metadata =
      text.ok() ? ParseMetadata(*text, settings_.issuer())
                : absl::StatusOr<ProviderMetadata>(text.status());
  if (!metadata.ok()) {
    metadata = absl::UnavailableError(metadata.status().message());
  }
  MutexLock lock(mu_);
  metadata_ = metadata;
  metadata_until_ =
      steady_.Elapsed() + (metadata.ok() ? kMetadataLifetime : kAfterFailure);
  return metadata;
}

absl::StatusOr<std::shared_ptr<const KeySet>> OidcProvider::Keys(
    const std::string& uri, bool again) {
  {
    MutexLock lock(mu_);
    const absl::Duration age = steady_.Elapsed() - keys_fetched_;
    if (keys_ != nullptr && age < (again ? kKeysPace : kKeysLifetime)) {
      return keys_;
    }
  }
  const auto text = Fetch({.url = uri});
  if (!text.ok()) return absl::UnavailableError(text.status().message());
  auto keys = KeySet::Parse(*text);
  if (!keys.ok()) return absl::UnavailableError(keys.status().message());
  MutexLock lock(mu_);
  keys_ = std::make_shared<const KeySet>(*std::move(keys));
  keys_fetched_ = steady_.Elapsed();
  return keys_;
}

absl::Status OidcProvider::Verify(const Jws& token,
                                  const std::string& jwks_uri) {
  absl::Status verified;
  for (const bool again : {false, true}) {
    const auto keys = Keys(jwks_uri, again);
    if (!keys.ok()) return keys.status();
    verified = (*keys)->Verify(token);
    if (!absl::IsNotFound(verified)) return verified;
  }
  return absl::UnauthenticatedError(verified.message());
}

absl::StatusOr<std::string> OidcProvider::Begin(const OidcAttempt& attempt) {
  const Turn turn(*this);
  if (auto status = turn.status(); !status.ok()) return status;
  const auto metadata = Metadata();
  if (!metadata.ok()) return metadata.status();
  return AuthorizationUrl(*metadata, settings_, attempt);
}

absl::StatusOr<Person> OidcProvider::Finish(const OidcAnswer& answer,
                                            const OidcAttempt& attempt) {
  const Turn turn(*this);
  if (auto status = turn.status(); !status.ok()) return status;
  const auto metadata = Metadata();
  if (!metadata.ok()) return metadata.status();
  if (auto status = CheckAnswer(answer, attempt, *metadata, settings_);
      !status.ok()) {
    return status;
  }
  HttpsRequest ask = {.url = metadata->token_endpoint,
                      .form = TokenForm(settings_, answer.code, attempt)};
  if (!client_secret_.empty()) {
    ask.authorization =
        ClientAuthorization(settings_.client_id(), client_secret_);
  }
  const auto text = Fetch(ask);
  if (!text.ok()) return text.status();
  const auto compact = ReadTokenAnswer(*text);
  if (!compact.ok()) return compact.status();
  const auto token = ParseJws(*compact);
  if (!token.ok()) {
    return absl::UnauthenticatedError(token.status().message());
  }
  if (auto status = Verify(*token, metadata->jwks_uri); !status.ok()) {
    return status;
  }
  ExpectedToken expected = {.issuer = settings_.issuer(),
                            .client_id = settings_.client_id(),
                            .nonce = attempt.nonce};
  if (attempt.session != 0) expected.proved_since = attempt.began;
  if (auto status = CheckIdToken(token->payload, expected, clock_.Now());
      !status.ok()) {
    return status;
  }
  return PersonOf(token->payload, settings_);
}

}  // namespace concordat::gateway
