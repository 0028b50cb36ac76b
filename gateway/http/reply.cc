#include "gateway/http/reply.h"

#include <utility>

#include "services/common/base/check.h"

namespace concordat::gateway {

Reply::Reply(Request request, Caller caller, size_t bytes_max,
             std::function<void()> wake)
    : request_(std::move(request)),
      caller_(std::move(caller)),
      bytes_max_(bytes_max),
      wake_(std::move(wake)) {}

void Reply::Send(Response response) {
  {
    MutexLock lock(mu_);
    CONCORDAT_CHECK(!answered_);
    answered_ = true;
    gone_ = nullptr;
    if (closed_) return;
    whole_ = std::move(response);
  }
  wake_();
}

std::shared_ptr<Body> Reply::Begin(Response head, BodyEvents events) {
  bool closed = false;
  {
    MutexLock lock(mu_);
    CONCORDAT_CHECK(!answered_);
    answered_ = true;
    gone_ = nullptr;
    closed = closed_;
    if (!closed) {
      streaming_ = true;
      head_ = std::move(head);
      events_ = std::move(events);
    }
  }
  if (!closed) {
    wake_();
  } else if (events.on_closed != nullptr) {
    events.on_closed();
  }
  return shared_from_this();
}

void Reply::OnGone(std::function<void()> gone) {
  {
    MutexLock lock(mu_);
    if (!closed_) {
      gone_ = std::move(gone);
      return;
    }
  }
  gone();
}

size_t Reply::pending() const {
  MutexLock lock(mu_);
  return pending_;
}

bool Reply::Write(std::string piece) {
  {
    MutexLock lock(mu_);
    if (ended_ || closed_) return false;
    if (pending_ + piece.size() > bytes_max_) {
      aborted_ = ended_ = true;
    } else {
      pending_ += piece.size();
      piece_.append(piece);
    }
  }
  wake_();
  MutexLock lock(mu_);
  return !aborted_;
}

void Reply::End() {
  {
    MutexLock lock(mu_);
    if (closed_) return;
    ended_ = true;
  }
  wake_();
}

void Reply::Abort() {
  {
    MutexLock lock(mu_);
    if (closed_) return;
    aborted_ = ended_ = true;
  }
  wake_();
}

Reply::Work Reply::Take() {
  Work work;
  MutexLock lock(mu_);
  work.whole = std::exchange(whole_, std::nullopt);
  work.head = std::exchange(head_, std::nullopt);
  work.piece = std::exchange(piece_, {});
  work.end = streaming_ && ended_;
  work.abort = aborted_;
  return work;
}

void Reply::Sent(size_t bytes) {
  std::function<void()> drained;
  {
    MutexLock lock(mu_);
    pending_ -= bytes;
    if (bytes == 0 || pending_ > 0 || ended_) return;
    drained = events_.on_drained;
  }
  if (drained != nullptr) drained();
}

void Reply::Close() {
  std::function<void()> tell;
  {
    MutexLock lock(mu_);
    if (closed_) return;
    closed_ = true;
    tell = streaming_ ? events_.on_closed : gone_;
    // They may hold what holds this.
    events_ = {};
    gone_ = nullptr;
  }
  if (tell != nullptr) tell();
}

bool Reply::streaming() const {
  MutexLock lock(mu_);
  return streaming_;
}

}  // namespace concordat::gateway
