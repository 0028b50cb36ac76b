#include "services/common/crypto/aead.h"

#include "services/common/base/check.h"

namespace concordat {
namespace {

const EVP_CIPHER* Cipher() {
  // Fetched once, as a look-up for each context would cost more than a short
  // message. Never freed: it is as long-lived as the process.
  static const EVP_CIPHER* const cipher =
      EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;
}

const uint8_t* Bytes(absl::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

}  // namespace

AeadKey::AeadKey(const AeadKeyBytes& key)
    : seal_(EVP_CIPHER_CTX_new()), open_(EVP_CIPHER_CTX_new()) {
  CONCORDAT_CHECK(seal_ != nullptr && open_ != nullptr);
  CONCORDAT_CHECK(EVP_EncryptInit_ex2(seal_.get(), Cipher(), key.data(),
                                      nullptr, nullptr) == 1);
  CONCORDAT_CHECK(EVP_DecryptInit_ex2(open_.get(), Cipher(), key.data(),
                                      nullptr, nullptr) == 1);
}

void AeadKey::Seal(const Nonce& nonce, absl::string_view aad,
                   absl::string_view plaintext, std::string& out) {
  EVP_CIPHER_CTX* const context = seal_.get();
  const size_t start = out.size();
  out.resize(start + plaintext.size() + kAeadTagBytes);
  uint8_t* const to = reinterpret_cast<uint8_t*>(out.data()) + start;
  int length = 0;
  bool ok = EVP_EncryptInit_ex2(context, nullptr, nullptr, nonce.data(),
                                nullptr) == 1;
  ok = ok && EVP_EncryptUpdate(context, nullptr, &length, Bytes(aad),
                               static_cast<int>(aad.size())) == 1;
  // An update without bytes would end the message early in some versions.
  if (!plaintext.empty()) {
    ok = ok && EVP_EncryptUpdate(context, to, &length, Bytes(plaintext),
                                 static_cast<int>(plaintext.size())) == 1;
  }
  uint8_t* const tag = to + plaintext.size();
  ok = ok && EVP_EncryptFinal_ex(context, tag, &length) == 1;
  ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG,
                                 static_cast<int>(kAeadTagBytes), tag) == 1;
  CONCORDAT_CHECK(ok);
}

bool AeadKey::Open(const Nonce& nonce, absl::string_view aad,
                   absl::string_view sealed, std::string& out) {
  if (sealed.size() < kAeadTagBytes) return false;
  EVP_CIPHER_CTX* const context = open_.get();
  const size_t count = sealed.size() - kAeadTagBytes;
  const size_t start = out.size();
  // Final may write up to a block's worth of nothing past the text.
  out.resize(start + count + kAeadTagBytes);
  uint8_t* const to = reinterpret_cast<uint8_t*>(out.data()) + start;
  std::array<uint8_t, kAeadTagBytes> tag;
  sealed.substr(count).copy(reinterpret_cast<char*>(tag.data()), tag.size());
  int length = 0;
  bool ok = EVP_DecryptInit_ex2(context, nullptr, nullptr, nonce.data(),
                                nullptr) == 1;
  ok = ok && EVP_DecryptUpdate(context, nullptr, &length, Bytes(aad),
                               static_cast<int>(aad.size())) == 1;
  if (count > 0) {
    ok = ok && EVP_DecryptUpdate(context, to, &length, Bytes(sealed),
                                 static_cast<int>(count)) == 1;
  }
  ok = ok && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
                                 static_cast<int>(tag.size()), tag.data()) == 1;
  ok = ok && EVP_DecryptFinal_ex(context, to + count, &length) == 1;
  out.resize(start + (ok ? count : 0));
  return ok;
}

}  // namespace concordat
