#include "configuration.h"

#include "config/environment.h"
#include "pipeline/recipe.h"

namespace llmbatch::daemon {

config::LoadOutcome LoadConfiguration(const std::string& path) {
  config::LoadOutcome outcome = config::LoadFile(path, config::SystemEnvironment());
  if (!outcome.config) return outcome;
  for (const auto& [name, task] : outcome.config->catalog->tasks) {
    const auto recipe = pipeline::Recipe::Build(task, *outcome.config->catalog);
    if (!recipe) {
      outcome.problems.push_back(
          {.file = path, .line = 0, .key = "tasks." + name, .what = recipe.error().message});
    }
  }
  if (!outcome.problems.empty()) outcome.config.reset();
  return outcome;
}

std::vector<base::Secret> SecretsOf(const config::Config& config) {
  std::vector<base::Secret> secrets{config.redis.password, config.redis.ledger_secret};
  for (const auto& [name, provider] : config.providers) secrets.push_back(provider.api_key);
  for (const auto& [name, secret] : config.kafka.secret_properties) secrets.push_back(secret);
  return secrets;
}

}  // namespace llmbatch::daemon
