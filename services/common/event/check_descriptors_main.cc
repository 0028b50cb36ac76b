// concordat-policy-check FILE: fails, naming the field, when the descriptor set
// in FILE breaks a rule of CheckDescriptors(). The build runs it.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "services/common/event/type_table.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: concordat-policy-check DESCRIPTOR_SET\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (!file || bytes.empty()) {
    std::cerr << argv[1] << ": cannot be read\n";
    return 2;
  }
  const absl::Status status = concordat::CheckDescriptors(bytes);
  if (!status.ok()) {
    std::cerr << "policy: " << status.message() << "\n";
    return 1;
  }
  return 0;
}
