#include "services/common/rpc/server_host.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "services/common/base/check.h"
#include "services/common/base/mutex.h"
#include "services/common/rpc/caller.h"
#include "services/common/rpc/executor.h"
#include "services/common/rpc/health_watch.h"
#include "services/common/rpc/tls.h"

namespace concordat {
namespace {

constexpr char kGetStatus[] = "concordat.hub.v1.StatusService/GetStatus";

uint64_t ResidentBytes() {
  uint64_t total = 0;
  uint64_t resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void SetWatch(const hub::v1::WatchSettings& settings,
              ServerHostOptions* options) {
  options->expiry_warning =
      absl::Hours(24) * static_cast<int64_t>(settings.expiry_warning_days());
  options->repeat_every = absl::Seconds(settings.repeat_every_s());
}

struct ServerHost::Method {
  std::string name;
  MethodOptions options;
  // One of the three.
  UnaryHandler unary = nullptr;
  StreamHandler stream = nullptr;
  SessionHandler session = nullptr;
  bool needs_deadline = true;
  prometheus::Histogram* seconds = nullptr;
};

struct ServerHost::State {
  ServerHostOptions options;
  RegistrySource registry;
  const Clock& clock;
  const Logger& log;
  Metrics& metrics;
  WatchedAccessLog access;
  absl::flat_hash_map<std::string, Method> methods;
  std::function<void(hub::v1::GetStatusResponse*)> fill_status;
  HealthWatch watch;
  Executor executor;
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;

  // UNAVAILABLE: it is not recorded.
  absl::Status Record(const Call& call, absl::string_view method,
                      const absl::Status& status, absl::Time began,
                      const CallPersons* persons);
};

// One call. Owns itself until gRPC is done with it; a stream's writer may keep
// it longer and then finds it ended.
class ServerHost::Reactor final : public grpc::ServerGenericBidiReactor,
                                  public RawSession,
                                  public std::enable_shared_from_this<Reactor> {
 public:
  explicit Reactor(State& state) : state_(state) {}

  void Begin(grpc::GenericCallbackServerContext* context);

  bool Write(grpc::ByteBuffer message) override {
    bool is_too_slow;
    {
      MutexLock lock(mu_);
      if (finish_.has_value()) return false;
      queue_bytes_ += message.Length();
      queue_.push_back(std::move(message));
      is_too_slow = queue_.size() > state_.options.stream_messages_max ||
                    queue_bytes_ > state_.options.stream_bytes_max;
    }
    // What it was to be told would wait behind what it does not read.
    if (is_too_slow) {
      Cut();
    } else {
      Pump();
    }
    return !is_too_slow;
  }

  bool Record(CallPersons persons) override {
    return RecordThen(std::move(persons), [this](const absl::Status& recorded) {
      if (!recorded.ok()) Finish(recorded);
    });
  }
  void Answer(const absl::Status& status, grpc::ByteBuffer message) override;
  void AnswerAbout(CallPersons persons, grpc::ByteBuffer message) override {
    RecordThen(std::move(persons), [this, message](const absl::Status& status) {
      Answer(status, message);
    });
  }

  void Finish(const absl::Status& status) override {
    {
      MutexLock lock(mu_);
      if (finish_.has_value()) return;
      finish_ = ToGrpc(status);
    }
    Pump();
  }

  void Read() override {
    {
      MutexLock lock(mu_);
      if (ended_) return;
      ++holds_;
    }
    StartRead(&request_);
    LetGo();
  }

  void Cut() override {
    {
      MutexLock lock(mu_);
      if (ended_) return;
      ++holds_;
      queue_.clear();
      if (!finish_.has_value()) finish_ = grpc::Status::CANCELLED;
    }
    context_->TryCancel();
    LetGo();
  }

  void OnReadDone(bool ok) override;

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mu_);
      busy_ = false;
      if (!ok) {
        queue_.clear();
        if (!finish_.has_value()) finish_ = grpc::Status::CANCELLED;
      }
    }
    Pump();
  }

  void OnCancel() override {
    {
      MutexLock lock(mu_);
      queue_.clear();
      if (!finish_.has_value()) finish_ = grpc::Status::CANCELLED;
    }
    Pump();
  }

  void OnDone() override {
    std::shared_ptr<SessionListener> listener;
    {
      MutexLock lock(mu_);
      done_ = true;
      listener.swap(listener_);
    }
    if (listener != nullptr) listener->OnEnd();
    self_.reset();
  }

 private:
  // Calls `then`, which is the reactor's, with how it went. False: nobody will.
  bool RecordThen(CallPersons persons,
                  std::function<void(const absl::Status&)> then);
  void Queue();
  void RunUnary();
  void RunStream();
  void RunSession();
  bool IsLate();

  // gRPC is done with it once it was finished and nothing more is under way: not
  // while somebody is about to ask for something.
  void LetGo() {
    {
      MutexLock lock(mu_);
      --holds_;
    }
    Pump();
  }

  // Starts what may start. gRPC may answer on this very stack, so it is called
  // without the lock; `busy_` and `ended_` keep a second caller out.
  void Pump() {
    grpc::Status last;
    enum { kNothing, kWrite, kWriteLast, kFinish } what = kNothing;
    {
      MutexLock lock(mu_);
      if (busy_ || ended_) return;
      if (!queue_.empty()) {
        sending_ = std::move(queue_.front());
        queue_.pop_front();
        queue_bytes_ -= std::min(queue_bytes_, sending_.Length());
        busy_ = true;
        what = kWrite;
        if (queue_.empty() && finish_.has_value() && holds_ == 0) {
          last = *finish_;
          ended_ = true;
          what = kWriteLast;
        }
      } else if (finish_.has_value() && holds_ == 0) {
        last = *finish_;
        ended_ = true;
        what = kFinish;
      }
    }
    switch (what) {
      case kWrite:
        StartWrite(&sending_);
        break;
      case kWriteLast:
        StartWriteAndFinish(&sending_, grpc::WriteOptions(), last);
        break;
      case kFinish:
        grpc::ServerGenericBidiReactor::Finish(last);
        break;
      case kNothing:
        break;
    }
  }

  State& state_;
  std::shared_ptr<Reactor> self_;
  grpc::GenericCallbackServerContext* context_ = nullptr;
  const Method* method_ = nullptr;
  Call call_;
  absl::Time began_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer sending_;  // While busy_.
  Mutex mu_;
  std::shared_ptr<SessionListener> listener_ ABSL_GUARDED_BY(mu_);
  std::deque<grpc::ByteBuffer> queue_ ABSL_GUARDED_BY(mu_);
  size_t queue_bytes_ ABSL_GUARDED_BY(mu_) = 0;
  std::optional<grpc::Status> finish_ ABSL_GUARDED_BY(mu_);
  bool busy_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;  // Finished, as far as we go.
  bool done_ ABSL_GUARDED_BY(mu_) = false;   // gRPC is done with it.
  int holds_ ABSL_GUARDED_BY(mu_) = 0;

  friend class Service;
};

class ServerHost::Service : public grpc::CallbackGenericService {
 public:
  explicit Service(State& state) : state_(state) {}
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    auto reactor = std::make_shared<Reactor>(state_);
    reactor->self_ = reactor;
    reactor->Begin(context);
    return reactor.get();
  }

 private:
  State& state_;
};

absl::Status ServerHost::State::Record(const Call& call,
                                       absl::string_view method,
                                       const absl::Status& status,
                                       absl::Time began,
                                       const CallPersons* persons) {
  const absl::Time now = clock.Now();
  AccessRecord record = {.at = now,
                         .via = call.via,
                         .staff = call.staff,
                         .method = method,
                         .purpose = call.purpose,
                         .outcome = status.code(),
                         .duration = now - began,
                         .persons = persons};
  if (call.principal != nullptr) {
    record.principal = call.principal->name();
    record.agency = call.principal->agency();
    record.role = call.principal->role();
  }
  absl::Status recorded = access.Append(record);
  if (!recorded.ok()) log.Error("access log cannot be written");
  return recorded;
}

bool ServerHost::Reactor::RecordThen(
    CallPersons persons, std::function<void(const absl::Status&)> then) {
  const bool queued = state_.executor.Post(
      [self = shared_from_this(), persons = std::move(persons), then] {
        then(self->state_.Record(self->call_, self->call_.method,
                                 absl::OkStatus(), self->began_, &persons));
      });
  if (!queued) {
    Finish(absl::ResourceExhaustedError("too many calls wait; try again"));
  }
  return queued;
}

void ServerHost::Reactor::Begin(grpc::GenericCallbackServerContext* context) {
  context_ = context;
  began_ = state_.clock.Now();
  call_.method = std::string(absl::StripPrefix(context->method(), "/"));
  const auto found = state_.methods.find(call_.method);
  if (found != state_.methods.end()) method_ = &found->second;
  auto judged = JudgeCaller(
      *context, std::move(call_), state_.registry(),
      method_ == nullptr
          ? std::nullopt
          : std::optional<CallRules>(
                {method_->options.roles, method_->name == kGetStatus,
                 method_->needs_deadline ? began_ + state_.options.deadline_max
                                         : absl::InfiniteFuture()}));
  if (judged.ok()) {
    call_ = *std::move(judged);
    if (method_->session != nullptr) {
      Queue();
    } else {
      StartRead(&request_);
    }
    return;
  }
  // A name that no table holds could be anything; it goes into no file.
  const std::string name = method_ != nullptr ? method_->name : "unknown";
  const absl::Status refusal = judged.status();
  CountRefused(name, refusal, state_.metrics);
  // Off gRPC's thread; lost when the queue is full, and counted above.
  state_.executor.Post([&state = state_, name, refusal, began = began_] {
    state.Record(Call(), name, refusal, began, nullptr).IgnoreError();
  });
  Finish(refusal);
}

void ServerHost::Reactor::OnReadDone(bool ok) {
  if (method_->session != nullptr) {
    std::shared_ptr<SessionListener> listener;
    {
      MutexLock lock(mu_);
      listener = listener_;
    }
    if (!ok) {
      Finish(absl::OkStatus());  // The caller has said all it had to say.
    } else if (listener != nullptr) {
      listener->OnMessage(std::exchange(request_, {}));
    }
    return;
  }
  if (!ok) {
    Finish(absl::InvalidArgumentError("a request is needed"));
    return;
  }
  if (method_->options.is_inline) {
    RunUnary();
    return;
  }
  Queue();
}

void ServerHost::Reactor::Queue() {
  const bool queued = state_.executor.Post([self = shared_from_this()] {
    if (self->method_->unary != nullptr) {
      self->RunUnary();
    } else if (self->method_->stream != nullptr) {
      self->RunStream();
    } else {
      self->RunSession();
    }
  });
  if (!queued) {
    Answer(absl::ResourceExhaustedError("too many calls wait; try again"), {});
  }
}

// Nobody waits for it any more, and it was answered so.
bool ServerHost::Reactor::IsLate() {
  if (state_.clock.Now() < call_.deadline) return false;
  Answer(absl::DeadlineExceededError("it waited too long and was not done"),
         {});
  return true;
}

void ServerHost::Reactor::RunUnary() {
  if (IsLate()) return;
  grpc::ByteBuffer response;
  CallPersons persons;
  absl::Status status = method_->unary(call_, &request_, &response, persons);
  if (!method_->options.is_inline) {
    const absl::Status recorded =
        state_.Record(call_, call_.method, status, began_, &persons);
    if (!recorded.ok()) status = recorded;
  }
  Answer(status, std::move(response));
}

void ServerHost::Reactor::RunStream() {
  if (IsLate()) return;
  bool is_recorded = false;
  const auto record = [&](const CallPersons& persons) {
    is_recorded = true;
    return state_.Record(call_, call_.method, absl::OkStatus(), began_,
                         &persons);
  };
  const absl::Status status =
      method_->stream(call_, &request_, record, shared_from_this());
  if (status.ok()) return;
  if (!is_recorded) {
    state_.Record(call_, call_.method, status, began_, nullptr).IgnoreError();
  }
  Answer(status, {});
}

void ServerHost::Reactor::RunSession() {
  if (IsLate()) return;
  const absl::Status recorded =
      state_.Record(call_, call_.method, absl::OkStatus(), began_, nullptr);
  if (!recorded.ok()) {
    Answer(recorded, {});
    return;
  }
  const auto listener = method_->session(call_, shared_from_this());
  if (listener == nullptr) return;  // It has finished it.
  bool is_over;
  {
    MutexLock lock(mu_);
    is_over = done_;
    if (!is_over) listener_ = listener;
  }
  if (is_over) {
    listener->OnEnd();
  } else {
    Read();
  }
}

void ServerHost::Reactor::Answer(const absl::Status& status,
                                 grpc::ByteBuffer message) {
  method_->seconds->Observe(absl::ToDoubleSeconds(state_.clock.Now() - began_));
  state_.metrics
      .Counter("concordat_rpc_calls_total", "Calls by method and outcome.",
               {{"method", method_->name},
                {"code", absl::StatusCodeToString(status.code())}})
      .Increment();
  {
    MutexLock lock(mu_);
    if (finish_.has_value()) return;  // The caller has gone.
    if (status.ok()) queue_.push_back(std::move(message));
    finish_ = ToGrpc(status);
  }
  Pump();
}

ServerHost::ServerHost(ServerHostOptions options, RegistrySource registry,
                       const Clock& clock, const Logger& log, Metrics& metrics,
                       AccessLog& access) {
  const size_t queue_max = options.queue_max;
  const absl::Duration repeat_every = options.repeat_every;
  state_.reset(new State{std::move(options),
                         std::move(registry),
                         clock,
                         log,
                         metrics,
                         {access},
                         {},
                         nullptr,
                         {repeat_every, clock, log, metrics},
                         Executor(queue_max),
                         nullptr,
                         nullptr});
  health().Add(
      [&calls = state_->access](Troubles& troubles) { calls.Judge(troubles); });
  Handle<hub::v1::GetStatusRequest, hub::v1::GetStatusResponse>(
      kGetStatus, {{}, true},
      [state = state_.get()](const Call&, const hub::v1::GetStatusRequest&)
          -> absl::StatusOr<hub::v1::GetStatusResponse> {
        hub::v1::GetStatusResponse response;
        response.set_program(state->options.program);
        response.set_ready(true);
        response.set_time(
            static_cast<uint64_t>(absl::ToUnixMicros(state->clock.Now())));
        response.set_resident_bytes(ResidentBytes());
        state->watch.FillStatus(&response);
        return response;
      });
}

ServerHost::~ServerHost() { Stop(); }

void ServerHost::Add(Method method) {
  CONCORDAT_CHECK(state_->server == nullptr);
  method.seconds = &state_->metrics.Seconds(
      "concordat_rpc_seconds", "Duration of calls.", {{"method", method.name}});
  std::string name = method.name;
  CONCORDAT_CHECK(
      state_->methods.emplace(std::move(name), std::move(method)).second);
}

void ServerHost::AddUnary(std::string name, MethodOptions options,
                          UnaryHandler handler) {
  Method method{std::move(name), std::move(options)};
  method.unary = std::move(handler);
  Add(std::move(method));
}

void ServerHost::AddStream(std::string name, MethodOptions options,
                           bool needs_deadline, StreamHandler handler) {
  CONCORDAT_CHECK(!options.is_inline);
  Method method{std::move(name), std::move(options)};
  method.stream = std::move(handler);
  method.needs_deadline = needs_deadline;
  Add(std::move(method));
}

void ServerHost::HandleSession(std::string name, MethodOptions options,
                               SessionHandler handler) {
  CONCORDAT_CHECK(!options.is_inline);
  Method method{std::move(name), std::move(options)};
  method.session = std::move(handler);
  method.needs_deadline = false;
  Add(std::move(method));
}

void ServerHost::SetStatus(
    std::function<void(hub::v1::GetStatusResponse*)> status) {
  CONCORDAT_CHECK(state_->server == nullptr);
  state_->fill_status = std::move(status);
}

Health& ServerHost::health() {
  CONCORDAT_CHECK(state_->server == nullptr);
  return state_->watch.health();
}

bool ServerHost::Post(std::function<void()> task) {
  return state_->executor.Post(std::move(task));
}

absl::StatusOr<uint16_t> ServerHost::Start() {
  CONCORDAT_CHECK(state_->server == nullptr);
  state_->watch.WatchCertificates(state_->options.tls,
                                  state_->options.expiry_warning);
  state_->watch.Start(state_->fill_status);
  grpc::EnableDefaultHealthCheckService(true);
  state_->service = std::make_unique<Service>(*state_);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", state_->options.port),
                           MakeServerCredentials(state_->options.tls), &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(state_->options.message_bytes_max);
  builder.RegisterCallbackGenericService(state_->service.get());
  state_->server = builder.BuildAndStart();
  if (state_->server == nullptr || port == 0) {
    state_->server = nullptr;
    return absl::UnavailableError(absl::StrCat(
        "cannot listen on 127.0.0.1:", state_->options.port,
        ": the port is taken, or the certificate and key do not fit"));
  }
  state_->log.Info("listening", {{"listener", "grpc"}, {"port", port}});
  return static_cast<uint16_t>(port);
}

void ServerHost::Stop() {
  state_->watch.Stop();
  if (state_->server != nullptr) {
    state_->server->Shutdown(std::chrono::system_clock::time_point(
        absl::ToChronoTime(state_->clock.Now() + state_->options.drain)));
  }
  // Handlers that still run must answer before the server can go.
  state_->executor.Stop();
  if (state_->server != nullptr) {
    state_->server->Wait();
    state_->server.reset();
  }
}

}  // namespace concordat
