#include "config/toml_json.h"

#include <cmath>
#include <optional>

#include "json/writer.h"

namespace llmbatch::config {
namespace {

// TOML's parser bounds the depth, so the recursion is bounded, too.
class Converter {
 public:
  void Table(const toml::table& table) {
    writer_.BeginObject();
    for (const auto& [key, node] : table) {
      writer_.Key(key.str());
      Value(key.str(), node);
    }
    writer_.EndObject();
  }

  base::Result<std::string> Take() {
    if (bad_key_) return base::Invalid("\"" + *bad_key_ + "\" has a value that JSON can't hold");
    return writer_.Take();
  }

 private:
  void Value(std::string_view key, const toml::node& node) {
    switch (node.type()) {
      case toml::node_type::table:
        return Table(*node.as_table());
      case toml::node_type::array:
        writer_.BeginArray();
        for (const toml::node& element : *node.as_array()) Value(key, element);
        writer_.EndArray();
        return;
      case toml::node_type::string:
        writer_.String(node.as_string()->get());
        return;
      case toml::node_type::integer:
        writer_.Int(node.as_integer()->get());
        return;
      case toml::node_type::boolean:
        writer_.Bool(node.as_boolean()->get());
        return;
      case toml::node_type::floating_point:
        if (!std::isfinite(node.as_floating_point()->get())) bad_key_ = std::string(key);
        writer_.Double(node.as_floating_point()->get());
        return;
      default:
        bad_key_ = std::string(key);
        writer_.Null();
    }
  }

  json::Writer writer_;
  std::optional<std::string> bad_key_;
};

}  // namespace

base::Result<std::string> ToJson(const toml::table& table) {
  Converter converter;
  converter.Table(table);
  return converter.Take();
}

}  // namespace llmbatch::config
