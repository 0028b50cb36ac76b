// One version of a mapping, compiled: which files it takes, how their text
// becomes rows, and what a row says. Columns that the mapping does not name are
// never kept. Makes events' messages, so it links the types; touches no file.
//
// Threads  Immutable once built.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_MAPPING_H_
#define CONCORDAT_ADAPTERS_CASEFILE_MAPPING_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "adapters/casefile/table.h"
#include "adapters/casefile/value_forms.h"
#include "concordat/bus/v1/event.pb.h"
#include "concordat/edge/v1/casefile.pb.h"
#include "concordat/edge/v1/casefile_spool.pb.h"
#include "re2/re2.h"
#include "services/common/crypto/sha256.h"
#include "services/common/event/type_table.h"

namespace concordat::casefile {

// What a file's name says.
struct FileName {
  std::string name;
  std::optional<absl::CivilDay> day;
  bool historic = false;
};

class Mapping {
 public:
  //   INVALID_ARGUMENT  names the mapping, the field and what is wrong.
  static absl::StatusOr<std::shared_ptr<const Mapping>> Build(
      const edge::v1::CaseFileMapping& proto,
      std::shared_ptr<const TypeRegistry> types, const absl::TimeZone& zone);

  const edge::v1::CaseFileMapping& proto() const { return proto_; }
  const std::string& name() const { return proto_.name(); }
  absl::CivilDay effective() const { return effective_; }
  // The columns that are read: the only ones that can be kept.
  const std::vector<std::string>& columns() const { return columns_; }
  size_t file_bytes_max() const { return file_bytes_max_; }
  bool everything() const {
    return proto_.content() == edge::v1::CONTENT_EVERYTHING;
  }

  // Nothing: not a name of this mapping's files.
  std::optional<FileName> Match(absl::string_view file) const;

  // The file's rows.
  //   INVALID_ARGUMENT  the whole file cannot be taken: why.
  absl::StatusOr<Table> Read(absl::string_view bytes) const;

  // What a row says: ROW_KIND_FACT, ROW_KIND_REJECT with a reason, or
  // ROW_KIND_UNSPECIFIED when it is known to be no fact. Number and taken_at are
  // the caller's to fill. `marks` makes key and content marks.
  edge::v1::WaitingRow MapRow(const TableRow& row, const std::string& file,
                              absl::CivilDay file_day,
                              const HmacSha256& marks) const;

  // The moment that a file of this day is complete to; nothing when it says
  // nothing of that.
  std::optional<absl::Time> CompleteTo(const FileName& file) const;

 private:
  struct Moment {
    size_t column = 0;
    Form form;
    std::optional<size_t> time_column;
    std::optional<Form> time_form;
    std::optional<DateAndTime> day_time;
  };
  struct Condition {
    size_t column = 0;
    std::vector<std::string> values;
  };
  struct FieldRule {
    edge::v1::FieldFrom proto;
    std::optional<size_t> column;
    std::optional<Form> date_form;
    const edge::v1::CodeMap* codes = nullptr;
    bool several = false;
  };
  struct Rule {
    edge::v1::RowRule proto;
    std::vector<Condition> when;
    std::optional<Moment> time;
    std::optional<size_t> stream_column;
    std::vector<FieldRule> fields;
    bus::v1::Basis basis = bus::v1::BASIS_UNSPECIFIED;
  };
  struct Names {
    std::unique_ptr<RE2> pattern;
    std::optional<Form> date_form;
    bool historic = false;
  };

  Mapping() = default;

  absl::Status Compile();
  absl::Status CompileFiles();
  absl::Status CompileFormat();
  absl::Status CompileRule(const edge::v1::RowRule& proto);
  absl::Status CompileField(const edge::v1::FieldFrom& proto, Rule& rule);
  absl::StatusOr<Moment> CompileMoment(const edge::v1::MomentColumn& proto);
  // Its place among the columns that are read.
  size_t Column(const std::string& name);
  absl::Status Bad(absl::string_view what) const;

  absl::StatusOr<Table> ReadFormat(absl::string_view text) const;
  absl::Status Map(const TableRow& row, absl::CivilDay file_day,
                   const HmacSha256& marks, edge::v1::WaitingRow& out) const;
  absl::Status MapPerson(const TableRow& row, edge::v1::WaitingRow& out) const;
  absl::Status MapFact(const Rule& rule, const TableRow& row,
                       absl::CivilDay file_day,
                       edge::v1::WaitingRow& out) const;
  const Rule* FindRule(const TableRow& row) const;
  absl::StatusOr<std::pair<absl::Time, bus::v1::TimePrecision>> ReadMoment(
      const Moment& moment, const TableRow& row, absl::CivilDay file_day) const;
  // The message of the row, in the JSON of protobuf.
  absl::StatusOr<std::string> ToJson(const Rule& rule, const TableRow& row,
                                     absl::CivilDay file_day,
                                     absl::CivilDay fact_day) const;
  absl::StatusOr<std::vector<std::string>> FieldValues(
      const FieldRule& field, const TableRow& row, absl::CivilDay file_day,
      absl::CivilDay fact_day) const;
  absl::Status CheckMessage(const std::string& type,
                            absl::string_view data) const;

  edge::v1::CaseFileMapping proto_;
  std::shared_ptr<const TypeRegistry> types_;
  absl::TimeZone zone_;
  absl::CivilDay effective_;
  std::vector<Names> files_;
  std::vector<std::string> columns_;
  absl::flat_hash_map<std::string, size_t> column_places_;
  std::vector<size_t> key_;
  std::optional<Moment> amended_;
  size_t person_ = 0;
  std::vector<Rule> rules_;
  std::optional<DateAndTime> complete_at_;
  size_t file_bytes_max_ = 0;
  TableLimits limits_;
};

// A file of the mapping's own rows, as a reason tells it: "yyyy-mm-dd" read.
//   INVALID_ARGUMENT
absl::StatusOr<absl::CivilDay> ReadIsoDay(absl::string_view text);

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_MAPPING_H_
