// What producers may send by mistake or on purpose: each case with the reason and the field that
// its dead letter names, or "accepted".
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wire/request.h"

namespace llmbatch::wire {
namespace {

using namespace std::string_literals;

constexpr std::size_t kMaxBytes = 4U << 20;
constexpr std::string_view kAccepted = "accepted";
// Stands in the content of many cases and must never get into a dead letter's detail.
constexpr std::string_view kSecretContent = "geheim";

struct Case {
  std::optional<std::string> value;
  std::string expected;  // "accepted", or the reason, a space and the field's path
};
using Cases = std::vector<Case>;

Decoded Decode(const std::optional<std::string>& value) {
  ports::Record record;
  record.partition = {.topic = "llm.requests", .partition = 0};
  record.value = value;
  return DecodeRequest(record, kMaxBytes);
}

// The reason, and the path where the detail begins with one.
std::string Verdict(const Malformed& malformed) {
  std::string verdict(ToString(malformed.reason));
  const auto colon = malformed.detail.find(": ");
  if (colon != std::string::npos) verdict += " " + malformed.detail.substr(0, colon);
  return verdict;
}

// ── building messages ──

using Fields = std::vector<std::pair<std::string, std::string>>;  // name and JSON text

std::string Object(const Fields& fields) {
  std::string text = "{";
  for (const auto& [name, json] : fields) {
    if (text.size() > 1) text += ',';
    text += '"' + name + "\":" + json;
  }
  return text + "}";
}

// `fields` with `name` set to `json`, or left out if that is empty.
Fields With(Fields fields, const std::string& name, const std::string& json) {
  std::erase_if(fields, [&name](const auto& field) { return field.first == name; });
  if (!json.empty()) fields.emplace_back(name, json);
  return fields;
}

Fields SoundItem() {
  return {{"kind", "\"item\""}, {"id", "\"i\""}, {"task", "\"t\""}, {"input", "{}"}};
}
Fields SoundTextItem() { return With(With(SoundItem(), "input", ""), "text", "\"geheim\""); }
Fields SoundInline() { return {{"id", "\"a\""}, {"text", "\"geheim\""}}; }
Fields SoundJob() {
  return {{"kind", "\"job\""}, {"job_id", "\"j\""},  {"workflow", "\"map\""},
          {"task", "\"t\""},   {"user_id", "\"u\""}, {"items", R"([{"id":"a","text":"geheim"}])"}};
}
Fields JobOf(const std::string& elements) {
  return With(SoundJob(), "items", "[" + elements + "]");
}

std::string Repeat(std::string_view text, std::size_t times) {
  std::string repeated;
  for (std::size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

// ── wrong types ──

constexpr std::string_view kSamples[] = {
    "null", "true",           "7", "0.5", "99999999999999999999", "\"geheim\"", "\"\"",
    "[]",   R"({"geheim":1})"};

// What is expected for each sample: . accepted, m missing_field, t wrong_type, v invalid_value,
// u unknown_kind.
std::string ExpectedBy(char letter, const std::string& path) {
  switch (letter) {
    case 'm':
      return "missing_field " + path;
    case 't':
      return "wrong_type " + path;
    case 'v':
      return "invalid_value " + path;
    case 'u':
      return "unknown_kind " + path;
    default:
      return std::string(kAccepted);
  }
}

struct FieldKinds {
  std::string name;
  std::string_view expected;    // a letter for each sample
  std::string missing_as = {};  // the path told if it is missing, where that isn't its own
};

void AddKinds(Cases& cases, const FieldKinds& field, const std::string& prefix,
              const std::function<std::string(const std::string&)>& message) {
  for (std::size_t i = 0; i < std::size(kSamples); ++i) {
    const char letter = field.expected[i];
    const bool other = letter == 'm' && !field.missing_as.empty();
    cases.push_back({message(std::string(kSamples[i])),
                     ExpectedBy(letter, prefix + (other ? field.missing_as : field.name))});
  }
}

Cases WrongKinds() {
  Cases cases;
  for (const FieldKinds& field : std::vector<FieldKinds>{{"kind", "mttttuutt"},
                                                         {"id", "mtttt.vtt"},
                                                         {"task", "mtttt.vtt"},
                                                         {"input", "mttttttt."},
                                                         {"user_id", ".tttt.vtt"},
                                                         {"job_id", ".tttt.vtt"},
                                                         {"priority", ".t.vvtttt"},
                                                         {"deadline", ".ttttvvtt"},
                                                         {"real_time", "..ttttttt"},
                                                         {"max_cost_usd", ".ttttvvtt"},
                                                         {"metadata", ".ttttttt."},
                                                         {"no_such_field", "........."}}) {
    AddKinds(cases, field, "",
             [&](const auto& json) { return Object(With(SoundItem(), field.name, json)); });
  }
  AddKinds(cases, {"text", "mtttt..tt", "input"}, "",
           [](const auto& json) { return Object(With(SoundTextItem(), "text", json)); });
  for (const FieldKinds& field : std::vector<FieldKinds>{{"kind", "mttttuutt"},
                                                         {"job_id", "mtttt.vtt"},
                                                         {"workflow", "mtttt.vtt"},
                                                         {"task", "mtttt.vtt"},
                                                         {"user_id", "mtttt.vtt"},
                                                         {"priority", ".t.vvtttt"},
                                                         {"deadline", ".ttttvvtt"},
                                                         {"max_cost_usd", ".ttttvvtt"},
                                                         {"items", "mttttttvt"},
                                                         {"item_count", "........."},
                                                         {"no_such_field", "........."}}) {
    AddKinds(cases, field, "",
             [&](const auto& json) { return Object(With(SoundJob(), field.name, json)); });
  }
  AddKinds(cases, {"item_count", "mt.vvtttt", "items"}, "", [](const auto& json) {
    return Object(With(With(SoundJob(), "items", ""), "item_count", json));
  });
  for (const FieldKinds& field : std::vector<FieldKinds>{{"id", "mtttt.vtt"},
                                                         {"text", "mtttt..tt", "input"},
                                                         {"metadata", ".ttttttt."},
                                                         {"no_such_field", "........."}}) {
    AddKinds(cases, field, "items[1].", [&](const auto& json) {
      return Object(
          JobOf(R"({"id":"first","text":"x"},)" + Object(With(SoundInline(), field.name, json))));
    });
  }
  AddKinds(cases, {"input", "mttttttt."}, "items[0].", [](const auto& json) {
    return Object(JobOf(Object(With(With(SoundInline(), "text", ""), "input", json))));
  });
  AddKinds(cases, {"items[1]", "ttttttttm", "items[1].id"}, "",
           [](const auto& json) { return Object(JobOf(R"({"id":"first","text":"x"},)" + json)); });
  // A value that is no object at all.
  AddKinds(cases, {"message", "ttttttttm", "kind"}, "", [](const auto& json) { return json; });
  return cases;
}

Cases MissingAndConflictingFields() {
  Cases cases;
  for (const char* name : {"kind", "id", "task", "input"}) {
    cases.push_back({Object(With(SoundItem(), name, "")), "missing_field "s + name});
  }
  for (const char* name : {"kind", "job_id", "workflow", "task", "user_id", "items"}) {
    cases.push_back({Object(With(SoundJob(), name, "")), "missing_field "s + name});
  }
  for (const char* kind : {"Item", "ITEM", "item ", " job", "jobs", "item_result", "job_result",
                           "progress", "cancel", "retry", "map", "item\\u0000"}) {
    cases.push_back({Object(With(SoundItem(), "kind", "\""s + kind + "\"")), "unknown_kind kind"});
  }
  const auto add = [&cases](std::string value, std::string expected) {
    cases.push_back({std::move(value), std::move(expected)});
  };
  add(Object(With(SoundItem(), "text", "\"x\"")), "invalid_value text");
  add(Object(With(SoundItem(), "text", "\"\"")), "invalid_value text");
  add(Object(With(SoundItem(), "text", "null")), "accepted");
  add(Object(With(SoundTextItem(), "input", "null")), "accepted");
  add(Object(With(SoundTextItem(), "input", "\"x\"")), "wrong_type input");
  add(Object(With(SoundItem(), "text", "1")), "wrong_type text");
  add(Object(JobOf(R"({"id":"a","text":"x","input":{}})")), "invalid_value items[0].text");
  add(Object(JobOf(R"({"id":"a"})")), "missing_field items[0].input");
  add(Object(JobOf(R"({"text":"x"})")), "missing_field items[0].id");
  add(Object(JobOf("{}")), "missing_field items[0].id");
  add(Object(JobOf(R"({"id":"a","text":"x"},{"id":"b","text":"x"},{"id":"a","text":"y"})")),
      "invalid_value items[2].id");
  add(Object(JobOf(R"({"id":"a","text":"x"},{"id":"\u0061","text":"x"})")),
      "invalid_value items[1].id");
  add(Object(JobOf(R"({"id":"a","text":"x"},{"id":"A","text":"x"})")), "accepted");
  // The first field that is wrong is told, in the order of the description.
  add(R"({"kind":"item","task":7,"id":7})", "wrong_type id");
  add(R"({"kind":"item"})", "missing_field id");
  add(R"({"kind":"job"})", "missing_field job_id");
  add("{}", "missing_field kind");
  return cases;
}

Cases JobSizes() {
  std::string elements;
  for (std::size_t i = 0; i < kMaxJobItems; ++i) {
    elements += (i ? ",{\"id\":\"" : "{\"id\":\"") + std::to_string(i) + "\",\"text\":\"\"}";
  }
  return {{Object(JobOf(elements)), "accepted"},
          {Object(JobOf(elements + R"(,{"id":"more","text":""})")), "invalid_value items"},
          {Object(JobOf(Repeat("[],", 20'000) + "[]")), "invalid_value items"},
          {Object(JobOf(Repeat("0,", 600'000) + "0")), "too_large"}};
}

// ── ids ──

Cases Ids() {
  const std::string euro = "\xE2\x82\xAC";
  const std::vector<std::string> sound = {"a",
                                          "0",
                                          " ",
                                          "/",
                                          "..",
                                          "../../etc/passwd",
                                          "{}",
                                          "{x}",
                                          "*",
                                          "a b",
                                          "a/b#7",
                                          "\\\"",
                                          "\\\\",
                                          "null",
                                          "<b>",
                                          "' OR 1=1 --",
                                          "${HOME}",
                                          "%00",
                                          "\\u0080",
                                          "\\u00a0",
                                          "\\u2028",
                                          "\\ufffd",
                                          "\xF0\x9F\x98\x80",
                                          "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
                                          "\\u202e",
                                          "e\xCC\x81",
                                          std::string(200, 'a'),
                                          Repeat(euro, 200),
                                          Repeat("\\ud83d\\ude00", 200)};
  const std::vector<std::string> bad = {"",
                                        "\\u0000",
                                        "a\\u0000",
                                        "\\n",
                                        "a\\nb",
                                        "a\\r",
                                        "\\t",
                                        "\\u001b[31m",
                                        "\\u001f",
                                        "\\u007f",
                                        "\x7F",
                                        std::string(201, 'a'),
                                        Repeat(euro, 201),
                                        Repeat("\\ud83d\\ude00", 201),
                                        std::string(1U << 20, 'a')};
  struct Place {
    std::string path;
    std::function<std::string(const std::string&)> message;
  };
  std::vector<Place> places;
  for (const char* field : {"id", "task", "user_id", "job_id"}) {
    places.push_back(
        {field, [field](const auto& id) { return Object(With(SoundItem(), field, id)); }});
  }
  for (const char* field : {"job_id", "task", "user_id"}) {
    places.push_back(
        {field, [field](const auto& id) { return Object(With(SoundJob(), field, id)); }});
  }
  places.push_back({"items[0].id", [](const auto& id) {
                      return Object(JobOf(Object(With(SoundInline(), "id", id))));
                    }});
  Cases cases;
  for (const Place& place : places) {
    for (const std::string& id : sound)
      cases.push_back({place.message('"' + id + '"'), "accepted"});
    for (const std::string& id : bad) {
      cases.push_back({place.message('"' + id + '"'), "invalid_value " + place.path});
    }
  }
  return cases;
}

// ── ranges ──

void AddValues(Cases& cases, const std::string& field, const std::vector<std::string>& values,
               const std::string& expected) {
  for (const std::string& value : values) {
    cases.push_back({Object(With(SoundItem(), field, value)), expected});
    cases.push_back({Object(With(SoundJob(), field, value)), expected});
  }
}

std::vector<std::string> Quoted(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts) quoted.push_back('"' + text + '"');
  return quoted;
}

Cases Ranges() {
  Cases cases;
  AddValues(cases, "priority", {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "-0", "null"},
            "accepted");
  AddValues(cases, "priority",
            {"-1", "10", "11", "5.0", "5e0", "0.1", "1e1", "1e308", "2147483648", "4294967301",
             "9223372036854775808", "-9223372036854775809", "18446744073709551621", "1e-400"},
            "invalid_value priority");
  AddValues(
      cases, "deadline",
      Quoted({"2026-11-21T07:51:21Z", "2026-11-21T07:51:21.042Z", "2026-11-21T07:51:21.123456789Z",
              "2026-11-21T07:51:21+01:00", "2026-11-21T07:51:21-12:30", "1970-01-01T00:00:00Z",
              "2028-02-29T00:00:00Z", "2199-12-31T23:59:59Z"}),
      "accepted");
  AddValues(cases, "deadline",
            Quoted({"",
                    "0",
                    "-1",
                    "1763711481",
                    "tomorrow",
                    "2026-11-21",
                    "07:51:21",
                    "2026-11-21T07:51:21",
                    "2026-11-21T07:51Z",
                    "2026-13-01T00:00:00Z",
                    "2026-00-01T00:00:00Z",
                    "2026-02-29T00:00:00Z",
                    "2026-11-31T00:00:00Z",
                    "2026-11-21T24:00:00Z",
                    "2026-11-21T07:60:00Z",
                    "2026-11-21T07:51:61Z",
                    "2026-11-21T07:51:21.Z",
                    "2026-11-21T07:51:21.1234567890Z",
                    "2026-11-21T07:51:21+25:00",
                    "2026-11-21T07:51:21+0100",
                    "2026-11-21T07:51:21Zx",
                    " 2026-11-21T07:51:21Z",
                    "2026-11-21T07:51:21Z\\u0000",
                    "1969-12-31T23:59:59Z",
                    "9999-12-31T23:59:59Z",
                    "21.11.2026 07:51",
                    "2026/11/21T07:51:21Z",
                    "+2026-11-21T07:51:21Z",
                    std::string(100'000, '2')}),
            "invalid_value deadline");
  AddValues(cases, "max_cost_usd",
            Quoted({"0", "0.0", "1", "0.5", "000000001", "999999999", "0.000000001",
                    "999999999.999999999"}),
            "accepted");
  AddValues(cases, "max_cost_usd", Quoted({"",
                                           ".",
                                           "-1",
                                           "+1",
                                           "1.",
                                           ".5",
                                           "1e3",
                                           "0x1",
                                           "1,5",
                                           "1_000",
                                           " 1",
                                           "1 ",
                                           "$1",
                                           "NaN",
                                           "inf",
                                           "1000000000",
                                           "0.0000000001",
                                           "1.2.3",
                                           "1\\u0000",
                                           "\xD9\xA1",
                                           std::string(100'000, '9')}),
            "invalid_value max_cost_usd");
  // The metadata's limit is that of its compact form.
  const std::string frame = R"({"m":""})";
  const std::string fits(kMaxMetadataBytes - frame.size(), 'x');
  for (const auto& [text, expected] : std::vector<std::pair<std::string, std::string>>{
           {R"({"m":")" + fits + "\"}", "accepted"},
           {R"({  "m" :   ")" + fits + "\"   }", "accepted"},
           {R"({"m":")" + fits + "x\"}", "invalid_value metadata"}}) {
    cases.push_back({Object(With(SoundItem(), "metadata", text)), expected});
    cases.push_back({Object(JobOf(Object(With(SoundInline(), "metadata", text)))),
                     expected == "accepted" ? expected : "invalid_value items[0].metadata"});
  }
  return cases;
}

// ── the text itself ──

Cases Encodings() {
  Cases cases;
  for (const std::string& text :
       {"\x7F"s, "\xC2\x80"s, "\xC3\xBC"s, "\xDF\xBF"s, "\xE0\xA0\x80"s, "\xE2\x80\xA8"s,
        "\xED\x9F\xBF"s, "\xEE\x80\x80"s, "\xEF\xBB\xBF"s, "\xEF\xBF\xBD"s, "\xEF\xBF\xBF"s,
        "\xF0\x90\x80\x80"s, "\xF0\x9F\x98\x80"s, "\xF4\x8F\xBF\xBF"s, "\\u0000"s,
        "\\ud83d\\ude00"s}) {
    cases.push_back({Object(With(SoundTextItem(), "text", '"' + text + '"')), "accepted"});
  }
  for (const std::string& text : {"\x80"s,
                                  "\xBF"s,
                                  "\xC0\x80"s,
                                  "\xC0\xAF"s,
                                  "\xC1\xBF"s,
                                  "\xC2"s,
                                  "\xC2\x41"s,
                                  "\xDF"s,
                                  "\xE0\x80\x80"s,
                                  "\xE0\x9F\xBF"s,
                                  "\xE0\xA0"s,
                                  "\xE2\x82"s,
                                  "\xE2\x28\xA1"s,
                                  "\xED\xA0\x80"s,
                                  "\xED\xB0\x80"s,
                                  "\xED\xBF\xBF"s,
                                  "\xF0\x80\x80\x80"s,
                                  "\xF0\x8F\xBF\xBF"s,
                                  "\xF0\x9F\x98"s,
                                  "\xF4\x90\x80\x80"s,
                                  "\xF5\x80\x80\x80"s,
                                  "\xF8\x88\x80\x80\x80"s,
                                  "\xFC\x84\x80\x80\x80\x80"s,
                                  "\xFE"s,
                                  "\xFF"s,
                                  "caf\xE9"s,
                                  "\\udc00"s,
                                  "\\udfff"s}) {
    cases.push_back({Object(With(SoundTextItem(), "text", '"' + text + '"')), "not_utf8"});
    cases.push_back({Object(With(SoundItem(), "input", "{\"" + text + "\":1}")), "not_utf8"});
  }
  // Half of a pair whose other half is missing is no JSON.
  cases.push_back({Object(With(SoundTextItem(), "text", R"("\ud800")")), "not_json"});
  // Other encodings of a sound message.
  cases.push_back({"\xEF\xBB\xBF" + Object(SoundItem()), "not_json"});
  cases.push_back({"\xFF\xFE{\0}\0"s, "not_utf8"});
  cases.push_back({"\0{\0}"s, "not_json"});
  return cases;
}

Cases Duplicates() {
  Cases cases;
  for (const auto& [name, json] : SoundItem()) {
    Fields twice = SoundItem();
    twice.emplace_back(name, json);
    cases.push_back({Object(twice), "duplicate_key"});
  }
  for (const auto& [name, json] : SoundJob()) {
    Fields twice = SoundJob();
    twice.emplace_back(name, json);
    cases.push_back({Object(twice), "duplicate_key"});
  }
  for (const char* input :
       {R"({"a":1,"a":2})", R"({"a":{"b":1,"b":1}})", R"({"a":[{"b":1,"b":2}]})", R"({"":1,"":2})",
        R"({"a":1,"\u0061":2})"}) {
    cases.push_back({Object(With(SoundItem(), "input", input)), "duplicate_key"});
  }
  cases.push_back({Object(JobOf(R"({"id":"a","id":"b","text":"x"})")), "duplicate_key"});
  cases.push_back({Object(With(SoundItem(), "input", R"({"a":1,"A":2,"a ":3})")), "accepted"});
  return cases;
}

Cases Numbers() {
  Cases cases;
  for (const char* number : {"0", "-0", "1", "-1", "0.0", "1.10", "1e5", "1E+5", "1e-5",
                             "123456789012345678901234567890", "9223372036854775808",
                             "0.1000000000000000055511151231257827", "1e308", "5e-324", "1e-400"}) {
    cases.push_back({Object(With(SoundItem(), "input", "{\"n\":"s + number + "}")), "accepted"});
  }
  for (const char* number :
       {"+1", "01", "-01", "1.", ".5", "-", "1e", "1e+", "0x10", "1_000", "NaN", "-NaN", "Infinity",
        "-Infinity", "1e400", "-1e400", "1,5", "1 0", "\xEF\xBC\x91"}) {
    cases.push_back({Object(With(SoundItem(), "input", "{\"n\":"s + number + "}")), "not_json"});
  }
  return cases;
}

Cases Texts() {
  Cases cases;
  for (const std::string& text :
       {""s, " "s, "{"s, "}"s, "geheim"s, "{geheim}"s, "{'kind':'item'}"s, "<item/>"s, "kind=item"s,
        "\0"s, "undefined"s, "```json\n{}\n```"s, std::string(1'000'000, 'x'),
        std::string(1'000'000, ' ')}) {
    cases.push_back({text, "not_json"});
  }
  const std::string sound = Object(SoundItem());
  for (const std::string& tail :
       {"\0"s, "\0{}"s, "x"s, ","s, "}"s, sound, " //"s, "/**/"s, "\x1A"s}) {
    cases.push_back({sound + tail, "not_json"});
  }
  for (const std::string& space : {" "s, "\n"s, "\r\n\t "s}) {
    cases.push_back({space + sound + space, "accepted"});
  }
  for (std::size_t length = 0; length < sound.size(); ++length) {
    cases.push_back({sound.substr(0, length), "not_json"});
  }
  cases.push_back({std::nullopt, "tombstone"});
  return cases;
}

Cases DepthAndSize() {
  Cases cases;
  // The message and its input are two levels.
  for (const std::size_t depth : {1U, 10U, 61U, 62U, 63U, 64U, 1'000U, 200'000U}) {
    const std::string expected = depth <= 62 ? "accepted" : "too_deep";
    const std::string arrays = Repeat("[", depth) + Repeat("]", depth);
    const std::string objects = Repeat(R"({"a":)", depth) + "1" + Repeat("}", depth);
    cases.push_back({Object(With(SoundItem(), "input", R"({"a":)" + arrays + "}")), expected});
    cases.push_back({Object(With(SoundItem(), "metadata", R"({"a":)" + objects + "}")), expected});
    cases.push_back({Object(With(SoundItem(), "no_such_field", "[" + arrays + "]")), expected});
  }
  cases.push_back({Repeat("[", 100'000), "too_deep"});
  const std::size_t rest = Object(With(SoundTextItem(), "text", "\"\"")).size();
  for (const auto& [bytes, expected] : std::vector<std::pair<std::size_t, std::string>>{
           {kMaxBytes - 1, "accepted"}, {kMaxBytes, "accepted"}, {kMaxBytes + 1, "too_large"}}) {
    const std::string text = '"' + std::string(bytes - rest, 'x') + '"';
    cases.push_back({Object(With(SoundTextItem(), "text", text)), expected});
    cases.push_back({std::string(bytes, '{'), expected == "accepted" ? "not_json" : expected});
  }
  cases.push_back({Object(With(SoundItem(), "input", R"({"a":[)" + Repeat("0,", 499'000) + "0]}")),
                   "accepted"});
  cases.push_back({Object(With(SoundItem(), "input", R"({"a":[)" + Repeat("0,", 500'000) + "0]}")),
                   "too_large"});
  return cases;
}

void Check(const Cases& cases) {
  for (const Case& c : cases) {
    const Decoded decoded = Decode(c.value);
    const auto* malformed = std::get_if<Malformed>(&decoded);
    const std::string shown = c.value.value_or("(null)").substr(0, 200);
    EXPECT_EQ(malformed ? Verdict(*malformed) : kAccepted, c.expected) << shown;
    if (!malformed) continue;
    EXPECT_EQ(malformed->detail.find(kSecretContent), std::string::npos) << shown;
    EXPECT_LE(malformed->detail.size(), 200U) << shown;
  }
}

TEST(BadInput, OfTheWrongType) { Check(WrongKinds()); }
TEST(BadInput, WithFieldsMissingOrInConflict) { Check(MissingAndConflictingFields()); }
TEST(BadInput, WithIdsOfAllSorts) { Check(Ids()); }
TEST(BadInput, AtTheEdgesOfRanges) { Check(Ranges()); }
TEST(BadInput, InEncodingsOfAllSorts) { Check(Encodings()); }
TEST(BadInput, WithNamesTwice) { Check(Duplicates()); }
TEST(BadInput, WithNumbersOfAllSorts) { Check(Numbers()); }
TEST(BadInput, ThatIsNoJson) { Check(Texts()); }
TEST(BadInput, TooDeepOrTooLarge) { Check(DepthAndSize()); }
TEST(BadInput, JobsOfManyItems) { Check(JobSizes()); }

TEST(BadInput, TheTablesHaveManyCases) {
  std::size_t count = 0;
  for (const Cases& cases :
       {WrongKinds(), MissingAndConflictingFields(), Ids(), Ranges(), Encodings(), Duplicates(),
        Numbers(), Texts(), DepthAndSize(), JobSizes()}) {
    count += cases.size();
  }
  EXPECT_GE(count, 600U);
  RecordProperty("cases", static_cast<int>(count));
}

}  // namespace
}  // namespace llmbatch::wire
