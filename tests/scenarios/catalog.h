// The configuration of a script's core.
#pragma once

#include <memory>

#include "model/task.h"
#include "scenarios/words.h"

namespace llmbatch::scenarios {

// As the words of `start` say it; README.md has them.
std::shared_ptr<const model::Catalog> MakeCatalog(const Words& words);

}  // namespace llmbatch::scenarios
