#include "services/bus/transport/grpc_carrier.h"

#include <utility>

#include "google/protobuf/io/coded_stream.h"
#include "services/common/bus_client/frame.h"

namespace concordat::bus {
namespace {

using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr size_t kCallsMax = 1024;
constexpr absl::Duration kFirstFrameWithin = absl::Seconds(10);
constexpr uint64_t kFirstPeer = uint64_t{1} << 63;
constexpr uint32_t kLengthDelimited = 2;
constexpr uint32_t kWireTypeBits = 3;

std::string Bytes(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

}  // namespace

// A field's number is its frame's kind, and its bytes are the frame's body.
std::string FrameOfMessage(const std::string& message, uint64_t session,
                           uint64_t number) {
  CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                      static_cast<int>(message.size()));
  const uint32_t tag = in.ReadTag();
  uint32_t length = 0;
  if ((tag & ((1u << kWireTypeBits) - 1)) != kLengthDelimited ||
      !in.ReadVarint32(&length)) {
    return "";
  }
  const auto at = static_cast<size_t>(in.CurrentPosition());
  const uint32_t kind = tag >> kWireTypeBits;
  if (message.size() - at != length || kind > UINT8_MAX) return "";
  std::string frame(kFrameHeadBytes, '\0');
  frame.append(message, at);
  WriteFrameHead({static_cast<FrameKind>(kind), session, number}, frame);
  return frame;
}

std::string MessageOfFrame(const Frame& frame) {
  uint8_t head[2 * 5];
  const uint32_t tag =
      (static_cast<uint32_t>(frame.head.kind) << kWireTypeBits) |
      kLengthDelimited;
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(tag, head);
  end = CodedOutputStream::WriteVarint32ToArray(
      static_cast<uint32_t>(frame.body.size()), end);
  std::string message(reinterpret_cast<const char*>(head),
                      static_cast<size_t>(end - head));
  message.append(frame.body.data(), frame.body.size());
  return message;
}

struct GrpcCarrier::Item {
  enum class What { kOpened, kMessage, kEnded };
  PeerId id;
  std::shared_ptr<Peer> peer;
  What what;
  std::string message;
};

// What came and was not taken yet.
struct GrpcCarrier::Inbox {
  void Put(Item item) {
    MutexLock lock(mu);
    if (carrier == nullptr) return;
    items.push_back(std::move(item));
    carrier->Wake();
  }

  // False: there are too many.
  bool Enter(PeerId& id) {
    MutexLock lock(mu);
    if (carrier == nullptr || calls == kCallsMax) return false;
    ++calls;
    id.value = ++last_peer;
    return true;
  }
  void Leave() {
    MutexLock lock(mu);
    --calls;
  }

  Mutex mu;
  std::vector<Item> items ABSL_GUARDED_BY(mu);
  size_t calls ABSL_GUARDED_BY(mu) = 0;
  GrpcCarrier* carrier ABSL_GUARDED_BY(mu) = nullptr;  // Null once it is gone.
  uint64_t last_peer ABSL_GUARDED_BY(mu) = kFirstPeer;
};

class GrpcCarrier::Peer : public SessionListener,
                          public std::enable_shared_from_this<Peer> {
 public:
  Peer(PeerId id, std::string proof, std::shared_ptr<RawSession> call,
       std::shared_ptr<Inbox> inbox)
      : id_(id),
        proof_(std::move(proof)),
        call_(std::move(call)),
        inbox_(std::move(inbox)) {}

  void OnMessage(grpc::ByteBuffer message) override {
    inbox_->Put(
        {id_, shared_from_this(), Item::What::kMessage, Bytes(message)});
  }
  void OnEnd() override {
    inbox_->Put({id_, shared_from_this(), Item::What::kEnded, ""});
    inbox_->Leave();
  }

  // The carrier's thread alone.

  void Read() { call_->Read(); }
  void Cut() { call_->Cut(); }
  bool has_spoken() const { return received_ > 0; }

  Inbound Take(const std::string& message) {
    std::string frame = FrameOfMessage(message, session_, ++received_);
    struct Held {
      std::string frame;
      std::shared_ptr<Peer> peer;
    };
    const auto held =
        std::make_shared<Held>(Held{std::move(frame), shared_from_this()});
    Inbound inbound;
    inbound.peer = id_;
    inbound.proof = proof_;
    inbound.frame = {held->frame, held};
    return inbound;
  }
  absl::Status Send(const std::string& bytes) {
    const auto frame = ParseFrame(bytes);
    if (!frame.ok()) return frame.status();
    session_ = frame->head.session;
    grpc::Slice slice(MessageOfFrame(*frame));
    if (call_->Write(grpc::ByteBuffer(&slice, 1))) return absl::OkStatus();
    return absl::UnavailableError("the caller is gone, or does not read");
  }

 private:
  const PeerId id_;
  const std::string proof_;
  const std::shared_ptr<RawSession> call_;
  const std::shared_ptr<Inbox> inbox_;
  uint64_t session_ = 0;  // 0 before Welcome.
  uint64_t received_ = 0;
};

GrpcCarrier::GrpcCarrier(Carrier& other, const SteadyClock& clock)
    : other_(other), clock_(clock), inbox_(std::make_shared<Inbox>()) {
  MutexLock lock(inbox_->mu);
  inbox_->carrier = this;
}

GrpcCarrier::~GrpcCarrier() { Close(); }

std::shared_ptr<SessionListener> GrpcCarrier::Open(
    const Call& call, std::shared_ptr<RawSession> session) {
  PeerId id;
  if (!inbox_->Enter(id)) {
    session->Finish(absl::ResourceExhaustedError("too many sessions"));
    return nullptr;
  }
  auto peer =
      std::make_shared<Peer>(id, call.proof, std::move(session), inbox_);
  inbox_->Put({id, peer, Item::What::kOpened, ""});
  return peer;
}

void GrpcCarrier::Receive(absl::Duration timeout, std::vector<Inbound>& in) {
  // Put() has woken it when something lies there.
  other_.Receive(timeout, in);
  std::vector<Item> items;
  {
    MutexLock lock(inbox_->mu);
    items.swap(inbox_->items);
  }
  for (Item& item : items) TakeItem(item, in);
  CutSilent();
}

void GrpcCarrier::TakeItem(Item& item, std::vector<Inbound>& in) {
  switch (item.what) {
    case Item::What::kOpened:
      peers_.emplace(item.id, item.peer);
      silent_.emplace_back(item.id, clock_.Elapsed());
      break;
    case Item::What::kMessage:
      if (!peers_.contains(item.id)) break;  // Cut.
      in.push_back(item.peer->Take(item.message));
      item.peer->Read();
      break;
    case Item::What::kEnded:
      peers_.erase(item.id);
      in.emplace_back();
      in.back().peer = item.id;
      in.back().gone = true;
      break;
  }
}

void GrpcCarrier::CutSilent() {
  const absl::Duration before = clock_.Elapsed() - kFirstFrameWithin;
  for (; !silent_.empty() && silent_.front().second < before;
       silent_.pop_front()) {
    const auto at = peers_.find(silent_.front().first);
    if (at != peers_.end() && !at->second->has_spoken()) Cut(at->first);
  }
}

absl::Status GrpcCarrier::Send(PeerId peer, std::string frame) {
  if (peer.value < kFirstPeer) return other_.Send(peer, std::move(frame));
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return absl::UnavailableError("the caller is gone");
  return at->second->Send(frame);
}

void GrpcCarrier::Cut(PeerId peer) {
  if (peer.value < kFirstPeer) return other_.Cut(peer);
  const auto at = peers_.find(peer);
  if (at == peers_.end()) return;
  at->second->Cut();
  peers_.erase(at);
}

void GrpcCarrier::Close() {
  std::vector<Item> items;
  {
    MutexLock lock(inbox_->mu);
    inbox_->carrier = nullptr;
    items.swap(inbox_->items);
  }
  for (const Item& item : items) item.peer->Cut();
  for (auto& [id, peer] : peers_) peer->Cut();
  peers_.clear();
}

}  // namespace concordat::bus
