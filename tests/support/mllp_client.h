#ifndef CONCORDAT_TESTS_SUPPORT_MLLP_CLIENT_H_
#define CONCORDAT_TESTS_SUPPORT_MLLP_CLIENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "adapters/hl7v2/mllp.h"

namespace concordat::testing {

// A sender on loopback, in the clear. Connects again when it was cut off.
class MllpClient {
 public:
  explicit MllpClient(uint16_t port, absl::Duration limit = absl::Seconds(10))
      : port_(port), limit_(limit) {}
  ~MllpClient() { Close(); }
  MllpClient(const MllpClient&) = delete;
  MllpClient& operator=(const MllpClient&) = delete;

  // Sends bytes as they are. False: not all went out.
  bool SendRaw(absl::string_view bytes);
  // The next frame's content; nothing: the listener closed, or was silent for
  // too long.
  std::optional<std::string> Receive();
  // Frames a message and returns the answer.
  std::optional<std::string> Ask(absl::string_view content);
  void Close();

 private:
  bool Connect();

  const uint16_t port_;
  const absl::Duration limit_;
  int fd_ = -1;
  std::optional<hl7v2::MllpFramer> framer_;
  std::vector<hl7v2::Frame> frames_;
};

// "AA DEMO0009": MSA-1 and MSA-2, or "closed" for no answer.
std::string AckOf(const std::optional<std::string>& answer);

}  // namespace concordat::testing

#endif  // CONCORDAT_TESTS_SUPPORT_MLLP_CLIENT_H_
