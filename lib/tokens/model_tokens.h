// ModelTokens: how a model's tokens are estimated, as configured or read off the model's name.
#pragma once

#include <string_view>

#include "tokens/estimator.h"

namespace llmbatch::tokens {

struct ModelTokens {
  Method method = Method::kClasses;
  Family family = Family::kO200k;
  // What a Calibration begins with: how much the model's tokenizer differs from the family's.
  double seed_ratio = 1.0;

  // Whether o200k is the tokenizer itself, or at least nothing else is known.
  bool IsO200k() const {
    return method == Method::kClasses && family == Family::kO200k && seed_ratio == 1.0;
  }
};

// For any name; the first batches only depend on it, later ones on what the provider counted.
ModelTokens TokensOf(std::string_view model);

}  // namespace llmbatch::tokens
