// Which handler answers which request. PURE.
//
//   router.AddBlocking("POST", "/session", Access::kAnyone,
//                      [&](const Request& request, const Caller&) {
//                        return JsonResponse(200, …);
//                      });
//
// Threads  Add* before the server starts; Find any.
#ifndef CONCORDAT_GATEWAY_HTTP_ROUTER_H_
#define CONCORDAT_GATEWAY_HTTP_ROUTER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gateway/http/caller.h"
#include "gateway/http/request.h"

namespace concordat::gateway {

// The pieces of an answer that goes on: a stream.
//
// Threads  Any.
class Body {
 public:
  virtual ~Body() = default;
  // Bytes that were written and not yet sent.
  virtual size_t pending() const = 0;
  // False: it has ended, or the reader has gone.
  virtual bool Write(std::string piece) = 0;
  // What was written is sent, then it ends.
  virtual void End() = 0;
  // Ends without what was not yet sent: the reader did not keep up.
  virtual void Abort() = 0;
};

// What a Body tells. They run one at a time, and must not wait.
struct BodyEvents {
  std::function<void()> on_drained;  // Nothing is pending any more.
  // The last: it has ended, whoever ended it.
  std::function<void()> on_closed;
};

// One request under way. Answer it once: Send() or Begin().
//
// Threads  Any. It may be kept until it is answered.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const Request& request() const = 0;
  virtual const Caller& caller() const = 0;  // Empty where anyone may ask.
  virtual void Send(Response response) = 0;
  // `head` without a body; what follows is written to the result.
  virtual std::shared_ptr<Body> Begin(Response head, BodyEvents events) = 0;
  // Called once if the reader goes before there is an answer. Set it at once.
  virtual void OnGone(std::function<void()> gone) = 0;
};

enum class Access {
  kAnyone,    // The caller is not looked at, and is empty.
  kSignedIn,  // 401 without a session or a certificate of a principal.
};

// Runs on the server's own thread, and must not wait.
using Handler = std::function<void(std::shared_ptr<Exchange>)>;
// Runs on one of a few threads that may wait; 503 when too many do.
using BlockingHandler =
    std::function<Response(const Request& request, const Caller& caller)>;

struct Route {
  std::string method;
  std::string pattern;  // Stands in log and metrics instead of the path.
  Access access = Access::kSignedIn;
  Handler handler;  // One of the two.
  BlockingHandler blocking;
};

class Router {
 public:
  // `pattern` is a path, or its beginning and "*". A path goes before a
  // beginning, and a longer beginning before a shorter one.
  void Add(std::string method, std::string pattern, Access access,
           Handler handler);
  void AddBlocking(std::string method, std::string pattern, Access access,
                   BlockingHandler handler);

  struct Match {
    const Route* route = nullptr;  // Null: none.
    std::string rest;
    // With none: the methods that this path has.
    std::vector<std::string> allowed;
  };
  Match Find(absl::string_view method, absl::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace concordat::gateway

#endif  // CONCORDAT_GATEWAY_HTTP_ROUTER_H_
