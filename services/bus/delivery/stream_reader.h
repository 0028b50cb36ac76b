#ifndef CONCORDAT_SERVICES_BUS_DELIVERY_STREAM_READER_H_
#define CONCORDAT_SERVICES_BUS_DELIVERY_STREAM_READER_H_

#include <memory>
#include <string>

#include "concordat/bus/v1/registry.pb.h"
#include "concordat/bus/v1/session.pb.h"
#include "services/bus/delivery/policy_fold.h"
#include "services/bus/delivery/view_builder.h"
#include "services/bus/log/event_log.h"
#include "services/common/event/codec.h"

namespace concordat::bus {

// Answers Read(stream, after): what a principal may see of one stream of one
// source, by default the first that it may publish from. For one thread.
class StreamReader {
 public:
  // `log` and `fold` outlive this.
  StreamReader(const EventLog& log, const PolicyFold& fold,
               std::shared_ptr<const TypeRegistry> types)
      : log_(log), fold_(fold), views_(std::move(types)) {}

  // The bytes of a StreamEvents: at most a frame of views, `more` when there
  // are others; a refusal when the principal sees nothing or the log fails.
  std::string Read(const v1::Principal& principal, absl::string_view purpose,
                   const v1::ReadStream& request);

 private:
  const EventLog& log_;
  const PolicyFold& fold_;
  ViewBuilder views_;
  ViewEncoder encoder_;
};

}  // namespace concordat::bus

#endif  // CONCORDAT_SERVICES_BUS_DELIVERY_STREAM_READER_H_
