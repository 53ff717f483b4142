// Writer: builds one compact JSON text from front to back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace llmbatch::json {

// Commas and colons are put in by itself. Calls in an order that gives no JSON (a value without a
// key in an object, an end without a begin) are a fault of ours and trip a CHECK. Strings must be
// UTF-8; what isn't becomes U+FFFD.
class Writer {
 public:
  Writer() = default;
  // Writes behind what `buffer` holds, and so reuses its memory.
  explicit Writer(std::string buffer) : out_(std::move(buffer)) {}

  Writer& BeginObject();
  Writer& EndObject();
  Writer& BeginArray();
  Writer& EndArray();
  Writer& Key(std::string_view name);
  Writer& String(std::string_view text);
  Writer& Int(std::int64_t number);
  // Shortest text that reads back as the same double; null if it isn't finite.
  Writer& Double(double number);
  Writer& Bool(bool value);
  Writer& Null();
  // `json` must be a valid JSON text; it is not looked at.
  Writer& Raw(std::string_view json);

  // The text, after the outermost value was ended. The writer is empty then.
  std::string Take();

 private:
  void BeforeValue();

  enum class Scope : char { kArray, kObject };
  struct Level {
    Scope scope;
    bool empty = true;
    bool key_written = false;
  };
  std::string out_;
  std::vector<Level> levels_;
  bool root_written_ = false;
};

// `text` as a JSON string, with its quotation marks.
std::string Quote(std::string_view text);

}  // namespace llmbatch::json
