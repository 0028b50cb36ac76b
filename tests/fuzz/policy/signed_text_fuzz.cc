// What a person brings as an agreement and as the signatures of one. Nothing that is
// found here has the signature of the party whose key nobody holds.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "services/common/base/check.h"
#include "services/common/policy/policy.h"
#include "services/common/policy/signing.h"

namespace concordat {
namespace {

// Of RFC 8032 7.1, test 1.
constexpr char kPublicKey[] =
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

class Silent : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int, google::protobuf::io::ColumnNumber,
                const std::string&) override {}
};

void Try(absl::string_view text, const std::string& signatures) {
  policy::v1::SignatureFile file;
  Silent silent;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  if (!parser.ParseFromString(signatures, &file)) return;
  policy::v1::Signatories signatories;
  policy::v1::Signatory& one = *signatories.add_signatories();
  one.set_party("red");
  one.set_public_key(kPublicKey);
  file.set_sha256(SignatureFileFor(text).sha256());
  const auto checked =
      CheckSignatures(SignedText::kAgreement, text, file, signatories, 1);
  CONCORDAT_CHECK(!checked.ok() || checked->empty());
}

}  // namespace
}  // namespace concordat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t half = input.find('\0');
  const absl::string_view text = input.substr(0, half);
  concordat::Try(text, std::string(half == absl::string_view::npos
                                       ? input
                                       : input.substr(half + 1)));
  return 0;
}
