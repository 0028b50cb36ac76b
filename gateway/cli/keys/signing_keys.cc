#include "gateway/cli/keys/signing_keys.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "services/common/config/data_directory.h"

namespace concordat::cli {
namespace {

template <typename Bytes>
std::string HexOf(const Bytes& bytes) {
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  return std::move(text).str();
}

}  // namespace

std::string NewSigningKey(Random& random) {
  Ed25519Seed seed;
  random.Fill(seed.data(), seed.size());
  return absl::StrCat(HexOf(seed), "\n");
}

absl::StatusOr<Ed25519Signer> SignerOf(const std::string& text) {
  const absl::string_view hex = absl::StripAsciiWhitespace(text);
  const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  });
  Ed25519Seed seed;
  if (!digits || hex.size() != 2 * seed.size()) {
    return absl::InvalidArgumentError("not 64 hexadecimal digits");
  }
  const std::string raw = absl::HexStringToBytes(hex);
  std::memcpy(seed.data(), raw.data(), seed.size());
  return Ed25519Signer(seed);
}

std::string PublicKeyOf(const Ed25519Signer& signer) {
  return HexOf(signer.public_key());
}

absl::StatusOr<Ed25519Signer> ReadSigningKey(const std::string& path) {
  const auto text = ReadAll(path);
  if (!text.ok()) return text.status();
  auto signer = SignerOf(*text);
  if (signer.ok()) return signer;
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": ", signer.status().message()));
}

absl::StatusOr<policy::v1::SignatureFile> SignFile(SignedText what,
                                                   const std::string& path,
                                                   const Ed25519Signer& signer,
                                                   const std::string& party,
                                                   const std::string& office) {
  const auto text = ReadAll(path);
  if (!text.ok()) return text.status();
  policy::v1::SignatureFile file = SignatureFileFor(*text);
  const std::string beside = absl::StrCat(path, ".sig");
  if (const auto old = ReadAll(beside); old.ok()) {
    policy::v1::SignatureFile kept;
    const absl::Status parsed = ParseTextProto({beside, *old}, &kept);
    if (!parsed.ok()) return parsed;
    if (kept.sha256() == file.sha256()) {
      for (const policy::v1::Signature& each : kept.signatures()) {
        if (each.party() != party) *file.add_signatures() = each;
      }
    }
  }
  *file.add_signatures() = SignText(what, *text, signer, party, office);
  std::string written;
  google::protobuf::TextFormat::PrintToString(file, &written);
  std::ofstream out(beside, std::ios::trunc);
  out << written;
  out.close();
  if (out.fail()) {
    return absl::UnavailableError(absl::StrCat("cannot write ", beside));
  }
  return file;
}

}  // namespace concordat::cli
