// Whatever is read as a tile's path or as entries is written as it came.
#include <cstdint>
#include <string>

#include "services/common/base/check.h"
#include "services/common/evidence/tiles.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto tile = concordat::ParseTilePath(bytes);
  CONCORDAT_CHECK(!tile.ok() || concordat::TilePath(*tile) == bytes);
  const auto entries = concordat::DecodeEntries(bytes);
  CONCORDAT_CHECK(!entries.ok() ||
                  *concordat::EncodeEntries(*entries) == bytes);
  return 0;
}
