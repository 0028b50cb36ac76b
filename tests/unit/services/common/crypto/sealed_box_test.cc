// Mutants: a box of another form than libsodium's, OpensAsLibsodiumDoes; a box
// that others open, or that was changed, IsOpenedByItsKeyAlone.
#include "services/common/crypto/sealed_box.h"

#include <sodium/crypto_box.h>

#include "gtest/gtest.h"
#include "tests/support/seeded_random.h"

namespace concordat {
namespace {

TEST(SealedBoxTest, IsOpenedByItsKeyAlone) {
  testing::SeededRandom random;
  const BoxKey key(random);
  const BoxKey other(random);
  std::string box = SealBox(key.public_key(), "wrapping key 2", random);
  EXPECT_EQ(key.Open(box), "wrapping key 2");
  EXPECT_FALSE(other.Open(box).has_value());
  for (size_t i = 0; i < box.size(); ++i) {
    box[i] = static_cast<char>(box[i] ^ 1);
    EXPECT_FALSE(key.Open(box).has_value()) << i;
    box[i] = static_cast<char>(box[i] ^ 1);
    EXPECT_FALSE(key.Open(box.substr(0, i)).has_value()) << i;
  }
  // The same again is another box.
  EXPECT_NE(SealBox(key.public_key(), "wrapping key 2", random), box);
  EXPECT_EQ(key.Open(SealBox(key.public_key(), "", random)), "");
}

TEST(SealedBoxTest, OpensAsLibsodiumDoes) {
  testing::SeededRandom random;
  const BoxKey key(random);
  const std::string text = "from the library itself";
  std::string box(text.size() + crypto_box_SEALBYTES, '\0');
  ASSERT_EQ(crypto_box_seal(reinterpret_cast<unsigned char*>(box.data()),
                            reinterpret_cast<const unsigned char*>(text.data()),
                            text.size(), key.public_key().data()),
            0);
  EXPECT_EQ(key.Open(box), text);
}

TEST(SealedBoxTest, AKeyOfSmallOrderGetsNothing) {
  testing::SeededRandom random;
  EXPECT_EQ(SealBox(BoxPublicKey{}, "wrapping key 2", random), "");
}

}  // namespace
}  // namespace concordat
