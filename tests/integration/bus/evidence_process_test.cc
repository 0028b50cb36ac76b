// The log's tree at the real concordat-bus, by its gRPC service, its sessions and
// the command line.
//
// Mutant                                             Caught by
// a leaf shown to who may not see the event          ALeafIsForWhoMaySeeTheEvent
// a proof that is of another tree than the note      ALeafIsForWhoMaySeeTheEvent
// a restart that forgets what was signed             TheTreeGoesOnAfterARestart
// heartbeats without the checkpoint                  AClientKeepsAndCosigns…
// a cosignature of who has no witness key            AClientKeepsAndCosigns…
// a log that is not what was signed is signed on     ALogThatIsNotWhatWasSigned…
// a signature lost, or of who did not publish it     WhatAProducerSigned…
// who signed what the caller may not see             WhatAProducerSigned…
// a stamp that is not fetched, checked or missed     AnAuthorityStampsAnd…
// a command that believes what the bus says          TheCommandLineChecks…
// a tree is verified no further than one answer      GoesOnVerifyingWhereItWas
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "concordat/bus/v1/evidence.pb.h"
#include "services/common/bus_client/connection.h"
#include "services/common/config/evidence_keys.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/producer_chain.h"
#include "services/common/evidence/spine.h"
#include "services/common/evidence/timestamp.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/openssl_authority.h"

namespace concordat {
namespace {

class EvidenceProcessTest : public BusProcessTest {
 protected:
  template <typename Response>
  absl::StatusOr<Response> AskEvidence(
      absl::string_view principal, absl::string_view method,
      const google::protobuf::MessageLite& request) {
    auto& channel = channels_[std::string(principal)];
    if (channel == nullptr) {
      auto opened = OpenChannel(bus_.data(), "concordat-bus", principal, kLong);
      if (!opened.ok()) return opened.status();
      channel = *std::move(opened);
    }
    const auto bytes = GenericCall(
        channel, absl::StrCat("concordat.bus.v1.EvidenceService/", method),
        request.SerializeAsString(), {});
    if (!bytes.ok()) return bytes.status();
    Response response;
    EXPECT_TRUE(response.ParseFromString(*bytes));
    return response;
  }
  void Restart() {
    EXPECT_EQ(bus_.Stop(), 0);
    bus_.Start();
    channels_.clear();
  }
  bus::v1::GetCheckpointResponse Newest() {
    const auto newest = AskEvidence<bus::v1::GetCheckpointResponse>(
        "police", "GetCheckpoint", bus::v1::GetCheckpointRequest());
    EXPECT_THAT(newest, IsOk());
    return newest.value_or(bus::v1::GetCheckpointResponse());
  }
  // Checked with the key in the data directory.
  Checkpoint Open(const std::string& note) {
    const auto key = LoadLogKey(bus_.data());
    EXPECT_THAT(key, IsOk());
    const auto parsed = ParseNote(note);
    EXPECT_THAT(parsed, IsOk());
    if (!parsed.ok()) return {};
    const auto opened = OpenCheckpoint(
        note, *MakeVerifier(ParseCheckpoint(parsed->text)->origin,
                            NoteKeyType::kEd25519, *key));
    EXPECT_THAT(opened, IsOk());
    return opened.ok() ? opened->checkpoint : Checkpoint();
  }
  template <typename Done>
  void WaitUntil(Done done) {
    const absl::Duration until = SteadyNow() + kLong;
    while (!done()) ASSERT_LT(SteadyNow(), until);
  }
  void WaitForSize(uint64_t size) {
    WaitUntil([&] {
      const std::string note = Newest().checkpoint();
      return !note.empty() && Open(note).size >= size;
    });
  }
  bus::v1::ProveInclusionResponse Prove(absl::string_view principal,
                                        uint64_t sequence) {
    bus::v1::ProveInclusionRequest request;
    request.set_sequence(sequence);
    const auto proof = AskEvidence<bus::v1::ProveInclusionResponse>(
        principal, "ProveInclusion", request);
    EXPECT_THAT(proof, IsOk());
    return proof.value_or(bus::v1::ProveInclusionResponse());
  }
  template <typename Response>
  static std::vector<TreeHash> HashesOf(const Response& response) {
    std::vector<TreeHash> hashes;
    for (const std::string& bytes : response.hashes()) {
      hashes.push_back(TreeHashOf(bytes).value_or(TreeHash()));
    }
    return hashes;
  }
  std::string Read(const std::string& path) {
    std::ifstream file(bus_.data().PathOf(path), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // What the command printed, and how it ended.
  std::pair<std::string, int> RunCli(std::vector<std::string> words) {
    words.insert(words.begin(), "concordat");
    words.insert(words.end(), {"--data", bus_.data().path()});
    testing::Process process(words, testing::Process::Output::kPiped);
    std::string printed;
    for (std::string line = process.Line(); !line.empty();
         line = process.Line()) {
      printed += line;
    }
    return {printed, WEXITSTATUS(process.Wait())};
  }

  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

TEST_F(EvidenceProcessTest, ALeafIsForWhoMaySeeTheEvent) {
  const auto mappa = Connect("service-mappa");
  ASSERT_TRUE(Publish(*mappa, Opened("o-1", 1)).accepted);
  const PublishOutcome outcome = Publish(*Connect("police"), Concern("e-1", 1));
  ASSERT_TRUE(outcome.accepted) << outcome.detail;
  const uint64_t sequence = outcome.sequence.value;
  WaitForSize(sequence);

  const auto seen = Prove("police", sequence);
  const Checkpoint checkpoint = Open(seen.checkpoint());
  ASSERT_EQ(checkpoint.size, seen.size());
  ASSERT_FALSE(seen.leaf().empty());
  const auto spine = DecodeSpine(seen.leaf());
  ASSERT_THAT(spine, IsOk());
  EXPECT_THAT(CheckDigest(*spine), IsOk());
  EXPECT_EQ(spine->digest, outcome.digest);
  EXPECT_EQ(spine->sequence, outcome.sequence);
  EXPECT_THAT(
      CheckInclusion(sequence - 1, checkpoint.size, HashLeaf(seen.leaf()),
                     HashesOf(seen), checkpoint.root),
      IsOk());

  // The operator gets the proof, and nothing of the person.
  const auto hidden = Prove("admin", sequence);
  EXPECT_EQ(hidden.leaf(), "");
  EXPECT_EQ(hidden.leaf_hash(), seen.leaf_hash());
  EXPECT_THAT(CheckInclusion(sequence - 1, hidden.size(),
                             *TreeHashOf(hidden.leaf_hash()), HashesOf(hidden),
                             Open(hidden.checkpoint()).root),
              IsOk());

  bus::v1::ProveInclusionRequest beyond;
  beyond.set_sequence(1'000'000);
  EXPECT_THAT(AskEvidence<bus::v1::ProveInclusionResponse>(
                  "police", "ProveInclusion", beyond),
              HasCode(absl::StatusCode::kOutOfRange));
  bus::v1::GetTileRequest tile;
  tile.set_path("tile/entries/000.p/1");
  EXPECT_THAT(AskEvidence<bus::v1::GetTileResponse>("police", "GetTile", tile),
              HasCode(absl::StatusCode::kNotFound));
  tile.set_path("../checkpoint");
  EXPECT_THAT(AskEvidence<bus::v1::GetTileResponse>("police", "GetTile", tile),
              HasCode(absl::StatusCode::kInvalidArgument));
  tile.set_path("tile/0/000.p/1");
  const auto got =
      AskEvidence<bus::v1::GetTileResponse>("police", "GetTile", tile);
  ASSERT_THAT(got, IsOk());
  EXPECT_EQ(got->tile().size(), 32u);
}

TEST_F(EvidenceProcessTest, WhatAProducerSignedAndWhatNobodyDid) {
  ASSERT_TRUE(Publish(*Connect("service-mappa"), Opened("o-1", 1)).accepted);
  const auto police = Connect("police");
  std::vector<uint64_t> sequences;
  for (int i = 0; i < 20; ++i) {
    const PublishOutcome outcome =
        Publish(*police, Concern(absl::StrCat("s-", i), 1));
    ASSERT_TRUE(outcome.accepted);
    sequences.push_back(outcome.sequence.value);
  }
  const auto by_call = PublishByCall("police", {Concern("c-1", 1)});
  ASSERT_THAT(by_call, IsOk());
  const uint64_t unsigned_one = by_call->outcomes(0).sequence();
  WaitForSize(unsigned_one);
  for (const uint64_t sequence : sequences) {
    WaitUntil([&] {
      return Prove("police", sequence).producer_signature() ==
             bus::v1::PRODUCER_SIGNATURE_SIGNED;
    });
  }
  const auto proof = Prove("police", sequences[7]);
  EXPECT_EQ(proof.signed_by(), "police");
  EXPECT_THAT(CheckLink(LogStatus().log_id(), proof.link()), IsOk());
  std::vector<Digest> digests;
  for (const std::string& digest : proof.link_digests()) {
    digests.push_back(*TreeHashOf(digest));
  }
  EXPECT_THAT(CheckLinkDigests(proof.link(), digests), IsOk());
  EXPECT_TRUE(Names(proof.link(), {sequences[7]}));
  EXPECT_THAT(digests, ::testing::Contains(DecodeSpine(proof.leaf())->digest));
  // Of other events it tells the producer's agency and hub services alone.
  for (const char* other : {"coordinator", "admin"}) {
    const auto to_others = Prove(other, sequences[7]);
    EXPECT_EQ(to_others.signed_by(), "police") << other;
    EXPECT_FALSE(to_others.has_link()) << other;
  }
  // To who may not see the event not even whose it is.
  const auto to_none = Prove("nhs", sequences[7]);
  EXPECT_TRUE(to_none.leaf().empty());
  EXPECT_EQ(to_none.producer_signature(),
            bus::v1::PRODUCER_SIGNATURE_UNSPECIFIED);
  EXPECT_EQ(to_none.signed_by(), "");
  EXPECT_EQ(to_none.signing_key(), "");
  EXPECT_EQ(Prove("police", unsigned_one).producer_signature(),
            bus::v1::PRODUCER_SIGNATURE_UNSIGNED);
  // It lasts.
  Restart();
  WaitForSize(unsigned_one);
  EXPECT_EQ(Prove("police", sequences[0]).producer_signature(),
            bus::v1::PRODUCER_SIGNATURE_SIGNED);
}

TEST_F(EvidenceProcessTest, AnAuthorityStampsAndItsAbsenceIsSaid) {
  testing::HttpAuthority authority;
  std::ofstream(bus_.data().PathOf("keys/stamp-authority.pem"))
      << authority.roots();
  std::ofstream(bus_.data().PathOf("evidence.textproto"))
      << "authority_url: \"" << authority.url()
      << "\"\nstamp_every_s: 1\nstamp_late_s: 2\n";
  Restart();
  ASSERT_TRUE(Publish(*Connect("police"), Concern("e-1", 1)).accepted);
  WaitUntil([&] { return !Newest().stamp().empty(); });
  const auto newest = Newest();
  const auto note = ParseNote(newest.stamped());
  ASSERT_THAT(note, IsOk());
  const auto at =
      CheckStamp(newest.stamp(), note->text, std::nullopt, authority.roots());
  ASSERT_THAT(at, IsOk());
  EXPECT_EQ(RunCli({"log", "checkpoint"}).second, 0);

  authority.Break();
  ASSERT_TRUE(Publish(*Connect("police"), Concern("e-2", 1)).accepted);
  WaitUntil([&] {
    return Health().degraded_because().find("wait for a time stamp") !=
           std::string::npos;
  });
  authority.Mend();
  WaitUntil([&] { return Health().degraded_because().empty(); });
}

TEST_F(EvidenceProcessTest, TheTreeGoesOnAfterARestart) {
  const PublishOutcome first = Publish(*Connect("police"), Concern("e-1", 1));
  ASSERT_TRUE(first.accepted);
  WaitForSize(first.sequence.value);
  const Checkpoint before = Open(Newest().checkpoint());
  Restart();
  const PublishOutcome second = Publish(*Connect("police"), Concern("e-2", 1));
  ASSERT_TRUE(second.accepted);
  WaitForSize(second.sequence.value);
  bus::v1::ProveConsistencyRequest request;
  request.set_from_size(before.size);
  const auto proof = AskEvidence<bus::v1::ProveConsistencyResponse>(
      "police", "ProveConsistency", request);
  ASSERT_THAT(proof, IsOk());
  const Checkpoint after = Open(proof->checkpoint());
  EXPECT_EQ(after.origin, before.origin);
  EXPECT_THAT(CheckConsistency(before.size, after.size, before.root, after.root,
                               HashesOf(*proof)),
              IsOk());
}

TEST_F(EvidenceProcessTest, AClientKeepsAndCosignsWhatItHears) {
  const auto police = Connect("police");
  ASSERT_TRUE(Publish(*police, Concern("e-1", 1)).accepted);
  WaitUntil([&] { return !Newest().cosigned().empty(); });
  const auto registry = bus_.data().LoadRegistry();
  ASSERT_THAT(registry, IsOk());
  // One of those connected.
  const std::string note = Newest().cosigned();
  const auto parsed = ParseNote(note);
  ASSERT_THAT(parsed, IsOk());
  ASSERT_GE(parsed->signatures.size(), 2u);
  int witnesses = 0;
  for (const bus::v1::Principal& each : (*registry)->proto().principals()) {
    if (each.witness_key().empty()) continue;
    const auto key = ParseVerifier(each.witness_key());
    ASSERT_THAT(key, IsOk());
    for (const NoteSignature& signature : parsed->signatures) {
      witnesses += Verifies(parsed->text, signature, *key) ? 1 : 0;
    }
  }
  EXPECT_GE(witnesses, 1);
  EXPECT_EQ(police->log_alarm(), "");
  EXPECT_GE(Open(Read("witness-police/checkpoint")).size, 1u);

  bus::v1::AddCosignatureRequest request;
  request.mutable_cosignature()->set_size(Open(Newest().checkpoint()).size);
  request.mutable_cosignature()->set_line(SignatureLine(
      Cosign(parsed->text, "anybody", 1, Ed25519Signer(Ed25519Seed{}))));
  EXPECT_THAT(AskEvidence<bus::v1::AddCosignatureResponse>(
                  "police", "AddCosignature", request),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(EvidenceProcessTest, ALogThatIsNotWhatWasSignedIsNotSignedOn) {
  const PublishOutcome first = Publish(*Connect("police"), Concern("e-1", 1));
  WaitForSize(first.sequence.value);
  Checkpoint other = Open(Newest().checkpoint());
  EXPECT_EQ(bus_.Stop(), 0);
  // As if the log had been changed since: what was signed had another root.
  other.root[0] ^= 1;
  const auto signer = LoadLogSigner(bus_.data());
  ASSERT_THAT(signer, IsOk());
  std::ofstream(bus_.data().PathOf("bus/tree/checkpoint"), std::ios::binary)
      << SignCheckpoint(other, *signer);
  bus_.Start();
  channels_.clear();
  WaitUntil([&] { return !Newest().refused_because().empty(); });
  EXPECT_EQ(Newest().checkpoint(), "");
  WaitUntil([&] {
    return Health().degraded_because().find("no checkpoint is signed") !=
           std::string::npos;
  });
  // Events are taken all the same.
  EXPECT_TRUE(Publish(*Connect("police"), Concern("e-2", 1)).accepted);
}

TEST_F(EvidenceProcessTest, GoesOnVerifyingWhereItWas) {
  const PublishOutcome last = Publish(*Connect("police"), Concern("e-1", 1));
  WaitForSize(last.sequence.value);
  // As an answer that stopped at the first event would have it.
  const auto tile = [this] {
    bus::v1::GetTileRequest request;
    request.set_path("tile/0/000.p/1");
    return AskEvidence<bus::v1::GetTileResponse>("admin", "GetTile", request);
  }();
  ASSERT_THAT(tile, IsOk());
  bus::v1::VerifyTreeRequest request;
  const auto verify = [&] {
    return AskEvidence<bus::v1::VerifyTreeResponse>("admin", "VerifyTree",
                                                    request);
  };
  const auto whole = verify();
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->verified(), whole->size());
  request.set_size(whole->size());
  request.set_verified(1);
  EXPECT_THAT(verify(), HasCode(absl::StatusCode::kInvalidArgument));
  request.add_subtrees(tile->tile());
  const auto rest = verify();
  ASSERT_THAT(rest, IsOk());
  EXPECT_EQ(rest->root(), whole->root());
  // From a tree that is another's it does not come to what was signed.
  request.set_subtrees(0, std::string(32, 'x'));
  EXPECT_THAT(verify(), HasCode(absl::StatusCode::kDataLoss));
  request.set_size(1'000'000);
  EXPECT_THAT(verify(), HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(EvidenceProcessTest, TheCommandLineChecksWhatItIsTold) {
  ASSERT_TRUE(Publish(*Connect("service-mappa"), Opened("o-1", 1)).accepted);
  const PublishOutcome first = Publish(*Connect("police"), Concern("e-1", 1));
  WaitForSize(first.sequence.value);
  const auto proved =
      RunCli({"log", "prove", "--sequence", absl::StrCat(first.sequence.value),
              "--profile", "police"});
  EXPECT_EQ(proved.second, 0) << proved.first;
  EXPECT_THAT(proved.first, HasSubstr("is in the tree of"));
  const auto checkpoint = RunCli({"log", "checkpoint"});
  EXPECT_EQ(checkpoint.second, 0);
  EXPECT_THAT(checkpoint.first, HasSubstr("concordat/access/"));
  EXPECT_EQ(RunCli({"log", "verify"}).second, 0);
  const auto complete =
      RunCli({"who-knew", "--complete", "--person", PersonKey({1}).ToString(),
              "--profile", "coordinator"});
  EXPECT_EQ(complete.second, 0) << complete.first;
  EXPECT_THAT(complete.first, HasSubstr("Complete to event"));
  EXPECT_THAT(complete.first, HasSubstr("2 events of this person"));
  EXPECT_NE(RunCli({"log", "prove", "--sequence", "999999"}).second, 0);
  EXPECT_NE(RunCli({"log", "prove", "--sequence", "x"}).second, 0);
  // Another key here than the one that signed.
  std::ofstream(bus_.data().PathOf("keys/log-signing.pub"))
      << std::string(62, '0') << "01\n";
  EXPECT_NE(RunCli({"log", "checkpoint"}).second, 0);
  EXPECT_NE(RunCli({"log", "prove", "--sequence", "1"}).second, 0);
}

}  // namespace
}  // namespace concordat
