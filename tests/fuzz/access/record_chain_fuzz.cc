// Whatever stands in a file of records, opening and reading it ends with an answer,
// and what is read is what the opening counted.
#include <cstdint>
#include <string>

#include "services/common/base/check.h"
#include "services/common/storage/record_chain.h"
#include "tests/support/fake_disk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  concordat::testing::FakeDisk disk;
  const auto made = disk.Create("records-00000001");
  CONCORDAT_CHECK(made.ok());
  disk.Overwrite("records-00000001",
                 std::string(reinterpret_cast<const char*>(data), size));
  const auto chain = concordat::RecordChain::Open(disk);
  if (!chain.ok()) return 0;
  uint64_t records = 0;
  const auto read = (*chain)->Read(0, [&](uint64_t number, absl::string_view) {
    CONCORDAT_CHECK(number == records);
    ++records;
    return absl::OkStatus();
  });
  CONCORDAT_CHECK(read.ok() && records == (*chain)->size());
  CONCORDAT_CHECK((*chain)->Append({"one more"}).ok());
  return 0;
}
