#include "services/bus/log/postgres/shared_keys.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/bus/log/postgres/tables.h"
#include "services/common/base/bytes.h"
#include "services/common/crypto/constant_time.h"
#include "services/common/crypto/sha256.h"

namespace concordat::bus {
namespace {

constexpr absl::Duration kLookEvery = absl::Milliseconds(200);
constexpr int kLooksBeforeSaying = 10;
// Who is not heard of for so long is not waited for.
constexpr absl::Duration kLives = absl::Seconds(20);

// What the holder of a wrapping key alone can say.
std::string Proof(const AeadKeyBytes& with, absl::string_view use,
                  absl::string_view holder, absl::string_view rest) {
  std::string said = absl::StrCat("concordat/", use, "/1");
  PutNumber(said, static_cast<uint32_t>(holder.size()));
  absl::StrAppend(&said, holder, rest);
  const Sha256Hash proof = HmacSha256(AsView(with)).Of(said);
  return std::string(AsView(proof));
}

std::string OfferOf(uint32_t number, const AeadKeyBytes& key) {
  std::string offer;
  PutNumber(offer, number);
  PutBytes(offer, key);
  return offer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SharedKeys>> SharedKeys::Start(
    SharedKeysOptions options, KeyFile& file, Random& random) {
  std::unique_ptr<SharedKeys> keys(
      new SharedKeys(std::move(options), file, random));
  const absl::Status looked = keys->Look();
  if (!looked.ok()) return looked;
  keys->keep_ = std::thread([raw = keys.get()] { raw->Keep(); });
  return keys;
}

SharedKeys::~SharedKeys() {
  {
    MutexLock lock(mu_);
    ending_ = true;
    ends_.NotifyAll();
  }
  if (keep_.joinable()) keep_.join();
}

bool SharedKeys::Wait(absl::Duration time) {
  MutexLock lock(mu_);
  return !ends_.WaitFor(
      mu_, time, [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return ending_; });
}

std::string SharedKeys::Trouble() const {
  MutexLock lock(mu_);
  if (looked_.ok()) return "";
  return absl::StrCat("wrapping keys are not kept in step: ",
                      looked_.message());
}

void SharedKeys::Keep() {
  while (Wait(kLookEvery)) {
    absl::Status looked = Look();
    if (!looked.ok()) connection_ = nullptr;
    MutexLock lock(mu_);
    looked_ = std::move(looked);
  }
}

absl::Status SharedKeys::Look() {
  if (connection_ == nullptr) {
    auto connection = PostgresConnection::Connect(options_.postgres);
    if (!connection.ok()) return connection.status();
    connection_ = *std::move(connection);
    said_.clear();
    const absl::Status made = MakeTables(*connection_);
    if (!made.ok()) return made;
  }
  const auto row = connection_->Run(
      "SELECT offered FROM concordat.key_holder"
      " WHERE holder = $1 AND public_key = $2 AND offered IS NOT NULL",
      PostgresValues()
          .Add(options_.holder)
          .AddBytes(AsView(box_.public_key())));
  if (!row.ok()) return row.status();
  if (row->count() == 1) {
    const absl::Status taken = Take(row->Bytes(0, 0));
    if (!taken.ok()) return taken;
  }
  const auto keys = file_.Change([this](WrappingKeys& all) {
    const uint32_t below = drop_below_;
    if (all.Find(below) != nullptr) all.ForgetBefore(below);
    return absl::OkStatus();
  });
  if (!keys.ok()) return keys.status();
  const std::string now = absl::StrCat(keys->oldest(), " ", keys->current());
  if (now == said_ && ++looks_ < kLooksBeforeSaying) return absl::OkStatus();
  const absl::Status said = Say(*keys);
  if (said.ok()) said_ = now;
  looks_ = 0;
  return said;
}

absl::Status SharedKeys::Say(const WrappingKeys& keys) {
  const absl::string_view public_key = AsView(box_.public_key());
  const std::string proof = Proof(*keys.Find(keys.current()), "key-holder",
                                  options_.holder, public_key);
  // What was offered to the process of before, or is taken, goes.
  return connection_
      ->Run(
          "INSERT INTO concordat.key_holder AS mine"
          " (holder, until, public_key, proof, newest, oldest) VALUES ($1,"
          " clock_timestamp() + $2::bigint * interval '1 millisecond', $3, $4,"
          " $5::bigint, $6::bigint)"
          " ON CONFLICT (holder) DO UPDATE SET until = excluded.until,"
          " public_key = excluded.public_key, proof = excluded.proof,"
          " newest = excluded.newest, oldest = excluded.oldest,"
          " offered = CASE WHEN mine.public_key = excluded.public_key"
          "  AND mine.newest = excluded.newest THEN mine.offered END",
          PostgresValues()
              .Add(options_.holder)
              .Add(absl::ToInt64Milliseconds(kLives))
              .AddBytes(public_key)
              .AddBytes(proof)
              .Add(static_cast<int64_t>(keys.current()))
              .Add(static_cast<int64_t>(keys.oldest())))
      .status();
}

absl::Status SharedKeys::Take(absl::string_view offered) {
  const std::optional<std::string> offer = box_.Open(offered);
  if (!offer.has_value()) {
    return absl::InvalidArgumentError("a key that is offered does not open");
  }
  ByteReader in(*offer);
  const uint32_t number = in.Number<uint32_t>();
  const auto key = in.Array<kAeadKeyBytes>();
  const absl::string_view proof = in.rest();
  return file_
      .Change([&](WrappingKeys& keys) -> absl::Status {
        if (number <= keys.current()) return absl::OkStatus();  // Taken before.
        if (!in.ok() ||
            !EqualInConstantTime(
                proof, Proof(*keys.Find(keys.current()), "key-offer",
                             options_.holder, OfferOf(number, key)))) {
          return absl::InvalidArgumentError(
              "a key is offered by nobody who has the one before");
        }
        return keys.Put(number, key);
      })
      .status();
}

absl::Status SharedKeys::HandOver(const WrappingKeys& keys) {
  auto connection = PostgresConnection::Connect(options_.postgres);
  if (!connection.ok()) return connection.status();
  const uint32_t number = keys.current();
  const auto others = (*connection)
                          ->Run(
                              "SELECT holder, public_key, proof, newest"
                              " FROM concordat.key_holder WHERE holder <> $1"
                              " AND newest < $2 AND until > clock_timestamp()",
                              PostgresValues()
                                  .Add(options_.holder)
                                  .Add(static_cast<int64_t>(number)));
  if (!others.ok()) return others.status();
  for (int i = 0; i < others->count(); ++i) {
    const std::string holder(others->Bytes(i, 0));
    const AeadKeyBytes* const newest =
        keys.Find(static_cast<uint32_t>(others->Number(i, 3)));
    BoxPublicKey to = {};
    const absl::string_view public_key = others->Bytes(i, 1);
    if (newest == nullptr || public_key.size() != to.size() ||
        !EqualInConstantTime(others->Bytes(i, 2), Proof(*newest, "key-holder",
                                                        holder, public_key))) {
      return absl::FailedPreconditionError(absl::StrCat(
          holder, " does not prove that it has the wrapping key of before"));
    }
    std::copy(public_key.begin(), public_key.end(), to.begin());
    std::string offer = OfferOf(number, *keys.Find(number));
    offer += Proof(*newest, "key-offer", holder, offer);
    const std::string sealed = SealBox(to, offer, random_);
    const absl::Status offered =
        (*connection)
            ->Run(
                "UPDATE concordat.key_holder SET offered = $2"
                " WHERE holder = $1",
                PostgresValues().Add(holder).AddBytes(sealed))
            .status();
    if (!offered.ok()) return offered;
  }
  return Await(
      "SELECT holder FROM concordat.key_holder WHERE holder <> $1"
      " AND newest < $2 AND until > clock_timestamp()",
      number, "has not taken the new wrapping key");
}

absl::Status SharedKeys::AwaitDestroyed(uint32_t below) {
  return Await(
      "SELECT holder FROM concordat.key_holder WHERE holder <> $1"
      " AND oldest < $2",
      below, "has the wrapping key before in its file");
}

absl::Status SharedKeys::Await(const char* sql, uint32_t number,
                               absl::string_view what) {
  auto connection = PostgresConnection::Connect(options_.postgres);
  if (!connection.ok()) return connection.status();
  const int looks = static_cast<int>(options_.patience / kLookEvery) + 1;
  for (int i = 0;; ++i) {
    const auto left = (*connection)
                          ->Run(sql, PostgresValues()
                                         .Add(options_.holder)
                                         .Add(static_cast<int64_t>(number)));
    if (!left.ok()) return left.status();
    if (left->count() == 0) return absl::OkStatus();
    if (i >= looks || !Wait(kLookEvery)) {
      return absl::UnavailableError(absl::StrCat(left->Bytes(0, 0), " ", what));
    }
  }
}

}  // namespace concordat::bus
