#include "json/object_reader.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace llmbatch::json {
namespace {

bool IsControlCharacter(char byte) {
  return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
}

}  // namespace

ObjectReader::ObjectReader(Value value, std::string path) : path_(std::move(path)) {
  if (value.is(Kind::kObject)) {
    object_ = value;
    return;
  }
  error_ = base::Invalid((path_.empty() ? "message" : path_) + ": must be of type object, is " +
                         std::string(ToString(value.kind())));
  problem_ = FieldProblem::kWrongKind;
}

std::string ObjectReader::PathOf(std::string_view name) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  path += name;
  return path;
}

void ObjectReader::Note(FieldProblem problem, std::string_view name, std::string_view what) {
  if (error_) return;
  error_ = base::Invalid(PathOf(name) + ": " + std::string(what));
  problem_ = problem;
}

void ObjectReader::Fail(std::string_view name, std::string_view what) {
  Note(FieldProblem::kInvalid, name, what);
}

std::optional<Value> ObjectReader::Any(std::string_view name) const {
  if (!object_) return std::nullopt;
  const auto value = object_->Find(name);
  if (!value || value->is(Kind::kNull)) return std::nullopt;
  return value;
}

std::optional<Value> ObjectReader::Find(std::string_view name, Kind kind) {
  const auto value = Any(name);
  if (!value || value->is(kind)) return value;
  if (!error_) {
    Note(FieldProblem::kWrongKind, name,
         "must be of type " + std::string(ToString(kind)) + ", is " +
             std::string(ToString(value->kind())));
  }
  return std::nullopt;
}

std::optional<Value> ObjectReader::Optional(std::string_view name, Kind kind) {
  if (error_) return std::nullopt;
  return Find(name, kind);
}

std::optional<Value> ObjectReader::Required(std::string_view name, Kind kind) {
  auto value = Optional(name, kind);
  if (!value) Note(FieldProblem::kMissing, name, "missing");
  return value;
}

void ObjectReader::CheckString(std::string_view name, std::string_view text,
                               const StringLimits& limits) {
  const bool bounded = limits.min_code_points > 0 || text.size() > limits.max_code_points;
  const std::size_t length = bounded ? base::CountCodePoints(text) : 0;
  if (bounded && length < limits.min_code_points) {
    Fail(name, "shorter than " + std::to_string(limits.min_code_points) + " characters");
  } else if (bounded && length > limits.max_code_points) {
    Fail(name, "longer than " + std::to_string(limits.max_code_points) + " characters");
  } else if (!limits.allow_control_characters &&
             std::any_of(text.begin(), text.end(), IsControlCharacter)) {
    Fail(name, "has control characters");
  }
}

std::optional<std::string> ObjectReader::OptionalString(std::string_view name,
                                                        const StringLimits& limits) {
  const auto value = Optional(name, Kind::kString);
  if (!value) return std::nullopt;
  CheckString(name, value->AsString(), limits);
  if (error_) return std::nullopt;
  return std::string(value->AsString());
}

std::string ObjectReader::String(std::string_view name, const StringLimits& limits) {
  auto text = OptionalString(name, limits);
  if (text) return *std::move(text);
  Note(FieldProblem::kMissing, name, "missing");
  return {};
}

std::optional<std::int64_t> ObjectReader::OptionalInt(std::string_view name,
                                                      const IntLimits& limits) {
  const auto value = Optional(name, Kind::kNumber);
  if (!value) return std::nullopt;
  const auto number = value->AsInt64();
  if (!number) {
    Fail(name, "must be a whole number of 64 bits");
  } else if (*number < limits.min || *number > limits.max) {
    Fail(name, "must be from " + std::to_string(limits.min) + " to " + std::to_string(limits.max));
  }
  if (error_) return std::nullopt;
  return number;
}

std::int64_t ObjectReader::Int(std::string_view name, const IntLimits& limits) {
  const auto number = OptionalInt(name, limits);
  if (!number) Note(FieldProblem::kMissing, name, "missing");
  return number.value_or(0);
}

std::optional<double> ObjectReader::OptionalDouble(std::string_view name) {
  const auto value = Optional(name, Kind::kNumber);
  if (!value) return std::nullopt;
  const auto number = value->AsDouble();
  if (!number) Fail(name, "must fit a double");
  return number;
}

std::optional<bool> ObjectReader::OptionalBool(std::string_view name) {
  const auto value = Optional(name, Kind::kBool);
  if (!value) return std::nullopt;
  return value->AsBool();
}

}  // namespace llmbatch::json
