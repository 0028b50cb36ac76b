// What is wrong with a program, as far as it knows itself. The same list stands
// in its state (StatusService), in its metrics and in its log.
#ifndef CONCORDAT_SERVICES_COMMON_TELEMETRY_HEALTH_H_
#define CONCORDAT_SERVICES_COMMON_TELEMETRY_HEALTH_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace concordat {

struct Trouble {
  std::string code;   // Of a short fixed set: "disk", "subscription".
  std::string about;  // Which one, where there are several; never a person.
  std::string what;   // A clause for people: "2 GiB of 4 GiB are left".
  // It cannot wait: people are not warned, or nothing more is taken.
  bool critical = false;
};
using Troubles = std::vector<Trouble>;

// Threads  Add before anybody asks; Now: any.
class Health {
 public:
  // Adds what is wrong at this moment. Called on any thread; must not wait.
  using Source = std::function<void(Troubles&)>;

  void Add(Source source) { sources_.push_back(std::move(source)); }
  // What cannot wait first.
  Troubles Now() const;

 private:
  std::vector<Source> sources_;
};

// "CRITICAL: …; …", or nothing.
std::string Describe(const Troubles& troubles);

// Which of it is to be said: each trouble when it comes, again while it lasts,
// and when it has gone. PURE. Threads  One at a time.
class TroubleLog {
 public:
  explicit TroubleLog(absl::Duration repeat_every)
      : repeat_every_(repeat_every) {}

  struct Line {
    enum class Kind { kBegan, kLasts, kOver };
    Kind kind = Kind::kBegan;
    Trouble trouble;
  };
  // `now` by a steady clock.
  std::vector<Line> Say(const Troubles& troubles, absl::Duration now);

 private:
  struct Known {
    Trouble trouble;
    absl::Duration said_at;
  };
  const absl::Duration repeat_every_;
  std::map<std::pair<std::string, std::string>, Known> known_;
};

}  // namespace concordat

#endif  // CONCORDAT_SERVICES_COMMON_TELEMETRY_HEALTH_H_
