// Files of the system, of which many whole pages go past its cache.
//
// Mutant                                            Caught by
// pages past the cache go elsewhere                 WholePagesAndOtherBytesMakeOneFile
// what stood in the cache hides them                WholePagesReplaceWhatTheCacheHolds
// a read past the cache answers with fewer bytes    AReadPastTheEndSaysSo
#include "services/common/storage/posix_directory.h"

#include <cstring>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat {
namespace {

using testing::HasCode;
using testing::IsOk;
using testing::TempDir;

constexpr size_t kManyBytes = 64 * kPageBytes;

class PosixDirectoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto directory = PosixDirectory::Open(folder_.path());
    ASSERT_THAT(directory, IsOk());
    directory_ = *std::move(directory);
    auto file = directory_->Create("file");
    ASSERT_THAT(file, IsOk());
    file_ = *std::move(file);
  }

  static PageBuffer Pages(char letter) {
    PageBuffer pages(kManyBytes);
    std::memset(pages.data(), letter, pages.size());
    return pages;
  }
  void Write(uint64_t offset, const PageBuffer& pages) {
    ASSERT_THAT(file_->Write(offset, {pages.data(), pages.size()}), IsOk());
  }

  TempDir folder_;
  std::unique_ptr<PosixDirectory> directory_;
  std::unique_ptr<File> file_;
};

TEST_F(PosixDirectoryTest, WholePagesAndOtherBytesMakeOneFile) {
  ASSERT_THAT(file_->Write(0, std::string(100, 'a')), IsOk());
  Write(kPageBytes, Pages('b'));
  ASSERT_THAT(file_->Write(kPageBytes + kManyBytes, "end"), IsOk());
  ASSERT_THAT(file_->Sync(), IsOk());
  std::string expected(100, 'a');
  expected.resize(kPageBytes);
  expected += std::string(kManyBytes, 'b') + "end";
  const auto whole = ReadWhole(*directory_, "file");
  ASSERT_THAT(whole, IsOk());
  EXPECT_TRUE(*whole == expected);
}

TEST_F(PosixDirectoryTest, WholePagesReplaceWhatTheCacheHolds) {
  ASSERT_THAT(file_->Write(0, std::string(kManyBytes, 'a')), IsOk());
  Write(0, Pages('b'));
  ASSERT_THAT(file_->Write(10, "c"), IsOk());
  PageBuffer read(kManyBytes);
  ASSERT_THAT(file_->Read(0, read.size(), read.data()), IsOk());
  std::string expected(kManyBytes, 'b');
  expected[10] = 'c';
  EXPECT_EQ(std::memcmp(read.data(), expected.data(), expected.size()), 0);
}

TEST_F(PosixDirectoryTest, AReadPastTheEndSaysSo) {
  Write(0, Pages('a'));
  PageBuffer read(kManyBytes);
  EXPECT_THAT(file_->Read(kPageBytes, read.size(), read.data()),
              HasCode(absl::StatusCode::kOutOfRange));
}

TEST_F(PosixDirectoryTest, ZeroesReplaceBytesAtAnyPlace) {
  Write(0, Pages('a'));
  ASSERT_THAT(file_->Zero(100, kManyBytes - 200), IsOk());
  const auto whole = ReadWhole(*directory_, "file");
  ASSERT_THAT(whole, IsOk());
  EXPECT_TRUE(*whole == std::string(100, 'a') +
                            std::string(kManyBytes - 200, '\0') +
                            std::string(100, 'a'));
}

}  // namespace
}  // namespace concordat
