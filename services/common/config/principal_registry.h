// Who may speak, and what they may publish: bus.v1.Registry, checked and
// indexed. PURE.
//
// Threads  Immutable once built; any number of readers.
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_PRINCIPAL_REGISTRY_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_PRINCIPAL_REGISTRY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/registry.pb.h"

namespace concordat {

// "live", "shadow", "training", "demo"; other values: "unspecified".
absl::string_view EnvironmentName(bus::v1::Environment environment);
//   INVALID_ARGUMENT  none of the four words.
absl::StatusOr<bus::v1::Environment> ParseEnvironment(absl::string_view word);

// urn:concordat:<agency>:<system>
std::string SourceOf(const bus::v1::Principal& principal);
// spiffe://<environment>.concordat/<agency>/<system>
std::string CertificateUri(bus::v1::Environment environment,
                           absl::string_view agency, absl::string_view system);

// The 32 bytes of a CURVE key written in Z85 (40 characters), and back.
//   INVALID_ARGUMENT  not of that length or alphabet.
absl::StatusOr<std::string> CurveKeyFromZ85(absl::string_view text);
absl::StatusOr<std::string> CurveKeyToZ85(absl::string_view bytes);

// A key of a principal's, as the registry writes it, and when it ends: at the end of
// its last day, UTC.
struct DatedKey {
  std::string key;
  absl::Time end = absl::InfiniteFuture();
};
// Those that it has, one or two; dates are as Build() checked them.
std::vector<DatedKey> CurveKeysOf(const bus::v1::Principal& principal);
// Those that its certificate may be for. None: it may be for any.
std::vector<DatedKey> CertificateKeysOf(const bus::v1::Principal& principal);

// "concordat.mappa.v1.*" covers the package's types, "*" all.
bool TypePatternCovers(absl::string_view pattern, absl::string_view type);

// Revoked principals are found too, so that a refusal can say why; ask
// `revoked()` before anything else.
class PrincipalRegistry {
 public:
  // Keys that have ended at `now` are nobody's.
  //   INVALID_ARGUMENT  no environment; a name, key, its date, certificate or
  //                     agency/system that two have or that is malformed; a right
  //                     to an act that is none; a certificate URI that is not the
  //                     environment's; one that speaks for others and has rights of
  //                     its own, or speaks for nobody known, or for one that speaks
  //                     for others.
  static absl::StatusOr<std::shared_ptr<const PrincipalRegistry>> Build(
      bus::v1::Registry registry, absl::Time now = absl::InfinitePast());

  PrincipalRegistry(const PrincipalRegistry&) = delete;
  PrincipalRegistry& operator=(const PrincipalRegistry&) = delete;

  // Null: nobody. They live as long as the registry.
  const bus::v1::Principal* FindByName(absl::string_view name) const;
  // `key` is Z85 (40 characters) or raw (32 bytes).
  const bus::v1::Principal* FindByCurveKey(absl::string_view key) const;
  const bus::v1::Principal* FindByCertificateUri(absl::string_view uri) const;
  // May a certificate of `principal`, who is of this registry, be for `key`
  // (services/common/crypto/certificate_key.h)? For every one while the registry has
  // none for it; for none any more when those that it has have ended.
  bool IsCertificateKey(const bus::v1::Principal& principal,
                        absl::string_view key) const;
  // By what a connection proved: a CURVE key, or what ProofOfCertificate() made of
  // its certificate.
  const bus::v1::Principal* FindByProof(absl::string_view proof) const;

  // Some principal, revoked or not, is of this agency, and it is not the
  // operator, who is a processor and party to nothing.
  bool IsAgency(absl::string_view agency) const;
  // Of hub services of the agency in that role, all that any of them processes.
  bus::v1::ProcessGrant ProcessedBy(absl::string_view agency,
                                    absl::string_view role) const;

  // When the next key ends that has not: build it anew then.
  absl::Time next_end() const { return next_end_; }
  bus::v1::Environment environment() const { return registry_.environment(); }
  const bus::v1::Registry& proto() const { return registry_; }

 private:
  explicit PrincipalRegistry(bus::v1::Registry registry);
  // What is wrong with the keys of `p`; empty: nothing, and they are its own.
  std::string AddKeys(const bus::v1::Principal& p, absl::Time now);
  std::string AddCertificateKeys(const bus::v1::Principal& p, absl::Time now);
  absl::Status CheckSpeaksFor(const bus::v1::Principal& p) const;

  bus::v1::Registry registry_;
  absl::Time next_end_ = absl::InfiniteFuture();
  absl::flat_hash_map<std::string, const bus::v1::Principal*> by_name_;
  absl::flat_hash_map<std::string, const bus::v1::Principal*> by_curve_key_;
  absl::flat_hash_map<std::string, const bus::v1::Principal*> by_uri_;
  absl::flat_hash_map<std::string, const bus::v1::Principal*>
      by_certificate_key_;
};

// A certificate in one word. Without a key it is the URI's alone, whatever keys the
// registry has: of one whose certificate was not shown here.
std::string ProofOfCertificate(absl::string_view uri, absl::string_view key);

// A door that others come through: it has no right of its own.
inline bool SpeaksForOthers(const bus::v1::Principal& principal) {
  return principal.speaks_for_size() > 0;
}

// The publish grant of `principal` that covers this type from this source, or
// null: it may not. A revoked principal has none.
const bus::v1::PublishGrant* FindPublishGrant(
    const bus::v1::Principal& principal, absl::string_view source,
    absl::string_view type);

// Acts that need two people, by kind, and the right to ask for one and to agree to
// one: `may_redrive` for "redrive" and "park", `may_run_retention` for "retention",
// `may_agree` for all others. A revoked principal has none.
inline constexpr absl::string_view kRedriveAct = "redrive";
inline constexpr absl::string_view kParkAct = "park";
inline constexpr absl::string_view kRetentionAct = "retention";
bool MayAgree(const bus::v1::Principal& principal, absl::string_view kind);
// Every kind that the principal may agree to.
std::vector<std::string> AgreedBy(const bus::v1::Principal& principal);
// Is it a kind of act that `may_agree` may name?
bool IsAgreedAct(absl::string_view kind);
// The field of the registry that has the right, for a refusal.
std::string RightTo(absl::string_view kind);

// May an event of this grant name `controller`?
bool MayNameController(const bus::v1::Principal& principal,
                       const bus::v1::PublishGrant& grant,
                       absl::string_view controller);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_PRINCIPAL_REGISTRY_H_
