#include "json/value.h"

#include <rapidjson/reader.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <memory_resource>
#include <utility>
#include <vector>

#include "base/check.h"
#include "json/quote.h"

// The reader's hook for taking many characters of a string at once. Its own variants for SSE take
// U+001A to U+001F as well, which must be escaped. REQUIRES: kPaddingBytes behind the text
template <>
template <>
inline void rapidjson::Reader::ScanCopyUnescapedString(rapidjson::InsituStringStream& is,
                                                       rapidjson::InsituStringStream& os) {
  const char* const begin = is.src_;
  is.src_ += llmbatch::json::PlainLength(begin);
  const auto length = static_cast<std::size_t>(is.src_ - begin);
  // Without an escape before, the string stays where it is.
  if (os.dst_ != begin) std::memmove(os.dst_, begin, length);
  os.dst_ += length;
}

namespace llmbatch::json {
namespace {

// One value. The texts lie in the document's copy of the input, the children in its arena.
struct Node {
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::uint32_t size = 0;          // of `children`
  std::string_view text;           // of a string or number
  std::string_view name;           // of an object's member
  const Node* children = nullptr;  // side by side
};

const Node& AsNode(const void* node) { return *static_cast<const Node*>(node); }

// Few enough that comparing each with each is quicker than sorting.
constexpr std::size_t kFewMembers = 12;

bool HasDuplicate(const Node* members, std::size_t count) {
  if (count <= kFewMembers) {
    for (std::size_t i = 1; i < count; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (members[i].name == members[j].name) return true;
      }
    }
    return false;
  }
  std::vector<std::string_view> names;
  names.reserve(count);
  std::transform(members, members + count, std::back_inserter(names),
                 [](const Node& member) { return member.name; });
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) != names.end();
}

// Receives the reader's events and builds the nodes, bottom up. Whatever is over a limit ends the
// parse before memory is taken for it.
class Builder {
 public:
  using Size = rapidjson::SizeType;

  Builder(const Limits& limits, std::pmr::memory_resource& arena) : limits_(limits), arena_(arena) {
    finished_.reserve(32);
  }

  bool Null() { return Add({}); }
  bool Bool(bool value) { return Add({.kind = Kind::kBool, .boolean = value}); }
  bool RawNumber(const char* text, Size length, bool) {
    return Add({.kind = Kind::kNumber, .text = {text, length}});
  }
  bool String(const char* text, Size length, bool) {
    const std::string_view string(text, length);
    if (!IsUtf8Quick(string)) return Refuse(ParseProblem::kEncoding);
    return Add({.kind = Kind::kString, .text = string});
  }
  bool Key(const char* text, Size length, bool) {
    name_ = {text, length};
    return IsUtf8Quick(name_) || Refuse(ParseProblem::kEncoding);
  }
  bool StartObject() { return Open(Kind::kObject); }
  bool StartArray() { return Open(Kind::kArray); }
  bool EndObject(Size count) {
    const Node* members = finished_.data() + (finished_.size() - count);
    if (HasDuplicate(members, count)) return Refuse(ParseProblem::kDuplicateName);
    return Close(count);
  }
  bool EndArray(Size count) { return Close(count); }

  // The reader gives numbers as text.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }

  std::optional<ParseProblem> problem() const { return problem_; }
  // REQUIRES: the parse went through
  Node root() const { return finished_.front(); }

 private:
  bool Refuse(ParseProblem problem) {
    problem_ = problem;
    return false;
  }

  bool Add(Node node) {
    if (++nodes_ > limits_.max_nodes) return Refuse(ParseProblem::kTooManyNodes);
    node.name = std::exchange(name_, {});
    finished_.push_back(node);
    return true;
  }

  bool Open(Kind kind) {
    if (open_.size() >= limits_.max_depth) return Refuse(ParseProblem::kTooDeep);
    if (++nodes_ > limits_.max_nodes) return Refuse(ParseProblem::kTooManyNodes);
    open_.push_back({.kind = kind, .name = std::exchange(name_, {})});
    return true;
  }

  bool Close(std::size_t count) {
    Node node = open_.back();
    open_.pop_back();
    if (count > 0) {
      const std::size_t bytes = count * sizeof(Node);
      auto* children = static_cast<Node*>(arena_.allocate(bytes, alignof(Node)));
      std::uninitialized_copy(finished_.end() - static_cast<std::ptrdiff_t>(count), finished_.end(),
                              children);
      node.children = children;
      node.size = static_cast<std::uint32_t>(count);
      finished_.resize(finished_.size() - count);
    }
    finished_.push_back(node);
    return true;
  }

  const Limits& limits_;
  std::pmr::memory_resource& arena_;
  std::size_t nodes_ = 0;
  std::string_view name_;
  std::vector<Node> open_;      // the containers begun, outermost first
  std::vector<Node> finished_;  // the values whose container hasn't ended
  std::optional<ParseProblem> problem_;
};

void AppendScalar(std::string& out, const Node& node) {
  switch (node.kind) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += node.boolean ? "true" : "false";
      return;
    case Kind::kNumber:
      out += node.text;
      return;
    default:
      AppendQuoted(out, node.text);
  }
}

bool IsContainer(const Node& node) {
  return node.kind == Kind::kArray || node.kind == Kind::kObject;
}

// Without the node `left_out`, if that isn't null.
void AppendJson(std::string& out, const Node& root, const Node* left_out) {
  if (!IsContainer(root)) return AppendScalar(out, root);
  struct Level {
    const Node* container;
    std::uint32_t next = 0;
    bool empty = true;
  };
  // Values are seldom nested deeper than what fits into these.
  std::array<std::byte, 512> first_levels;
  std::pmr::monotonic_buffer_resource arena(first_levels.data(), first_levels.size());
  std::pmr::vector<Level> levels(&arena);
  levels.reserve(8);
  const auto begin = [&](const Node& node) {
    if (!IsContainer(node)) return AppendScalar(out, node);
    out += node.kind == Kind::kArray ? '[' : '{';
    levels.push_back({.container = &node});
  };
  begin(root);
  while (!levels.empty()) {
    Level& level = levels.back();
    const bool object = level.container->kind == Kind::kObject;
    if (level.next == level.container->size) {
      out += object ? '}' : ']';
      levels.pop_back();
      continue;
    }
    const Node& child = level.container->children[level.next++];
    if (&child == left_out) continue;
    if (!std::exchange(level.empty, false)) out += ',';
    if (object) {
      AppendQuoted(out, child.name);
      out += ':';
    }
    begin(child);
  }
}

}  // namespace

std::string_view ToString(Kind kind) {
  switch (kind) {
    case Kind::kNull:
      return "null";
    case Kind::kBool:
      return "boolean";
    case Kind::kNumber:
      return "number";
    case Kind::kString:
      return "string";
    case Kind::kArray:
      return "array";
    case Kind::kObject:
      return "object";
  }
  return "null";
}

std::string_view ToString(ParseProblem problem) {
  switch (problem) {
    case ParseProblem::kSyntax:
      return "not JSON";
    case ParseProblem::kEncoding:
      return "not UTF-8";
    case ParseProblem::kDuplicateName:
      return "the same name twice in an object";
    case ParseProblem::kTooManyBytes:
      return "too many bytes";
    case ParseProblem::kTooDeep:
      return "nested too deep";
    case ParseProblem::kTooManyNodes:
      return "too many values";
  }
  return "not JSON";
}

Kind Value::kind() const { return AsNode(node_).kind; }

bool Value::AsBool() const {
  LLMBATCH_CHECK(is(Kind::kBool));
  return AsNode(node_).boolean;
}

std::string_view Value::AsString() const {
  LLMBATCH_CHECK(is(Kind::kString));
  return AsNode(node_).text;
}

std::string_view Value::AsNumberText() const {
  LLMBATCH_CHECK(is(Kind::kNumber));
  return AsNode(node_).text;
}

std::optional<std::int64_t> Value::AsInt64() const {
  const std::string_view text = AsNumberText();
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<double> Value::AsDouble() const {
  const std::string_view text = AsNumberText();
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::size_t Value::size() const { return AsNode(node_).size; }

Value Value::At(std::size_t index) const {
  LLMBATCH_CHECK(is(Kind::kArray) && index < size());
  return Value(AsNode(node_).children + index);
}

Member Value::MemberAt(std::size_t index) const {
  LLMBATCH_CHECK(is(Kind::kObject) && index < size());
  const Node* member = AsNode(node_).children + index;
  return {member->name, Value(member)};
}

std::optional<Value> Value::Find(std::string_view name) const {
  const Node& node = AsNode(node_);
  if (node.kind != Kind::kObject) return std::nullopt;
  const Node* const end = node.children + node.size;
  const Node* found =
      std::find_if(node.children, end, [name](const Node& member) { return member.name == name; });
  if (found == end) return std::nullopt;
  return Value(found);
}

std::string Value::ToJson() const {
  std::string out;
  AppendJson(out, AsNode(node_), nullptr);
  return out;
}

void Value::AppendWithout(std::string_view name, std::string& out) const {
  const Node& node = AsNode(node_);
  const Node* const end = node.children + node.size;
  const Node* left_out =
      std::find_if(node.children, end, [name](const Node& member) { return member.name == name; });
  AppendJson(out, node, is(Kind::kObject) && left_out != end ? left_out : nullptr);
}

struct Document::Impl {
  // Enough for the nodes of most requests.
  static constexpr std::size_t kFirstBlockBytes = 1024;

  std::unique_ptr<char[]> text;
  std::pmr::monotonic_buffer_resource arena{kFirstBlockBytes};
  Node root;
};

Document::Document(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;
Document::~Document() = default;

Value Document::root() const {
  LLMBATCH_CHECK(impl_ != nullptr);
  return Value(&impl_->root);
}

std::variant<Document, ParseFailure> Document::Read(std::string_view text, const Limits& limits) {
  if (text.size() > limits.max_bytes) {
    return ParseFailure{.problem = ParseProblem::kTooManyBytes, .offset = limits.max_bytes};
  }
  auto impl = std::make_unique<Impl>();
  impl->text = std::make_unique_for_overwrite<char[]>(text.size() + kPaddingBytes);
  std::copy(text.begin(), text.end(), impl->text.get());
  std::fill_n(impl->text.get() + text.size(), kPaddingBytes, '\0');

  // The decoded strings are checked, not the bytes (kParseValidateEncodingFlag): that finds lone
  // surrogates in escapes as well, and no byte outside of strings can be above 0x7F.
  constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseInsituFlag |
                              rapidjson::kParseNumbersAsStringsFlag;
  rapidjson::InsituStringStream stream(impl->text.get());
  rapidjson::Reader reader;
  Builder builder(limits, impl->arena);
  const rapidjson::ParseResult outcome = reader.Parse<kFlags>(stream, builder);
  if (outcome.IsError()) {
    // A text that isn't UTF-8 is told as that, also where the reader stumbled over something else.
    const auto other = IsUtf8Quick(text) ? ParseProblem::kSyntax : ParseProblem::kEncoding;
    return ParseFailure{.problem = builder.problem().value_or(other), .offset = outcome.Offset()};
  }
  // The reader takes a NUL for the end.
  if (stream.Tell() != text.size()) {
    return ParseFailure{.problem = ParseProblem::kSyntax, .offset = stream.Tell()};
  }
  impl->root = builder.root();
  return Document(std::move(impl));
}

base::Result<Document> Document::Parse(std::string_view text, const Limits& limits) {
  auto outcome = Read(text, limits);
  if (auto* document = std::get_if<Document>(&outcome)) return std::move(*document);
  const ParseFailure& failure = *std::get_if<ParseFailure>(&outcome);
  const bool limit = failure.problem == ParseProblem::kTooManyBytes ||
                     failure.problem == ParseProblem::kTooDeep ||
                     failure.problem == ParseProblem::kTooManyNodes;
  return base::MakeError(
      limit ? base::ErrorKind::kTooLarge : base::ErrorKind::kInvalid,
      std::string(ToString(failure.problem)) + " at byte " + std::to_string(failure.offset));
}

}  // namespace llmbatch::json
