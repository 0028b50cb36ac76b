// Bugs this file catches:
//   a signature that covers less than the text        Note.EveryByteCounts
//   a known key's bad signature passed over           Note.EveryByteCounts
//   a cosignature without its time                    Note.CosignatureHasItsTime
//   a checkpoint of another log taken for this one's  Checkpoint.OfAnotherLog…
//   sizes as "007", roots of 31 bytes                 Checkpoint.MalformedIs…
#include "services/common/evidence/note.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "services/common/evidence/checkpoint.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::HasCode;
using testing::IsOk;

constexpr char kOrigin[] = "demo.concordat/log/01";

Ed25519Signer SignerOf(uint8_t seed) {
  Ed25519Seed bytes = {};
  bytes[0] = seed;
  return Ed25519Signer(bytes);
}

class NoteTest : public ::testing::Test {
 protected:
  const Ed25519Signer log_ = SignerOf(1);
  const Ed25519Signer witness_ = SignerOf(2);
  const NoteVerifier log_key_ =
      *MakeVerifier(kOrigin, NoteKeyType::kEd25519, log_.public_key());
  const NoteVerifier witness_key_ = *MakeVerifier(
      "police.example/w", NoteKeyType::kCosignature, witness_.public_key());
  const Checkpoint checkpoint_ = {kOrigin, 42, HashLeaf("x"), {}};
};

TEST_F(NoteTest, EveryByteCounts) {
  const std::string note = SignCheckpoint(checkpoint_, log_);
  ASSERT_THAT(OpenCheckpoint(note, log_key_), IsOk());
  for (size_t at = 0; at < note.size(); ++at) {
    for (const int bit : {1, 32}) {
      std::string changed = note;
      changed[at] = static_cast<char>(changed[at] ^ bit);
      EXPECT_FALSE(OpenCheckpoint(changed, log_key_).ok()) << at;
    }
    EXPECT_FALSE(OpenCheckpoint(note.substr(0, at), log_key_).ok()) << at;
  }
}

TEST_F(NoteTest, KeysComeBack) {
  for (const NoteVerifier& key : {log_key_, witness_key_}) {
    const absl::StatusOr<NoteVerifier> parsed = ParseVerifier(key.ToString());
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(parsed->name, key.name);
    EXPECT_EQ(parsed->key, key.key);
    EXPECT_EQ(parsed->type, key.type);
  }
  EXPECT_THAT(MakeVerifier("a b", NoteKeyType::kEd25519, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(MakeVerifier("a\xC2\xA0z", NoteKeyType::kEd25519, {}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseVerifier("a+00000000+AA=="),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(NoteTest, CosignatureHasItsTime) {
  Note note = *ParseNote(SignCheckpoint(checkpoint_, log_));
  note.signatures.push_back(
      Cosign(note.text, witness_key_.name, 1679315147, witness_));
  const absl::StatusOr<OpenedCheckpoint> opened =
      OpenCheckpoint(EncodeNote(note), log_key_, {witness_key_});
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->checkpoint, checkpoint_);
  ASSERT_EQ(opened->cosignatures.size(), 1u);
  EXPECT_EQ(CosignedAt(opened->cosignatures[0]), 1679315147u);

  note.signatures.back().bytes[7] ^= 1;  // A second later.
  EXPECT_THAT(OpenCheckpoint(EncodeNote(note), log_key_, {witness_key_}),
              HasCode(absl::StatusCode::kPermissionDenied));
  // Who does not know the witness passes it over.
  EXPECT_THAT(OpenCheckpoint(EncodeNote(note), log_key_), IsOk());
}

TEST_F(NoteTest, WitnessAloneIsNotTheLog) {
  Note note = *ParseNote(SignCheckpoint(checkpoint_, log_));
  note.signatures = {Cosign(note.text, witness_key_.name, 5, witness_)};
  EXPECT_THAT(OpenCheckpoint(EncodeNote(note), log_key_, {witness_key_}),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(NoteTest, CheckpointOfAnotherLogIsNotThisOnes) {
  Checkpoint other = checkpoint_;
  other.origin = "demo.concordat/log/02";
  Note note;
  note.text = EncodeCheckpoint(other);
  note.signatures = {SignNote(note.text, kOrigin, log_)};
  EXPECT_THAT(OpenCheckpoint(EncodeNote(note), log_key_),
              HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(NoteTest, MalformedCheckpointIsRefused) {
  const std::string text = EncodeCheckpoint(checkpoint_);
  ASSERT_THAT(ParseCheckpoint(text), IsOk());
  EXPECT_EQ(*ParseCheckpoint(text), checkpoint_);
  EXPECT_EQ(ParseCheckpoint(text + "more\n")->extensions,
            std::vector<std::string>{"more"});
  const std::string root = text.substr(text.find("42\n") + 3);
  for (const std::string& bad :
       {std::string(), text.substr(0, text.size() - 1), text + "\n",
        absl::StrReplaceAll(text, {{"42", "042"}}),
        absl::StrReplaceAll(text, {{"42", "-1"}}),
        absl::StrReplaceAll(text, {{"42", "0x2a"}}),
        absl::StrReplaceAll(text, {{"42", "99999999999999999999"}}),
        absl::StrReplaceAll(text, {{root, root.substr(4)}}), "\n" + text}) {
    EXPECT_THAT(ParseCheckpoint(bad),
                HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

TEST_F(NoteTest, SignatureLineComesBack) {
  const NoteSignature signature = Cosign("x\n", "w", 7, witness_);
  const auto parsed = ParseSignatureLine(SignatureLine(signature));
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(SignatureLine(*parsed), SignatureLine(signature));
  for (const char* bad :
       {"", "\n", "w AAAA\n", "\xE2\x80\x94 w\n", "\xE2\x80\x94 w AAAA\n",
        "\xE2\x80\x94 w AAAAAA=\n"}) {
    EXPECT_THAT(ParseSignatureLine(bad),
                HasCode(absl::StatusCode::kInvalidArgument))
        << bad;
  }
}

}  // namespace
}  // namespace concordat
