// A system of an agency becomes a principal, gets new keys and is revoked, by the
// real command line at a real concordat-bus.
//
// Mutant                                            Caught by
// a secret half goes with the request or answer     FromRequestToConnectionToRevocation
// one person enrols                                 FromRequestToConnectionToRevocation
// the answer lacks what is needed to connect        FromRequestToConnectionToRevocation
// rights beyond those that were agreed to           FromRequestToConnectionToRevocation
// revocation waits for a restart or a new connection  the same, which times it
// a file that was changed on its way is taken       AFileThatWasChangedIsRefused
// other rights than those asked for are given       AFileThatWasChangedIsRefused
// new keys shut out who still has the old ones      NewKeysFollowTheOldWithoutAPause
// a revoked key comes back with the new one         ARevokedSystemComesBackByNewKeysAlone
// so does a revoked certificate                     ARevokedSystemComesBackByNewKeysAlone
// the old certificate is good for its whole year    NewKeysFollowTheOldWithoutAPause
// of an old registry's the old one ends at once     AnOldRegistrysCertificateGoesOnForAWhile
// bad input is taken, or not named                  BadInputIsNamed
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

constexpr char kSource[] = "urn:concordat:police-scotland:night";
constexpr char kRights[] =
    "publish { types: \"concordat.police.v1.ConcernShared\" }\n";

std::string ReadFile(const std::string& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

class EnrolmentTest : public BusProcessTest {
 protected:
  EnrolmentTest() { agency_.Write("rights.textproto", kRights); }

  // `concordat keys …`, and what it printed; `code_` is its exit code.
  std::string Keys(const std::vector<std::string>& words,
                   const std::string& data) {
    std::string command =
        absl::StrCat(std::getenv("CONCORDAT_BIN"), "/concordat keys");
    for (const std::string& word : words) {
      absl::StrAppend(&command, " '", word, "'");
    }
    absl::StrAppend(&command, " --data ", data, " 2>&1");
    FILE* const pipe = popen(command.c_str(), "r");
    std::string output;
    std::array<char, 4096> part;
    while (std::fgets(part.data(), part.size(), pipe)) output += part.data();
    code_ = WEXITSTATUS(pclose(pipe));
    return output;
  }
  std::string AtAgency(const std::vector<std::string>& words) {
    return Keys(words, agency_.PathOf("data"));
  }
  std::string AtHub(const std::vector<std::string>& words,
                    const std::string& profile) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--profile", profile});
    return Keys(all, bus_.data().path());
  }
  // What stands behind `word` in a line of `output`.
  static std::string After(const std::string& output, const std::string& word) {
    const size_t at = output.find(word);
    if (at == std::string::npos) return "";
    const size_t begin = at + word.size();
    return output.substr(begin, output.find('\n', begin) - begin);
  }

  // The request's path; its fingerprint in `fingerprint_`.
  std::string Request(const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = {"request", "night"};
    if (more.empty()) {
      words.insert(words.end(),
                   {"--agency", "police-scotland", "--system", "night",
                    "--role", "police", "--environment", "demo"});
    }
    words.insert(words.end(), more.begin(), more.end());
    const std::string output = AtAgency(words);
    EXPECT_EQ(code_, 0) << output;
    fingerprint_ = After(output, "fingerprint ");
    return After(output, "made ");
  }
  std::vector<std::string> ApproveWords(const std::string& request,
                                        const std::string& rights) {
    std::vector<std::string> words = {"approve", request, "--fingerprint",
                                      fingerprint_};
    if (!rights.empty()) {
      words.insert(words.end(), {"--rights", agency_.PathOf(rights)});
    }
    return words;
  }
  std::string Ask(const std::string& request, const std::string& rights) {
    std::vector<std::string> words = ApproveWords(request, rights);
    words.insert(words.end(), {"--why", "a desk for the night"});
    return AtHub(words, "admin");
  }
  std::string Agree(const std::string& request, const std::string& rights,
                    const std::string& approval,
                    const std::string& profile = "second-operator") {
    std::vector<std::string> words = ApproveWords(request, rights);
    words.insert(words.end(), {"--approve", approval});
    return AtHub(words, profile);
  }
  void Install(const std::string& answered) {
    const std::string output =
        AtAgency({"install", After(answered, "made "), "--fingerprint",
                  After(answered, "fingerprint ")});
    ASSERT_EQ(code_, 0) << output;
  }
  // From the request to the answer, installed.
  void Enrol(const std::vector<std::string>& more = {},
             const std::string& rights = "rights.textproto") {
    const std::string request = Request(more);
    const std::string asked = Ask(request, rights);
    ASSERT_EQ(code_, 0) << asked;
    const std::string answered =
        Agree(request, rights, After(asked, "--approve "));
    ASSERT_EQ(code_, 0) << answered;
    Install(answered);
  }

  DataDirectory Agency() {
    auto data = DataDirectory::Open(agency_.PathOf("data"));
    EXPECT_THAT(data, IsOk());
    return *std::move(data);
  }
  // As the hub's registry has it.
  bus::v1::Principal Registered() {
    const auto registry = bus_.data().LoadRegistry();
    EXPECT_THAT(registry, IsOk());
    const bus::v1::Principal* const found = (*registry)->FindByName("night");
    EXPECT_NE(found, nullptr);
    return found == nullptr ? bus::v1::Principal() : *found;
  }
  Event Shared(const std::string& id) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref("INC-" + id);
    return Make(kSource, "police-scotland", id, 1, concern);
  }
  absl::StatusCode StatusByCertificate() {
    return StatusByCertificate(Agency());
  }
  static absl::StatusCode StatusByCertificate(const DataDirectory& data) {
    const auto channel = OpenChannel(data, "concordat-bus", "night", kLong);
    if (!channel.ok()) return channel.status().code();
    return GenericCall(*channel, "concordat.bus.v1.BusService/GetLogStatus", "",
                       {})
        .status()
        .code();
  }
  // All that the agency has, as a thief would.
  DataDirectory StealAll() {
    std::filesystem::copy(agency_.PathOf("data"), agency_.PathOf("stolen"),
                          std::filesystem::copy_options::recursive);
    auto data = DataDirectory::Open(agency_.PathOf("stolen"));
    EXPECT_THAT(data, IsOk());
    return *std::move(data);
  }
  // Changes what the hub's registry has of it.
  void Edit(const std::function<void(bus::v1::Principal&)>& change) {
    bus::v1::Registry registry = (*bus_.data().LoadRegistry())->proto();
    for (bus::v1::Principal& principal : *registry.mutable_principals()) {
      if (principal.name() == "night") change(principal);
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(registry, &text);
    const std::string path = bus_.data().PathOf("registry.textproto");
    std::ofstream(path + ".new") << text;
    ASSERT_EQ(std::rename((path + ".new").c_str(), path.c_str()), 0);
  }
  template <typename IsSo>
  void Await(IsSo is_so) {
    const absl::Duration until = SteadyNow() + kLong;
    while (!is_so()) ASSERT_LT(SteadyNow(), until);
  }

  testing::TempDir agency_;
  std::string fingerprint_;
  int code_ = -1;
};

TEST_F(EnrolmentTest, FromRequestToConnectionToRevocation) {
  const std::string request = Request();
  // The secrets are there, for their owner alone, and in nothing that is sent.
  const std::string keys = agency_.PathOf("data/keys/");
  std::vector<std::string> secrets;
  for (const char* name : {"night.curve", "night.key.pem", "night.secret"}) {
    struct stat state = {};
    ASSERT_EQ(stat((keys + name).c_str(), &state), 0) << name;
    EXPECT_EQ(state.st_mode & 0777, 0600u) << name;
    for (const absl::string_view line :
         absl::StrSplit(ReadFile(keys + name), '\n', absl::SkipEmpty())) {
      if (!absl::StartsWith(line, "-----")) secrets.emplace_back(line);
    }
  }
  const std::string public_key = secrets[0];
  secrets.erase(secrets.begin());
  const auto has_secret = [&](const std::string& text) {
    for (const std::string& secret : secrets) {
      if (absl::StrContains(text, secret)) return true;
    }
    return false;
  };
  EXPECT_THAT(ReadFile(request), HasSubstr(public_key.substr(0, 8)));
  EXPECT_FALSE(has_secret(ReadFile(request)));

  const std::string asked = Ask(request, "rights.textproto");
  ASSERT_EQ(code_, 0) << asked;
  EXPECT_THAT(asked, HasSubstr("enrolment of night, police-scotland/night as "
                               "police: publishes 1 types or patterns"));
  EXPECT_THAT(AtHub({"list"}, "admin"),
              ::testing::Not(HasSubstr("police-scotland/night")));
  const std::string approval = After(asked, "--approve ");
  EXPECT_THAT(Agree(request, "rights.textproto", approval, "admin"),
              HasSubstr("another person has to agree"));
  EXPECT_EQ(code_, 1);
  EXPECT_THAT(Agree(request, "rights.textproto", approval, "police"),
              HasSubstr("may_agree"));
  const std::string answered = Agree(request, "rights.textproto", approval);
  ASSERT_EQ(code_, 0) << answered;
  EXPECT_FALSE(has_secret(ReadFile(After(answered, "made "))));
  EXPECT_THAT(AtHub({"list"}, "admin"),
              HasSubstr("spiffe://demo.concordat/police-scotland/night"));
  Install(answered);

  // It connects by both keys, and may do what was agreed and nothing else.
  const auto client = ConnectBus(Agency(), "night");
  ASSERT_THAT(client, IsOk());
  EXPECT_TRUE(Publish(**client, Shared("n-1")).accepted);
  EXPECT_EQ(Publish(**client, Concern("n-2", 1)).refusal,
            bus::v1::REFUSAL_SOURCE_NOT_ALLOWED);
  EXPECT_EQ(StatusByCertificate(), absl::StatusCode::kOk);

  const absl::Duration begun = SteadyNow();
  AtHub({"revoke", "night"}, "admin");
  ASSERT_EQ(code_, 0);
  const absl::Duration written = SteadyNow();
  int tries = 0;
  Await([&] {
    // One that was under way when the session was closed has no answer.
    const auto outcomes =
        PublishAndWait(**client, {Shared(absl::StrCat("n-3-", ++tries))},
                       absl::Milliseconds(500));
    return outcomes.ok() &&
           outcomes->front().refusal == bus::v1::REFUSAL_REVOKED;
  });
  const absl::Duration out = SteadyNow();
  EXPECT_NE(StatusByCertificate(), absl::StatusCode::kOk);
  EXPECT_LT(out - written, absl::Seconds(2));
  RecordProperty("revocation_ms",
                 static_cast<int>(absl::ToInt64Milliseconds(out - written)));
  std::printf("revoked: out %s after the file, %s after the command began\n",
              absl::FormatDuration(out - written).c_str(),
              absl::FormatDuration(out - begun).c_str());
}

TEST_F(EnrolmentTest, AFileThatWasChangedIsRefused) {
  const std::string request = Request();
  const std::string good = fingerprint_;
  fingerprint_ = "0000 0000";
  EXPECT_THAT(Ask(request, "rights.textproto"),
              HasSubstr("not what was read out"));
  EXPECT_EQ(code_, 1);
  fingerprint_ = good;
  const std::string asked = Ask(request, "rights.textproto");
  ASSERT_EQ(code_, 0) << asked;
  // More rights than the first person asked for.
  agency_.Write("more.textproto",
                absl::StrCat(kRights, "process { types: \"*\" }\n"));
  EXPECT_THAT(Agree(request, "more.textproto", After(asked, "--approve ")),
              HasSubstr("no longer the same act"));
  const std::string answered =
      Agree(request, "rights.textproto", After(asked, "--approve "));
  ASSERT_EQ(code_, 0) << answered;
  const std::string path = After(answered, "made ");
  std::ofstream(path, std::ios::app) << "# another word\n";
  EXPECT_THAT(AtAgency({"install", path, "--fingerprint",
                        After(answered, "fingerprint ")}),
              HasSubstr("not what was read out"));
  EXPECT_FALSE(
      std::filesystem::exists(agency_.PathOf("data/keys/night.crt.pem")));
}

TEST_F(EnrolmentTest, NewKeysFollowTheOldWithoutAPause) {
  Enrol();
  const auto client = ConnectBus(Agency(), "night");
  ASSERT_THAT(client, IsOk());
  ASSERT_TRUE(Publish(**client, Shared("n-1")).accepted);
  const auto before = *Agency().LoadCurveKeys("night");
  const DataDirectory old = StealAll();
  const std::string old_key = Registered().certificate_key();
  EXPECT_NE(old_key, "");
  const std::string request = Request({"--renew"});
  const std::string asked = Ask(request, "");
  ASSERT_EQ(code_, 0) << asked;
  EXPECT_THAT(asked, HasSubstr("new keys of night"));
  const std::string answered = Agree(request, "", After(asked, "--approve "));
  ASSERT_EQ(code_, 0) << answered;
  // The old ones go on until the answer is there, and for days after.
  ASSERT_TRUE(Publish(**client, Shared("n-2")).accepted);
  EXPECT_EQ(StatusByCertificate(), absl::StatusCode::kOk);
  Install(answered);
  const auto after = *Agency().LoadCurveKeys("night");
  EXPECT_NE(after.public_key, before.public_key);
  const bus::v1::Principal principal = Registered();
  EXPECT_EQ(principal.curve_public_key(), after.public_key);
  EXPECT_EQ(principal.second_curve_public_key(), before.public_key);
  EXPECT_NE(principal.second_curve_valid_to(), "");
  EXPECT_NE(principal.certificate_key(), old_key);
  EXPECT_EQ(principal.second_certificate_key(), old_key);
  EXPECT_EQ(principal.second_certificate_key_valid_to(),
            principal.second_curve_valid_to());
  EXPECT_EQ(principal.publish_size(), 1);
  for (int i = 3; i < 20; ++i) {
    ASSERT_TRUE(Publish(**client, Shared(absl::StrCat("n-", i))).accepted);
  }
  EXPECT_EQ(StatusByCertificate(), absl::StatusCode::kOk);
  EXPECT_FALSE(
      std::filesystem::exists(agency_.PathOf("data/keys/night.curve.next")));
  // While it has two, there is no third.
  Request({"--renew"});
  EXPECT_THAT(Ask(agency_.PathOf("data/night.request"), ""),
              HasSubstr("has two keys"));
  // The last day of the old ones has passed.
  EXPECT_EQ(StatusByCertificate(old), absl::StatusCode::kOk);
  Edit([](bus::v1::Principal& principal) {
    principal.set_second_certificate_key_valid_to("2020-01-01");
  });
  Await([&] {
    return StatusByCertificate(old) == absl::StatusCode::kUnauthenticated;
  });
  EXPECT_EQ(StatusByCertificate(), absl::StatusCode::kOk);
}

TEST_F(EnrolmentTest, AnOldRegistrysCertificateGoesOnForAWhile) {
  Enrol();
  const std::string old_key = Registered().certificate_key();
  Edit(
      [](bus::v1::Principal& principal) { principal.clear_certificate_key(); });
  const DataDirectory old = StealAll();
  Enrol({"--renew"}, "");
  EXPECT_NE(Registered().certificate_key(), "");
  EXPECT_EQ(Registered().second_certificate_key(), old_key);
  EXPECT_EQ(StatusByCertificate(), absl::StatusCode::kOk);
  EXPECT_EQ(StatusByCertificate(old), absl::StatusCode::kOk);
}

TEST_F(EnrolmentTest, ARevokedSystemComesBackByNewKeysAlone) {
  Enrol();
  const auto old = *Agency().LoadCurveKeys("night");
  const DataDirectory stolen = StealAll();
  EXPECT_EQ(StatusByCertificate(stolen), absl::StatusCode::kOk);
  AtHub({"revoke", "night"}, "admin");
  ASSERT_EQ(code_, 0);
  Enrol({"--renew"}, "");
  const bus::v1::Principal principal = Registered();
  EXPECT_FALSE(principal.revoked());
  EXPECT_EQ(principal.second_curve_public_key(), "");
  EXPECT_NE(principal.curve_public_key(), old.public_key);
  EXPECT_EQ(principal.second_certificate_key(), "");
  const auto client = ConnectBus(Agency(), "night");
  ASSERT_THAT(client, IsOk());
  EXPECT_TRUE(Publish(**client, Shared("n-1")).accepted);
  // Whoever has the old ones is out.
  EXPECT_EQ(StatusByCertificate(), absl::StatusCode::kOk);
  EXPECT_EQ(StatusByCertificate(stolen), absl::StatusCode::kUnauthenticated);
}

TEST_F(EnrolmentTest, BadInputIsNamed) {
  const std::string request = Request();
  EXPECT_THAT(
      AtAgency({"request", "night", "--agency", "police-scotland", "--system",
                "night", "--role", "police", "--environment", "demo"}),
      HasSubstr("has keys of night"));
  EXPECT_THAT(AtAgency({"request", "Night Desk", "--agency", "a", "--system",
                        "b", "--role", "c", "--environment", "demo"}),
              HasSubstr("need 1 to 64 of a-z"));
  EXPECT_THAT(AtAgency({"request", "other", "--agency", "a", "--system", "b",
                        "--role", "c", "--environment", "live"}),
              HasSubstr("is of the environment demo"));
  const std::string text = ReadFile(request);
  const auto refused = [&](const std::string& changed) {
    agency_.Write("changed.request", changed);
    const std::string shown = Ask(agency_.PathOf("changed.request"), "");
    fingerprint_ = After(shown, "fingerprint is ");
    fingerprint_ = fingerprint_.substr(0, fingerprint_.find(','));
    return Ask(agency_.PathOf("changed.request"), "rights.textproto");
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    const size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return changed.replace(at, from.size(), to);
  };
  EXPECT_THAT(refused("nonsense {"), HasSubstr("the request"));
  EXPECT_THAT(refused(with("\"demo\"", "\"live\"")),
              HasSubstr("for the environment live"));
  EXPECT_THAT(refused(with("\"police-scotland\"", "\"nobody\"")),
              HasSubstr("no agency nobody"));
  std::string renamed = with("name: \"night\"", "name: \"police\"");
  EXPECT_THAT(refused(renamed), HasSubstr("witness_key is of another name"));
  renamed.erase(renamed.find("witness_key"));
  EXPECT_THAT(refused(renamed), HasSubstr("the name is taken"));
  EXPECT_THAT(refused(with("curve_public_key: \"", "curve_public_key: \"x")),
              HasSubstr("40 characters"));
  EXPECT_THAT(refused(with("CERTIFICATE REQUEST-----\\n",
                           "CERTIFICATE REQUEST-----\\nAAAA")),
              HasSubstr("certificate request"));
  EXPECT_THAT(AtHub({"revoke", "nobody"}, "admin"),
              HasSubstr("no principal nobody"));
  agency_.Write("bad.answer", "name: \"night\"");
  const std::string shown = AtAgency({"install", agency_.PathOf("bad.answer")});
  EXPECT_THAT(shown, HasSubstr("compare it by telephone"));
  const std::string is = After(shown, "fingerprint is ");
  EXPECT_THAT(AtAgency({"install", agency_.PathOf("bad.answer"),
                        "--fingerprint", is.substr(0, is.find(';'))}),
              HasSubstr("registry: no environment"));
}

}  // namespace
}  // namespace concordat
