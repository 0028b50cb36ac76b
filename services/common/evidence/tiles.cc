#include "services/common/evidence/tiles.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace concordat {
namespace {

constexpr int kTileLevelMax = 7;  // 2^62 leaves have no more.
constexpr size_t kIndexPartsMax = 7;

absl::Status NoPath() {
  return absl::InvalidArgumentError("not the path of a tile");
}

// A number as it is written: no sign, no zero before it.
std::optional<uint64_t> PlainNumber(absl::string_view text) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(text, &number) || absl::StrCat(number) != text) {
    return std::nullopt;
  }
  return number;
}

// "x001/x234/067".
std::string IndexPath(uint64_t index) {
  std::string path = absl::StrCat(absl::Dec(index % 1000, absl::kZeroPad3));
  while (index >= 1000) {
    index /= 1000;
    path =
        absl::StrCat("x", absl::Dec(index % 1000, absl::kZeroPad3), "/", path);
  }
  return path;
}

std::optional<uint64_t> ParseIndex(absl::string_view path) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  if (parts.size() > kIndexPartsMax) return std::nullopt;
  uint64_t index = 0;
  for (absl::string_view part : parts) {
    absl::ConsumePrefix(&part, "x");
    uint64_t digits = 0;
    if (part.size() != 3 || !absl::SimpleAtoi(part, &digits)) {
      return std::nullopt;
    }
    if (index > kTreeSizeMax / 1000) return std::nullopt;
    index = index * 1000 + digits;
  }
  if (IndexPath(index) != path) return std::nullopt;
  return index;
}

// How many complete subtrees of 256^level leaves there are.
uint64_t CountAt(int level, uint64_t size) {
  return size >> (kTileLevels * level);
}

// The hash of one of the tile's own subtrees, from hashes of it.
TreeHash HashWithin(absl::string_view hashes) {
  std::vector<TreeHash> row;
  for (; !hashes.empty(); hashes.remove_prefix(kSha256Bytes)) {
    row.push_back(*TreeHashOf(hashes.substr(0, kSha256Bytes)));
  }
  while (row.size() > 1) {
    for (size_t i = 0; i < row.size() / 2; ++i) {
      row[i] = HashNode(row[2 * i], row[2 * i + 1]);
    }
    row.resize(row.size() / 2);
  }
  return row.front();
}

}  // namespace

std::string TilePath(const Tile& tile) {
  std::string path = absl::StrCat(
      "tile/", tile.is_entries ? "entries" : absl::StrCat(tile.level), "/",
      IndexPath(tile.index));
  if (tile.width != kTileWidth) absl::StrAppend(&path, ".p/", tile.width);
  return path;
}

absl::StatusOr<Tile> ParseTilePath(absl::string_view path) {
  Tile tile;
  if (!absl::ConsumePrefix(&path, "tile/")) return NoPath();
  const size_t slash = path.find('/');
  if (slash == absl::string_view::npos) return NoPath();
  const absl::string_view kind = path.substr(0, slash);
  path.remove_prefix(slash + 1);
  tile.is_entries = kind == "entries";
  if (!tile.is_entries) {
    const std::optional<uint64_t> level = PlainNumber(kind);
    if (!level.has_value() || *level > kTileLevelMax) return NoPath();
    tile.level = static_cast<int>(*level);
  }
  const size_t partial = path.find(".p/");
  if (partial != absl::string_view::npos) {
    const std::optional<uint64_t> width = PlainNumber(path.substr(partial + 3));
    if (!width.has_value() || *width == 0 || *width >= kTileWidth) {
      return NoPath();
    }
    tile.width = static_cast<uint32_t>(*width);
    path = path.substr(0, partial);
  }
  const std::optional<uint64_t> index = ParseIndex(path);
  if (!index.has_value()) return NoPath();
  tile.index = *index;
  return tile;
}

uint32_t WidthOfTile(int level, uint64_t index, uint64_t size) {
  const uint64_t count = CountAt(level, size);
  if (index > count / kTileWidth) return 0;
  return static_cast<uint32_t>(
      std::min<uint64_t>(count - index * kTileWidth, kTileWidth));
}

std::vector<Tile> TilesAdded(uint64_t from, uint64_t size) {
  std::vector<Tile> tiles;
  for (int level = 0; level <= kTileLevelMax; ++level) {
    const uint64_t before = CountAt(level, from);
    const uint64_t count = CountAt(level, size);
    for (uint64_t index = before / kTileWidth; index * kTileWidth < count;
         ++index) {
      const uint32_t width = WidthOfTile(level, index, size);
      if (WidthOfTile(level, index, from) == width) continue;
      tiles.push_back({.level = level, .index = index, .width = width});
    }
  }
  return tiles;
}

absl::StatusOr<TreeHash> HashTile(absl::string_view tile) {
  if (tile.size() != kTileWidth * kSha256Bytes) {
    return absl::DataLossError("a tile is not full");
  }
  return HashWithin(tile);
}

ReadSubtree SubtreesOfTiles(uint64_t size, ReadTile read) {
  return [size, read = std::move(read)](
             int level, uint64_t index) -> absl::StatusOr<TreeHash> {
    const int tile_level = level / kTileLevels;
    // Hashes of the tile that are under the one asked for.
    const uint64_t span = uint64_t{1} << (level % kTileLevels);
    const uint64_t first = index * span;
    const uint64_t tile = first / kTileWidth;
    const uint32_t width = WidthOfTile(tile_level, tile, size);
    const uint64_t at = first % kTileWidth;
    if (at + span > width) {
      return absl::OutOfRangeError("the tree has no such subtree");
    }
    const absl::StatusOr<std::string> bytes = read(tile_level, tile, width);
    if (!bytes.ok()) return bytes.status();
    if (bytes->size() < width * kSha256Bytes) {
      return absl::DataLossError(absl::StrCat(
          TilePath({.level = tile_level, .index = tile, .width = width}),
          " is too short"));
    }
    return HashWithin(absl::string_view(*bytes).substr(at * kSha256Bytes,
                                                       span * kSha256Bytes));
  };
}

absl::StatusOr<std::string> EncodeEntries(
    const std::vector<absl::string_view>& entries) {
  std::string bytes;
  for (const absl::string_view entry : entries) {
    if (entry.size() > UINT16_MAX) {
      return absl::InvalidArgumentError("an entry is over 65,535 bytes");
    }
    bytes.push_back(static_cast<char>(entry.size() >> 8));
    bytes.push_back(static_cast<char>(entry.size() & 0xff));
    bytes.append(entry.data(), entry.size());
  }
  return bytes;
}

absl::StatusOr<std::vector<absl::string_view>> DecodeEntries(
    absl::string_view bytes) {
  std::vector<absl::string_view> entries;
  while (!bytes.empty()) {
    if (bytes.size() < 2) return absl::DataLossError("entries end too early");
    const size_t length = (size_t{static_cast<uint8_t>(bytes[0])} << 8) |
                          static_cast<uint8_t>(bytes[1]);
    bytes.remove_prefix(2);
    if (length > bytes.size()) {
      return absl::DataLossError("entries end too early");
    }
    entries.push_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
  }
  return entries;
}

}  // namespace concordat
