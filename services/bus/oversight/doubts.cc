#include "services/bus/oversight/doubts.h"

#include <boost/json.hpp>
#include <utility>

namespace concordat::bus {
namespace {

namespace json = boost::json;

constexpr char kOpened[] = "concordat.identity.v1.IdentityReviewOpened";
constexpr char kDecided[] = "concordat.identity.v1.IdentityReviewDecided";
// Of the code list identity-review-kind: others are of persons who may be one.
constexpr char kLinkDoubted[] = "LINK_DOUBTED";

// Empty: it has none, or its content is destroyed.
std::string Text(const json::value& object, const char* name) {
  const json::value* const found =
      object.is_object() ? object.as_object().if_contains(name) : nullptr;
  return found == nullptr || !found->is_string()
             ? ""
             : json::value_to<std::string>(*found);
}

}  // namespace

void Doubts::Look(const StoredEvent& event, const TypeRegistry& types) {
  const bool is_opened = event.header.type == kOpened;
  if (!is_opened && event.header.type != kDecided) return;
  const auto text = types.ToJson(event.header.type, MessageOf(event));
  if (!text.ok()) return;
  boost::system::error_code error;
  const json::value review = json::parse(*text, error);
  if (error) return;
  const std::string ref = Text(review, "reviewRef");
  if (!is_opened) {
    open_.erase(ref);
  } else if (Text(review, "kind") == kLinkDoubted) {
    access::v1::CouldNotKnow& row = open_[ref];
    row.set_what("identity in doubt");
    row.set_from(event.accepted_us);
    row.set_words(
        "it was in doubt which facts are this person's: some may be about "
        "somebody else");
  }
}

std::vector<access::v1::CouldNotKnow> Doubts::Take() {
  std::vector<access::v1::CouldNotKnow> rows;
  for (auto& [ref, row] : open_) rows.push_back(std::move(row));
  open_.clear();
  return rows;
}

}  // namespace concordat::bus
