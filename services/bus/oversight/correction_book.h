// Every correction, retraction and cut of the log, with what it is about. PURE.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_BOOK_H_
#define CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_BOOK_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/type_table.h"

namespace concordat::bus {

class CorrectionBook {
 public:
  // Of a cut: what came by the number, and no more is looked for.
  static constexpr size_t kOriginalsMax = 1000;
  enum class Kind { kCorrection, kRetraction, kCut };
  struct Entry {
    Sequence sequence;
    // Ascending. Empty: the log does not have it, or nothing came by that number.
    std::vector<Sequence> originals = {};
    std::string type = {};
    std::string controller = {};
    PersonKey subject = {};  // Of whom it is told.
    Kind kind = Kind::kCorrection;
    uint64_t accepted_us = 0;
  };

  // `log` outlives this.
  CorrectionBook(EventLog& log, std::shared_ptr<const TypeRegistry> types)
      : log_(log), types_(std::move(types)) {}

  // Reads those that the log has since the last time, of which it has an index.
  //   DATA_LOSS, UNAVAILABLE
  absl::Status CatchUp();
  // In the log's order.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  absl::Status Fold(const StoredEvent& event);
  // What its sources told of the person, after its place and before it.
  absl::Status FindCut(const StoredEvent& event, Entry& entry) const;

  EventLog& log_;
  const std::shared_ptr<const TypeRegistry> types_;
  Sequence folded_;
  std::vector<Entry> entries_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_OVERSIGHT_CORRECTION_BOOK_H_
