// Whatever a client says is a link of its chain, checking it ends with an answer.
#include <cstdint>
#include <string>

#include "services/common/evidence/producer_chain.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  concordat::bus::v1::ChainSigned link;
  if (!link.ParseFromArray(data, static_cast<int>(size))) return 0;
  concordat::CheckLink("0123456789abcdef", link).IgnoreError();
  concordat::Names(link, {1});
  if (concordat::EventsOf(link) < 1024) {
    const std::vector<concordat::Digest> digests(concordat::EventsOf(link));
    concordat::CheckLinkDigests(link, digests).IgnoreError();
  }
  return 0;
}
