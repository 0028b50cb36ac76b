#include "services/bus/daemon/registry_recorder.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "services/bus/ingest/hub_records.h"
#include "services/common/base/bytes.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {
namespace {

constexpr char kFile[] = "registry-said";
constexpr absl::Duration kEvery = absl::Milliseconds(200);
// For the log to take it.
constexpr absl::Duration kPatience = absl::Seconds(10);

v1::Principal WithoutKeys(v1::Principal principal) {
  principal.clear_curve_public_key();
  principal.clear_curve_valid_to();
  principal.clear_second_curve_public_key();
  principal.clear_second_curve_valid_to();
  principal.clear_certificate_key();
  principal.clear_certificate_key_valid_to();
  principal.clear_second_certificate_key();
  principal.clear_second_certificate_key_valid_to();
  principal.clear_signing_keys();
  principal.clear_witness_key();
  return principal;
}

// Null: nothing is other.
const char* ChangeOf(const v1::Principal* before, const v1::Principal* after) {
  if (before == nullptr) return "ENROLLED";
  if (after == nullptr) return "REMOVED";
  if (before->revoked() != after->revoked()) {
    return after->revoked() ? "REVOKED" : "REINSTATED";
  }
  if (before->SerializeAsString() == after->SerializeAsString()) return nullptr;
  const bool keys_alone = WithoutKeys(*before).SerializeAsString() ==
                          WithoutKeys(*after).SerializeAsString();
  return keys_alone ? "KEYS_CHANGED" : "RIGHTS_CHANGED";
}

}  // namespace

std::vector<hub::v1::RegistryChanged> ChangesOf(const v1::Registry& before,
                                                const v1::Registry& after) {
  std::map<std::string, std::pair<const v1::Principal*, const v1::Principal*>>
      by_name;
  for (const v1::Principal& one : before.principals()) {
    by_name[one.name()].first = &one;
  }
  for (const v1::Principal& one : after.principals()) {
    by_name[one.name()].second = &one;
  }
  std::vector<hub::v1::RegistryChanged> changes;
  for (const auto& [name, pair] : by_name) {
    const char* const change = ChangeOf(pair.first, pair.second);
    if (change == nullptr) continue;
    const v1::Principal& now =
        pair.second == nullptr ? *pair.first : *pair.second;
    hub::v1::RegistryChanged& changed = changes.emplace_back();
    changed.set_principal(name);
    changed.set_agency(now.agency());
    changed.set_change(change);
    const Sha256Hash digest = Sha256::Of(now.SerializeAsString());
    changed.set_digest(std::string(AsView(digest)));
  }
  return changes;
}

absl::Status RegistryRecorder::Start() {
  const auto bytes = ReadWhole(folder_, kFile);
  if (bytes.ok()) {
    if (!said_.ParseFromString(*bytes)) {
      return absl::DataLossError("registry-said cannot be read");
    }
  } else if (absl::IsNotFound(bytes.status())) {
    said_ = registry_()->proto();
    const absl::Status kept =
        ReplaceWhole(folder_, kFile, said_.SerializeAsString());
    if (!kept.ok()) return kept;
  } else {
    return bytes.status();
  }
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void RegistryRecorder::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void RegistryRecorder::Run() {
  const auto stops = [this]()
                         ABSL_NO_THREAD_SAFETY_ANALYSIS { return stopping_; };
  bool complained = false;
  for (;;) {
    const absl::Status looked = Look();
    if (!looked.ok() && !std::exchange(complained, true)) {
      log_.Error("a change of the registry is not in the log yet",
                 {{"why", looked.message()}});
    }
    if (looked.ok()) complained = false;
    MutexLock lock(mu_);
    if (changed_.WaitFor(mu_, kEvery, stops)) return;
  }
}

absl::Status RegistryRecorder::Look() {
  auto registry = registry_();
  if (registry == seen_) return absl::OkStatus();
  const v1::Registry& now = registry->proto();
  // Of several processes of one log the one that writes says it.
  if (!ingest_.follows()) {
    const absl::Status said = Say(ChangesOf(said_, now));
    if (!said.ok()) return said;
  }
  if (said_.SerializeAsString() != now.SerializeAsString()) {
    const absl::Status kept =
        ReplaceWhole(folder_, kFile, now.SerializeAsString());
    if (!kept.ok()) return kept;
    said_ = now;
  }
  seen_ = std::move(registry);
  return absl::OkStatus();
}

absl::Status RegistryRecorder::Say(
    const std::vector<hub::v1::RegistryChanged>& changes) {
  if (changes.empty()) return absl::OkStatus();
  std::vector<Event> events;
  for (const hub::v1::RegistryChanged& changed : changes) {
    auto event = recorder_.EventOf(recorder_.NewId("registry"), kRegistryStream,
                                   PersonKey(), changed);
    if (!event.ok()) return event.status();
    events.push_back(*std::move(event));
  }
  struct Answer {
    Mutex mu;
    CondVar changed;
    bool is_there ABSL_GUARDED_BY(mu) = false;
    absl::Status status ABSL_GUARDED_BY(mu);
  };
  const auto answer = std::make_shared<Answer>();
  recorder_.Publish(events, [answer](const absl::Status& status) {
    MutexLock lock(answer->mu);
    answer->is_there = true;
    answer->status = status;
    answer->changed.NotifyAll();
  });
  MutexLock lock(answer->mu);
  const bool in_time = answer->changed.WaitFor(
      answer->mu, kPatience,
      [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return answer->is_there; });
  return in_time ? answer->status
                 : absl::UnavailableError("the log did not answer in time");
}

}  // namespace concordat::bus
