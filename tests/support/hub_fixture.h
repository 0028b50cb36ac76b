#ifndef CONCORDAT_TESTS_SUPPORT_HUB_FIXTURE_H_
#define CONCORDAT_TESTS_SUPPORT_HUB_FIXTURE_H_

#include <map>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/hub_processes.h"

namespace concordat::testing {

// Every service of a hub without doors and edges, started, and the command line as
// its people.
class HubFixture : public ::testing::Test {
 protected:
  static const std::vector<std::string>& Services();

  HubFixture();

  // What the command prints once it is done: services may still start. Fails the
  // test after a minute.
  std::string Until(const std::vector<std::string>& words);
  // The value of the first field of that name in text of JSON; empty: there is none.
  static std::string Field(const std::string& json, const std::string& name);
  // As two operators: counts, asks, agrees.
  void Erase(const std::string& subject);
  // How many rows each table of a paper has, by its caption: `concordat documents
  // WORDS…`.
  std::map<std::string, size_t> RowsOf(std::vector<std::string> words);

  HubProcesses hub_;
};

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_HUB_FIXTURE_H_
