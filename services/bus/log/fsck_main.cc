// concordat-log-fsck: checks the log of a data directory, block by block, and
// cuts it where a person says.
//
//   concordat-log-fsck --data DIR
//   concordat-log-fsck --data DIR --cut SEGMENT:OFFSET --keep-through SEQUENCE
//
// A cut gives up every event after SEQUENCE. Whoever asks for it must name that
// event: what was typed for another log, or before another cut, does nothing.
//
// Exit: 0 all is well, 1 the log is damaged, 2 it could not be checked.
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/common/base/bytes.h"
#include "services/bus/log/fsck.h"
#include "services/bus/log/open_event_log.h"
#include "services/bus/log/segment_store.h"
#include "services/common/base/system_clock.h"
#include "services/common/base/system_random.h"

namespace concordat::bus {
namespace {

constexpr int kGood = 0;
constexpr int kDamaged = 1;
constexpr int kNotChecked = 2;

int Stop(const absl::Status& status) {
  std::fprintf(stderr, "concordat-log-fsck: %s\n",
               std::string(status.message()).c_str());
  return kNotChecked;
}

int Usage() {
  std::fprintf(stderr,
               "usage: concordat-log-fsck --data DIR "
               "[--cut SEGMENT:OFFSET --keep-through SEQUENCE]\n");
  return kNotChecked;
}

int Report(const FsckReport& report, bool has_keys) {
  std::printf("log %s epoch %u\n",
              absl::BytesToHexString(AsView(report.log_id)).c_str(),
              report.epoch);
  std::printf("%u segments, %llu blocks, %llu events\n", report.segments,
              static_cast<unsigned long long>(report.blocks),
              static_cast<unsigned long long>(report.events));
  if (report.removed > 0) {
    std::printf(
        "%llu events were removed by retention: their spines are there\n",
        static_cast<unsigned long long>(report.removed));
  }
  if (has_keys) {
    std::printf("%zu keys; %llu events open, %llu erased\n", report.keys,
                static_cast<unsigned long long>(report.opened),
                static_cast<unsigned long long>(report.erased));
  } else {
    std::printf("no key file: sealed groups were not opened\n");
  }
  if (report.fault.ok()) {
    std::printf("good\n");
    return kGood;
  }
  const std::string why(report.fault.message());
  if (absl::IsFailedPrecondition(report.fault)) {
    std::printf("NOT OPENED: %s\n", why.c_str());
    return kNotChecked;
  }
  std::printf("%s at %s:%llu: %s\n", report.torn_tail ? "TORN TAIL" : "DAMAGED",
              SegmentName(report.fault_segment).c_str(),
              static_cast<unsigned long long>(report.fault_offset),
              why.c_str());
  if (report.torn_tail) {
    std::printf("nobody was told of it; the bus cuts it when it starts\n");
    return kGood;
  }
  std::printf(
      "Restore a backup, or give up every event after %llu with\n"
      "  --cut %u:%llu --keep-through %llu\n"
      "which begins a new epoch: readers who were further are told.\n",
      static_cast<unsigned long long>(report.events), report.fault_segment,
      static_cast<unsigned long long>(report.fault_offset),
      static_cast<unsigned long long>(report.events));
  return kDamaged;
}

int Main(int argc, char** argv) {
  std::string data;
  std::string cut;
  std::optional<uint64_t> keep_through;
  for (int i = 1; i < argc; ++i) {
    const absl::string_view flag = argv[i];
    if (flag == "--data" && i + 1 < argc) {
      data = argv[++i];
    } else if (flag == "--cut" && i + 1 < argc) {
      cut = argv[++i];
    } else if (uint64_t last = 0; flag == "--keep-through" && i + 1 < argc &&
                                  absl::SimpleAtoi(argv[i + 1], &last)) {
      keep_through = last;
      ++i;
    } else {
      return Usage();
    }
  }
  if (data.empty() || cut.empty() != !keep_through.has_value()) return Usage();
  auto directory =
      PosixDirectory::OpenLocked(absl::StrCat(data, "/", kLogFolder));
  if (!directory.ok()) return Stop(directory.status());

  auto keys = PosixDirectory::Open(absl::StrCat(data, "/", kKeysFolder));
  if (!keys.ok()) return Stop(keys.status());
  if (!cut.empty()) {
    const std::pair<absl::string_view, absl::string_view> place =
        absl::StrSplit(cut, absl::MaxSplits(':', 1));
    uint32_t segment = 0;
    uint64_t offset = 0;
    if (!absl::SimpleAtoi(place.first, &segment) ||
        !absl::SimpleAtoi(place.second, &offset)) {
      return Usage();
    }
    const absl::StatusOr<KeyTable> newest = LoadKeyTable(**keys);
    if (!newest.ok()) return Stop(newest.status());
    absl::Status status = CutLog(**directory, {segment, offset, *keep_through},
                                 SystemClock().Now(), *newest);
    if (!status.ok()) return Stop(status);
    std::printf("cut at %s:%llu\n", SegmentName(segment).c_str(),
                static_cast<unsigned long long>(offset));
  }

  std::optional<WrappingKeys> wrapping;
  auto shares = PosixDirectory::Open(
      absl::StrCat(data, "/", kKeysFolder, "/", kSharesFolder));
  if (!shares.ok()) return Stop(shares.status());
  SystemRandom random;
  absl::StatusOr<WrappingKeys> loaded =
      KeyFile(**keys, **shares, random).Load();
  if (loaded.ok()) {
    wrapping = *std::move(loaded);
  } else if (!absl::IsNotFound(loaded.status())) {
    return Stop(loaded.status());
  }
  absl::StatusOr<FsckReport> report = CheckLog(
      **directory, wrapping.has_value() ? &*wrapping : nullptr, random);
  if (!report.ok()) return Stop(report.status());
  return Report(*report, wrapping.has_value());
}

}  // namespace
}  // namespace concordat::bus

int main(int argc, char** argv) { return concordat::bus::Main(argc, argv); }
