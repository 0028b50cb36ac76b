#include "services/common/event/counts.h"

#include <bit>

#include "services/common/crypto/sha256.h"

namespace concordat {
namespace {

constexpr absl::string_view kContext = "concordat/count/1";

static_assert(std::endian::native == std::endian::little);

}  // namespace

Digest CommitCounts(const Salt& salt, const EventCounts& counts) {
  return Sha256()
      .Update(kContext)
      .Update(salt.data(), salt.size())
      .Update(&counts.of_person, sizeof(counts.of_person))
      .Update(&counts.of_stream, sizeof(counts.of_stream))
      .Finish();
}

}  // namespace concordat
