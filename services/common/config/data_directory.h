// The folder that a program is pointed at with --data: who may speak, what is
// agreed, keys, ports, and the program's own state. `concordat keys demo` makes
// one. Layout:
//
//   environment                    one word: live, shadow, training or demo
//   registry.textproto             concordat.bus.v1.Registry
//   types.binpb                    google.protobuf.FileDescriptorSet
//   codes/ agreements/ rules/      *.textproto; beside an agreement
//                                  NAME.textproto.sig, policy.v1.SignatureFile
//   signatories.textproto          policy.v1.Signatories: who signs for a party; a
//                                  demo or training hub may be without
//   assessments/ casefile/ feeds/  *.textproto: tools of social work, mappings of case
//   legal/                         files, hub.v1.Feed each; policy.v1.LegalReference
//   calendars/ clocks/             *.textproto: policy.v1.Calendar, policy.v1.LimitClocks,
//   roles/ holders/                identity.v1.RolesDefined, identity.v1.RoleHolders
//   retention.textproto            bus.v1.RetentionPolicy; may be absent
//   access/break-glass.textproto   access.v1.BreakGlassPolicy; may be absent
//   bus, store, watch and evidence.textproto, adapters/ and notifier/: settings, and
//                                  which may be absent, in deploy/docs/settings.md
//   ports                          lines "program.listener=port"; absent: 0
//   keys/ca.crt.pem                who signs certificates
//   keys/<principal>.crt.pem .key.pem
//   keys/<principal>.curve         two lines of Z85: public, secret
//   keys/bus.curve, bus2.curve     the bus's pair; both while it changes keys
//   keys/bus.curve.pub             the public half that clients here go by
//   keys/<name>.secret             64 hex digits
//   keys/postgres.conninfo         libpq's connection string to the bus's log, a line
//   run/<program>.addr             lines "listener=endpoint", while it runs
//   run/maintenance.textproto      concordat.hub.v1.Maintenance, while announced
//   <program>.elsewhere            the same of other processes that do its work,
//                                  with commas between endpoints; may be absent
//   doors/                         of the gateway: concordat.gateway.v1, *.textproto
//   spool-<principal>/             what it has published and the bus has not
//   <program's folder>/            its state
//
// Threads  Immutable; every method may be called from any thread.
// Errors   NOT_FOUND: a file is missing. INVALID_ARGUMENT: it is not what it
//          should be; the message names file and line. Each is one line, fit
//          to print.
#ifndef CONCORDAT_SERVICES_COMMON_CONFIG_DATA_DIRECTORY_H_
#define CONCORDAT_SERVICES_COMMON_CONFIG_DATA_DIRECTORY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "concordat/bus/v1/event.pb.h"
#include "concordat/hub/v1/maintenance.pb.h"
#include "concordat/identity/v1/events.pb.h"
#include "concordat/identity/v1/holders.pb.h"
#include "concordat/policy/v1/agreement.pb.h"
#include "concordat/policy/v1/calendar.pb.h"
#include "concordat/policy/v1/clock.pb.h"
#include "google/protobuf/message.h"
#include "services/common/config/principal_registry.h"

namespace concordat {

struct TextFile {
  std::string path;
  std::string text;
};

// A file and that of who signed it, NAME.textproto.sig.
struct SignedTextFile {
  TextFile file;
  TextFile signatures;
};

// Parses the text form. The message names the file and each bad line.
absl::Status ParseTextProto(const TextFile& file,
                            google::protobuf::Message* into);

struct CurveKeyPair {
  std::string public_key;  // Z85, 40 characters.
  std::string secret_key;
};

// PEM texts, and the files that they are from, which may be replaced; none: the
// texts stay as they are.
struct TlsCredentials {
  std::string ca;
  std::string certificate;
  std::string private_key;
  std::string ca_path = {};
  std::string certificate_path = {};
  std::string private_key_path = {};
};

// The same as its files are now.
//   NOT_FOUND  one of them cannot be read.
absl::StatusOr<TlsCredentials> ReadAgain(const TlsCredentials& tls);

class DataDirectory {
 public:
  // Reads `environment`, nothing else.
  static absl::StatusOr<DataDirectory> Open(std::string path);

  const std::string& path() const { return path_; }
  bus::v1::Environment environment() const { return environment_; }
  std::string PathOf(absl::string_view relative) const;

  // Its environment is this directory's, or INVALID_ARGUMENT.
  // Keys that have ended at `now` are nobody's.
  absl::StatusOr<std::shared_ptr<const PrincipalRegistry>> LoadRegistry(
      absl::Time now = absl::InfinitePast()) const;
  absl::StatusOr<std::string> LoadTypes() const;
  // By file name. None is an error except for agreements and what is given as texts.
  absl::StatusOr<std::vector<policy::v1::CodeList>> LoadCodeLists() const;
  absl::StatusOr<std::vector<policy::v1::Agreement>> LoadAgreements() const;
  // As they stand in the files, each with the file of its signatures, whose text is
  // empty when there is none.
  absl::StatusOr<std::vector<SignedTextFile>> LoadAgreementTexts() const;
  // The files of one of that name, in the place of those that there were.
  //   FAILED_PRECONDITION  they cannot be written.
  absl::Status WriteAgreement(absl::string_view name, absl::string_view text,
                              absl::string_view signatures) const;
  absl::StatusOr<std::vector<TextFile>> LoadRules() const;
  absl::StatusOr<std::vector<TextFile>> LoadFeeds() const;
  absl::StatusOr<std::vector<TextFile>> LoadCaseFileMappings() const;
  // For Calendars::Build, LimitClocks::Build and RoleDirectory::Build, which
  // check them.
  absl::StatusOr<std::vector<policy::v1::Calendar>> LoadCalendars() const;
  absl::StatusOr<std::vector<policy::v1::LimitClocks>> LoadClocks() const;
  absl::StatusOr<std::vector<identity::v1::RolesDefined>> LoadRoles() const;
  absl::StatusOr<std::vector<identity::v1::RoleHolders>> LoadHolders() const;
  absl::StatusOr<std::vector<TextFile>> LoadAssessmentTools() const;

  // Settings of a program, e.g. "adapters/edge-health.textproto".
  absl::Status LoadSettings(absl::string_view relative,
                            google::protobuf::Message* into) const;

  absl::StatusOr<TlsCredentials> LoadTls(absl::string_view principal) const;
  absl::StatusOr<CurveKeyPair> LoadCurveKeys(absl::string_view principal) const;
  absl::StatusOr<std::string> LoadBusPublicKey() const;  // Z85.
  // The 32 bytes of keys/<name>.secret.
  absl::StatusOr<std::string> LoadSecret(absl::string_view name) const;

  // The line of keys/postgres.conninfo.
  absl::StatusOr<std::string> LoadPostgresConnection() const;

  // The folder of a program's own state, made (mode 0700) if missing.
  absl::StatusOr<std::string> StateFolder(absl::string_view name) const;

  // The loopback port that `program` ("concordat-bus") opens for `listener`
  // ("ingest"); 0: any.
  absl::StatusOr<uint16_t> Port(absl::string_view program,
                                absl::string_view listener) const;

  // Says where `program` listens, all at once. Call it when it does.
  absl::Status WriteAddresses(
      absl::string_view program,
      const std::vector<std::pair<std::string, std::string>>& addresses) const;
  // Removes what WriteAddresses wrote.
  void ForgetAddresses(absl::string_view program) const;
  absl::StatusOr<std::string> ReadAddress(absl::string_view program,
                                          absl::string_view listener) const;
  // Where the bus takes connections for `listener` by this key of its own; also
  // other processes of it, with commas between them.
  absl::StatusOr<std::string> ReadBusAddresses(absl::string_view listener,
                                               absl::string_view key) const;
  //   DEADLINE_EXCEEDED  it did not appear in time.
  absl::StatusOr<std::string> WaitForAddress(absl::string_view program,
                                             absl::string_view listener,
                                             absl::Duration timeout) const;

  // The announced maintenance, by the bus alone; none: it is over.
  absl::Status WriteMaintenance(
      const std::optional<hub::v1::Maintenance>& maintenance) const;
  absl::StatusOr<std::optional<hub::v1::Maintenance>> ReadMaintenance() const;

 private:
  DataDirectory(std::string path, bus::v1::Environment environment)
      : path_(std::move(path)), environment_(environment) {}
  absl::StatusOr<std::string> Read(absl::string_view relative) const;
  // The file run/<name>: a reader sees all of it or nothing.
  absl::Status WriteRunFile(absl::string_view name,
                            absl::string_view text) const;
  absl::StatusOr<std::vector<TextFile>> ReadTextProtos(
      absl::string_view folder) const;
  // Each file as a Message; none is NOT_FOUND.
  template <typename Message>
  absl::StatusOr<std::vector<Message>> ReadMessages(
      absl::string_view folder) const;

  std::string path_;
  bus::v1::Environment environment_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_CONFIG_DATA_DIRECTORY_H_
