// The proof of a s.62 extract, of an access log as its program keeps it.
//
// Mutant                                              Caught by
// a byte of the file is free                          EveryByteOfTheProofCounts
// a row may say something else than its record        WhatWasChangedWithCareIsFound
// a record may be of another place, or left out       WhatWasChangedWithCareIsFound
// an unsigned tree passes for the bus's               WhatWasChangedWithCareIsFound
// a delivery of other events passes for the person's  WhatWasChangedWithCareIsFound
// anybody's signature is good                         AnotherKeysSignatureIsNone
// what is nobody's signature is not said              SaysWhatItDoesNotShow
#include "gateway/cli/documents/access_extract.h"

#include <functional>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/common/base/ids.h"
#include "services/common/crypto/ed25519.h"
#include "services/common/rpc/access_service.h"
#include "tests/support/fake_disk.h"
#include "tests/support/status_matchers.h"

namespace concordat::cli {
namespace {

using access::v1::Access;
using access::v1::AccessExtract;
using concordat::testing::FakeDisk;
using concordat::testing::HasCode;
using concordat::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kOrigin[] = "demo.concordat/access/00ff";

std::string Key(int person) {
  return PersonKey({static_cast<uint8_t>(person), 7}).ToString();
}

class AccessExtractTest : public ::testing::Test {
 protected:
  AccessExtractTest() {
    keys_.log = signer_.public_key();
    caller_.set_agency("mappa-tayside");
    caller_.set_role("coordinator");
    access::v1::ListAccessRequest request;
    request.set_subject(Key(1));
    request.set_with_proof(true);
    *extract_.mutable_question() = request;
    extract_.set_made(1'764'000'000'000'000);
    extract_.set_made_by("coordinator");
    Answer("concordat-bus", request);
    Answer("concordat-identity", request);
  }

  // Two calls about the person, one about another, and a delivery.
  void Answer(const std::string& program,
              const access::v1::ListAccessRequest& request) {
    FakeDisk disk, kept;
    const auto store = AccessStore::Open(disk);
    ASSERT_THAT(store, IsOk());
    for (const int person : {1, 2, 1}) {
      access::v1::Record record;
      record.set_time(1000 + static_cast<uint64_t>(person));
      access::v1::Called& called = *record.mutable_called();
      called.set_agency("nhs-tayside");
      called.set_principal("nhs");
      called.set_staff("f.liaison");
      called.set_purpose("MAPPA_RISK_MANAGEMENT");
      called.set_method("concordat.identity.v1.IdentityService/Describe");
      called.set_operation(policy::v1::OPERATION_CONSULTATION);
      called.set_outcome("OK");
      called.add_subjects(Key(person));
      ASSERT_THAT((*store)->Add(absl::MakeConstSpan(&record, 1)), IsOk());
    }
    access::v1::Record record;
    access::v1::Delivered& delivered = *record.mutable_delivered();
    delivered.set_agency("nhs-tayside");
    delivered.set_policy_position(3);
    access::v1::Run& run = *delivered.add_runs();
    run.set_first(11);
    run.set_count(3);
    ASSERT_THAT((*store)->Add(absl::MakeConstSpan(&record, 1)), IsOk());
    AccessEvents events;
    events.of_person =
        [](const std::string&) -> absl::StatusOr<AccessEvents::BySequence> {
      AccessEvents::BySequence found;
      PersonEvent& event = found[12];
      event.access.set_operation(policy::v1::OPERATION_COLLECTION);
      event.access.set_record(12);
      event.access.set_of_event(true);
      return found;
    };
    const bool is_bus = program == kSigningProgram;
    const auto tree = is_bus
                          ? *AccessTree::Open(**store, kOrigin, signer_, kept)
                          : std::make_unique<AccessTree>(
                                **store, absl::StrCat(program, "/access"));
    AccessReader reader(**store, *tree, is_bus ? events : AccessEvents());
    auto page = reader.List(caller_, request);
    ASSERT_THAT(page, IsOk());
    page->set_program(program);
    *extract_.add_pages() = *page;
  }
  Access& Row(int page, int row) {
    return *extract_.mutable_pages(page)->mutable_accesses(row);
  }

  const Ed25519Signer signer_{Ed25519Seed{5}};
  bus::v1::Principal caller_;
  BundleKeys keys_;
  AccessExtract extract_;
};

TEST_F(AccessExtractTest, EveryByteOfTheProofCounts) {
  const std::string file = EncodeExtract(extract_);
  ASSERT_TRUE(IsExtract(file));
  const auto checked = CheckExtract(file, keys_);
  ASSERT_THAT(checked, IsOk());
  // Of the bus an event, two calls and a delivery; of identity two calls.
  EXPECT_EQ(checked->rows, 5u);
  for (size_t at = 0; at < file.size(); ++at) {
    std::string flipped = file;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    EXPECT_FALSE(CheckExtract(flipped, keys_).ok()) << at;
  }
  EXPECT_FALSE(CheckExtract(file + "x", keys_).ok());
  EXPECT_FALSE(CheckExtract(file.substr(0, file.size() - 1), keys_).ok());
}

// Whoever changes it makes the file's own hash anew.
TEST_F(AccessExtractTest, WhatWasChangedWithCareIsFound) {
  const auto found = [&](const std::function<void()>& change) {
    const AccessExtract whole = extract_;
    change();
    const auto checked = CheckExtract(EncodeExtract(extract_), keys_);
    extract_ = whole;
    return absl::IsDataLoss(checked.status());
  };
  EXPECT_FALSE(found([] {}));
  for (const int page : {0, 1}) {
    SCOPED_TRACE(page);
    const int call = page == 0 ? 1 : 0;
    EXPECT_TRUE(found([&] { Row(page, call).set_agency("police-scotland"); }));
    EXPECT_TRUE(found([&] { Row(page, call).set_staff("somebody"); }));
    EXPECT_TRUE(found([&] { Row(page, call).set_time(5); }));
    EXPECT_TRUE(found([&] { Row(page, call).set_purpose("OTHER"); }));
    EXPECT_TRUE(found([&] { Row(page, call).set_subjects(0, Key(2)); }));
    EXPECT_TRUE(found([&] { Row(page, call).set_record(1); }));
    EXPECT_TRUE(found(
        [&] { Row(page, call).set_operation(policy::v1::OPERATION_ERASURE); }));
    auto& answer = *extract_.mutable_pages(page);
    EXPECT_TRUE(found([&] { answer.mutable_proofs()->RemoveLast(); }));
    EXPECT_TRUE(found([&] { answer.mutable_accesses()->RemoveLast(); }));
    EXPECT_TRUE(
        found([&] { (*answer.mutable_proofs(0)->mutable_record())[3] ^= 1; }));
    EXPECT_TRUE(
        found([&] { (*answer.mutable_proofs(0)->mutable_proof(0))[3] ^= 1; }));
    EXPECT_TRUE(found([&] { answer.mutable_proofs(0)->set_number(1); }));
    EXPECT_TRUE(found([&] { answer.clear_checkpoint(); }));
  }
  // The delivery: what it says of events.
  EXPECT_TRUE(found([&] { Row(0, 3).set_agency("police-scotland"); }));
  EXPECT_TRUE(found([&] { Row(0, 3).set_sequences(0, 99); }));
  EXPECT_TRUE(found([&] { Row(0, 3).set_events(2); }));
  EXPECT_TRUE(found([&] { Row(0, 3).set_acknowledged(2); }));
  EXPECT_TRUE(found([&] { Row(0, 3).set_staff("somebody"); }));
  // Another program's tree, which nobody signed, in the place of the bus's.
  EXPECT_TRUE(found([&] {
    *extract_.mutable_pages(0) = extract_.pages(1);
    extract_.mutable_pages(0)->set_program("concordat-bus");
  }));
  // A call that was none: told as what an event of the log did.
  EXPECT_TRUE(found([&] {
    Row(1, 0).set_of_event(true);
    extract_.mutable_pages(1)->mutable_proofs()->DeleteSubrange(0, 1);
  }));
}

TEST_F(AccessExtractTest, AnotherKeysSignatureIsNone) {
  BundleKeys others;
  others.log = Ed25519Signer(Ed25519Seed{7}).public_key();
  EXPECT_THAT(CheckExtract(EncodeExtract(extract_), others),
              HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CheckExtract("concordat-bundle/1 3\nabc", keys_),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_FALSE(IsExtract("concordat-bundle/1 3\nabc"));
}

TEST_F(AccessExtractTest, SaysWhatItDoesNotShow) {
  const auto limits = [&] {
    const auto checked = CheckExtract(EncodeExtract(extract_), keys_);
    EXPECT_THAT(checked, IsOk());
    return checked.ok() ? absl::StrJoin(checked->limits, "\n") : "";
  };
  EXPECT_THAT(limits(), HasSubstr("Rows of concordat-identity"));
  EXPECT_THAT(limits(), Not(HasSubstr("concordat-bus")));
  EXPECT_THAT(limits(), HasSubstr("Events 12 were in no signed tree"));
  EXPECT_THAT(limits(), Not(HasSubstr("not complete")));
  EXPECT_THAT(limits(), Not(HasSubstr("Which system of its agency")));
  Row(0, 3).set_principal("council-system");
  EXPECT_THAT(limits(), HasSubstr("Which system of its agency"));
  extract_.add_missing("concordat-nhs does not run");
  EXPECT_THAT(limits(),
              HasSubstr("It is not complete: concordat-nhs does not run."));
}

}  // namespace
}  // namespace concordat::cli
