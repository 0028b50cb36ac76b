// Whatever is read as a note or a checkpoint ends with an answer, and what was
// read is written as it came.
#include <cstdint>
#include <string>

#include "services/common/base/check.h"
#include "services/common/evidence/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto note = concordat::ParseNote(bytes);
  if (note.ok()) {
    CONCORDAT_CHECK(concordat::EncodeNote(*note) == bytes);
    const auto checkpoint = concordat::ParseCheckpoint(note->text);
    CONCORDAT_CHECK(!checkpoint.ok() ||
                    concordat::EncodeCheckpoint(*checkpoint) == note->text);
  }
  const auto key = concordat::ParseVerifier(bytes);
  CONCORDAT_CHECK(!key.ok() || key->ToString() == bytes);
  concordat::OpenCheckpoint(bytes, concordat::NoteVerifier())
      .status()
      .IgnoreError();
  return 0;
}
