// Whatever stands in a segment, scanning and opening it end with an answer. The
// checksums are set right first, or nothing behind them would be reached.
#include <cstdint>
#include <string>

#include "services/bus/log/block.h"
#include "services/bus/log/event_record.h"
#include "services/bus/log/key_ring.h"
#include "services/bus/log/segment_scan.h"
#include "services/common/crypto/crc32c.h"
#include "tests/support/fake_disk.h"
#include "tests/support/seeded_random.h"

namespace {

namespace bus = concordat::bus;

constexpr char kWrapping[] =
    "concordat wrapping keys 1\n"
    "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

void ReadRecords(absl::string_view body) {
  concordat::testing::SeededRandom random;
  bus::KeyRing keys(*bus::WrappingKeys::Parse(kWrapping), random);
  bus::RecordReader records(body);
  bus::Record record;
  while (records.Next(record)) {
    bus::Arena arena;
    keys.ReadKey(record.bytes).IgnoreError();
    keys.ReadKeyTable(record.bytes).IgnoreError();
    bus::EventOpener(keys).Open(record, arena, nullptr).status().IgnoreError();
  }
  keys.Unwrap({}).IgnoreError();
}

void Scan(const std::string& bytes) {
  concordat::testing::FakeDisk disk;
  disk.Overwrite("segment", bytes);
  const auto file = disk.Open("segment");
  bus::ScanSegment(**file, bus::ChainEnd(),
                   [](const bus::ScannedBlock& block) {
                     ReadRecords(block.body);
                     return absl::OkStatus();
                   })
      .status()
      .IgnoreError();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Scan(bytes);
  ReadRecords(bytes);
  bus::BlockHeader header;
  header.epoch = 1;
  header.first_sequence = 1;
  bus::RecordReader records(bytes);
  bus::Record record;
  while (records.Next(record)) {
    if (bus::IsEvent(record.kind)) ++header.event_count;
  }
  header.body_bytes = static_cast<uint32_t>(size);
  header.body_crc = concordat::Crc32c(bytes);
  std::string block(bus::kBlockHeaderBytes, '\0');
  for (const bool compacted : {false, true}) {
    header.compacted = compacted;
    bus::EncodeBlockHeader(header, block.data());
    Scan(block + bytes);
  }
  return 0;
}
