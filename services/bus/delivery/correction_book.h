// Every correction and retraction of the log, with what it is about. PURE.
//
// Threads  One at a time.
#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_CORRECTION_BOOK_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_CORRECTION_BOOK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "services/bus/log/event_log.h"

namespace concordat::bus {

class CorrectionBook {
 public:
  struct Entry {
    Sequence sequence;
    Sequence original;  // 0: the log does not have it.
    std::string type;
    std::string controller;
    bool is_retraction = false;
    uint64_t accepted_us = 0;
  };

  // `log` outlives this.
  explicit CorrectionBook(EventLog& log) : log_(log) {}

  // Reads what the log has since the last time; the first time all of it.
  //   DATA_LOSS, UNAVAILABLE
  absl::Status CatchUp();
  // In the log's order.
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  absl::Status Fold(const StoredEvent& event);

  EventLog& log_;
  Sequence folded_;
  std::vector<Entry> entries_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_CORRECTION_BOOK_H_
