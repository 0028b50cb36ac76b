// Whatever is called a bundle, and whatever a hub may have signed as one, checking
// it ends with an answer; what nobody signed is never believed.
#include <cstdint>
#include <string>

#include "services/common/base/check.h"
#include "services/common/bundle/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  concordat::ParseBundleKeys(bytes).status().IgnoreError();
  static const concordat::Ed25519Signer signer(concordat::Ed25519Seed{1});
  concordat::BundleKeys keys;
  keys.log = signer.public_key();
  CONCORDAT_CHECK(!concordat::CheckBundle(bytes, keys).ok());
  concordat::access::v1::Bundle bundle;
  if (!bundle.ParseFromString(bytes)) return 0;
  const std::string origin = "demo.concordat/log/00/1";
  concordat::Checkpoint checkpoint;
  checkpoint.origin = origin;
  checkpoint.size = 1;
  bundle.set_checkpoint(concordat::SignCheckpoint(checkpoint, signer));
  checkpoint.origin = "demo.concordat/access/00/1";
  bundle.set_access_checkpoint(concordat::SignCheckpoint(checkpoint, signer));
  concordat::CheckBundle(concordat::SealBundle(bundle, origin, signer), keys)
      .status()
      .IgnoreError();
  return 0;
}
