// Mutants this file catches:
//   a header field left out or under another number   BatchMatchesGenerated
//   expected_version 0 taken for none                 BatchMatchesGenerated
//   dictionary read only when it comes first          DictionaryMayComeLast
//   index one past the dictionary let through         Refuses
//   a limit off by one or not looked at               Limits
//   unknown field skipped                             Refuses
//   BytesMax() smaller than what Add() adds           BatchMatchesGenerated
//   view's salt or commitment under another number    ViewsMatchGenerated
#include "services/common/event/codec.h"

#include <random>

#include "concordat/bus/v1/event.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "tests/support/status_matchers.h"

namespace concordat {
namespace {

using ::concordat::testing::HasCode;
using ::concordat::testing::IsOk;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Maker {
 public:
  explicit Maker(uint64_t seed) : engine_(seed) {}

  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  uint64_t Number() { return engine_() >> Below(64); }
  std::string Text(uint64_t min, uint64_t max) {
    std::string text;
    for (uint64_t n = min + Below(max - min + 1); n > 0; --n) {
      text.push_back(static_cast<char>('!' + Below(94)));
    }
    return text;
  }
  std::string Bytes(uint64_t count) {
    std::string bytes;
    for (; count > 0; --count) bytes.push_back(static_cast<char>(engine_()));
    return bytes;
  }
  template <typename Array>
  Array Filled() {
    Array array;
    for (auto& byte : array) byte = static_cast<uint8_t>(engine_());
    return array;
  }

  Header MakeHeader() {
    Header h;
    h.source = Text(1, 40);
    h.type = Below(2) == 0 ? "concordat.test.v1.Same" : Text(1, 40);
    h.controller = Text(0, 20);
    h.purpose = Text(0, 20);
    h.gateway = Text(0, 4);
    h.id = Text(1, 64);
    if (Below(2) == 0) {
      h.subject = PersonKey(Filled<std::array<uint8_t, 16>>());
    }
    h.stream = Text(0, 128);
    if (!h.stream.empty() && Below(2) == 0) {
      h.expected_version = Sequence{Below(2) == 0 ? 0 : Number()};
    }
    h.time_us = Number() % (kTimeMaxUs + 1);
    h.recorded_us = Number() % (kTimeMaxUs + 1);
    h.effective_us = Number() % (kTimeMaxUs + 1);
    h.time_precision = static_cast<bus::v1::TimePrecision>(Below(5));
    h.regime = static_cast<bus::v1::Regime>(Below(3));
    h.basis = static_cast<bus::v1::Basis>(Below(5));
    h.classification = static_cast<bus::v1::Classification>(Below(3));
    h.subject_role = Text(0, 20);
    h.on_behalf_of = Text(0, 20);
    h.correlation = Text(0, 64);
    h.causation = Text(0, 64);
    h.corrects = Text(0, 64);
    h.retracts = Text(0, 64);
    h.traceparent = Text(0, 55);
    return h;
  }

  Event MakeOne() {
    Event event;
    event.header = MakeHeader();
    for (uint32_t number = 0; number < kGroupsMax; ++number) {
      if (Below(2) == 0)
        event.groups.push_back({number, Bytes(1 + Below(300))});
    }
    event.seed = Filled<Seed>();
    event.digest = Filled<Digest>();
    event.atomic_set = Below(2) == 0 ? 0 : static_cast<uint32_t>(Number());
    return event;
  }

 private:
  std::mt19937_64 engine_;
};

std::string TextOf(const google::protobuf::RepeatedPtrField<std::string>& words,
                   uint32_t index) {
  return index == 0 ? "" : words.Get(static_cast<int>(index - 1));
}

template <typename Container>
void ExpectHeader(const bus::v1::Header& proto, const Container& dictionary,
                  const HeaderView& h) {
  EXPECT_EQ(TextOf(dictionary, proto.source()), h.source);
  EXPECT_EQ(TextOf(dictionary, proto.type()), h.type);
  EXPECT_EQ(TextOf(dictionary, proto.controller()), h.controller);
  EXPECT_EQ(TextOf(dictionary, proto.purpose()), h.purpose);
  EXPECT_EQ(TextOf(dictionary, proto.gateway()), h.gateway);
  EXPECT_EQ(proto.id(), h.id);
  EXPECT_EQ(proto.subject(), h.subject.bytes());
  EXPECT_EQ(proto.stream(), h.stream);
  EXPECT_EQ(proto.has_expected_version(), h.expected_version.has_value());
  EXPECT_EQ(proto.expected_version(),
            h.expected_version.value_or(Sequence{}).value);
  EXPECT_EQ(proto.time(), h.time_us);
  EXPECT_EQ(proto.time_precision(), h.time_precision);
  EXPECT_EQ(proto.recorded_time(), h.recorded_us);
  EXPECT_EQ(proto.effective_time(), h.effective_us);
  EXPECT_EQ(proto.regime(), h.regime);
  EXPECT_EQ(proto.basis(), h.basis);
  EXPECT_EQ(proto.subject_role(), h.subject_role);
  EXPECT_EQ(proto.classification(), h.classification);
  EXPECT_EQ(proto.on_behalf_of(), h.on_behalf_of);
  EXPECT_EQ(proto.correlation(), h.correlation);
  EXPECT_EQ(proto.causation(), h.causation);
  EXPECT_EQ(proto.corrects(), h.corrects);
  EXPECT_EQ(proto.retracts(), h.retracts);
  EXPECT_EQ(proto.traceparent(), h.traceparent);
}

template <typename Array>
std::string BytesOf(const Array& array) {
  return {array.begin(), array.end()};
}

void ExpectEvent(const bus::v1::Event& proto, const bus::v1::Batch& batch,
                 const EventView& event) {
  ExpectHeader(proto.header(), batch.dictionary(), event.header);
  ASSERT_EQ(proto.groups_size(), static_cast<int>(event.groups.size()));
  for (size_t i = 0; i < event.groups.size(); ++i) {
    const bus::v1::Group& group = proto.groups(static_cast<int>(i));
    EXPECT_EQ(group.number(), event.groups[i].number);
    EXPECT_EQ(group.data(), event.groups[i].data);
  }
  EXPECT_EQ(proto.seed(), BytesOf(event.seed));
  EXPECT_EQ(proto.digest(), BytesOf(event.digest));
  EXPECT_EQ(proto.atomic_set(), event.atomic_set);
}

TEST(Codec, BatchMatchesGenerated) {
  BatchEncoder encoder;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Maker maker(seed);
    std::vector<Event> events(1 + maker.Below(8));
    for (Event& event : events) {
      do {
        event = maker.MakeOne();
      } while (!CheckHeader(AsView(event.header)).ok());
      const size_t before = encoder.bytes();
      encoder.Add(AsView(event));
      EXPECT_LE(encoder.bytes() - before,
                BatchEncoder::BytesMax(AsView(event)));
    }
    const size_t size = encoder.bytes();
    EXPECT_EQ(encoder.events(), events.size());
    const std::string bytes = encoder.Take();
    EXPECT_EQ(bytes.size(), size);
    EXPECT_EQ(encoder.events(), 0u);

    // What we wrote, the generated classes read.
    bus::v1::Batch proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    ASSERT_EQ(proto.events_size(), static_cast<int>(events.size()));
    for (int i = 0; i < proto.events_size(); ++i) {
      ExpectEvent(proto.events(i), proto,
                  AsView(events[static_cast<size_t>(i)]));
    }
    // What they write, we read.
    const std::string theirs = proto.SerializeAsString();
    absl::StatusOr<std::vector<EventView>> decoded = DecodeBatch(theirs);
    ASSERT_THAT(decoded, IsOk());
    ASSERT_THAT(*decoded, SizeIs(events.size()));
    for (int i = 0; i < proto.events_size(); ++i) {
      ExpectEvent(proto.events(i), proto, (*decoded)[static_cast<size_t>(i)]);
    }
  }
}

bus::v1::Batch Minimal() {
  bus::v1::Batch batch;
  batch.add_dictionary("urn:concordat:agency:system");
  batch.add_dictionary("concordat.test.v1.Happened");
  bus::v1::Event& event = *batch.add_events();
  event.mutable_header()->set_source(1);
  event.mutable_header()->set_type(2);
  event.mutable_header()->set_id("1");
  event.set_seed(std::string(16, 's'));
  event.set_digest(std::string(32, 'd'));
  return batch;
}

TEST(Codec, DictionaryMayComeLast) {
  bus::v1::Batch dictionary = Minimal();
  bus::v1::Batch events = dictionary;
  dictionary.clear_events();
  events.clear_dictionary();
  const std::string bytes =
      events.SerializeAsString() + dictionary.SerializeAsString();
  absl::StatusOr<std::vector<EventView>> decoded = DecodeBatch(bytes);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ((*decoded)[0].header.type, "concordat.test.v1.Happened");
}

struct Refusal {
  const char* says;
  void (*spoil)(bus::v1::Batch&, bus::v1::Event&, bus::v1::Header&);
};

TEST(Codec, Refuses) {
  using Batch = bus::v1::Batch;
  using BusEvent = bus::v1::Event;
  using BusHeader = bus::v1::Header;
  const Refusal refusals[] = {
      {"event 1: source: missing",
       [](Batch&, BusEvent&, BusHeader& h) { h.clear_source(); }},
      {"event 1: type: index outside the dictionary",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_type(3); }},
      {"event 1: id: missing",
       [](Batch&, BusEvent&, BusHeader& h) { h.clear_id(); }},
      {"event 1: id: not printable",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_id("a\tb"); }},
      {"event 1: id: not printable",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_id("0123456\x7f"); }},
      {"event 1: id: not printable",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_id("caf\xc3\xa9"); }},
      {"event 1: id: not printable",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_id("a b"); }},
      {"event 1: subject: not 16 bytes",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_subject("short"); }},
      {"event 1: expected_version: without a stream",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_expected_version(0); }},
      {"event 1: regime: unknown value",
       [](Batch&, BusEvent&, BusHeader& h) {
         h.set_regime(static_cast<bus::v1::Regime>(3));
       }},
      {"event 1: basis: unknown value",
       [](Batch&, BusEvent&, BusHeader& h) {
         h.set_basis(static_cast<bus::v1::Basis>(-1));
       }},
      {"event 1: time: after the year 9999",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_time(kTimeMaxUs + 1); }},
      {"event 1: causation: not printable",
       [](Batch&, BusEvent&, BusHeader& h) { h.set_causation("\n"); }},
      {"event 1: seed: not 16 bytes",
       [](Batch&, BusEvent& e, BusHeader&) { e.set_seed("s"); }},
      {"event 1: digest: missing",
       [](Batch&, BusEvent& e, BusHeader&) { e.clear_digest(); }},
      {"event 1: header: missing",
       [](Batch&, BusEvent& e, BusHeader&) { e.clear_header(); }},
      {"event 1: groups: an empty group",
       [](Batch&, BusEvent& e, BusHeader&) { e.add_groups()->set_number(1); }},
      {"event 1: groups: number over 7",
       [](Batch&, BusEvent& e, BusHeader&) { e.add_groups()->set_number(8); }},
      {"event 1: groups: not ascending",
       [](Batch&, BusEvent& e, BusHeader&) {
         for (int i = 0; i < 2; ++i) {
           e.add_groups()->set_data("x");
         }
       }},
      {"event 1: header: unknown field",
       [](Batch&, BusEvent&, BusHeader& h) {
         h.GetReflection()->MutableUnknownFields(&h)->AddVarint(99, 1);
       }},
      {"event 1: event: unknown field",
       [](Batch&, BusEvent& e, BusHeader&) {
         e.GetReflection()->MutableUnknownFields(&e)->AddVarint(6, 1);
       }},
      {"batch: unknown field",
       [](Batch& b, BusEvent&, BusHeader&) {
         b.GetReflection()->MutableUnknownFields(&b)->AddVarint(3, 1);
       }},
      {"dictionary: not printable",
       [](Batch& b, BusEvent&, BusHeader&) { b.add_dictionary("\x01"); }},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.says);
    Batch batch = Minimal();
    *batch.add_events() = batch.events(0);
    ASSERT_THAT(DecodeBatch(batch.SerializeAsString()), IsOk());
    BusEvent& event = *batch.mutable_events(1);
    refusal.spoil(batch, event, *event.mutable_header());
    if (std::string(refusal.says) == "event 1: header: missing") {
      event.clear_header();
    }
    const absl::Status status = DecodeBatch(batch.SerializeAsString()).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(status.message(), refusal.says);
  }
}

TEST(Codec, Limits) {
  bus::v1::Batch batch = Minimal();
  const auto decodes = [&batch] {
    return DecodeBatch(batch.SerializeAsString()).ok();
  };
  bus::v1::Header& header = *batch.mutable_events(0)->mutable_header();
  header.set_id(std::string(64, 'i'));
  header.set_stream(std::string(128, 's'));
  EXPECT_TRUE(decodes());
  header.set_id(std::string(65, 'i'));
  EXPECT_FALSE(decodes());
  header.set_id("1");
  header.set_stream(std::string(129, 's'));
  EXPECT_FALSE(decodes());
  header.clear_stream();

  // The header as the spine holds it: 53 bytes of source and type with their
  // heads of 2 bytes, the id's 3, and the role's head of 4.
  header.set_subject_role(std::string(1024 - 27 - 2 - 26 - 2 - 3 - 4, 'r'));
  EXPECT_TRUE(decodes());
  header.mutable_subject_role()->push_back('r');
  EXPECT_THAT(
      std::string(DecodeBatch(batch.SerializeAsString()).status().message()),
      HasSubstr("header: over 1024 bytes"));
  header.clear_subject_role();

  bus::v1::Group& group = *batch.mutable_events(0)->add_groups();
  group.set_data(std::string(kDataBytesMax, 'd'));
  EXPECT_TRUE(decodes());
  group.mutable_data()->push_back('d');
  EXPECT_FALSE(decodes());
  batch.mutable_events(0)->clear_groups();

  for (int i = 1; i < 256; ++i) *batch.add_events() = batch.events(0);
  EXPECT_TRUE(decodes());
  *batch.add_events() = batch.events(0);
  EXPECT_FALSE(decodes());

  batch = Minimal();
  *batch.add_events() = batch.events(0);
  for (int i = 0; i < 2; ++i) {
    batch.mutable_events(i)->add_groups()->set_data(
        std::string(kBatchBytesMax / 2, 'd'));
  }
  EXPECT_FALSE(decodes());
}

TEST(Codec, CutOffAnywhereIsRefusedOrShorter) {
  bus::v1::Batch batch = Minimal();
  batch.mutable_events(0)->add_groups()->set_data("data");
  const std::string bytes = batch.SerializeAsString();
  for (size_t size = 0; size < bytes.size(); ++size) {
    // Of its own size, so that a read past it is seen by a sanitizer.
    const std::string cut = bytes.substr(0, size);
    absl::StatusOr<std::vector<EventView>> decoded = DecodeBatch(cut);
    if (decoded.ok()) {
      EXPECT_THAT(*decoded, SizeIs(0)) << size;
    }
  }
}

TEST(Codec, HeaderWrittenOut) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Maker maker(seed);
    const Header header = maker.MakeHeader();
    if (!CheckHeader(AsView(header)).ok()) continue;
    std::string bytes = "before";
    AppendHeader(AsView(header), bytes);
    ASSERT_EQ(bytes.size(), 6 + HeaderBytes(AsView(header)));
    absl::StatusOr<HeaderView> decoded =
        DecodeHeader(absl::string_view(bytes).substr(6));
    ASSERT_THAT(decoded, IsOk());
    std::string again;
    AppendHeader(*decoded, again);
    EXPECT_EQ(bytes.substr(6), again);
    EXPECT_EQ(decoded->source, header.source);
    EXPECT_EQ(decoded->gateway, header.gateway);
    EXPECT_EQ(decoded->expected_version, header.expected_version);
  }
  EXPECT_THAT(DecodeHeader(""), HasCode(absl::StatusCode::kInvalidArgument));
}

BorrowedView Borrow(const View& view) {
  BorrowedView borrowed;
  borrowed.sequence = view.sequence;
  borrowed.accepted_us = view.accepted_us;
  borrowed.header = AsView(view.header);
  for (const View::Group& group : view.groups) {
    borrowed.groups.push_back({group.number, group.data, group.salt});
  }
  for (const View::Commitment& commitment : view.commitments) {
    borrowed.commitments.push_back({commitment.number, commitment.hash});
  }
  borrowed.header_salt = view.header_salt;
  borrowed.header_commitment = view.header_commitment;
  borrowed.withheld.assign(view.withheld.begin(), view.withheld.end());
  borrowed.faults.assign(view.faults.begin(), view.faults.end());
  borrowed.environment = view.environment;
  return borrowed;
}

View MakeView(Maker& maker) {
  View view;
  view.sequence = Sequence{maker.Number()};
  view.accepted_us = maker.Number();
  do {
    view.header = maker.MakeHeader();
  } while (!CheckHeader(AsView(view.header)).ok());
  for (uint32_t number = 0; number < kGroupsMax; ++number) {
    if (maker.Below(3) == 0) {
      view.groups.push_back(
          {number, maker.Bytes(maker.Below(99)), maker.Filled<Salt>()});
    } else if (maker.Below(2) == 0) {
      view.commitments.push_back({number, maker.Filled<Digest>()});
    }
  }
  if (maker.Below(2) == 0) {
    view.header_salt = maker.Filled<Salt>();
  } else {
    view.header_commitment = maker.Filled<Digest>();
  }
  for (uint64_t n = maker.Below(3); n > 0; --n) {
    view.withheld.push_back(maker.Text(0, 30));
    view.faults.push_back(maker.Text(0, 30));
  }
  view.environment = static_cast<bus::v1::Environment>(maker.Below(5));
  return view;
}

template <typename Frame>
void ExpectView(const bus::v1::View& proto, const Frame& frame,
                const View& view) {
  EXPECT_EQ(proto.sequence(), view.sequence.value);
  EXPECT_EQ(proto.accepted_time(), view.accepted_us);
  ExpectHeader(proto.header(), frame.dictionary(), AsView(view.header));
  ASSERT_EQ(proto.groups_size(), static_cast<int>(view.groups.size()));
  for (int i = 0; i < proto.groups_size(); ++i) {
    const View::Group& group = view.groups[static_cast<size_t>(i)];
    EXPECT_EQ(proto.groups(i).number(), group.number);
    EXPECT_EQ(proto.groups(i).data(), group.data);
    EXPECT_EQ(proto.groups(i).salt(), BytesOf(group.salt));
  }
  ASSERT_EQ(proto.commitments_size(),
            static_cast<int>(view.commitments.size()));
  for (int i = 0; i < proto.commitments_size(); ++i) {
    const auto& commitment = view.commitments[static_cast<size_t>(i)];
    EXPECT_EQ(proto.commitments(i).number(), commitment.number);
    EXPECT_EQ(proto.commitments(i).hash(), BytesOf(commitment.hash));
  }
  EXPECT_EQ(proto.header_salt(),
            view.header_salt ? BytesOf(*view.header_salt) : "");
  EXPECT_EQ(proto.header_commitment(),
            view.header_commitment ? BytesOf(*view.header_commitment) : "");
  EXPECT_THAT(view.withheld, ::testing::ElementsAreArray(proto.withheld()));
  EXPECT_THAT(view.faults, ::testing::ElementsAreArray(proto.faults()));
  EXPECT_EQ(proto.environment(), view.environment);
}

TEST(Codec, ViewsMatchGenerated) {
  ViewEncoder encoder;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Maker maker(seed);
    std::vector<View> views(maker.Below(5));
    for (View& view : views) {
      view = MakeView(maker);
      encoder.Add(Borrow(view));
    }
    const size_t size = encoder.bytes();
    bus::v1::Deliver rest;
    rest.set_first_delivery(maker.Number());
    rest.set_backfill_cause(maker.Number());
    rest.set_scanned_through(maker.Number());
    const std::string bytes = encoder.TakeDeliver(rest);
    EXPECT_EQ(bytes.size(), size + rest.ByteSizeLong());

    bus::v1::Deliver proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    ASSERT_EQ(proto.views_size(), static_cast<int>(views.size()));
    for (int i = 0; i < proto.views_size(); ++i) {
      ExpectView(proto.views(i), proto, views[static_cast<size_t>(i)]);
    }
    absl::StatusOr<DecodedViews<bus::v1::Deliver>> decoded =
        DecodeDeliver(proto.SerializeAsString());
    ASSERT_THAT(decoded, IsOk());
    EXPECT_TRUE(MessageDifferencer::Equals(decoded->rest, rest));
    ASSERT_EQ(decoded->views.size(), views.size());
    for (int i = 0; i < proto.views_size(); ++i) {
      ExpectView(proto.views(i), proto, decoded->views[static_cast<size_t>(i)]);
    }
  }
}

TEST(Codec, StreamEvents) {
  Maker maker(1);
  const View view = MakeView(maker);
  ViewEncoder encoder;
  encoder.Add(Borrow(view));
  bus::v1::StreamEvents rest;
  rest.set_request(7);
  rest.set_more(true);
  const std::string bytes = encoder.TakeStreamEvents(rest);
  bus::v1::StreamEvents proto;
  ASSERT_TRUE(proto.ParseFromString(bytes));
  ExpectView(proto.views(0), proto, view);
  absl::StatusOr<DecodedViews<bus::v1::StreamEvents>> decoded =
      DecodeStreamEvents(bytes);
  ASSERT_THAT(decoded, IsOk());
  EXPECT_TRUE(MessageDifferencer::Equals(decoded->rest, rest));
  ExpectView(proto.views(0), proto, decoded->views.at(0));
  EXPECT_THAT(DecodeStreamEvents(absl::string_view(bytes).substr(0, 40)),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace concordat
