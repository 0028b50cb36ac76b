// The identity store on a disk of its own, and the people of its tests.
#ifndef CONCORDAT_TESTS_UNIT_SERVICES_IDENTITY_STORE_STORE_FIXTURE_H_
#define CONCORDAT_TESTS_UNIT_SERVICES_IDENTITY_STORE_STORE_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/projection/sqlite.h"
#include "services/identity/store/identity_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seeded_random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace concordat::identity {

inline const System kCouncil{"dundee-city-council", "jsw"};
inline const System kPolice{"police-scotland", "rms"};
inline const System kHealth{"nhs-tayside", "pas"};
inline const System kLiaison{"nhs-tayside", "liaison"};

inline constexpr char kChi[] = "0303790016";
inline constexpr char kOtherChi[] = "1402680015";
inline constexpr char kNewRuleChi[] = "0911870012";  // Modulus 10 only.
inline constexpr char kPnc[] = "1998/0990002E";
inline constexpr char kOtherPnc[] = "1994/0990001T";

inline CommandContext From(const System& caller,
                           const std::string& request_id) {
  CommandContext context;
  context.caller = caller;
  context.request_id = request_id;
  context.time_us = 1'762'135'200'000'000;
  context.purpose = "MAPPA_RISK_MANAGEMENT";
  context.regime = bus::v1::REGIME_GDPR;
  return context;
}

inline WrittenIdentifier Id(const char* scheme, const char* value,
                            const System& caller = kCouncil) {
  return {value, Canonicalise(scheme, value, "", caller, {}, 2025).value()};
}

inline CommandContext Own() { return From({"mappa-tayside", "identity"}, ""); }

inline PersonDetails Torquil() {
  PersonDetails details;
  details.family_name = "Balnamoon";
  details.given_name = "Torquil";
  details.birth_date = "1979-03-03";
  details.uprn = 999000000021;
  details.address = "2/1 Mains Loan Court, Dundee DD4 9ZY";
  return details;
}

class IdentityStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    auto opened = IdentityStore::Open(path_, secret_, Own(), clock_, random_);
    ASSERT_THAT(opened, concordat::testing::IsOk());
    store_ = *std::move(opened);
  }

  PersonKey RegisterTorquil() {
    return store_
        ->Register(
            From(kCouncil, "r-1"), Torquil(),
            {Id("chi", kChi), Id("pnc", kPnc), Id("council", "DCC-20017")})
        .value()
        .person;
  }

  std::optional<PersonKey> Find(const WrittenIdentifier& identifier) {
    return store_->Resolve({identifier.canonical}).value();
  }

  int64_t Count(const char* sql) {
    int64_t count = -1;
    auto db = Database::Open(path_, Database::Durability::kFull).value();
    EXPECT_THAT(
        db->Query(sql, {}, [&](const SqlRow& row) { count = row.Int(0); }),
        concordat::testing::IsOk());
    return count;
  }

  void Tamper(const std::string& sql) {
    ASSERT_THAT(Database::Open(path_, Database::Durability::kFull)
                    .value()
                    ->Execute(sql),
                concordat::testing::IsOk());
  }

  testing::TempDir dir_;
  testing::FakeClock clock_;
  testing::SeededRandom random_;
  const std::string path_ = dir_.PathOf("identity.sqlite");
  const std::string secret_ = std::string(32, 's');
  std::unique_ptr<IdentityStore> store_;
};

}  // namespace concordat::identity

#endif  // CONCORDAT_TESTS_UNIT_SERVICES_IDENTITY_STORE_STORE_FIXTURE_H_
