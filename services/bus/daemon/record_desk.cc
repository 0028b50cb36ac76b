#include "services/bus/daemon/record_desk.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/common/rpc/access_service.h"

namespace concordat::bus {
namespace {

constexpr char kOperator[] = "operator";
constexpr size_t kBlockBytes = 1u << 20;

struct Told {
  std::string type;
  google::protobuf::Message* (*place)(v1::LogRecord&);
};

template <typename Message, Message* (v1::LogRecord::*kMutable)()>
Told TellsOf() {
  return {Message().GetTypeName(),
          [](v1::LogRecord& record) -> google::protobuf::Message* {
            return (record.*kMutable)();
          }};
}

const std::vector<Told>& AllTold() {
  using Record = v1::LogRecord;
  static const auto& all = *new std::vector<Told>{
      TellsOf<hub::v1::RegistryChanged, &Record::mutable_registry_changed>(),
      TellsOf<hub::v1::OperatorActed, &Record::mutable_operator_acted>(),
      TellsOf<hub::v1::EventsLost, &Record::mutable_events_lost>(),
      TellsOf<hub::v1::FeedSilent, &Record::mutable_feed_silent>(),
      TellsOf<hub::v1::FeedReceived, &Record::mutable_feed_received>()};
  return all;
}

const Told* FindTold(absl::string_view type) {
  for (const Told& each : AllTold()) {
    if (each.type == type) return &each;
  }
  return nullptr;
}

bool SeesAll(const v1::Principal& caller) {
  return caller.role() == kOperator || ReadsAllAccess(caller);
}

absl::Status Check(const v1::Principal& caller,
                   const v1::ListRecordsRequest& request) {
  if (!SeesAll(caller) && !MayReadAccess(caller)) {
    return absl::PermissionDeniedError(
        "records of the hub are read by operators, co-ordinators and "
        "guardians");
  }
  for (const std::string& type : request.types()) {
    if (FindTold(type) != nullptr) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "types: ", type, "? ",
        absl::StrJoin(AllTold(), ", ", [](std::string* out, const Told& each) {
          *out += each.type;
        })));
  }
  if (request.to() != 0 && request.from() >= request.to()) {
    return absl::InvalidArgumentError("to: not after from");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ListRecordsResponse> ReadRecords(
    const EventLog& log, const v1::Principal& caller,
    const v1::ListRecordsRequest& request, size_t read_bytes) {
  const absl::Status checked = Check(caller, request);
  if (!checked.ok()) return checked;
  std::set<std::string, std::less<>> wanted(request.types().begin(),
                                            request.types().end());
  if (wanted.empty()) {
    for (const Told& each : AllTold()) wanted.insert(each.type);
  }
  Interest interest;
  interest.type = [&wanted](absl::string_view type) {
    return wanted.contains(type);
  };
  const Sequence end = log.Status().end;
  v1::ListRecordsResponse response;
  Sequence at = {std::min(request.after(), end.value)};
  if (request.from() != 0 && at < end) {
    const auto before = LastBefore(log, request.from(), at, end);
    if (!before.ok()) return before.status();
    at = *before;
  }
  for (size_t read = 0; read < read_bytes; read += kBlockBytes) {
    at = std::min(log.SkipFrom(at, interest), end);
    response.set_next(at.value);
    if (!(at < end)) return response;
    const auto block = log.Read(at, std::min(kBlockBytes, read_bytes));
    if (!block.ok()) return block.status();
    if ((*block)->events.empty()) return response;
    for (const StoredEvent& event : (*block)->events) {
      // acceptedtime never steps back.
      if (request.to() != 0 && event.accepted_us >= request.to()) {
        return response;
      }
      at = event.sequence;
      response.set_next(at.value);
      // About nobody: what says who is not of these.
      if (!event.header.subject.empty() || event.removed_us != 0 ||
          !wanted.contains(event.header.type)) {
        continue;
      }
      v1::LogRecord record;
      if (!FindTold(event.header.type)
               ->place(record)
               ->ParseFromString(MessageOf(event))) {
        return absl::DataLossError(
            absl::StrCat("event ", at.value, " is no ", event.header.type));
      }
      if (!SeesAll(caller) &&
          record.registry_changed().agency() != caller.agency()) {
        continue;
      }
      record.set_sequence(at.value);
      record.set_accepted_time(event.accepted_us);
      record.set_source(std::string(event.header.source));
      *response.add_records() = std::move(record);
    }
  }
  response.set_more(at < end);
  return response;
}

void ServeRecords(ServerHost& host, const EventLog& log) {
  host.Handle<v1::ListRecordsRequest, v1::ListRecordsResponse>(
      "concordat.bus.v1.RecordService/ListRecords", {},
      [&log](const Call& call, const v1::ListRecordsRequest& request) {
        return ReadRecords(log, *call.principal, request);
      });
}

}  // namespace concordat::bus
