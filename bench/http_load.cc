#include "http_load.h"

namespace llmbatch::bench {

std::string ChatCompletion(std::size_t bytes) {
  const std::string begin =
      R"({"model":"twin","messages":[{"role":"system","content":"Label each item."},)"
      R"({"role":"user","content":"[{\"id\":\"n0\",\"text\":\")";
  const std::string end = R"(\"}]"}]})";
  const std::size_t fixed = begin.size() + end.size();
  return begin + std::string(bytes > fixed ? bytes - fixed : 0, 'x') + end;
}

}  // namespace llmbatch::bench
