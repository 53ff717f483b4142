// Section: typed reading of one table of a configuration; everything wrong goes to the report.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "config/report.h"

namespace llmbatch::config {

struct IntRange {
  std::int64_t min = 1;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

struct DurationRange {
  base::Duration min;
  base::Duration max;
};

enum class Empty { kRefused, kAllowed };

// A read of a missing key gives the default; a read of a bad value reports it and gives the default
// as well, so that reading always goes on. The table and the report must outlive the section.
class Section {
 public:
  Section(const toml::table& table, std::string path, Position otherwise, Report& report);

  bool Has(std::string_view key) const { return table_->contains(key); }
  std::vector<std::string> Keys() const;
  std::string String(std::string_view key, std::string otherwise, Empty empty = Empty::kRefused);
  std::int64_t Int(std::string_view key, std::int64_t otherwise, IntRange range);
  bool Bool(std::string_view key, bool otherwise);
  // "30s": a text with a unit.
  base::Duration Duration(std::string_view key, base::Duration otherwise, DurationRange range);
  // A whole number of milliseconds, for keys that end in _ms.
  base::Duration Millis(std::string_view key, base::Duration otherwise, DurationRange range);
  // A list of texts; a single text counts as a list of one.
  std::vector<std::string> Strings(std::string_view key, std::vector<std::string> otherwise);

  template <typename T>
  using Choices = std::vector<std::pair<std::string, T>>;
  template <typename T>
  T Choice(std::string_view key, T otherwise, const Choices<T>& choices) {
    std::vector<std::string> words;
    for (const auto& [word, value] : choices) words.push_back(word);
    std::size_t usual = 0;
    while (usual < choices.size() && !(choices[usual].second == otherwise)) ++usual;
    const std::optional<std::size_t> index = ChoiceIndex(key, words, usual);
    return index ? choices[*index].second : otherwise;
  }

  // A table of its own; if it is missing, an empty one that stands where this one does.
  Section Table(std::string_view key);
  // The elements of an array of tables.
  std::vector<Section> Tables(std::string_view key);
  // Every key of this table as a table: [providers.NAME].
  std::vector<std::pair<std::string, Section>> NamedTables();
  // For values of a free form; nullptr if it is missing or of another type.
  const toml::node* Any(std::string_view key, toml::node_type type);

  // Notes for the list of values what a key means, written as TOML. The typed reads do so
  // themselves.
  void Note(std::string_view key, std::string value);

  // Notes a key that was read elsewhere.
  void Known(std::string_view key) { known_.emplace(key); }
  // Reports each key that nothing has asked for.
  void RefuseOthers();

  // Reports that a key has a bad value, or that it is missing.
  void Fail(std::string_view key, std::string what);
  void Warn(std::string_view key, std::string what);

  std::string PathOf(std::string_view key) const;
  // Where the key stands; if it is missing, where the table does.
  Position PositionOf(std::string_view key) const;
  // `path` as it is meant in the file that the key stands in.
  std::string ResolvePath(std::string_view key, const std::string& path) const;

 private:
  std::int64_t ReadInt(std::string_view key, std::int64_t otherwise, IntRange range);
  base::Duration ReadDuration(std::string_view key, base::Duration otherwise, DurationRange range);
  std::vector<std::string> ReadStrings(std::string_view key, std::vector<std::string> otherwise);
  const toml::node* Find(std::string_view key, toml::node_type type);
  std::optional<std::size_t> ChoiceIndex(std::string_view key,
                                         const std::vector<std::string>& words, std::size_t usual);

  const toml::table* table_;
  std::string path_;
  Position position_;
  Report* report_;
  std::set<std::string, std::less<>> known_;
};

// "a whole number", "a list" and so on.
std::string_view Describe(toml::node_type type);

}  // namespace llmbatch::config
