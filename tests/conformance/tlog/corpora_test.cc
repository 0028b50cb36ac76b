// What others wrote about transparency logs: transparency-dev's Merkle proofs,
// Tessera's log in tiles, golang.org/x/mod's notes, Wycheproof's vectors of what
// is used here. What they say passes passes here, and what must fail does. Found
// in $CONCORDAT_CORPORA, else beside the source tree; skipped where they are not.
//
// Of Wycheproof's files:
//   ed25519             all: what signs events, notes and bundles
//   aes_gcm             256-bit keys with 96-bit nonces: what seals everything
//                       that is stored. Other sizes do not fit AeadKey's types.
//   hmac_sha256         all; a shortened tag is compared as far as it goes
//   json_web_signature  all: RS256 and ES256 of an ID token are verified, every
//                       other algorithm and a key for something else is refused
//   ecdsa_secp256r1     not read: signatures of ES256 are two numbers side by
//                       side, these are DER; certificates are OpenSSL's to check
//   x25519              not read: boxes are libsodium's, sealed and opened whole;
//                       no function here takes a point
//   hkdf_sha256, chacha20_poly1305, xchacha20_poly1305, siphash_2_4
//                       not read: nothing uses them
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "boost/json.hpp"
#include "gateway/signin/jws.h"
#include "gmock/gmock.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/crypto/sha256.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/note.h"
#include "services/common/evidence/tiles.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::IsOk;

std::string Read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string TextOf(const json::object& of, const char* name) {
  const json::value* const value = of.if_contains(name);
  if (value == nullptr || !value->is_string()) return "";
  return std::string(value->as_string().c_str(), value->as_string().size());
}

uint64_t NumberOf(const json::object& of, const char* name) {
  return of.at(name).to_number<uint64_t>();
}

std::string FromBase64(absl::string_view text) {
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(text, &bytes)) << text;
  return bytes;
}

class Corpora : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<fs::path> places;
    if (const char* corpora = std::getenv("CONCORDAT_CORPORA")) {
      places.emplace_back(corpora);
    } else if (const char* source = std::getenv("CONCORDAT_SOURCE")) {
      places.push_back(fs::path(source) / "../shared/corpora");
      places.push_back(fs::path(source) / "../../shared/corpora");
    }
    for (const fs::path& place : places) {
      if (fs::is_directory(place / "crypto-tlog"))
        folder_ = place / "crypto-tlog";
    }
    if (folder_.empty()) GTEST_SKIP() << "no corpora here";
  }

  std::vector<json::object> ProofsOf(const std::string& kind) const {
    std::vector<json::object> proofs;
    for (const auto& entry : fs::recursive_directory_iterator(
             folder_ / "transparency-dev-merkle/testdata" / kind)) {
      if (entry.path().extension() != ".json") continue;
      proofs.push_back(json::parse(Read(entry.path())).as_object());
    }
    return proofs;
  }

  fs::path folder_;
};

// Nothing: one of them is not 32 bytes long, which is refused where it is read.
std::optional<std::vector<TreeHash>> HashesOf(const json::object& vector,
                                              const char* name) {
  std::vector<TreeHash> hashes;
  const json::value& value = vector.at(name);
  const json::array one = value.is_array() ? value.as_array() : json::array();
  for (const json::value& text : one) {
    const auto hash = TreeHashOf(FromBase64(text.as_string().c_str()));
    if (!hash.has_value()) return std::nullopt;
    hashes.push_back(*hash);
  }
  return hashes;
}
std::optional<TreeHash> HashOf(const json::object& vector, const char* name) {
  return TreeHashOf(FromBase64(TextOf(vector, name)));
}

bool PassesInclusion(const json::object& v) {
  const auto proof = HashesOf(v, "proof");
  const auto leaf = HashOf(v, "leafHash");
  const auto root = HashOf(v, "root");
  if (!proof || !leaf || !root) return false;
  const uint64_t index = NumberOf(v, "leafIdx");
  if (v.contains("treeSize")) {
    return CheckInclusion(index, NumberOf(v, "treeSize"), *leaf, *proof, *root)
        .ok();
  }
  return CheckSubtreeInclusion(index, NumberOf(v, "start"), NumberOf(v, "end"),
                               *leaf, *proof, *root)
      .ok();
}

// Roots of a made-up length ("don't care") are to be equal or not: hashes of theirs
// are that too.
TreeHash RootIn(const json::object& vector, const char* name) {
  const std::string bytes = FromBase64(TextOf(vector, name));
  return TreeHashOf(bytes).value_or(Sha256::Of(bytes));
}

bool PassesConsistency(const json::object& v) {
  const auto proof = HashesOf(v, "proof");
  if (!proof) return false;
  const TreeHash root1 = RootIn(v, "root1");
  const TreeHash root2 = RootIn(v, "root2");
  if (v.contains("size1")) {
    return CheckConsistency(NumberOf(v, "size1"), NumberOf(v, "size2"), root1,
                            root2, *proof)
        .ok();
  }
  return CheckSubtreeConsistency(NumberOf(v, "start"), NumberOf(v, "end"),
                                 NumberOf(v, "size"), root1, root2, *proof)
      .ok();
}

TEST_F(Corpora, MerkleProofs) {
  int must_pass = 0;
  int must_fail = 0;
  for (const char* kind :
       {"inclusion", "subtreeinclusion", "consistency", "subtreeconsistency"}) {
    for (const json::object& v : ProofsOf(kind)) {
      const bool must = !v.at("wantErr").as_bool();
      ++(must ? must_pass : must_fail);
      const bool passes =
          v.contains("leafIdx") ? PassesInclusion(v) : PassesConsistency(v);
      EXPECT_EQ(passes, must) << kind << ": " << TextOf(v, "desc");
    }
  }
  EXPECT_EQ(must_pass, 36);
  EXPECT_EQ(must_fail, 482);
}

TEST_F(Corpora, ReferenceTree) {
  const json::object tree =
      json::parse(
          Read(folder_ / "transparency-dev-merkle/rfc6962_reference_tree.json"))
          .as_object();
  const json::array& roots = tree.at("root_hash_by_size").as_array();
  const json::array& leaves = tree.at("leaf_inputs_hex").as_array();
  ASSERT_EQ(roots.size(), leaves.size() + 1);
  TreeEdge edge;
  for (size_t size = 0; size <= leaves.size(); ++size) {
    const TreeHash root = edge.root();
    EXPECT_EQ(absl::BytesToHexString(absl::string_view(
                  reinterpret_cast<const char*>(root.data()), root.size())),
              roots[size].as_string().c_str());
    if (size == leaves.size()) break;
    edge.Append(
        HashLeaf(absl::HexStringToBytes(leaves[size].as_string().c_str())));
  }
}

TEST_F(Corpora, TesseraLog) {
  const fs::path log = folder_ / "tessera-tlog-tiles/log";
  const json::object keys =
      json::parse(Read(folder_ / "tessera-tlog-tiles/keys.json")).as_object();
  const absl::StatusOr<NoteVerifier> key = ParseVerifier(TextOf(keys, "vkey"));
  ASSERT_THAT(key, IsOk());
  std::optional<Checkpoint> before;
  TreeEdge edge;
  for (uint64_t size = 0; size <= 15; ++size) {
    SCOPED_TRACE(size);
    const std::string note = Read(log / absl::StrCat("checkpoint.", size));
    const absl::StatusOr<OpenedCheckpoint> opened = OpenCheckpoint(note, *key);
    ASSERT_THAT(opened, IsOk());
    EXPECT_EQ(opened->checkpoint.size, size);
    if (size > 0) {
      const auto width = static_cast<uint32_t>(size);
      const std::string bundle = Read(
          log / TilePath({.is_entries = true, .index = 0, .width = width}));
      const auto entries = DecodeEntries(bundle);
      ASSERT_THAT(entries, IsOk());
      ASSERT_EQ(entries->size(), size);
      EXPECT_EQ(*EncodeEntries(*entries), bundle);
      edge.Append(HashLeaf(entries->back()));
    }
    EXPECT_EQ(edge.root(), opened->checkpoint.root);
    const ReadSubtree read =
        SubtreesOfTiles(size, [&](int level, uint64_t index, uint32_t width) {
          return absl::StatusOr<std::string>(
              Read(log /
                   TilePath({.level = level, .index = index, .width = width})));
        });
    EXPECT_EQ(*RootOf(size, read), opened->checkpoint.root);
    if (before.has_value() && before->size > 0) {
      const auto proof = ProveConsistency(before->size, size, read);
      ASSERT_THAT(proof, IsOk());
      EXPECT_THAT(CheckConsistency(before->size, size, before->root,
                                   opened->checkpoint.root, *proof),
                  IsOk());
    }
    before = opened->checkpoint;
  }
}

class Notes : public Corpora {
 protected:
  void SetUp() override {
    Corpora::SetUp();
    if (folder_.empty()) return;
    cases_ = json::parse(Read(folder_ / "go-sumdb-note/note_cases.json"))
                 .as_object();
    for (const auto& [name, value] : cases_.at("keys").as_object()) {
      const auto key = ParseVerifier(TextOf(value.as_object(), "vkey"));
      ASSERT_THAT(key, IsOk());
      keys_[std::string(name)] = *key;
    }
  }
  json::object cases_;
  std::map<std::string, NoteVerifier> keys_;
};

TEST_F(Notes, Open) {
  int opened_well = 0;
  for (const json::value& one : cases_.at("open").as_array()) {
    const json::object& v = one.as_object();
    SCOPED_TRACE(TextOf(v, "name"));
    std::vector<NoteVerifier> verifiers;
    for (const json::value& name : v.at("verifiers").as_array()) {
      verifiers.push_back(keys_.at(name.as_string().c_str()));
    }
    const std::string bytes =
        v.contains("note_hex") ? absl::HexStringToBytes(TextOf(v, "note_hex"))
                               : TextOf(v, "note");
    const absl::StatusOr<Note> note = OpenNote(bytes, verifiers);
    EXPECT_EQ(note.ok(), v.at("ok").as_bool()) << note.status();
    if (!note.ok()) continue;
    ++opened_well;
    std::vector<std::string> names;
    for (const NoteSignature& signature : note->signatures) {
      names.push_back(signature.name);
    }
    std::vector<std::string> wanted;
    for (const json::value& name : v.at("verified").as_array()) {
      wanted.emplace_back(name.as_string().c_str());
    }
    EXPECT_EQ(names, wanted);
  }
  EXPECT_GE(opened_well, 3);
  const json::object& example = cases_.at("c2sp_example").as_object();
  EXPECT_THAT(OpenNote(TextOf(example, "note"),
                       {*ParseVerifier(TextOf(example, "vkey"))}),
              IsOk());
}

TEST_F(Notes, Sign) {
  // "PRIVATE+KEY+name+id+base64(type ‖ seed)".
  const std::string secret =
      TextOf(cases_.at("keys").as_object().at("peter").as_object(), "skey");
  const std::string material = FromBase64(
      secret.substr(std::string("PRIVATE+KEY+PeterNeumann+c74f20a3+").size()));
  Ed25519Seed seed;
  ASSERT_EQ(material.size(), 1 + seed.size());
  std::copy(material.begin() + 1, material.end(), seed.begin());
  const Ed25519Signer signer(seed);
  const json::object& v = cases_.at("sign").as_object();
  Note note;
  note.text = TextOf(v, "text");
  note.signatures = {SignNote(note.text, "PeterNeumann", signer)};
  EXPECT_EQ(EncodeNote(note), TextOf(v, "expect"));
}

TEST_F(Notes, BadKeysAndTreeHeads) {
  for (const json::value& key : cases_.at("bad_vkeys").as_array()) {
    EXPECT_FALSE(ParseVerifier(key.as_string().c_str()).ok());
  }
  const json::object& head = cases_.at("tree_head").as_object();
  const auto checkpoint = ParseCheckpoint(TextOf(head, "text"));
  ASSERT_THAT(checkpoint, IsOk());
  EXPECT_EQ(checkpoint->size, 123456789012u);
  EXPECT_EQ(checkpoint->root, HashLeaf("hello world"));
  for (const json::value& bad : head.at("bad").as_array()) {
    const auto parsed = ParseCheckpoint(bad.as_string().c_str());
    // Theirs knows one origin; ours is told which it has to be.
    EXPECT_TRUE(!parsed.ok() || parsed->origin != "go.sum database tree")
        << bad;
  }
}

class Wycheproof : public Corpora {
 protected:
  // Calls with each group and each of its tests. Returns how many tests were so
  // judged: the call says whether a test is for us.
  using Each =
      std::function<bool(const json::object& group, const json::object& v)>;
  int Read(const std::string& name, const Each& each) const {
    const fs::path file = folder_ / "wycheproof" / (name + "_test.json");
    const json::object all = json::parse(concordat::Read(file)).as_object();
    int tests = 0;
    for (const json::value& group : all.at("testGroups").as_array()) {
      for (const json::value& one : group.at("tests").as_array()) {
        SCOPED_TRACE(absl::StrCat(name, " ", NumberOf(one.as_object(), "tcId"),
                                  ": ", TextOf(one.as_object(), "comment")));
        tests += each(group.as_object(), one.as_object());
      }
    }
    return tests;
  }
  static bool IsValid(const json::object& v) {
    return TextOf(v, "result") == "valid";
  }
  static std::string Hex(const json::object& of, const char* name) {
    return absl::HexStringToBytes(TextOf(of, name));
  }
  // Nothing: it is not so long.
  template <typename Array>
  static std::optional<Array> ArrayOf(absl::string_view bytes) {
    Array array;
    if (bytes.size() != array.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), array.begin());
    return array;
  }
};

TEST_F(Wycheproof, Ed25519) {
  const int tests = Read("ed25519", [](const json::object& group,
                                       const json::object& v) {
    const auto key =
        ArrayOf<Ed25519PublicKey>(Hex(group.at("publicKey").as_object(), "pk"));
    const auto signature = ArrayOf<Ed25519Signature>(Hex(v, "sig"));
    EXPECT_TRUE(key.has_value());
    EXPECT_EQ(key && signature && CheckEd25519(*key, Hex(v, "msg"), *signature),
              IsValid(v));
    return true;
  });
  EXPECT_GT(tests, 140);
}

TEST_F(Wycheproof, AesGcm) {
  const int tests =
      Read("aes_gcm", [](const json::object&, const json::object& v) {
        const auto key = ArrayOf<AeadKeyBytes>(Hex(v, "key"));
        const auto nonce = ArrayOf<Nonce>(Hex(v, "iv"));
        if (!key || !nonce) return false;
        AeadKey aead(*key);
        const std::string sealed = Hex(v, "ct") + Hex(v, "tag");
        const std::string message = Hex(v, "msg");
        std::string opened;
        EXPECT_EQ(aead.Open(*nonce, Hex(v, "aad"), sealed, opened), IsValid(v));
        EXPECT_EQ(opened, IsValid(v) ? message : "");
        std::string ours;
        aead.Seal(*nonce, Hex(v, "aad"), message, ours);
        EXPECT_EQ(ours == sealed, IsValid(v));
        return true;
      });
  EXPECT_EQ(tests, 66);
}

TEST_F(Wycheproof, HmacSha256) {
  const int tests =
      Read("hmac_sha256", [](const json::object&, const json::object& v) {
        const Sha256Hash hash = HmacSha256(Hex(v, "key")).Of(Hex(v, "msg"));
        const std::string tag = Hex(v, "tag");
        const absl::string_view ours(reinterpret_cast<const char*>(hash.data()),
                                     hash.size());
        EXPECT_EQ(ours.substr(0, tag.size()) == tag, IsValid(v));
        return true;
      });
  EXPECT_EQ(tests, 174);
}

// An ID token holds JSON and these hold any text: what is parsed has the text
// "{}" in its place, and the signature is checked over theirs.
bool IsSigned(absl::string_view compact, const gateway::KeySet& keys) {
  const std::vector<std::string> parts = absl::StrSplit(compact, '.');
  if (parts.size() != 3) return false;
  auto token = gateway::ParseJws(absl::StrCat(parts[0], ".e30.", parts[2]));
  if (!token.ok()) return false;
  token->signed_text = absl::StrCat(parts[0], ".", parts[1]);
  return keys.Verify(*token).ok();
}

TEST_F(Wycheproof, JsonWebSignatures) {
  int signed_well = 0;
  const int tests = Read("json_web_signature", [&](const json::object& group,
                                                   const json::object& v) {
    const json::object& key =
        group.at(group.contains("public") ? "public" : "private").as_object();
    json::object set;
    set["keys"].emplace_array().push_back(key);
    const auto keys = gateway::KeySet::Parse(json::serialize(set));
    const bool passes = keys.ok() && IsSigned(TextOf(v, "jws"), *keys);
    const std::string algorithm = TextOf(key, "alg");
    const bool is_ours = algorithm == "RS256" || algorithm == "ES256";
    EXPECT_EQ(passes, is_ours && IsValid(v)) << algorithm;
    signed_well += passes;
    return true;
  });
  EXPECT_EQ(tests, 401);
  EXPECT_GE(signed_well, 10);
}

}  // namespace
}  // namespace concordat
