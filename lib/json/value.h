// Document and Value: reading JSON from outside, with limits that hold before anything is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace llmbatch::json {

struct Limits {
  std::size_t max_bytes = 8U << 20;
  std::size_t max_depth = 64;  // nested arrays and objects
  std::size_t max_nodes = 200'000;
};

enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
// "null", "boolean", "number", "string", "array", "object".
std::string_view ToString(Kind kind);

// Why a text was refused.
enum class ParseProblem {
  kSyntax,
  kEncoding,       // not UTF-8, or half of a surrogate pair
  kDuplicateName,  // twice the same name in one object
  kTooManyBytes,
  kTooDeep,
  kTooManyNodes,
};
std::string_view ToString(ParseProblem problem);

struct ParseFailure {
  ParseProblem problem = ParseProblem::kSyntax;
  std::size_t offset = 0;  // of the byte where it was noticed
};

struct Member;

// A view of one value of a Document: cheap to copy, valid as long as the Document lives.
class Value {
 public:
  Kind kind() const;
  bool is(Kind expected) const { return kind() == expected; }

  // REQUIRES: is(Kind::kBool)
  bool AsBool() const;
  // May contain U+0000. REQUIRES: is(Kind::kString)
  std::string_view AsString() const;
  // As it was written, every digit kept. REQUIRES: is(Kind::kNumber)
  std::string_view AsNumberText() const;
  // nullopt if it has a fraction or exponent, or doesn't fit. REQUIRES: is(Kind::kNumber)
  std::optional<std::int64_t> AsInt64() const;
  // nullopt if it doesn't fit a double. REQUIRES: is(Kind::kNumber)
  std::optional<double> AsDouble() const;

  // Elements of an array, members of an object; 0 for everything else.
  std::size_t size() const;
  // REQUIRES: is(Kind::kArray), index < size()
  Value At(std::size_t index) const;
  // In the order written. REQUIRES: is(Kind::kObject), index < size()
  Member MemberAt(std::size_t index) const;
  // nullopt if this is no object or has no such member. Linear in the number of members.
  std::optional<Value> Find(std::string_view name) const;

  // The value as compact JSON: members in their order, numbers digit for digit as they were
  // written.
  std::string ToJson() const;
  // Appends the same to `out`, of an object without its member of this name.
  void AppendWithout(std::string_view name, std::string& out) const;

 private:
  friend class Document;
  explicit Value(const void* node) : node_(node) {}
  const void* node_;
};

struct Member {
  std::string_view name;
  Value value;
};

// One parsed text. Strict RFC 8259: UTF-8 only, no duplicate member names, nothing after the value,
// no byte order mark, no NaN, no comments. A number beyond the range of a double is refused.
// Neither parsing, walking nor destroying needs stack in proportion to the input.
class Document {
 public:
  // The error is kTooLarge if a limit is passed, else kInvalid; it names the byte offset, never the
  // content.
  static base::Result<Document> Parse(std::string_view text, const Limits& limits = {});
  // The same for a caller who tells the problems apart.
  static std::variant<Document, ParseFailure> Read(std::string_view text,
                                                   const Limits& limits = {});

  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;
  ~Document();

  Value root() const;

 private:
  struct Impl;
  explicit Document(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace llmbatch::json
