// Mutants tried, and what caught each:
//   keys written 0644            KeepsPrivateKeysAndSecretsToTheirOwner
//   one key pair for everybody   GivesEachPrincipalKeysOfItsOwn
//   the registry says nothing of certificates, or of another's
//                                MakesWhatEveryProgramReads
//   overwrite what is there      RefusesAFolderThatHoldsAnything
//   draft left after a failure   LeavesNothingBehindWhenTheShareIsIncomplete
//   leaf certificate with CA:TRUE, or signed by its own key
//                                SignsCertificatesThatTheAuthorityVouchesFor
#include "gateway/cli/keys/demo_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "services/common/config/data_directory.h"
#include "services/common/crypto/certificate_key.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::cli {
namespace {

namespace fs = std::filesystem;
using ::concordat::testing::FakeClock;
using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::concordat::testing::SeededRandom;
using ::concordat::testing::TempDir;

class DemoDirectoryTest : public ::testing::Test {
 protected:
  DemoDirectoryTest() {
    folder_.Write("types.binpb", "types");
    options_.data = folder_.PathOf("data");
    options_.share = std::string(getenv("CONCORDAT_SOURCE")) + "/deploy";
    options_.types = folder_.PathOf("types.binpb");
  }

  absl::Status Make() { return MakeDemoDirectory(options_, clock_, random_); }

  TempDir folder_;
  DemoDirectoryOptions options_;
  FakeClock clock_;
  SeededRandom random_;
};

std::unique_ptr<X509, decltype(&X509_free)> Parse(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free};
}

TEST_F(DemoDirectoryTest, MakesWhatEveryProgramReads) {
  ASSERT_THAT(Make(), IsOk());
  const auto data = DataDirectory::Open(options_.data);
  ASSERT_THAT(data.status(), IsOk());
  EXPECT_EQ(data->environment(), bus::v1::ENVIRONMENT_DEMO);
  EXPECT_EQ(*data->LoadTypes(), "types");
  EXPECT_GT(data->LoadCodeLists()->size(), 30u);
  EXPECT_EQ(*data->Port("concordat-bus", "ingest"), 7401);
  const auto registry = data->LoadRegistry();
  ASSERT_THAT(registry.status(), IsOk());
  for (const auto& principal : (*registry)->proto().principals()) {
    SCOPED_TRACE(principal.name());
    const auto tls = data->LoadTls(principal.name());
    ASSERT_THAT(tls.status(), IsOk());
    EXPECT_EQ(CertificateKeyOfPem(tls->certificate).value_or(""),
              principal.certificate_key());
    EXPECT_THAT(data->LoadSecret(principal.name()).status(), IsOk());
    EXPECT_NE(principal.certificate_key(), "");
    const auto keys = data->LoadCurveKeys(principal.name());
    if (SpeaksForOthers(principal)) {  // A certificate, and no key of the bus.
      EXPECT_THAT(keys.status(), HasCode(absl::StatusCode::kNotFound));
      EXPECT_EQ(principal.curve_public_key(), "");
      continue;
    }
    ASSERT_THAT(keys.status(), IsOk());
    EXPECT_EQ(keys->public_key, principal.curve_public_key());
  }
  ASSERT_NE((*registry)->FindByName("gateway"), nullptr);
  EXPECT_TRUE(SpeaksForOthers(*(*registry)->FindByName("gateway")));
  EXPECT_EQ(*data->LoadBusPublicKey(), data->LoadCurveKeys("bus")->public_key);
  EXPECT_THAT(data->LoadTls("bus").status(), IsOk());
  EXPECT_TRUE(fs::exists(data->PathOf("keys/wrapping.key")));
}

TEST_F(DemoDirectoryTest, TakesAnyPortWhenAsked) {
  options_.any_port = true;
  ASSERT_THAT(Make(), IsOk());
  const auto data = DataDirectory::Open(options_.data);
  EXPECT_EQ(*data->Port("concordat-bus", "ingest"), 0);
}

TEST_F(DemoDirectoryTest, GivesEachPrincipalKeysOfItsOwn) {
  ASSERT_THAT(Make(), IsOk());
  std::set<std::string> seen;
  size_t count = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(options_.data) / "keys")) {
    std::ifstream in(entry.path());
    std::string text((std::istreambuf_iterator<char>(in)), {});
    seen.insert(text);
    ++count;
  }
  EXPECT_EQ(seen.size(), count);
}

TEST_F(DemoDirectoryTest, KeepsPrivateKeysAndSecretsToTheirOwner) {
  ASSERT_THAT(Make(), IsOk());
  const fs::path keys = fs::path(options_.data) / "keys";
  EXPECT_EQ(fs::status(keys).permissions(), fs::perms::owner_all);
  for (const char* name : {"police.key.pem", "police.curve", "police.secret",
                           "bus.curve", "wrapping.key"}) {
    EXPECT_EQ(fs::status(keys / name).permissions(),
              fs::perms::owner_read | fs::perms::owner_write)
        << name;
  }
  EXPECT_FALSE(fs::exists(keys / "ca.key.pem"));
}

TEST_F(DemoDirectoryTest, SignsCertificatesThatTheAuthorityVouchesFor) {
  ASSERT_THAT(Make(), IsOk());
  const auto tls = DataDirectory::Open(options_.data)->LoadTls("nhs");
  ASSERT_THAT(tls.status(), IsOk());
  const auto authority = Parse(tls->ca);
  const auto leaf = Parse(tls->certificate);
  ASSERT_TRUE(authority && leaf);
  EXPECT_EQ(X509_verify(leaf.get(), X509_get0_pubkey(authority.get())), 1);
  EXPECT_EQ(X509_check_ca(authority.get()), 1);
  EXPECT_EQ(X509_check_ca(leaf.get()), 0);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_host(leaf.get(), "localhost", 0, 0, nullptr), 1);
  // Valid at the clock's now, for not more than a year.
  time_t now = absl::ToTimeT(clock_.Now());
  EXPECT_LT(X509_cmp_time(X509_get0_notBefore(leaf.get()), &now), 0);
  EXPECT_GT(X509_cmp_time(X509_get0_notAfter(leaf.get()), &now), 0);
  now += 366 * 24 * 3600;
  EXPECT_LT(X509_cmp_time(X509_get0_notAfter(leaf.get()), &now), 0);
}

TEST_F(DemoDirectoryTest, RefusesAFolderThatHoldsAnything) {
  fs::create_directory(options_.data);
  std::ofstream(fs::path(options_.data) / "letter") << "mine";
  EXPECT_THAT(Make(), HasCode(absl::StatusCode::kAlreadyExists));
  EXPECT_FALSE(fs::exists(fs::path(options_.data) / "keys"));
}

TEST_F(DemoDirectoryTest, FillsAnEmptyFolder) {
  fs::create_directory(options_.data);
  EXPECT_THAT(Make(), IsOk());
}

TEST_F(DemoDirectoryTest, LeavesNothingBehindWhenTheShareIsIncomplete) {
  options_.types = folder_.PathOf("missing");
  EXPECT_THAT(Make(), HasCode(absl::StatusCode::kNotFound));
  size_t left = 0;
  for (const auto& entry : fs::directory_iterator(folder_.path())) {
    if (entry.path().filename() != "types.binpb") ++left;
  }
  EXPECT_EQ(left, 0u);
}

}  // namespace
}  // namespace concordat::cli
