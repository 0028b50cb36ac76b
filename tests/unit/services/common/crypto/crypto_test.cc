// Mutants this file catches:
//   HMAC pads swapped, long key not hashed      Hmac.Rfc4231
//   AAD left out, tag not checked               Aead.RefusesWhatWasChanged
//   context keeps the last message's nonce      Aead.NistVectors (run twice)
//   tail bytes skipped, start value 0           Crc32c.Rfc3720, both versions
//   pool hands a nonce out twice                NoncePool.NeverRepeats
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "services/common/base/system_random.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/constant_time.h"
#include "services/common/crypto/crc32c.h"
#include "services/common/crypto/nonce_pool.h"
#include "services/common/crypto/sha256.h"
#include "tests/support/seeded_random.h"

namespace concordat {
namespace {

template <typename Bytes>
std::string Hex(const Bytes& bytes) {
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

template <typename Array>
Array FromHex(absl::string_view hex) {
  const std::string bytes = absl::HexStringToBytes(hex);
  Array array = {};
  EXPECT_EQ(bytes.size(), array.size());
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

TEST(Sha256, Fips180Examples) {
  EXPECT_EQ(Hex(Sha256::Of("")),
            "e3b0c44298fc1c149afbf4c8996fb924"
            "27ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hex(Sha256::Of("abc")),
            "ba7816bf8f01cfea414140de5dae2223"
            "b00361a396177a9cb410ff61f20015ad");
  Sha256 million;
  for (int i = 0; i < 1000; ++i) million.Update(std::string(1000, 'a'));
  EXPECT_EQ(Hex(million.Finish()),
            "cdc76e5c9914fb9281a1c7e284d73e67"
            "f1809a48a497200e046d39ccc7112cd0");
}

TEST(Hmac, Rfc4231) {
  EXPECT_EQ(Hex(HmacSha256(std::string(20, '\x0b')).Of("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b"
            "881dc200c9833da726e9376c2e32cff7");
  const HmacSha256 jefe("Jefe");
  for (int i = 0; i < 2; ++i) {  // The key is not used up.
    EXPECT_EQ(Hex(jefe.Of("what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c7"
              "5a003f089d2739839dec58b964ec3843");
  }
  EXPECT_EQ(Hex(HmacSha256(std::string(131, '\xaa'))
                    .Of("Test Using Larger Than Block-Size Key - Hash Key "
                        "First")),
            "60e431591ee0b67f0d8a26aacbf5b77f"
            "8e0bc6213728c5140546040f0ee37f54");
}

// "The Galois/Counter Mode of Operation", test cases 13 and 16.
TEST(Aead, NistVectors) {
  AeadKey zero(AeadKeyBytes{});
  AeadKey key(FromHex<AeadKeyBytes>(
      "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
  const Nonce nonce = FromHex<Nonce>("cafebabefacedbaddecaf888");
  const std::string aad =
      absl::HexStringToBytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string plain = absl::HexStringToBytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  for (int i = 0; i < 2; ++i) {
    std::string sealed;
    zero.Seal(Nonce{}, "", "", sealed);
    EXPECT_EQ(Hex(sealed), "530f8afbc74536b9a963b4f1c4cb738b");
    std::string opened;
    EXPECT_TRUE(zero.Open(Nonce{}, "", sealed, opened));
    EXPECT_EQ(opened, "");

    sealed.clear();
    key.Seal(nonce, aad, plain, sealed);
    EXPECT_EQ(Hex(sealed),
              "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
              "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
              "76fc6ece0f4e1768cddf8853bb2d551b");
    opened = "before ";
    ASSERT_TRUE(key.Open(nonce, aad, sealed, opened));
    EXPECT_EQ(opened, "before " + plain);
  }
}

TEST(Aead, RefusesWhatWasChanged) {
  AeadKey key(AeadKeyBytes{1});
  const Nonce nonce = {2};
  std::string sealed;
  key.Seal(nonce, "aad", "a fact", sealed);
  std::string out = "kept";
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string bad = sealed;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(key.Open(nonce, "aad", bad, out)) << i;
  }
  EXPECT_FALSE(key.Open(nonce, "aae", sealed, out));
  EXPECT_FALSE(key.Open(nonce, "", sealed, out));
  EXPECT_FALSE(key.Open(Nonce{3}, "aad", sealed, out));
  EXPECT_FALSE(AeadKey(AeadKeyBytes{2}).Open(nonce, "aad", sealed, out));
  EXPECT_FALSE(key.Open(nonce, "aad", sealed.substr(0, 15), out));
  EXPECT_EQ(out, "kept");
  EXPECT_TRUE(key.Open(nonce, "aad", sealed, out));
  EXPECT_EQ(out, "kepta fact");
}

TEST(ConstantTime, Equal) {
  EXPECT_TRUE(EqualInConstantTime("secret", "secret"));
  EXPECT_FALSE(EqualInConstantTime("secret", "secreu"));
  EXPECT_FALSE(EqualInConstantTime("secret", "secre"));
  EXPECT_TRUE(EqualInConstantTime("", ""));
}

TEST(Crc32c, Rfc3720) {
  std::string ascending;
  for (int i = 0; i < 32; ++i) ascending.push_back(static_cast<char>(i));
  for (auto* extend : {&ExtendCrc32c, &ExtendCrc32cPortable}) {
    EXPECT_EQ(extend(0, std::string(32, '\0')), 0x8a9136aau);
    EXPECT_EQ(extend(0, std::string(32, '\xff')), 0x62a8ab43u);
    EXPECT_EQ(extend(0, ascending), 0x46dd794eu);
    EXPECT_EQ(extend(0, "123456789"), 0xe3069283u);
    EXPECT_EQ(extend(extend(0, "1234"), "56789"), 0xe3069283u);
    EXPECT_EQ(extend(0, ""), 0u);
  }
}

TEST(NoncePool, NeverRepeats) {
  testing::SeededRandom random;
  NoncePool pool(random);
  std::set<Nonce> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(pool.Next()).second);
}

TEST(SystemRandom, FillsEverything) {
  SystemRandom random;
  std::array<uint8_t, 64> a = {};
  std::array<uint8_t, 64> b = {};
  random.Fill(a.data(), a.size());
  random.Fill(b.data(), b.size());
  EXPECT_NE(a, b);
  // 2^-128 by chance.
  EXPECT_NE(Hex(a).substr(96), std::string(32, '0'));
}

}  // namespace
}  // namespace concordat
