#include "gateway/cli/demo/hub_doors.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "concordat/edge/v1/service.pb.h"
#include "gateway/cli/demo/mllp_client.h"
#include "gateway/cli/demo/settle.h"

namespace concordat::cli {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr absl::Duration kSettleTimeout = absl::Seconds(60);
constexpr char kOperator[] = "admin";
constexpr char kEdgeOwner[] = "nhs";
constexpr char kEdge[] = "concordat-adapter";
// As deploy/config/adapters/edge-council.textproto has it.
constexpr char kDropFolder[] = "drop/dundee";
// As deploy/demo/demo-mailbox keeps it.
constexpr char kMailFolder[] = "mail/new";

// Their names, in the order in which they came.
std::set<std::string> MailsIn(const std::string& folder) {
  std::set<std::string> names;
  std::error_code none_yet;
  for (const auto& entry : fs::directory_iterator(folder, none_yet)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

SentText ReadMail(const fs::path& path) {
  SentText text;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "X-RcptTo: ")) text.to = std::string(rest);
    // The last line is all that it says.
    if (!line.empty()) text.words = line;
  }
  return text;
}

}  // namespace

HubDoors::HubDoors(DataDirectory data, const SteadyClock& clock)
    : data_(std::move(data)),
      clock_(clock),
      before_(MailsIn(data_.PathOf(kMailFolder))) {}

absl::StatusOr<Hub*> HubDoors::As(absl::string_view profile) {
  MutexLock lock(mu_);
  const auto found = hubs_.find(profile);
  if (found != hubs_.end()) return found->second.get();
  auto hub = Hub::Open(data_, std::string(profile));
  if (!hub.ok()) return hub.status();
  return hubs_.emplace(std::string(profile), *std::move(hub))
      .first->second.get();
}

absl::StatusOr<std::string> HubDoors::Call(absl::string_view profile,
                                           absl::string_view method,
                                           const std::string& json) {
  const auto hub = As(profile);
  if (!hub.ok()) return hub.status();
  return (*hub)->CallJson(method, json);
}

absl::StatusOr<bool> HubDoors::Publish(absl::string_view profile,
                                       const std::string& event) {
  auto found = doors_.find(profile);
  if (found == doors_.end()) {
    const auto hub = As(profile);
    if (!hub.ok()) return hub.status();
    auto door = EventDoor::Open(**hub);
    if (!door.ok()) return door.status();
    found = doors_.emplace(std::string(profile), *std::move(door)).first;
  }
  const gateway::PublishedEvent line = found->second->Publish(event, kTimeout);
  if (!line.status.ok()) return line.status;
  return line.duplicate;
}

// It gets its name when it is whole.
absl::Status HubDoors::DropFile(const std::string& name,
                                const std::string& bytes) {
  const fs::path folder = data_.PathOf(kDropFolder);
  const fs::path draft = folder / absl::StrCat(name, ".tmp");
  std::error_code error;
  fs::create_directories(folder, error);
  std::ofstream out(draft, std::ios::binary);
  out << bytes;
  out.close();
  if (out) fs::rename(draft, folder / name, error);
  if (out && !error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot write ", (folder / name).string()));
}

absl::StatusOr<std::string> HubDoors::SendHl7(const std::string& message) {
  const auto endpoint = data_.WaitForAddress(kEdge, "mllp", kTimeout);
  if (!endpoint.ok()) return endpoint.status();
  const auto answer = SendMllp(*endpoint, message, kTimeout);
  if (!answer.ok()) return answer.status();
  return AnswerCode(*answer);
}

absl::StatusOr<std::vector<SentText>> HubDoors::TakeTexts(size_t at_least) {
  const std::string folder = data_.PathOf(kMailFolder);
  const absl::Duration until = clock_.Elapsed() + kTimeout;
  std::vector<SentText> texts;
  while (true) {
    for (const std::string& name : MailsIn(folder)) {
      if (!taken_.insert(name).second) continue;
      texts.push_back(ReadMail(fs::path(folder) / name));
      texts.back().before = before_.count(name) > 0;
    }
    if (texts.size() >= at_least || clock_.Elapsed() > until) return texts;
    Pause(absl::Milliseconds(4));
  }
}

absl::Status HubDoors::WaitForEdge() {
  const auto hub = As(kEdgeOwner);
  if (!hub.ok()) return hub.status();
  const absl::Duration until = clock_.Elapsed() + kSettleTimeout;
  while (true) {
    const auto list = (*hub)->Call<edge::v1::ListRejectsResponse>(
        kEdge, "concordat.edge.v1.EdgeService/ListRejects",
        edge::v1::ListRejectsRequest());
    if (!list.ok()) return list.status();
    if (list->counts().spooled() == 0) return absl::OkStatus();
    if (clock_.Elapsed() > until) {
      return absl::DeadlineExceededError("messages wait at the edge");
    }
    Pause(absl::Milliseconds(4));
  }
}

absl::Status HubDoors::Settle() {
  if (auto status = WaitForEdge(); !status.ok()) return status;
  const auto hub = As(kOperator);
  if (!hub.ok()) return hub.status();
  return WaitUntilSettled(**hub, clock_, kSettleTimeout);
}

}  // namespace concordat::cli
