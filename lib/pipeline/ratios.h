// Ratios: the calibrations of all recipes, kept in step with those of the other replicas.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "pipeline/recipe.h"
#include "ports/ratios.h"

namespace llmbatch::pipeline {

// A calibration that nobody has told anything yet takes over what others have learnt; later on what
// is learnt here is told now and then. Without the coordinator each goes by its own. Belongs to one
// thread.
class Ratios {
 public:
  using Recipes = std::map<RecipeName, std::shared_ptr<Recipe>>;

  // An answer has taught something.
  void OnLearnt() { learnt_ = true; }
  // There are other recipes now.
  void OnRecipes() { unread_ = true; }

  // nullopt: there is nothing to ask or tell, or it is too early. `at_once`: it isn't, unless the
  // last one failed.
  std::optional<ports::ShareRatios> Next(const Recipes& recipes, model::RatiosId id,
                                         base::Timestamp now, bool at_once);
  void OnShared(const ports::RatiosShared& event, const Recipes& recipes);

 private:
  struct Told {
    std::string name;
    tokens::Lesson lesson;
  };

  bool learnt_ = false;
  bool unread_ = true;
  bool failed_ = false;
  base::Timestamp next_;
  std::optional<model::RatiosId> under_way_;
  std::vector<Told> told_;      // by what is under way
  std::set<std::string> read_;  // names of the ratios that were asked for
};

}  // namespace llmbatch::pipeline
