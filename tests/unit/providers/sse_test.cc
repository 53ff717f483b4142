#include "providers/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace llmbatch::providers {
namespace {

using Events = std::vector<std::pair<std::string, std::string>>;

class Collector : public SseParser::Listener {
 public:
  void OnEvent(std::string_view event, std::string_view data) override {
    events.emplace_back(event, data);
  }
  Events events;
};

Events Parse(const std::vector<std::string_view>& pieces) {
  SseParser parser;
  Collector collector;
  for (const std::string_view piece : pieces) parser.Feed(piece, collector);
  return collector.events;
}

struct Row {
  const char* what;
  std::string stream;
  Events events;
};

const std::vector<Row>& Rows() {
  static const std::vector<Row> rows = {
      {"nothing", "", {}},
      {"one", "data: x\n\n", {{"", "x"}}},
      {"without the blank", "data:x\n\n", {{"", "x"}}},
      {"one blank belongs to the form", "data:  x\n\n", {{"", " x"}}},
      {"carriage returns", "data: x\r\rdata: y\r\r", {{"", "x"}, {"", "y"}}},
      {"both", "data: x\r\n\r\ndata: y\r\n\r\n", {{"", "x"}, {"", "y"}}},
      {"mixed", "data: x\r\n\ndata: y\n\r\n", {{"", "x"}, {"", "y"}}},
      {"lines of one event", "data: a\ndata: b\ndata:\ndata: c\n\n", {{"", "a\nb\n\nc"}}},
      {"a name", "event: ping\ndata: {}\n\n", {{"ping", "{}"}}},
      {"a name is for one event", "event: a\ndata: 1\n\ndata: 2\n\n", {{"a", "1"}, {"", "2"}}},
      {"the last name counts", "event: a\nevent: b\ndata: 1\n\n", {{"b", "1"}}},
      {"a name alone is none", "event: a\n\ndata: 1\n\n", {{"", "1"}}},
      {"comments", ": keep-alive\n\n:\ndata: x\n: y\n\n", {{"", "x"}}},
      {"ids and times are dropped", "id: 7\nretry: 10\ndata: x\n\n", {{"", "x"}}},
      {"unknown fields", "datum: y\nDATA: z\ndata: x\n\n", {{"", "x"}}},
      {"a field without a colon", "data\n\n", {{"", ""}}},
      {"a colon in the data", "data: a: b\n\n", {{"", "a: b"}}},
      {"blank lines", "\n\n\ndata: x\n\n\n\n", {{"", "x"}}},
      {"a byte order mark",
       "\xEF\xBB\xBF"
       "data: x\n\n",
       {{"", "x"}}},
      {"one in the middle is none",
       "data: x\n\n\xEF\xBB\xBF"
       "data: y\n\n",
       {{"", "x"}}},
      {"an event without its blank line", "data: x\n\ndata: y\n", {{"", "x"}}},
      {"a line without its end", "data: x\n\ndata: y", {{"", "x"}}},
      {"letters of many bytes",
       "data: \xE2\x82\xAC\xF0\x9F\x98\x80\n\n",
       {{"", "\xE2\x82\xAC\xF0\x9F\x98\x80"}}},
  };
  return rows;
}

TEST(SseParser, ReadsStreams) {
  for (const Row& row : Rows()) EXPECT_EQ(Parse({row.stream}), row.events) << row.what;
}

TEST(SseParser, ReadsTheSameWhereverTheStreamIsCut) {
  for (const Row& row : Rows()) {
    const std::string_view stream = row.stream;
    for (std::size_t first = 0; first <= stream.size(); ++first) {
      for (std::size_t second = first; second <= stream.size(); ++second) {
        EXPECT_EQ(Parse({stream.substr(0, first), stream.substr(first, second - first),
                         stream.substr(second)}),
                  row.events)
            << row.what << ", cut at " << first << " and " << second;
      }
    }
  }
}

}  // namespace
}  // namespace llmbatch::providers
