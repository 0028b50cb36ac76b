// What tests of erasure at the real concordat-bus have in common.
#ifndef CONCORDAT_TESTS_INTEGRATION_BUS_ERASURE_FIXTURE_H_
#define CONCORDAT_TESTS_INTEGRATION_BUS_ERASURE_FIXTURE_H_

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "concordat/bus/v1/erasure.pb.h"
#include "concordat/hub/v1/erasure.pb.h"
#include "services/bus/log/open_event_log.h"
#include "tests/integration/bus/bus_fixture.h"
#include "tests/support/temp_dir.h"

namespace concordat {

inline constexpr char kMark[] = "MARK-QZX-7";
inline constexpr int kPerson = 7;
inline constexpr int kOther = 8;

inline std::string KeyText(int person) {
  return PersonKey({static_cast<uint8_t>(person)}).ToString();
}

class ErasureProcessTest : public BusProcessTest {
 protected:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Erasures(absl::string_view principal,
                                    absl::string_view method,
                                    const Request& request) {
    CallOptions options;
    options.timeout = kLong;
    return AskOf<Response>(
        principal, absl::StrCat("concordat.bus.v1.ErasureService/", method),
        request, options);
  }
  // One asks, another does it.
  template <typename Response, typename Request>
  absl::StatusOr<Response> ByTwo(absl::string_view method, Request request,
                                 absl::string_view first = "admin",
                                 absl::string_view second = "second-operator") {
    request.set_why("the board's decision");
    const auto asked = Erasures<Response>(first, method, request);
    if (!asked.ok()) return asked.status();
    EXPECT_TRUE(asked->has_asked());
    request.set_approval(asked->asked().approval());
    request.set_why("");
    return Erasures<Response>(second, method, request);
  }
  static bus::v1::ErasePersonRequest Of(int person) {
    bus::v1::ErasePersonRequest request;
    request.set_subject(KeyText(person));
    request.set_reason("PERIOD_ENDED");
    return request;
  }
  absl::StatusOr<bus::v1::ErasePersonResponse> Erase(int person,
                                                     uint64_t count) {
    bus::v1::ErasePersonRequest request = Of(person);
    request.set_confirmed_count(count);
    return ByTwo<bus::v1::ErasePersonResponse>("ErasePerson", request);
  }
  Event Marked(std::string id, int person) {
    police::v1::ConcernShared concern;
    concern.set_concern_type("CHILDREN_AT_ADDRESS");
    concern.set_incident_ref(kMark);
    return Make(kPolice, "police-scotland", std::move(id), person, concern);
  }
  void CloseCase(std::string id, int person) {
    mappa::v1::CaseClosed closed;
    closed.set_case_ref("C-1");
    closed.set_reason("STATUS_ENDED");
    ASSERT_TRUE(Publish(*Connect("service-mappa"),
                        Make(kMappa, "mappa-tayside", std::move(id), person,
                             closed, "case/C"))
                    .accepted);
  }
  static int Run(const std::string& command, std::string* output) {
    FILE* const pipe =
        popen(absl::StrCat(std::getenv("CONCORDAT_BIN"), "/", command, " 2>&1")
                  .c_str(),
              "r");
    std::array<char, 4096> part;
    while (std::fgets(part.data(), part.size(), pipe)) *output += part.data();
    return pclose(pipe);
  }
  // As whoever runs the hub checks it: every block, and against them the tree, up
  // to the log's end, which is signed within the second.
  void ExpectVerifies() {
    const uint64_t end = LogStatus().end_sequence();
    const std::string signed_to = absl::StrCat("tree:  ", end, " events");
    const absl::Duration give_up = SteadyNow() + kLong;
    std::string output;
    do {
      output.clear();
      ASSERT_EQ(
          Run(absl::StrCat("concordat log verify --data ", bus_.data().path()),
              &output),
          0)
          << output;
    } while (!absl::StrContains(output, signed_to) && SteadyNow() < give_up);
    EXPECT_THAT(output, HasSubstr(signed_to));
    EXPECT_THAT(output, HasSubstr(absl::StrCat("whole: ", end, " events")));
  }
  // How many events open there with every key that the directory has, and how
  // many of them have the mark.
  struct Readable {
    int events = 0;
    int marked = 0;
  };
  Readable OpenAll(const std::string& data) {
    bus::EventLogOptions options;
    options.environment = bus::v1::ENVIRONMENT_DEMO;
    const auto log = bus::OpenEventLog(data, options, random_);
    EXPECT_THAT(log, IsOk());
    Readable opened;
    if (!log.ok()) return opened;
    const Sequence end = log->log->Status().end;
    for (uint64_t i = 1; i <= end.value; ++i) {
      const auto event = log->log->ReadOne({i});
      EXPECT_THAT(event, IsOk());
      if (!event.ok()) return opened;
      for (const bus::StoredGroup& group : event->opened) {
        opened.marked += absl::StrContains(group.data, kMark);
      }
      opened.events += !event->opened.empty();
    }
    return opened;
  }
  // Files below the folder that hold the bytes. A log's are large, and zeroes.
  static int FilesWith(const std::string& folder, const std::string& bytes) {
    int found = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::string text(entry.file_size(), '\0');
      std::ifstream(entry.path(), std::ios::binary)
          .read(text.data(), static_cast<std::streamsize>(text.size()));
      found += memmem(text.data(), text.size(), bytes.data(), bytes.size()) !=
               nullptr;
    }
    return found;
  }
  // What the reader has of the person but that somebody was erased.
  std::vector<std::string> Told(absl::string_view reader, int person) {
    std::vector<std::string> ids = ReadPerson(reader, person);
    std::erase_if(
        ids, [](const std::string& id) { return absl::StartsWith(id, "E-"); });
    return ids;
  }
};

}  // namespace concordat

#endif  // CONCORDAT_TESTS_INTEGRATION_BUS_ERASURE_FIXTURE_H_
