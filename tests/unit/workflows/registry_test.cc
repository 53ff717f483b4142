#include "workflows/registry.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

#include "json/value.h"

namespace llmbatch::workflows {
namespace {

TEST(Registry, RefusesAWorkflowThatThereIsNot) {
  for (const char* name : {"", "Map", "map ", "nonsense"}) {
    EXPECT_FALSE(IsKnown(name));
    model::Job job;
    job.workflow = name;
    job.input_json = "{}";
    const auto made = Make(job, {});
    const auto* malformed = std::get_if<wire::Malformed>(&made);
    ASSERT_NE(malformed, nullptr) << name;
    EXPECT_EQ(malformed->reason, wire::MalformedReason::kInvalidValue);
    EXPECT_EQ(malformed->detail,
              "workflow: must be chain, classification, comparison, fields, map or query");
  }
}

TEST(Registry, TheSchemaOfJobsListsTheSameWorkflows) {
  std::ifstream file(LLMBATCH_SOURCE_DIR "/schemas/job.schema.json", std::ios::binary);
  const auto schema = json::Document::Parse(std::string(std::istreambuf_iterator<char>(file), {}));
  ASSERT_TRUE(schema.ok());
  const auto listed = schema->root().Find("properties")->Find("workflow")->Find("enum");
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < listed->size(); ++i) names.insert(listed->At(i).AsString());
  EXPECT_EQ(names, std::set<std::string_view>(Names().begin(), Names().end()));
}

}  // namespace
}  // namespace llmbatch::workflows
