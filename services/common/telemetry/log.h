// Log lines for operators: key=value pairs on standard error, one line each.
// Never identifiers, names, person keys or payloads: counts, codes, places,
// programs and principals only.
//
// Threads  Any; a line is written whole.
#ifndef CONCORDAT_SERVICES_COMMON_TELEMETRY_LOG_H_
#define CONCORDAT_SERVICES_COMMON_TELEMETRY_LOG_H_

#include <initializer_list>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace spdlog {
class logger;
}

namespace concordat {

struct LogField {
  absl::string_view key;
  std::string value;

  LogField(absl::string_view k, const absl::AlphaNum& v)
      : key(k), value(v.Piece()) {}
};

class Logger {
 public:
  // `program` stands in every line.
  explicit Logger(const std::string& program);

  // `what` in plain words, the same each time; what varies goes in fields.
  void Info(absl::string_view what,
            std::initializer_list<LogField> fields = {}) const;
  void Warning(absl::string_view what,
               std::initializer_list<LogField> fields = {}) const;
  void Error(absl::string_view what,
             std::initializer_list<LogField> fields = {}) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

// `what="…" key=value …`, with quotes where a value needs them. Line breaks and
// other control characters become "?", so that no value can forge a line.
std::string FormatLogFields(absl::string_view what,
                            std::initializer_list<LogField> fields);

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_TELEMETRY_LOG_H_
