#include "gateway/cli/documents/access_extract.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "concordat/access/v1/records.pb.h"
#include "services/common/bundle/proved.h"
#include "services/common/crypto/sha256.h"
#include "services/common/evidence/checkpoint.h"
#include "services/common/evidence/merkle.h"
#include "services/common/evidence/spine.h"

namespace concordat::cli {
namespace {

using access::v1::Access;
using access::v1::ListAccessResponse;

constexpr absl::string_view kMagic = "concordat-extract/1";
constexpr absl::string_view kLogPart = "/log/";
constexpr absl::string_view kAccessPart = "/access/";

template <typename... Parts>
absl::Status Untrue(const Parts&... parts) {
  return absl::DataLossError(absl::StrCat(parts...));
}

std::string HashOf(absl::string_view body) {
  const Sha256Hash hash = Sha256::Of(body);
  return absl::BytesToHexString(absl::string_view(
      reinterpret_cast<const char*>(hash.data()), hash.size()));
}

// Signed by the log's key under the name that the note gives itself, which has
// `part` in it.
absl::StatusOr<Checkpoint> OpenSigned(const std::string& note,
                                      const BundleKeys& keys,
                                      absl::string_view part) {
  const auto parsed = ParseNote(note);
  if (!parsed.ok()) return Untrue("a checkpoint cannot be read");
  const auto named = ParseCheckpoint(parsed->text);
  if (!named.ok()) return Untrue("a checkpoint cannot be read");
  const auto key = MakeVerifier(named->origin, NoteKeyType::kEd25519, keys.log);
  if (!key.ok() || !absl::StrContains(named->origin, part)) {
    return Untrue("a checkpoint is of something else: ", named->origin);
  }
  auto opened = OpenCheckpoint(note, *key);
  if (!opened.ok()) return opened.status();
  return std::move(opened->checkpoint);
}

bool Equal(const Access& row, const access::v1::Called& called) {
  return row.agency() == called.agency() && row.role() == called.role() &&
         row.principal() == called.principal() && row.via() == called.via() &&
         row.staff() == called.staff() &&
         row.on_behalf_of() == called.on_behalf_of() &&
         row.purpose() == called.purpose() &&
         row.operation() == called.operation() &&
         row.what() == called.method() && row.outcome() == called.outcome() &&
         row.more_subjects() == called.more_subjects() && row.events() == 0 &&
         row.sequences().empty() &&
         std::equal(row.subjects().begin(), row.subjects().end(),
                    called.subjects().begin(), called.subjects().end());
}

// How many of a delivery were acknowledged, and whose session it was, is in other
// records: not shown.
bool Equal(const Access& row, const access::v1::Delivered& delivered,
           const std::string& person) {
  const std::string name = delivered.name().empty() ? "-" : delivered.name();
  if (row.operation() != policy::v1::OPERATION_DISCLOSURE ||
      row.agency() != delivered.agency() || row.role() != delivered.role() ||
      row.purpose() != delivered.purpose() || row.what() != name ||
      row.policy_position() != delivered.policy_position() ||
      delivered.envelopes() || row.acknowledged() > row.events() ||
      !row.staff().empty()) {
    return false;
  }
  uint64_t count = 0;
  for (const access::v1::Run& run : delivered.runs()) count += run.count();
  if (person.empty()) return row.events() == count && row.sequences().empty();
  return row.events() == static_cast<uint64_t>(row.sequences_size()) &&
         row.subjects_size() == 1 && row.subjects(0) == person &&
         std::all_of(row.sequences().begin(), row.sequences().end(),
                     [&](uint64_t sequence) {
                       return std::any_of(
                           delivered.runs().begin(), delivered.runs().end(),
                           [&](const access::v1::Run& run) {
                             return sequence >= run.first() &&
                                    sequence - run.first() < run.count();
                           });
                     });
}

class Check {
 public:
  Check(const BundleKeys& keys, CheckedExtract& checked)
      : keys_(keys), checked_(checked) {}

  absl::Status Run() {
    for (const auto& event : checked_.extract.events()) {
      const absl::Status status = CheckEvent(event);
      if (!status.ok()) {
        return absl::Status(
            status.code(),
            absl::StrCat("event ", event.sequence(), ": ", status.message()));
      }
    }
    int number = 0;
    for (const ListAccessResponse& page : checked_.extract.pages()) {
      const absl::Status status = CheckPage(page);
      ++number;
      if (!status.ok()) {
        return absl::Status(status.code(),
                            absl::StrCat("page ", number, " (", page.program(),
                                         "): ", status.message()));
      }
    }
    TellLimits();
    return absl::OkStatus();
  }

 private:
  absl::Status CheckEvent(const access::v1::ExtractedEvent& event) {
    if (event.sequence() == 0) return Untrue("there is no such event");
    const auto hash = TreeHashOf(event.leaf_hash());
    if (!hash.has_value()) return Untrue("it has no leaf");
    if (!event.leaf().empty() && HashLeaf(event.leaf()) != *hash) {
      return Untrue("its leaf is another's");
    }
    const auto tree = OpenSigned(event.checkpoint(), keys_, kLogPart);
    if (!tree.ok()) return tree.status();
    const absl::Status in =
        CheckProved(*tree, event.sequence() - 1, *hash, event.proof());
    if (!in.ok()) return Untrue(in.message());
    if (!leaves_.emplace(event.sequence(), event.leaf()).second) {
      return Untrue("it is there twice");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Checkpoint> TreeOf(const ListAccessResponse& page) {
    if (page.program() == kSigningProgram) {
      return OpenSigned(page.checkpoint(), keys_, kAccessPart);
    }
    auto tree = ParseCheckpoint(page.checkpoint());
    if (!tree.ok() || tree->origin != absl::StrCat(page.program(), "/access")) {
      return Untrue("its checkpoint cannot be read, or is of something else");
    }
    unsigned_.insert(page.program());
    return *std::move(tree);
  }

  absl::Status CheckPage(const ListAccessResponse& page) {
    const auto tree = TreeOf(page);
    if (!tree.ok()) return tree.status();
    int proved = 0;
    int number = 0;
    for (const Access& row : page.accesses()) {
      ++number;
      absl::Status status;
      if (row.of_event()) {
        status = page.program() == kSigningProgram
                     ? CheckEventRow(row)
                     : Untrue("it has no log of events");
      } else if (proved >= page.proofs_size()) {
        status = Untrue("no record shows it");
      } else {
        status = CheckRow(row, page.proofs(proved++), *tree);
      }
      if (!status.ok()) {
        return Untrue("row ", number, ": ", status.message());
      }
    }
    if (proved != page.proofs_size()) return Untrue("a record has no row");
    return absl::OkStatus();
  }

  absl::Status CheckRow(const Access& row,
                        const access::v1::BundledRecord& shown,
                        const Checkpoint& tree) {
    const auto record = OpenProved(tree, shown);
    if (!record.ok()) return record.status();
    if (shown.number() != row.record()) {
      return Untrue("its record is another's");
    }
    const bool equal = row.time() == record->time() &&
                       row.log_time() == record->log_time() &&
                       (record->has_called()
                            ? Equal(row, record->called())
                            : record->has_delivered() &&
                                  Equal(row, record->delivered(),
                                        checked_.extract.question().subject()));
    if (!equal) return Untrue("its record says something else");
    if (record->has_delivered() && !row.principal().empty())
      names_systems_ = true;
    ++checked_.rows;
    return absl::OkStatus();
  }

  absl::Status CheckEventRow(const Access& row) {
    const auto found = leaves_.find(row.record());
    if (found == leaves_.end()) {
      unproved_.push_back(row.record());
      return absl::OkStatus();
    }
    if (found->second.empty()) {
      unseen_.push_back(row.record());
      return absl::OkStatus();
    }
    const auto spine = DecodeSpine(found->second);
    if (!spine.ok()) return Untrue("its leaf cannot be read");
    const HeaderView& header = spine->header;
    const bool amends = !header.corrects.empty() || !header.retracts.empty();
    // Of what retention took away, or what joined two people, it is not told.
    const bool told = row.operation() == policy::v1::OPERATION_COLLECTION ||
                      row.operation() == policy::v1::OPERATION_ALTERATION;
    if (spine->sequence.value != row.record() || row.what() != header.type ||
        row.principal() != header.source ||
        row.agency() != AgencyOfSource(header.source) ||
        row.purpose() != header.purpose || row.subjects_size() != 1 ||
        row.subjects(0) != header.subject.ToString() ||
        (row.operation() != policy::v1::OPERATION_ERASURE &&
         row.log_time() != spine->accepted_us) ||
        (told &&
         amends != (row.operation() == policy::v1::OPERATION_ALTERATION))) {
      return Untrue("its event says something else");
    }
    ++checked_.events;
    return absl::OkStatus();
  }

  void TellLimits() {
    std::vector<std::string>& limits = checked_.limits;
    for (const std::string& each : checked_.extract.missing()) {
      limits.push_back(absl::StrCat("It is not complete: ", each, "."));
    }
    if (!unsigned_.empty()) {
      limits.push_back(absl::StrCat(
          "Rows of ", absl::StrJoin(unsigned_, ", "),
          " follow from the trees over their access logs, which nobody "
          "signed: compare size and root with what the program says."));
    }
    if (!unproved_.empty()) {
      limits.push_back(absl::StrCat("Events ", absl::StrJoin(unproved_, ", "),
                                    " were in no signed tree when it was made: "
                                    "they are the hub's word."));
    }
    if (!unseen_.empty()) {
      limits.push_back(absl::StrCat(
          "Of the events ", absl::StrJoin(unseen_, ", "),
          " it is shown that there are such; what they are is not for who "
          "asked, and is the hub's word."));
    }
    if (names_systems_) {
      limits.push_back(
          "Which system of its agency a delivery went to, and, of a question "
          "about a user, whom its events are about, is the hub's word.");
    }
    limits.push_back(
        "How many of a delivery were acknowledged is the hub's word, and that "
        "nothing else was done; an evidence bundle of `concordat who-knew` "
        "shows acknowledgements.");
  }

  const BundleKeys& keys_;
  CheckedExtract& checked_;
  std::map<uint64_t, std::string> leaves_;
  std::set<std::string> unsigned_;
  std::vector<uint64_t> unproved_;
  std::vector<uint64_t> unseen_;
  bool names_systems_ = false;
};

}  // namespace

bool IsExtract(absl::string_view file) {
  return absl::StartsWith(file, kMagic);
}

std::string EncodeExtract(const access::v1::AccessExtract& extract) {
  const std::string body = extract.SerializeAsString();
  return absl::StrCat(kMagic, " ", body.size(), " ", HashOf(body), "\n", body);
}

absl::StatusOr<CheckedExtract> CheckExtract(absl::string_view file,
                                            const BundleKeys& keys) {
  const size_t line = file.substr(0, 128).find('\n');
  const std::vector<std::string> head =
      absl::StrSplit(file.substr(0, line == file.npos ? 0 : line), ' ');
  uint64_t length = 0;
  if (head.size() != 3 || head[0] != kMagic ||
      !absl::SimpleAtoi(head[1], &length)) {
    return absl::InvalidArgumentError("not an extract of this version");
  }
  const absl::string_view body = file.substr(line + 1);
  if (body.size() != length || head[1] != absl::StrCat(length) ||
      HashOf(body) != head[2]) {
    return Untrue("the file is damaged");
  }
  CheckedExtract checked;
  if (!checked.extract.ParseFromArray(body.data(),
                                      static_cast<int>(body.size()))) {
    return absl::InvalidArgumentError("not an extract");
  }
  const absl::Status status = Check(keys, checked).Run();
  if (!status.ok()) return status;
  return checked;
}

}  // namespace concordat::cli
