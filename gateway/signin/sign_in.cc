#include "gateway/signin/sign_in.h"

#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gateway/signin/account_file.h"
#include "gateway/signin/demo_accounts.h"
#include "gateway/signin/oidc_handlers.h"
#include "gateway/signin/session_json.h"
#include "services/common/config/settings.h"

namespace concordat::gateway {
namespace {

constexpr char kSettings[] = "doors/sign-in.textproto";

// What may be chosen: every agreement's, and what principals have by default.
absl::StatusOr<std::set<std::string>> ReadPurposes(
    const DataDirectory& data, const PrincipalRegistry& registry) {
  std::set<std::string> purposes;
  const auto agreements = data.LoadAgreements();
  if (!agreements.ok()) return agreements.status();
  for (const policy::v1::Agreement& agreement : *agreements) {
    purposes.insert(agreement.purposes().begin(), agreement.purposes().end());
  }
  for (const bus::v1::Principal& principal : registry.proto().principals()) {
    purposes.insert(principal.default_purpose());
  }
  purposes.erase("");
  return purposes;
}

SessionLimits LimitsOf(const v1::SignInSettings& settings) {
  SessionLimits limits;
  limits.idle = absl::Minutes(settings.idle_minutes());
  limits.absolute = absl::Minutes(settings.session_minutes());
  limits.recent = absl::Minutes(settings.recent_minutes());
  return limits;
}

absl::StatusOr<std::unique_ptr<OidcProvider>> OpenProvider(
    const DataDirectory& data, const PrincipalRegistry& registry,
    const v1::OidcSettings& settings, const Clock& clock,
    const SteadyClock& steady) {
  if (auto status = CheckOidcSettings(settings); !status.ok()) return status;
  for (const v1::RoleMapping& role : settings.roles()) {
    if (FindSpokenFor(registry, role.principal()) == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "oidc: the gateway does not speak for ", role.principal()));
    }
  }
  std::string secret;
  if (!settings.client_secret_file().empty()) {
    std::ifstream file(data.PathOf(settings.client_secret_file()));
    if (!std::getline(file, secret) || secret.empty()) {
      return absl::NotFoundError(
          absl::StrCat("oidc: no secret in ", settings.client_secret_file()));
    }
  }
  auto client = MakeHttpsClient(settings.ca_file(),
                                absl::Milliseconds(settings.step_timeout_ms()));
  if (!client.ok()) return client.status();
  return std::make_unique<OidcProvider>(settings, std::move(secret),
                                        *std::move(client), clock, steady);
}

}  // namespace

struct SignIn::Parts {
  std::string environment;
  std::unique_ptr<PasswordHasher> hasher = MakeArgon2();
  std::unique_ptr<LiveAccounts> accounts;
  std::unique_ptr<SignInRecord> record;
  std::unique_ptr<SealedStore> store;
  std::unique_ptr<Sessions> sessions;
  std::unique_ptr<PasswordSignIn> passwords;
  std::unique_ptr<SessionHandlers> session_handlers;
  std::unique_ptr<OidcProvider> provider;  // Null: there is none.
  std::unique_ptr<OidcHandlers> oidc_handlers;
};

SignIn::SignIn(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
SignIn::~SignIn() = default;

Authenticator& SignIn::authenticator() { return *parts_->sessions; }

absl::StatusOr<std::unique_ptr<SignIn>> SignIn::Open(
    const DataDirectory& data, RegistrySource registry, TaskCheck check_task,
    OpeningNote note_opening, AccessLog& access, const Clock& clock,
    const SteadyClock& steady, Random& random, const Logger& log) {
  v1::SignInSettings settings;
  if (auto s =
          LoadCheckedSettings(data, kSettings, &settings, WhenAbsent::kError);
      !s.ok()) {
    return s;
  }
  const auto registered = registry();
  auto purposes = ReadPurposes(data, *registered);
  if (!purposes.ok()) return purposes.status();
  const auto secret = data.LoadSecret("gateway");
  if (!secret.ok()) return secret.status();
  const auto folder = AccountsFolder(data);
  if (!folder.ok()) return folder.status();

  auto parts = std::make_unique<Parts>();
  parts->environment = std::string(EnvironmentName(data.environment()));
  if (data.environment() == bus::v1::ENVIRONMENT_DEMO) {
    auto made = MakeDemoAccounts(data, *parts->hasher, clock, random);
    if (!made.ok()) return made;
  }
  auto accounts =
      LiveAccounts::Open(*folder, [&log](const absl::Status& status) {
        log.Error("the new accounts do not load; the old ones hold",
                  {{"why", status.message()}});
      });
  if (!accounts.ok()) return accounts.status();
  parts->accounts = *std::move(accounts);
  parts->record = std::make_unique<SignInRecord>(access, registry, clock);
  auto store =
      SealedStore::Open(data.PathOf(kSealedStoreFile), *secret, clock, random);
  if (!store.ok()) return store.status();
  parts->store = *std::move(store);
  parts->sessions =
      std::make_unique<Sessions>(LimitsOf(settings), parts->accounts->source(),
                                 std::move(registry), clock, steady, random);
  auto passwords = PasswordSignIn::Make(
      AttemptLimits(), parts->accounts->source(), *parts->hasher, steady);
  if (!passwords.ok()) return passwords.status();
  parts->passwords = *std::move(passwords);
  parts->session_handlers = std::make_unique<SessionHandlers>(
      *parts->sessions, *parts->passwords, *parts->store, *parts->record,
      *std::move(purposes), std::move(check_task), std::move(note_opening),
      clock);
  if (settings.has_oidc()) {
    auto provider =
        OpenProvider(data, *registered, settings.oidc(), clock, steady);
    if (!provider.ok()) {
      return absl::Status(
          provider.status().code(),
          absl::StrCat(kSettings, ": ", provider.status().message()));
    }
    parts->provider = *std::move(provider);
    parts->oidc_handlers = std::make_unique<OidcHandlers>(
        *parts->provider, *parts->sessions, *parts->record, *secret,
        AttemptLimits(), clock, steady, random, log);
  }
  return std::unique_ptr<SignIn>(new SignIn(std::move(parts)));
}

void SignIn::Register(Router& router) {
  router.AddBlocking(
      "GET", "/sign-in/options", Access::kAnyone,
      [parts = parts_.get()](const Request&, const Caller&) {
        const std::string name =
            parts->provider ? parts->provider->settings().name() : "";
        const bool has_accounts =
            parts->accounts->Current()->proto().accounts_size() > 0;
        return JsonResponse(
            200, OptionsJson(has_accounts, name, parts->environment));
      });
  parts_->session_handlers->Register(router);
  if (parts_->oidc_handlers) parts_->oidc_handlers->Register(router);
}

}  // namespace concordat::gateway
