// Bugs this file catches:
//   an index of a thousand or more in one part     Tiles.PathsOfTheSpecification
//   a path that is read though nobody writes it    Tiles.OtherPathsAreRefused
//   a partial tile hashed into the level above     Tiles.HoldTheTree (sizes by 256)
//   a new width whose tile is not written          Tiles.HoldTheTree (TilesAdded)
#include "services/common/evidence/tiles.h"

#include <map>

#include "gmock/gmock.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(Tiles, PathsOfTheSpecification) {
  EXPECT_EQ(TilePath({.level = 0, .index = 1234067}), "tile/0/x001/x234/067");
  EXPECT_EQ(TilePath({.level = 2, .index = 0, .width = 17}), "tile/2/000.p/17");
  EXPECT_EQ(TilePath({.is_entries = true, .index = 5}), "tile/entries/005");
  for (const Tile& tile :
       {Tile{.level = 0, .index = 1234067}, Tile{.level = 7, .index = 999},
        Tile{.level = 1, .index = 1000, .width = 1},
        Tile{.is_entries = true, .index = 273, .width = 255}}) {
    const absl::StatusOr<Tile> parsed = ParseTilePath(TilePath(tile));
    ASSERT_THAT(parsed, IsOk());
    EXPECT_EQ(*parsed, tile);
  }
}

TEST(Tiles, OtherPathsAreRefused) {
  for (const char* path : {"",
                           "tile/",
                           "tile/0",
                           "tile/0/",
                           "tile/00/000",
                           "tile/8/000",
                           "tile/-1/000",
                           "tile/0/0",
                           "tile/0/0000",
                           "tile/0/x000/001",
                           "tile/0/x001",
                           "tile/0/001/002",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/",
                           "tile/0/../000",
                           "tile/entry/000",
                           "tile/0/x999/x999/x999/x999/x999/x999/999",
                           "/tile/0/000",
                           "tile/0/000/"}) {
    EXPECT_THAT(ParseTilePath(path),
                HasCode(absl::StatusCode::kInvalidArgument))
        << path;
  }
}

TEST(Tiles, WidthsOfTheSpecification) {
  EXPECT_EQ(WidthOfTile(0, 272, 70'000), 256u);
  EXPECT_EQ(WidthOfTile(0, 273, 70'000), 112u);
  EXPECT_EQ(WidthOfTile(0, 274, 70'000), 0u);
  EXPECT_EQ(WidthOfTile(1, 0, 70'000), 256u);
  EXPECT_EQ(WidthOfTile(1, 1, 70'000), 17u);
  EXPECT_EQ(WidthOfTile(2, 0, 70'000), 1u);
  EXPECT_EQ(WidthOfTile(1, 0, 256), 1u);
}

TEST(Tiles, HoldTheTree) {
  TreeEdge edge;
  std::map<std::pair<int, uint64_t>, std::string> tiles;
  uint64_t written = 0;
  for (const uint64_t size :
       {1u, 5u, 255u, 256u, 257u, 1000u, 65'536u, 66'049u}) {
    std::map<std::pair<int, uint64_t>, TreeHash> nodes;
    while (edge.size() < size) {
      edge.Append(HashLeaf(std::to_string(edge.size())),
                  [&](int level, uint64_t index, const TreeHash& hash) {
                    if (level % kTileLevels == 0) {
                      nodes[{level / kTileLevels, index}] = hash;
                    }
                  });
    }
    for (const Tile& tile : TilesAdded(written, size)) {
      std::string& bytes = tiles[{tile.level, tile.index}];
      while (bytes.size() < tile.width * kSha256Bytes) {
        const auto node =
            nodes.find({tile.level,
                        tile.index * kTileWidth + bytes.size() / kSha256Bytes});
        ASSERT_NE(node, nodes.end());
        bytes.append(node->second.begin(), node->second.end());
      }
    }
    written = size;
    const ReadSubtree read =
        SubtreesOfTiles(size,
                        [&](int level, uint64_t index,
                            uint32_t) -> absl::StatusOr<std::string> {
                          return tiles[{level, index}];
                        });
    EXPECT_EQ(*RootOf(size, read), edge.root()) << size;
    const auto proof = ProveInclusion(size / 2, size, read);
    ASSERT_THAT(proof, IsOk());
    EXPECT_THAT(
        CheckInclusion(size / 2, size, HashLeaf(std::to_string(size / 2)),
                       *proof, edge.root()),
        IsOk());
  }
}

TEST(Tiles, ShortTileIsDataLoss) {
  const ReadSubtree read =
      SubtreesOfTiles(3, [](int, uint64_t, uint32_t) { return "short"; });
  EXPECT_THAT(RootOf(3, read), HasCode(absl::StatusCode::kDataLoss));
}

TEST(Tiles, EntriesComeBack) {
  const auto bytes = EncodeEntries({"", "a", std::string(300, 'x')});
  ASSERT_THAT(bytes, IsOk());
  EXPECT_EQ(bytes->substr(0, 5), absl::string_view("\0\0\0\1a", 5));
  EXPECT_THAT(*DecodeEntries(*bytes),
              ::testing::ElementsAre("", "a", std::string(300, 'x')));
  EXPECT_THAT(DecodeEntries(bytes->substr(0, bytes->size() - 1)),
              HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(EncodeEntries({std::string(65'536, 'x')}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat
