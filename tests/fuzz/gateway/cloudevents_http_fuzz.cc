// A request of any bytes becomes JSON objects or is refused. The first line is
// the content type, the second a ce- header's value, the rest the body.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/api/cloudevents_http.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  const auto take_line = [&text] {
    const size_t end = text.find('\n');
    const std::string line = text.substr(0, end);
    text.erase(0, end == std::string::npos ? end : end + 1);
    return line;
  };
  concordat::gateway::Request request;
  request.headers.emplace_back("content-type", take_line());
  const std::string value = take_line();
  request.headers.emplace_back("ce-specversion", "1.0");
  request.headers.emplace_back("ce-id", value);
  request.headers.emplace_back("ce-" + value, value);
  request.body = text;
  if (!concordat::gateway::HasCloudEvents(request)) return 0;
  const auto body = concordat::gateway::ReadCloudEvents(request);
  if (!body.ok()) return 0;
  if (!body->is_batch && body->events.size() != 1) abort();
  for (const std::string& event : body->events) {
    boost::json::error_code error;
    if (!boost::json::parse(event, error).is_object() || error) abort();
  }
  return 0;
}
