// ObjectReader: typed reading of an object's members, with the field's path in the error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

namespace llmbatch::json {

struct StringLimits {
  std::size_t min_code_points = 0;
  std::size_t max_code_points = std::numeric_limits<std::size_t>::max();
  bool allow_control_characters = true;  // U+0000–U+001F and U+007F
};

struct IntLimits {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

// What was wrong with a member.
enum class FieldProblem { kMissing, kWrongKind, kInvalid };

// Reads member after member; the first thing wrong is kept, later reads then return defaults. So a
// caller reads everything it needs and asks for the error once. A member that is null counts as
// missing.
class ObjectReader {
 public:
  // `path` stands before member names in errors: "items[3]" gives "items[3].id: missing"; "" gives
  // "id: missing". If `value` is no object that is the first error.
  ObjectReader(Value value, std::string path);

  std::string String(std::string_view name, const StringLimits& limits = {});
  std::optional<std::string> OptionalString(std::string_view name, const StringLimits& limits = {});
  std::int64_t Int(std::string_view name, const IntLimits& limits = {});
  std::optional<std::int64_t> OptionalInt(std::string_view name, const IntLimits& limits = {});
  std::optional<double> OptionalDouble(std::string_view name);
  std::optional<bool> OptionalBool(std::string_view name);
  // nullopt if missing, or if it is there and of another kind, which is an error.
  std::optional<Value> Optional(std::string_view name, Kind kind);
  // nullopt only together with an error.
  std::optional<Value> Required(std::string_view name, Kind kind);
  // Of any kind; nullopt if missing.
  std::optional<Value> Any(std::string_view name) const;

  // Notes that a member is wrong in a way that only the caller knows. Kept if it is the first.
  void Fail(std::string_view name, std::string_view what);

  // The path of a member, as it stands in errors.
  std::string PathOf(std::string_view name) const;
  bool ok() const { return !error_.has_value(); }
  const std::optional<base::Error>& error() const { return error_; }
  // Of the first error. REQUIRES: !ok()
  FieldProblem problem() const { return problem_; }

 private:
  std::optional<Value> Find(std::string_view name, Kind kind);
  void CheckString(std::string_view name, std::string_view text, const StringLimits& limits);
  void Note(FieldProblem problem, std::string_view name, std::string_view what);

  std::optional<Value> object_;
  std::string path_;
  std::optional<base::Error> error_;
  FieldProblem problem_ = FieldProblem::kInvalid;
};

}  // namespace llmbatch::json
