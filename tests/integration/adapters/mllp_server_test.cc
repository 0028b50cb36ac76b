// The listener on a real socket: who may connect, how many, for how long.
//
// Mutants, each with the test that catches it:
//   no client certificate asked for         NobodyWithoutACertificate
//   another agency's certificate taken      NobodyWithoutACertificate
//   one connection too many served          OneTooManyIsClosedAtOnce
//   silence has no end                      SilenceEndsAConnection
//   a closed slot is not given back         OneTooManyIsClosedAtOnce
#include "adapters/hl7v2/mllp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "gtest/gtest.h"
#include "services/common/storage/posix_directory.h"
#include "tests/support/fake_clock.h"
#include "tests/support/mllp_client.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_certificates.h"

namespace concordat::hl7v2 {
namespace {

using concordat::testing::AckOf;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using concordat::testing::MllpClient;
using concordat::testing::TestCa;

constexpr char kMessage[] =
    "MSH|^~\\&|A|B|C|D|20251127||ADT^A01|H1|T|2.4\rPID|1||7^^^X^Y\r";

class MllpServerTest : public ::testing::Test {
 protected:
  MllpServerTest() {
    std::signal(SIGPIPE, SIG_IGN);  // As StartUp does.
    edge::v1::Hl7Edge settings;
    settings.mutable_listener()->add_processing_ids("T");
    settings.set_time_zone("Europe/London");
    mapping_.emplace(*Mapping::Build(settings));
    directory_ = *PosixDirectory::Open(folder_.path());
    store_ = *edge::EdgeStore::Open(*directory_, std::string(32, 'k'), random_);
    cohort_.Complete(Sequence{1});
    receiver_ = std::make_unique<Receiver>(*mapping_, cohort_, *store_,
                                           "secret", clock_, random_);
  }
  void Start(MllpServerOptions options) {
    auto server = MllpServer::Start(options, NewClearStreams(), *receiver_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  void StartTls() {
    const TlsCredentials own =
        ca_.Issue("spiffe://demo.concordat/nhs-tayside/pas");
    auto streams = NewTlsStreams({own.ca, own.certificate, own.private_key,
                                  "spiffe://demo.concordat/nhs-tayside/"});
    ASSERT_THAT(streams, IsOk());
    auto server =
        MllpServer::Start(MllpServerOptions(), *std::move(streams), *receiver_);
    ASSERT_THAT(server, IsOk());
    server_ = *std::move(server);
  }
  // Sends kMessage over TLS and returns what comes back, nothing if cut off.
  std::string AskOverTls(const TlsCredentials* credentials) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (credentials != nullptr) {
      BIO* bio = BIO_new_mem_buf(credentials->certificate.data(), -1);
      X509* const certificate =
          PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
      BIO_free(bio);
      bio = BIO_new_mem_buf(credentials->private_key.data(), -1);
      EVP_PKEY* const key =
          PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
      BIO_free(bio);
      EXPECT_EQ(SSL_CTX_use_certificate(context, certificate), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey(context, key), 1);
      X509_free(certificate);
      EVP_PKEY_free(key);
    }
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(
        connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    std::string answer;
    const std::string frame = MllpFrame(kMessage);
    if (SSL_connect(ssl) == 1 &&
        SSL_write(ssl, frame.data(), static_cast<int>(frame.size())) > 0) {
      char buffer[4096];
      const int got = SSL_read(ssl, buffer, sizeof(buffer));
      if (got > 0) answer.assign(buffer, static_cast<size_t>(got));
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
    return answer;
  }

  concordat::testing::TempDir folder_;
  concordat::testing::SeededRandom random_;
  concordat::testing::FakeClock clock_;
  const TestCa ca_;
  std::optional<Mapping> mapping_;
  edge::Cohort cohort_{"key", clock_};
  std::unique_ptr<Directory> directory_;
  std::unique_ptr<edge::EdgeStore> store_;
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<MllpServer> server_;
};

TEST_F(MllpServerTest, AnswersOverMutualTls) {
  StartTls();
  const TlsCredentials engine =
      ca_.Issue("spiffe://demo.concordat/nhs-tayside/engine");
  EXPECT_NE(AskOverTls(&engine).find("MSA|AA|H1"), std::string::npos);
  EXPECT_NE(AskOverTls(&engine).find("MSA|AA|H1"), std::string::npos);
}

TEST_F(MllpServerTest, NobodyWithoutACertificate) {
  StartTls();
  EXPECT_EQ(AskOverTls(nullptr), "");
  const TlsCredentials other =
      ca_.Issue("spiffe://demo.concordat/police-scotland/rms");
  EXPECT_EQ(AskOverTls(&other), "");
  const TestCa stranger;
  const TlsCredentials forged =
      stranger.Issue("spiffe://demo.concordat/nhs-tayside/engine");
  EXPECT_EQ(AskOverTls(&forged), "");
  MllpClient clear(server_->port());
  EXPECT_EQ(AckOf(clear.Ask(kMessage)), "closed");
  EXPECT_EQ(store_->counts().not_in_cohort, 0u);
  const TlsCredentials engine =
      ca_.Issue("spiffe://demo.concordat/nhs-tayside/engine");
  EXPECT_NE(AskOverTls(&engine).find("MSA|AA|H1"), std::string::npos);
}

TEST_F(MllpServerTest, RefusesKeysThatAreNone) {
  EXPECT_THAT(NewTlsStreams({"no", "pem", "here", "x"}),
              HasCode(absl::StatusCode::kInvalidArgument));
  const TlsCredentials one = ca_.Issue("spiffe://a/b/c");
  const TlsCredentials two = ca_.Issue("spiffe://a/b/c");
  EXPECT_THAT(NewTlsStreams({one.ca, one.certificate, two.private_key, "x"}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(MllpServerTest, OneTooManyIsClosedAtOnce) {
  MllpServerOptions options;
  options.connections_max = 2;
  Start(options);
  auto one = std::make_unique<MllpClient>(server_->port());
  MllpClient two(server_->port());
  MllpClient three(server_->port());
  EXPECT_EQ(AckOf(one->Ask(kMessage)), "AA H1");
  EXPECT_EQ(AckOf(two.Ask(kMessage)), "AA H1");
  EXPECT_EQ(AckOf(three.Ask(kMessage)), "closed");
  EXPECT_EQ(AckOf(two.Ask(kMessage)), "AA H1");
  one.reset();
  std::string ack = "closed";
  for (int tries = 0; tries < 1000 && ack == "closed"; ++tries) {
    ack = AckOf(three.Ask(kMessage));
  }
  EXPECT_EQ(ack, "AA H1");
}

TEST_F(MllpServerTest, SilenceEndsAConnection) {
  MllpServerOptions options;
  options.idle_max = absl::Milliseconds(50);
  Start(options);
  MllpClient client(server_->port());
  EXPECT_EQ(AckOf(client.Ask(kMessage)), "AA H1");
  EXPECT_FALSE(client.Receive().has_value());  // Closed, not out of patience:
  EXPECT_EQ(AckOf(client.Ask(kMessage)), "AA H1");
  ASSERT_TRUE(client.SendRaw("\x0BMSH|^~\\&|half"));
  EXPECT_FALSE(client.Receive().has_value());
  EXPECT_EQ(store_->counts().refused, 1u);
}

TEST_F(MllpServerTest, AFrameOverItsBoundClosesTheSocketAlone) {
  Start(MllpServerOptions());
  MllpClient client(server_->port());
  EXPECT_EQ(AckOf(client.Ask(std::string(kMessageBytesMax + 1, 'x'))),
            "closed");
  EXPECT_EQ(AckOf(client.Ask(kMessage)), "AA H1");
}

}  // namespace
}  // namespace concordat::hl7v2
