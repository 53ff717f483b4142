// Counts the tokens of texts, for a comparison with another tokenizer: `token_count RANK_FILE`
// reads texts that end with a zero byte, and writes a line with the number for each.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tokens/bpe.h"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  std::ifstream file(arguments[1], std::ios::binary);
  const std::string ranks(std::istreambuf_iterator<char>(file), {});
  const auto bpe = llmbatch::tokens::Bpe::Parse(ranks);
  if (!bpe) {
    std::cerr << bpe.error().message << '\n';
    return 1;
  }
  for (std::string text; std::getline(std::cin, text, '\0');) {
    std::cout << (*bpe)->Count(text) << '\n';
  }
  return 0;
}
