#include "services/common/telemetry/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"

namespace concordat {
namespace {

std::string Value(absl::string_view text) {
  std::string value(text);
  for (char& c : value) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = '?';
  }
  const bool plain =
      !value.empty() && value.find_first_of(" \"=") == std::string::npos;
  if (plain) return value;
  return absl::StrCat("\"", absl::StrReplaceAll(value, {{"\"", "'"}}), "\"");
}

void Write(spdlog::logger& logger, spdlog::level::level_enum level,
           absl::string_view what, std::initializer_list<LogField> fields) {
  // The text is an argument, not a format.
  logger.log(level, "{}", FormatLogFields(what, fields));
}

}  // namespace

std::string FormatLogFields(absl::string_view what,
                            std::initializer_list<LogField> fields) {
  std::string line = absl::StrCat("what=", Value(what));
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=", Value(field.value));
  }
  return line;
}

Logger::Logger(const std::string& program)
    : logger_(std::make_shared<spdlog::logger>(
          program, std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  logger_->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ level=%l program=%n %v",
                       spdlog::pattern_time_type::utc);
  logger_->flush_on(spdlog::level::info);
}

void Logger::Info(absl::string_view what,
                  std::initializer_list<LogField> fields) const {
  Write(*logger_, spdlog::level::info, what, fields);
}

void Logger::Warning(absl::string_view what,
                     std::initializer_list<LogField> fields) const {
  Write(*logger_, spdlog::level::warn, what, fields);
}

void Logger::Error(absl::string_view what,
                   std::initializer_list<LogField> fields) const {
  Write(*logger_, spdlog::level::err, what, fields);
}

}  // namespace concordat
