// Works the store's rows off, oldest first: who it is about, what was published
// of it before, and the event that says it. Rows are finished once the bus has
// answered for them, so that a crash in between publishes the same events again,
// and the bus knows them. The same for what people did with rejects.
//
//   A row's event id is made from key and Amended, or without Amended from key,
//   content and the event before: the same row is the same event for ever.
//   A later version corrects the event of the earlier; a vanished one retracts.
//
// Threads  RunOnce: one at a time. The rest: any.
#ifndef CONCORDAT_ADAPTERS_CASEFILE_ROW_WORKER_H_
#define CONCORDAT_ADAPTERS_CASEFILE_ROW_WORKER_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "adapters/casefile/case_store.h"
#include "adapters/core/cohort.h"
#include "concordat/bus/v1/registry.pb.h"
#include "services/common/bus_client/bus_client.h"
#include "services/common/event/type_table.h"

namespace concordat::casefile {

// Who publishes, and for which source.
struct RowPublisher {
  bus::v1::Principal principal;
  // The source that the principal may publish from: the case system's.
  std::string source;
};

class RowWorker {
 public:
  enum class Step {
    kIdle,     // Nothing waits, nobody acted, and no feed has news.
    kBlocked,  // The oldest cannot be judged, published or finished now.
    kDone,
  };

  // Borrows store, cohort and bus. `key` is for ids and seeds.
  RowWorker(CaseStore& store, const edge::Cohort& cohort, Publisher& bus,
            std::shared_ptr<const TypeRegistry> types, RowPublisher self,
            const std::string& key,
            absl::Duration publish_timeout = absl::Seconds(5));

  // Takes the oldest act or rows one step, or says how far a feed is. `feeds` are the
  // mappings of each.
  Step RunOnce(const std::map<std::string, std::set<std::string>>& feeds);

  // A fact about no person, and under which id.
  struct Fact {
    std::string type;
    std::string data;
    std::string id;
    std::string stream;
    std::string on_behalf_of;
    uint64_t time_us = 0;
  };
  // Publishes it and waits. Any thread.
  //   INVALID_ARGUMENT  it breaks a rule of its type.  UNAVAILABLE  no answer
  //   in time, or not now.  FAILED_PRECONDITION  the hub refused it; says why.
  absl::StatusOr<Sequence> Publish(const Fact& fact);
  // Whether an act keeps the rules of its fact.
  //   INVALID_ARGUMENT
  absl::Status Check(const edge::v1::Acted& acted) const;

  // Sequence of the last event that was published, 0 for none since the start.
  Sequence last_published() const { return Sequence{last_published_.load()}; }

 private:
  struct Judged {
    edge::v1::RowDone done;
    std::vector<Event> set;  // One event, or none.
  };

  // Not OK: it cannot be judged now.
  absl::StatusOr<Judged> Judge(const edge::v1::WaitingRow& row) const;
  // The event of a row about `subject`, after what was published of it before.
  absl::StatusOr<Event> MakeEventOf(
      const edge::v1::WaitingRow& row, const PersonKey& subject,
      const std::optional<edge::v1::KnownRow>& before) const;
  absl::StatusOr<Event> MakeEventOf(const Fact& fact) const;
  Header MakeHeader() const;
  Seed SeedOf(const std::string& id) const;
  // False: not every answer came, or one may be another the next time.
  bool PublishRows(std::vector<Judged>& judged);
  void NotePublished(Sequence sequence);
  Step WorkAct(const edge::v1::RejectAct& act);
  Step WorkRows(const std::vector<edge::v1::WaitingRow>& rows);
  Step TellFeed(const FeedNews& news);

  CaseStore& store_;
  const edge::Cohort& cohort_;
  Publisher& bus_;
  const std::shared_ptr<const TypeRegistry> types_;
  const RowPublisher self_;
  const HmacSha256 ids_;
  const std::string seed_key_;
  const absl::Duration publish_timeout_;
  std::atomic<uint64_t> last_published_{0};
};

}  // namespace concordat::casefile

#endif  // CONCORDAT_ADAPTERS_CASEFILE_ROW_WORKER_H_
