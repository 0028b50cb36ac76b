// Takes files from the drop folder into the store: each once, whole or not at
// all, and only what its mapping reads.
//
//   taken     rows that are new wait in the store; the file is removed
//   again     nothing in it is new; removed
//   refused   it cannot be taken whole: it is moved to "refused", and the list
//             of files says why
// A crash in between takes it again: what is in the store is known by content.
//
// Threads  One at a time.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_FILE_TAKER_H_
#define CONCORDAT_ADAPTERS_CASEFILE_FILE_TAKER_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/casefile/case_store.h"
#include "adapters/casefile/drop_folder.h"
#include "adapters/casefile/mapping_set.h"
#include "adapters/core/cohort.h"
#include "services/common/base/clock.h"
#include "services/common/crypto/sha256.h"
#include "services/common/telemetry/log.h"

namespace concordat::casefile {

class FileTaker {
 public:
  // Borrows all. `key` makes the marks of files and rows.
  FileTaker(DropFolder& folder, CaseStore& store, const edge::Cohort& cohort,
            absl::string_view key, const Clock& clock, absl::TimeZone zone,
            const Logger& log)
      : folder_(folder),
        store_(store),
        cohort_(cohort),
        marks_(key),
        clock_(clock),
        zone_(zone),
        log_(log) {}

  // Takes every file that is whole, those of earlier days first. The number of
  // files that are there and not taken yet.
  //   RESOURCE_EXHAUSTED  the store is full: nothing is taken.
  //   UNAVAILABLE         store or folder.
  absl::StatusOr<size_t> TakeAll(const MappingSet& mappings);

  // Files of a mapping that are there. Any thread, also during TakeAll().
  absl::StatusOr<size_t> Count(const MappingSet& mappings) const;

  const HmacSha256& marks() const { return marks_; }

 private:
  struct Due {
    DroppedFile dropped;
    FileMapping found;
  };

  absl::Status TakeOne(const Due& due);
  // Refuses a file, saying why in the list of files.
  absl::Status RefuseFile(edge::v1::FileTaken file, absl::string_view why);
  // Maps rows and sorts them: those to wait, and the rest by count.
  void MapRows(const FileMapping& found, const Table& table,
               edge::v1::FileTaken& file,
               std::vector<edge::v1::WaitingRow>& rows,
               std::set<std::string>& keys) const;
  // Rows that are not in a file of everything any more. Not OK: why the file
  // cannot be taken.
  absl::Status AddVanished(const FileMapping& found,
                           const std::set<std::string>& keys,
                           const edge::v1::FileTaken& file,
                           std::vector<edge::v1::WaitingRow>& rows) const;
  // Questions about rows that are back.
  absl::Status CloseQuestions(const Mapping& mapping,
                              const std::set<std::string>& keys);

  DropFolder& folder_;
  CaseStore& store_;
  const edge::Cohort& cohort_;
  const HmacSha256 marks_;
  const Clock& clock_;
  const absl::TimeZone zone_;
  const Logger& log_;
  // Names that no mapping takes, told once.
  std::set<std::string> strangers_;
};

// What became of a file, for people: "taken: 2 new, 1 rejected".
std::string FileWords(const edge::v1::FileTaken& file);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_FILE_TAKER_H_
