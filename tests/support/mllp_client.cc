#include "tests/support/mllp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "adapters/hl7v2/message.h"

namespace concordat::testing {

bool MllpClient::Connect() {
  if (fd_ >= 0) return true;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = absl::ToTimeval(limit_);
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) !=
      0) {
    Close();
    return false;
  }
  framer_.emplace();
  frames_.clear();
  return true;
}

void MllpClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool MllpClient::SendRaw(absl::string_view bytes) {
  if (!Connect()) return false;
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::optional<std::string> MllpClient::Receive() {
  std::array<char, 4096> buffer;
  while (frames_.empty()) {
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0 ||
        !framer_
             ->Feed(absl::string_view(buffer.data(), static_cast<size_t>(got)),
                    frames_)
             .ok()) {
      Close();
      return std::nullopt;
    }
  }
  std::string content = frames_.front().content;
  frames_.erase(frames_.begin());
  return content;
}

std::optional<std::string> MllpClient::Ask(absl::string_view content) {
  if (!SendRaw(hl7v2::MllpFrame(content))) {
    Close();
    return std::nullopt;
  }
  return Receive();
}

std::string AckOf(const std::optional<std::string>& answer) {
  if (!answer.has_value()) return "closed";
  const auto message = hl7v2::Message::Parse(*answer);
  if (!message.ok() || message->Find("MSA") == nullptr) return "no MSA";
  const hl7v2::Segment* const msa = message->Find("MSA");
  return absl::StrCat(msa->Field(1), " ", msa->Field(2));
}

}  // namespace concordat::testing
