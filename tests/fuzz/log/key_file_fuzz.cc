// Whatever stands in the files beside the log's keys (the table, the key file, a
// share), reading them ends with an answer. The table's checksum is set right
// first, or nothing behind it would be reached.
#include <cstdint>
#include <string>

#include "services/bus/log/key_file.h"
#include "services/bus/log/key_table.h"
#include "services/common/base/bytes.h"
#include "services/common/crypto/crc32c.h"
#include "tests/support/fake_disk.h"
#include "tests/support/seeded_random.h"

namespace {

namespace bus = concordat::bus;

void Open(const std::string& file, const std::string& share) {
  concordat::testing::SeededRandom random;
  concordat::testing::FakeDisk keys;
  concordat::testing::FakeDisk shares;
  keys.Overwrite(bus::kWrappingKeyFile, file);
  shares.Overwrite("share", share);
  bus::KeyFile(keys, shares, random).Load().status().IgnoreError();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  bus::DecodeKeyTable(bytes).status().IgnoreError();
  std::string right = bytes;
  concordat::PutNumber(right, concordat::Crc32c(bytes));
  bus::DecodeKeyTable(right).status().IgnoreError();
  const size_t half = bytes.size() / 2;
  Open(bytes.substr(0, half), bytes.substr(half));
  Open("concordat wrapping keys sealed 1\n" + bytes.substr(0, half),
       "concordat custody share 1\n" + bytes.substr(half));
  return 0;
}
