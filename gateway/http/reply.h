// One request under way, between its handler, on any thread, and its
// connection, which alone calls what stands under "the connection's side".
#ifndef CONCORDAT_GATEWAY_HTTP_REPLY_H_
#define CONCORDAT_GATEWAY_HTTP_REPLY_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "gateway/http/router.h"
#include "services/common/base/mutex.h"

namespace concordat::gateway {

class Reply final : public Exchange,
                    public Body,
                    public std::enable_shared_from_this<Reply> {
 public:
  // More than `bytes_max` not yet sent cuts a stream. `wake`: there is
  // something to Take(); called on any thread.
  Reply(Request request, Caller caller, size_t bytes_max,
        std::function<void()> wake);

  // Exchange and Body.
  const Request& request() const override { return request_; }
  const Caller& caller() const override { return caller_; }
  void Send(Response response) override;
  std::shared_ptr<Body> Begin(Response head, BodyEvents events) override;
  void OnGone(std::function<void()> gone) override;
  size_t pending() const override;
  bool Write(std::string piece) override;
  void End() override;
  void Abort() override;

  // The connection's side.
  struct Work {
    std::optional<Response> whole;  // All there is.
    std::optional<Response> head;   // The beginning of a stream.
    std::string piece;
    bool end = false;
    bool abort = false;
    bool none() const {
      return !whole && !head && piece.empty() && !end && !abort;
    }
  };
  Work Take();
  // What Take() gave is sent.
  void Sent(size_t bytes);
  // Nothing more will be sent.
  void Close();
  bool streaming() const;

 private:
  const Request request_;
  const Caller caller_;
  const size_t bytes_max_;
  const std::function<void()> wake_;

  mutable Mutex mu_;
  std::optional<Response> whole_ ABSL_GUARDED_BY(mu_);
  std::optional<Response> head_ ABSL_GUARDED_BY(mu_);
  BodyEvents events_ ABSL_GUARDED_BY(mu_);
  std::function<void()> gone_ ABSL_GUARDED_BY(mu_);
  std::string piece_ ABSL_GUARDED_BY(mu_);
  size_t pending_ ABSL_GUARDED_BY(mu_) = 0;  // piece_, and what is being sent.
  bool answered_ ABSL_GUARDED_BY(mu_) = false;
  bool streaming_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  bool aborted_ ABSL_GUARDED_BY(mu_) = false;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_REPLY_H_
