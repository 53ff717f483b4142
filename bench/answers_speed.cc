// How many megabytes of model answers are read in a second, right ones and broken ones.

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "answers/decoder.h"
#include "processor_time.h"

namespace llmbatch::bench {
namespace {

struct Sample {
  const char* name;
  std::string text;
};

constexpr int kItems = 500;

std::string WriteAnswer(const std::function<std::string(int)>& write_item,
                        const std::string& separator) {
  std::string text = "[";
  for (int i = 0; i < kItems; ++i) text += (i > 0 ? separator : "") + write_item(i);
  return text + "]";
}

std::string Prose() {
  std::string prose;
  while (prose.size() < 800) prose += "The parcel came late, but the shop answered at once. ";
  return prose;
}

std::string RightItem(int i) {
  return R"({"id":"n)" + std::to_string(i) + R"(","label":"good","score":0.25,"tags":["a","b"],)" +
         R"("note":")" + Prose() + R"("})";
}

std::string PythonItem(int i) {
  return "{'id': 'n" + std::to_string(i) + "', label: 'good', 'score': .25, 'ok': True, " +
         "'tags': ['a', 'b',], 'note': 'It\\'s late. " + Prose() + "',}";
}

std::string QuotingItem(int i) {
  return R"({"id":"n)" + std::to_string(i) + R"(","label":"good", // sure
              "path":"C:\Users\x","note":"Two
lines. )" +
         Prose() + R"("})";
}

// As the task that is shipped asks for it.
std::string TaskItem(int i) {
  return R"({"id":"n)" + std::to_string(i) +
         R"(","sentiment":"negative","topic":"delivery","urgency":4,"resolved":false,)"
         R"("language":"en","summary":"The customer waits for the refund of a parcel that came )"
         R"(late, and asks for a date; the shop promises one by Friday."})";
}

// Little prose, so that every few bytes are a token.
std::string ShortItem(int i) {
  return R"({"id":"n)" + std::to_string(i) + R"(","label":"good","score":0.25,"tags":["a","b"]})";
}

std::string DenseItem(int i) {
  return "{'id':'n" + std::to_string(i) + "',label:'good',score:+.5,'tags':['a',True,None,],}";
}

std::vector<Sample> Samples() {
  return {
      {"right", WriteAnswer(RightItem, ",")},
      {"fenced", "Here:\n```json\n" + WriteAnswer(RightItem, ",") + "\n```"},
      {"python", WriteAnswer(PythonItem, ", ")},
      {"mixed", WriteAnswer(QuotingItem, "\n")},
      {"marks", "[{\"id\":\"n0\",\"x\":\"" + std::string(500'000, '"')},
      {"task", WriteAnswer(TaskItem, ",")},
      {"short", WriteAnswer(ShortItem, ",")},
      {"dense", WriteAnswer(DenseItem, "\n")},
  };
}

void Measure(const Sample& sample, const std::vector<std::string>& nonces) {
  constexpr int kRounds = 100;
  Fastest fastest;
  answers::DecodedAnswers decoded;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = ProcessorTime();
    auto outcome = answers::DecodeAnswers(sample.text, nonces, nullptr, answers::Ending::kWhole);
    fastest.Add(ProcessorTime() - begin);
    if (outcome) decoded = std::move(*outcome);
  }
  std::size_t answered = 0;
  for (const auto& output : decoded.outputs) answered += output.has_value() ? 1 : 0;
  const double megabytes = static_cast<double>(sample.text.size()) / 1e6;
  std::printf("%-8s %7.3f MB %8.1f MB/s  %s, %zu edits, %zu answered\n", sample.name, megabytes,
              megabytes / fastest.seconds(), std::string(answers::ToString(decoded.repair)).c_str(),
              decoded.edits.total(), answered);
}

int Main() {
  std::vector<std::string> nonces;
  for (int i = 0; i < kItems; ++i) nonces.push_back("n" + std::to_string(i));
  for (const Sample& sample : Samples()) Measure(sample, nonces);
  return 0;
}

}  // namespace
}  // namespace llmbatch::bench

int main() { return llmbatch::bench::Main(); }
