// The tree in tiles of 256 hashes, as c2sp.org/tlog-tiles names and fills them.
// PURE.
//
//   tile/<level>/<index>[.p/<width>]     hashes of 256 complete subtrees of
//                                        256^level leaves each; partial at the
//                                        right edge
//   tile/entries/<index>[.p/<width>]     the leaves themselves
#ifndef CONCORDAT_SERVICES_COMMON_EVIDENCE_TILES_H_
#define CONCORDAT_SERVICES_COMMON_EVIDENCE_TILES_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/common/evidence/merkle.h"

namespace concordat {

inline constexpr uint32_t kTileWidth = 256;
inline constexpr int kTileLevels = 8;  // Of the tree, in one of tiles.

struct Tile {
  bool is_entries = false;
  int level = 0;  // 0 to 7; of entries 0.
  uint64_t index = 0;
  uint32_t width = kTileWidth;  // 1 to 256.
  friend bool operator==(const Tile&, const Tile&) = default;
};

// "tile/0/x001/x234/067.p/8".
std::string TilePath(const Tile& tile);
//   INVALID_ARGUMENT  not the path of a tile, written as it is written.
absl::StatusOr<Tile> ParseTilePath(absl::string_view path);

// How wide the tile is in a tree of that size; 0: it is not there.
uint32_t WidthOfTile(int level, uint64_t index, uint64_t size);
// Those that a tree of `size` has and one of `from` had not, or had narrower.
std::vector<Tile> TilesAdded(uint64_t from, uint64_t size);

// The bytes of a tile of hashes, of at least the width that is asked for.
using ReadTile = std::function<absl::StatusOr<std::string>(
    int level, uint64_t index, uint32_t width)>;

// The hash of a full tile, as the level above has it.
//   DATA_LOSS  it is not full.
absl::StatusOr<TreeHash> HashTile(absl::string_view tile);

// Hashes of a tree of `size` out of its tiles. Of a tile that is given narrower
// than it must be: DATA_LOSS. Not kept: who asks often keeps tiles in `read`.
ReadSubtree SubtreesOfTiles(uint64_t size, ReadTile read);

// A bundle of entries: each with its length before it, 16 bits big-endian.
//   INVALID_ARGUMENT  an entry is over 65,535 bytes.
absl::StatusOr<std::string> EncodeEntries(
    const std::vector<absl::string_view>& entries);
//   DATA_LOSS  not a bundle. They borrow `bytes`.
absl::StatusOr<std::vector<absl::string_view>> DecodeEntries(
    absl::string_view bytes);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_EVIDENCE_TILES_H_
