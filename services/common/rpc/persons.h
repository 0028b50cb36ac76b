// Whom a message is about: every string in it that is a person key, wherever it
// stands. One place finds them for every method, so that no handler can forget to.
#ifndef CONCORDAT_SERVICES_COMMON_RPC_PERSONS_H_
#define CONCORDAT_SERVICES_COMMON_RPC_PERSONS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "concordat/policy/v1/operation.pb.h"
#include "google/protobuf/message.h"

namespace concordat {

// Threads  One at a time.
struct CallPersons {
  static constexpr size_t kMax = 256;

  std::vector<std::string> subjects;  // "p-…", each once.
  bool more = false;                  // There were more than kMax.
  // As the request's Command says.
  std::string on_behalf_of;
  bool is_command = false;

  // Adds those of `message`, at most to a depth of 16.
  void Add(const google::protobuf::Message& message);
  void AddRequest(const google::protobuf::Message& request);
  // Leaves those out whom `others` has.
  void Remove(const CallPersons& others);

 private:
  void AddText(const std::string& text);
  void Add(const google::protobuf::Message& message, int depth);
};

// What the method does (policy/v1/operation.proto). Of one that is not known here:
// consultation, or alteration for a command.
policy::v1::Operation OperationOf(absl::string_view method, bool is_command);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_RPC_PERSONS_H_
