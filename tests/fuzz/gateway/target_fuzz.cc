// A target that is taken is a plain path: nothing in it leads up or elsewhere.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/http/admission.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string target(reinterpret_cast<const char*>(data), size);
  concordat::gateway::Request request;
  if (concordat::gateway::ParseTarget(target, &request)) return 0;
  const std::string path = request.path + "/";
  if (request.path.empty() || request.path[0] != '/' ||
      path.find("/../") != std::string::npos ||
      path.find("/./") != std::string::npos ||
      request.path.find("//") != std::string::npos ||
      path.find('\\') != std::string::npos ||
      path.find('\0') != std::string::npos ||
      path.find('\n') != std::string::npos) {
    abort();
  }
  return 0;
}
