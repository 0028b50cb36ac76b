#ifndef CONCORDAT_TESTS_SUPPORT_TEMP_DIR_H_
#define CONCORDAT_TESTS_SUPPORT_TEMP_DIR_H_

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace concordat::testing {

// A folder of the test's own, removed with all that is in it.
class TempDir {
 public:
  TempDir() {
    std::string pattern = ::testing::TempDir() + "/concordat-XXXXXX";
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  std::string PathOf(const std::string& relative) const {
    return path_ + "/" + relative;
  }
  // Writes a file, making its folders.
  void Write(const std::string& relative, const std::string& text) const {
    const std::filesystem::path file = PathOf(relative);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

 private:
  std::string path_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_TEMP_DIR_H_
