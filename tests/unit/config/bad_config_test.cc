// One thing wrong in a sound configuration: it is told once, with its line, key and what is right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/config/support.h"

namespace llmbatch::config {
namespace {

using testing::HasSubstr;

struct BadLine {
  const char* name;
  const char* header;
  const char* line;
  const char* key;
  const char* what;  // a part of it
};

void PrintTo(const BadLine& bad, std::ostream* out) { *out << bad.header << ' ' << bad.line; }

class BadConfig : public testing::TestWithParam<BadLine> {};

TEST_P(BadConfig, IsToldWithLineAndKey) {
  const BadLine& bad = GetParam();
  const Draft draft = Draft().Set(bad.header, bad.line);

  const LoadOutcome outcome =
      Load(draft.Text(), {{"/etc/id.json", R"({"type":"object","properties":{"id":{}}})"},
                          {"/etc/odd.json", R"({"type":"object","patternProperties":{}})"},
                          {"/etc/list.json", "[]"},
                          {"/etc/broken.json", "{"}});

  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_FALSE(outcome.config.has_value());
  const ConfigProblem& problem = outcome.problems.front();
  EXPECT_EQ(problem.file, kMainFile);
  EXPECT_EQ(problem.line, draft.LineOf(bad.line));
  EXPECT_EQ(problem.key, bad.key);
  EXPECT_THAT(problem.what, HasSubstr(bad.what));
}

std::string NameOf(const testing::TestParamInfo<BadLine>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    UnknownKeys, BadConfig,
    testing::Values(BadLine{"Misspelt", "[kafka]", "broker = \"b:1\"", "kafka.broker",
                            "did you mean \"brokers\"?"},
                    BadLine{"MisspeltTaskKey", "[tasks.t]", "max_batch_itmes = 3",
                            "tasks.t.max_batch_itmes", "did you mean \"max_batch_items\"?"},
                    BadLine{"NothingNear", "[limits]", "zzzzzzzzzz = 1", "limits.zzzzzzzzzz",
                            "unknown key"},
                    BadLine{"AtTheTop", "", "brokers = \"b:1\"", "brokers", "unknown key"},
                    BadLine{"Model", "[models.\"p/m\"]", "context = 1", "models.\"p/m\".context",
                            "unknown key"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Types, BadConfig,
    testing::Values(
        BadLine{"TextForNumber", "[limits]", "concurrency = \"five\"", "limits.concurrency",
                "must be a whole number, is a text"},
        BadLine{"FractionForNumber", "[limits]", "concurrency = 5.0", "limits.concurrency",
                "must be a whole number, is a number with a fraction"},
        BadLine{"NumberForText", "[kafka]", "group = 5", "kafka.group", "must be a text"},
        BadLine{"NumberForBool", "[providers.p]", "allow_private = 1", "providers.p.allow_private",
                "must be true or false, is a whole number"},
        BadLine{"TextForTable", "[tasks.t]", "parameters = \"x\"", "tasks.t.parameters",
                "must be a table"},
        BadLine{"NumberForList", "[kafka]", "requests = 3", "kafka.requests",
                "must be a list of texts, is a whole number"},
        BadLine{"NumberInList", "[kafka]", "requests = [\"a\", 3]", "kafka.requests",
                "has a whole number in it"},
        BadLine{"TextForTables", "[kafka]", "bindings = \"x\"", "kafka.bindings", "must be a list"},
        BadLine{"NumberForPrice", "[models.\"p/m\"]", "input_usd_per_million = 0.1",
                "models.\"p/m\".input_usd_per_million", "must be a text"},
        BadLine{"TextForDate", "[models.\"p/m\"]", "as_of = \"today\"", "models.\"p/m\".as_of",
                "must be a date"},
        BadLine{"DateInParameters", "[tasks.t]", "parameters = { at = 2026-11-21 }",
                "tasks.t.parameters", "\"at\" has a value that JSON can't hold"},
        BadLine{"NanInFallback", "[tasks.t]", "fallback = { score = nan }", "tasks.t.fallback",
                "\"score\" has a value that JSON can't hold"},
        BadLine{"EmptyText", "[kafka]", "group = \"\"", "kafka.group", "must not be empty"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Durations, BadConfig,
    testing::Values(BadLine{"WithoutUnit", "[limits]", "drain_timeout = 30", "limits.drain_timeout",
                            "with a unit, ms, s, m, h or d: \"30s\""},
                    BadLine{"WrongUnit", "[limits]", "drain_timeout = \"30 sec\"",
                            "limits.drain_timeout", "with a unit"},
                    BadLine{"Fraction", "[limits]", "drain_timeout = \"1.5s\"",
                            "limits.drain_timeout", "with a unit"},
                    BadLine{"Negative", "[limits]", "drain_timeout = \"-1s\"",
                            "limits.drain_timeout", "with a unit"},
                    BadLine{"TooLong", "[limits]", "drain_timeout = \"2h\"", "limits.drain_timeout",
                            "between 0ms and 1h"},
                    BadLine{"Overflow", "[redis]", "ledger_ttl = \"9223372036854775807d\"",
                            "redis.ledger_ttl", "with a unit"},
                    BadLine{"TooShort", "[redis]", "lease = \"100ms\"", "redis.lease",
                            "between 2s and 5m"},
                    BadLine{"TextForMillis", "[tasks.t]", "linger_ms = \"200ms\"",
                            "tasks.t.linger_ms", "must be a whole number of milliseconds"},
                    BadLine{"MillisTooLong", "[tasks.t]", "linger_ms = 600_001",
                            "tasks.t.linger_ms", "between 0 and 600,000"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Ranges, BadConfig,
    testing::Values(BadLine{"NoConcurrency", "[limits]", "concurrency = 0", "limits.concurrency",
                            "between 1 and 100,000"},
                    BadLine{"NegativeTokens", "[tasks.t]", "max_batch_tokens = -1",
                            "tasks.t.max_batch_tokens", "between 1"},
                    BadLine{"NoItems", "[tasks.t]", "max_batch_items = 0",
                            "tasks.t.max_batch_items", "between 1"},
                    BadLine{"NoAttempts", "[tasks.t]", "max_attempts = 0", "tasks.t.max_attempts",
                            "between 1 and 100"},
                    BadLine{"HugeMessages", "[kafka]", "max_message_bytes = 2_000_000_000",
                            "kafka.max_message_bytes", "between 1,024 and 1,000,000,000"},
                    BadLine{"PendingBelowMessage", "[limits]", "max_pending_bytes = 1_000_000",
                            "limits.max_pending_bytes",
                            "must be at least kafka.max_message_bytes (8,388,608)"},
                    BadLine{"OutputOverModel", "[tasks.t]", "max_output_tokens = 8_001",
                            "tasks.t.max_output_tokens", "must be at most 8,000, the limit of p/m"},
                    BadLine{"NoContext", "[models.\"p/m\"]", "context_window = 0",
                            "models.\"p/m\".context_window", "between 1"},
                    BadLine{"NoSuchWayOut", "[limits]", "on_redis_down = \"open\"",
                            "limits.on_redis_down", "must be \"share\", \"closed\" or \"local:N\""},
                    BadLine{"NoLocalCalls", "[limits]", "on_redis_down = \"local:0\"",
                            "limits.on_redis_down", "N between 1 and 100,000"},
                    BadLine{"NegativeTaskCalls", "[tasks.t]", "concurrency = -1",
                            "tasks.t.concurrency", "between 0 and 100,000"},
                    BadLine{"WeightlessCalls", "[tasks.t]", "permits = 0", "tasks.t.permits",
                            "between 1 and 1,000"},
                    BadLine{"NoProviderCalls", "[providers.p]", "concurrency = 0",
                            "providers.p.concurrency", "between 1 and 10,000"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Choices, BadConfig,
    testing::Values(
        BadLine{"Delivery", "[kafka]", "delivery = \"at_most_once\"", "kafka.delivery",
                "must be \"at_least_once\" or \"exactly_once\""},
        BadLine{"OffsetReset", "[kafka]", "auto_offset_reset = \"none\"", "kafka.auto_offset_reset",
                "must be \"earliest\" or \"latest\""},
        BadLine{"Oversize", "[tasks.t]", "oversize = \"split\"", "tasks.t.oversize",
                "\"error\" or \"alone\""},
        BadLine{"Answer", "[tasks.t]", "answer = \"json\"", "tasks.t.answer",
                "\"items\" or \"text\""},
        BadLine{"Workflow", "[tasks.t]", "workflow = \"mapp\"", "tasks.t.workflow",
                "must be \"chain\" or \"classification\" or \"comparison\" or \"fields\" or"},
        BadLine{"Api", "[providers.p]", "api = \"openai_v2\"", "providers.p.api",
                "must be \"openai\", \"openai_responses\""},
        BadLine{"SchemaMode", "[providers.p]", "schema_mode = \"strict\"",
                "providers.p.schema_mode", "\"json_object\", \"json_object_schema\" or \"none\""},
        BadLine{"SystemRole", "[providers.p]", "system_role = \"root\"", "providers.p.system_role",
                "\"system\" or \"developer\""},
        BadLine{"MaxTokensField", "[providers.p]", "max_tokens_field = \"n\"",
                "providers.p.max_tokens_field", "\"max_completion_tokens\" or \"max_tokens\""}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Formats, BadConfig,
    testing::Values(BadLine{"Version", "[providers.p]", "api_version = \"v1\"",
                            "providers.p.api_version", "no meaning with api = \"openai\""},
                    BadLine{"PromptCache", "[providers.p]", "prompt_cache = \"5m\"",
                            "providers.p.prompt_cache", "no meaning with api = \"openai\""},
                    BadLine{"KeyHeader", "[providers.p]", "api_key_header = \"a key\"",
                            "providers.p.api_key_header", "no name of a header"},
                    BadLine{"HeaderName", "[providers.p.headers]", "\"a b\" = \"c\"",
                            "providers.p.headers.\"a b\"", "no name of a header"},
                    BadLine{"HeaderValue", "[providers.p.headers]", "a = \"b\\nc\"",
                            "providers.p.headers.a", "only printable"},
                    BadLine{"OwnHeader", "[providers.p.headers]", "Content-Type = \"text/plain\"",
                            "providers.p.headers.Content-Type", "set by the daemon"},
                    BadLine{"KeyAsHeader", "[providers.p.headers]", "authorization = \"Bearer k\"",
                            "providers.p.headers.authorization", "set by the daemon"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    NotInThisVersion, BadConfig,
    testing::Values(
        BadLine{"RequestRate", "[providers.p]", "requests_per_minute = 0",
                "providers.p.requests_per_minute", "must be"},
        BadLine{"AdaptiveRange", "[providers.p]", "adaptive = { min = 9, max = 8 }",
                "providers.p.adaptive.min", "must not be above max"},
        BadLine{"AdaptiveLeast", "[providers.p]", "adaptive = { min = 0 }",
                "providers.p.adaptive.min", "must be"},
        BadLine{"AdaptiveOther", "[providers.p]", "adaptive = { most = 8 }",
                "providers.p.adaptive.most", "unknown key"},
        BadLine{"TokenRate", "[providers.p]", "tokens_per_minute = \"many\"",
                "providers.p.tokens_per_minute", "must be"},
        BadLine{"Cache", "[tasks.t]", "cache_ttl = \"0s\"", "tasks.t.cache_ttl", "must be"},
        BadLine{"StepsOfMap", "[tasks.t]", "steps = { merge = \"t\" }", "tasks.t.steps.merge",
                "unknown key"},
        BadLine{"ExtractOfMap", "[tasks.t]", "extract = { a = \"/a\" }", "tasks.t.extract", "only"},
        BadLine{"RedisAuthorities", "[redis]", "ca_file = \"ca.pem\"", "redis.ca_file",
                "rediss://"},
        BadLine{"UserWeight", "[users.\"a@b\"]", "weight = 0", "users.\"a@b\".weight", "between"},
        BadLine{"UserKey", "[users.u]", "wieght = 2", "users.u.wieght", "weight"},
        BadLine{"BudgetNumber", "[budgets]", "day_usd = \"0\"", "budgets.day_usd", "above 0"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Documents, BadConfig,
    testing::Values(
        BadLine{"Url", "[documents]", "hosts = [\"https://a\"]", "documents.hosts",
                "\"https://a\" is no host"},
        BadLine{"Wildcard", "[documents]", "hosts = [\"a\", \"a b\"]", "documents.hosts",
                "\"a b\" is no host"},
        BadLine{"JobOfLessThanOne", "[documents]", "max_job_bytes = 1_000_000",
                "documents.max_job_bytes", "at least documents.max_bytes (4,194,304)"},
        BadLine{"HeldLessThanAJob", "[documents]", "max_held_bytes = 10_000_000",
                "documents.max_held_bytes", "at least documents.max_job_bytes (16,777,216)"},
        BadLine{"Authorities", "[documents]", "ca_file = \"ca.pem\"", "documents.ca_file",
                "/etc/ca.pem: can't be read"},
        BadLine{"Timeout", "[documents]", "timeout = \"1ms\"", "documents.timeout", "must be"},
        BadLine{"Proxy", "[documents]", "proxy = \"http://p\"", "documents.proxy", "unknown key"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Topics, BadConfig,
    testing::Values(
        BadLine{"None", "[kafka]", "requests = []", "kafka.requests", "at least one topic"},
        BadLine{"BadName", "[kafka]", "requests = [\"a b\"]", "kafka.requests", "names of topics"},
        BadLine{"Twice", "[kafka]", "requests = [\"a\", \"a\"]", "kafka.requests",
                "names \"a\" twice"},
        BadLine{"RegexAndTopic", "[kafka]", "requests = [\"^a\", \"b\"]", "kafka.requests",
                "only element"},
        BadLine{"BadRegex", "[kafka]", "requests = [\"^a(\"]", "kafka.requests",
                "no valid extended regular expression"},
        BadLine{"BadResults", "[kafka]", "results = \"a/b\"", "kafka.results",
                "must be a topic's name"},
        BadLine{"ResultsAreRequests", "[kafka]", "results = \"llm.requests\"", "kafka.results",
                "one of the topics of kafka.requests"},
        BadLine{"ProgressIsControl", "[kafka]", "progress = \"llm.control\"", "kafka.progress",
                "the topic of kafka.control"},
        BadLine{"TaskResultsAreRequests", "[tasks.t]", "results = \"llm.requests\"",
                "tasks.t.results", "one of the topics of kafka.requests"}),
    NameOf);

TEST(UnknownSection, IsToldAtItsHeader) {
  const Draft draft = Draft().Set("[kafak]", "brokers = \"b:1\"");
  const LoadOutcome outcome = Load(draft.Text());
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().line, draft.LineOf("[kafak]"));
  EXPECT_THAT(outcome.problems.front().what, HasSubstr("did you mean \"kafka\"?"));
}

TEST(BadBinding, TellsUnknownTasksAndTopicsThatMakeALoop) {
  const std::string text = Draft().Text() +
                           "[[kafka.bindings]]\ntopic = \"tickets\"\ntask = \"tt\"\n"
                           "[[kafka.bindings]]\ntopic = \"llm.results\"\ntask = \"t\"\n"
                           "[[kafka.bindings]]\ntopic = \"tickets\"\ntask = \"t\"\n";
  const LoadOutcome outcome = Load(text);
  ASSERT_EQ(outcome.problems.size(), 3U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems[0].key, "kafka.bindings[0].task");
  EXPECT_THAT(outcome.problems[0].what, HasSubstr("did you mean \"t\"?"));
  EXPECT_EQ(outcome.problems[1].key, "kafka.bindings[1].topic");
  EXPECT_EQ(outcome.problems[2].key, "kafka.bindings[2].topic");
  EXPECT_THAT(outcome.problems[2].what, HasSubstr("has a binding already"));
}

INSTANTIATE_TEST_SUITE_P(
    Properties, BadConfig,
    testing::Values(BadLine{"Owned", "[kafka.properties]", "group.id = \"x\"",
                            "kafka.properties.group.id", "is set by kafka.group"},
                    BadLine{"OurOwn", "[kafka.properties]", "enable.auto.commit = true",
                            "kafka.properties.enable.auto.commit", "set by llmbatchd itself"},
                    BadLine{"Quoted", "[kafka.properties]", "\"acks\" = 1", "kafka.properties.acks",
                            "set by llmbatchd itself"},
                    BadLine{"List", "[kafka.properties]", "debug = [\"x\"]",
                            "kafka.properties.debug", "is a list"},
                    BadLine{"LiteralPassword", "[kafka.properties]", "sasl.password = \"hunter2\"",
                            "kafka.properties.sasl.password", "must say where the secret is"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Addresses, BadConfig,
    testing::Values(BadLine{"PlainHttp", "[providers.p]", "base_url = \"http://h/v1\"",
                            "providers.p.base_url", "only with allow_private = true"},
                    BadLine{"NoScheme", "[providers.p]", "base_url = \"h/v1\"",
                            "providers.p.base_url", "must begin with https://"},
                    BadLine{"NoHost", "[providers.p]", "base_url = \"https:///v1\"",
                            "providers.p.base_url", "has no host"},
                    BadLine{"Credentials", "[providers.p]", "base_url = \"https://u:pw@h/v1\"",
                            "providers.p.base_url", "must have no credentials"},
                    BadLine{"Query", "[providers.p]", "base_url = \"https://h/v1?a=b\"",
                            "providers.p.base_url", "no query"},
                    BadLine{"Space", "[providers.p]", "base_url = \"https://h/v 1\"",
                            "providers.p.base_url", "without spaces"},
                    BadLine{"CaFile", "[providers.p]", "ca_file = \"ca.pem\"",
                            "providers.p.ca_file", "/etc/ca.pem: can't be read"},
                    BadLine{"RedisScheme", "[redis]", "url = \"localhost:6379\"", "redis.url",
                            "must be redis://"},
                    BadLine{"RedisCredentials", "[redis]", "url = \"redis://u:pw@h:6379\"",
                            "redis.url", "redis.password"},
                    BadLine{"Namespace", "[redis]", "namespace = \"a{b}\"", "redis.namespace",
                            "must be 1 to 64"},
                    BadLine{"ListenNoPort", "[admin]", "listen = \"localhost\"", "admin.listen",
                            "must be host:port"},
                    BadLine{"ListenIpv6", "[admin]", "listen = \"[::1]:9464\"", "admin.listen",
                            "IPv4"},
                    BadLine{"ListenBadPort", "[admin]", "listen = \"localhost:70000\"",
                            "admin.listen", "must be host:port"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Routes, BadConfig,
    testing::Values(BadLine{"UnknownProvider", "[tasks.t]", "route = [\"openai/m\"]",
                            "tasks.t.route", "unknown provider \"openai\"; add [providers.openai]"},
                    BadLine{"MisspeltModel", "[tasks.t]", "route = [\"p/n\"]", "tasks.t.route",
                            "did you mean \"p/m\"?"},
                    BadLine{"UnknownModel", "[tasks.t]", "route = [\"p/gpt-something\"]",
                            "tasks.t.route", "with context_window and max_output_tokens"},
                    BadLine{"NoSlash", "[tasks.t]", "route = [\"p/m\", \"m\"]", "tasks.t.route",
                            "must be \"provider/model\""},
                    BadLine{"Twice", "[tasks.t]", "route = [\"p/m\", \"p/m\"]", "tasks.t.route",
                            "names \"p/m\" twice"},
                    BadLine{"Empty", "[tasks.t]", "route = []", "tasks.t.route", "at least one"},
                    BadLine{"UnknownRoute", "[tasks.t]", "route = \"fast\"", "tasks.t.route",
                            "unknown route \"fast\""},
                    BadLine{"RouteOfUnknownModel", "[routes.fast]", "models = [\"p/x\"]",
                            "routes.fast.models", "unknown model"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Prices, BadConfig,
    testing::Values(BadLine{"NoDecimal", "[models.\"p/m\"]", "input_usd_per_million = \"a\"",
                            "models.\"p/m\".input_usd_per_million", "must be dollars as a decimal"},
                    BadLine{"TooFine", "[models.\"p/m\"]", "input_usd_per_million = \"0.0000001\"",
                            "models.\"p/m\".input_usd_per_million", "up to six digits"},
                    BadLine{"Negative", "[models.\"p/m\"]", "output_usd_per_million = \"-1\"",
                            "models.\"p/m\".output_usd_per_million",
                            "must be dollars as a decimal"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Answers, BadConfig,
    testing::Values(BadLine{"SchemaMissing", "[tasks.t]", "output_schema = \"no.json\"",
                            "tasks.t.output_schema", "/etc/no.json: can't be read"},
                    BadLine{"SchemaBroken", "[tasks.t]", "output_schema = \"broken.json\"",
                            "tasks.t.output_schema", "is no JSON"},
                    BadLine{"SchemaIsList", "[tasks.t]", "output_schema = \"list.json\"",
                            "tasks.t.output_schema", "must be an object"},
                    BadLine{"SchemaDeclaresId", "[tasks.t]", "output_schema = \"id.json\"",
                            "tasks.t.output_schema", "id"},
                    BadLine{"TextOfManyItems", "[tasks.t]", "answer = \"text\"", "tasks.t.answer",
                            "needs max_batch_items = 1"},
                    BadLine{"OwnVariable", "[tasks.t]", "variables = { items = \"x\" }",
                            "tasks.t.variables.items", "a variable of llmbatchd itself"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Prompts, BadConfig,
    testing::Values(BadLine{"Syntax", "[tasks.t]", "prompt = \"{{#items}}{{text}}\"",
                            "tasks.t.prompt", "template"},
                    BadLine{"UnknownVariable", "[tasks.t]", "prompt = \"{{itmes_json}}\"",
                            "tasks.t.prompt", "{{itmes_json}}"},
                    BadLine{"NoItems", "[tasks.t]", "prompt = \"Label them.\"", "tasks.t.prompt",
                            "items_json"},
                    BadLine{"UnknownInSystem", "[tasks.t]", "system = \"{{company}}\"",
                            "tasks.t.system", "{{company}}"}),
    NameOf);

struct BadText {
  const char* name;
  const char* text;
  int line;
  const char* what;
};

void PrintTo(const BadText& bad, std::ostream* out) { *out << bad.name; }

class BadToml : public testing::TestWithParam<BadText> {};

TEST_P(BadToml, IsToldWithItsLine) {
  const BadText& bad = GetParam();
  const LoadOutcome outcome = Load(bad.text);
  ASSERT_EQ(outcome.problems.size(), 1U) << Shown(outcome.problems);
  EXPECT_EQ(outcome.problems.front().line, bad.line);
  EXPECT_THAT(outcome.problems.front().what, HasSubstr(bad.what));
  EXPECT_THAT(outcome.problems.front().what, testing::Not(HasSubstr("secret")));
}

INSTANTIATE_TEST_SUITE_P(
    Syntax, BadToml,
    testing::Values(BadText{"DuplicateKey", "[kafka]\ngroup = \"a\"\ngroup = \"b\"\n", 3,
                            "redefine existing string 'group'"},
                    BadText{"DuplicateTable", "[kafka]\na = 1\n[kafka]\n", 3,
                            "redefine existing table 'kafka'"},
                    BadText{"NoValue", "[kafka]\nbrokers = \n", 2, "no valid TOML"},
                    BadText{"NoQuotationMarks", "\napi_key = sk-secret\n", 2, "no valid TOML"},
                    BadText{"Digits", "api_key = 12345678901234567890123secret\n", 1,
                            "no valid TOML"},
                    BadText{"OpenText", "a = \"secret\n", 1, "no valid TOML"},
                    BadText{"OpenList", "a = [\"secret\",\n", 1, "no valid TOML"},
                    BadText{"NotUtf8", "a = \"\xff\"\n", 1, "no valid TOML"},
                    BadText{"SpaceInKey", "api key = \"secret\"\n", 1, "no valid TOML"}),
    [](const auto& parameter) { return std::string(parameter.param.name); });

}  // namespace
}  // namespace llmbatch::config
