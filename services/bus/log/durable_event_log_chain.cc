#include "services/bus/log/durable_event_log.h"
#include "services/common/base/bytes.h"
#include "services/common/evidence/producer_chain.h"

namespace concordat::bus {

std::string EncodeLink(const StoredLink& link) {
  std::string bytes;
  for (const std::string* text : {&link.principal, &link.agency}) {
    PutNumber(bytes, static_cast<uint16_t>(text->size()));
    bytes += *text;
  }
  link.link.AppendToString(&bytes);
  return bytes;
}

absl::StatusOr<StoredLink> DecodeLink(absl::string_view bytes) {
  ByteReader in(bytes);
  StoredLink link;
  link.principal = std::string(in.Bytes(in.Number<uint16_t>()));
  link.agency = std::string(in.Bytes(in.Number<uint16_t>()));
  if (!in.ok() || !link.link.ParseFromArray(
                      in.rest().data(), static_cast<int>(in.rest().size()))) {
    return absl::DataLossError("a producer's signature is malformed");
  }
  return link;
}

void DurableEventLog::StageLink(const StoredLink& link) {
  {
    MutexLock lock(mu_);
    if (!read_only_because_.empty()) return;
  }
  if (open_block_ == nullptr) BeginStaged();
  const size_t before = open_block_->bytes.size();
  const size_t record =
      BeginRecord(RecordKind::kProducerSignature, open_block_->bytes);
  open_block_->bytes += EncodeLink(link);
  EndRecord(record, open_block_->bytes);
  staged_bytes_ += open_block_->bytes.size() - before;
}

absl::StatusOr<std::optional<StoredLink>> DurableEventLog::FindLink(
    Sequence sequence, size_t bytes_max,
    const std::function<bool(const StoredLink&)>& accept) const {
  if (sequence.value == 0 || sequence > Status().end) {
    return absl::OutOfRangeError("no such event");
  }
  std::optional<StoredLink> found;
  absl::Status malformed;
  const absl::Status walked = store_->Walk(
      sequence.value, bytes_max,
      [&](const BlockHeader&, absl::string_view body) {
        RecordReader records(body);
        Record record;
        while (malformed.ok() && !found.has_value() && records.Next(record)) {
          if (record.kind != RecordKind::kProducerSignature) continue;
          absl::StatusOr<StoredLink> link = DecodeLink(record.bytes);
          if (!link.ok()) {
            malformed = link.status();
          } else if (Names(link->link, sequence) && accept(*link)) {
            found = *std::move(link);
          }
        }
        return malformed.ok() && !found.has_value();
      });
  if (!walked.ok()) return walked;
  if (!malformed.ok()) return malformed;
  return found;
}

}  // namespace concordat::bus
