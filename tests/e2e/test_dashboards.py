"""The dashboards and rules over a real Prometheus that watches the main job: every expression is asked for its data."""

import re
import sys

import pytest

from harness import paths
from harness.deployment import TASK, Deployment
from harness.prometheus import Prometheus
from harness.texts import make_inputs
from harness.waiting import wait_for

sys.path.insert(0, str(paths.SOURCE / "tests/lint"))
from dashboard_files import METRIC, RULES, dashboards, faults, panels, without_comments  # noqa: E402
from documents import DOCUMENTS, code_spans  # noqa: E402

COUNT = 400
REPLICAS = 2
# What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "10m", "$job": ".+", "$instance": ".+", "$provider": ".+"}

# Series of failures that the run below doesn't have: their panels and alerts are asked, but may give nothing.
NOT_IN_THIS_RUN = {
    "llmbatchd_publish_failures_total": "Kafka takes every message",
    'llmbatchd_commits_total{outcome="failed"}': "Kafka takes every commit",
}

# The first requests go wrong in these ways, one each.
TROUBLE = [
    {"fault": "429", "retry_after_seconds": 0.1},
    {"fault": "500"},
    {"fault": "close_mid_body"},
    {"fault": "missing"},
    {"fault": "foreign"},
    {"fault": "fenced"},
    {"fault": "none", "answer": "[{'id': 'nobody', 'label': 'none'},]"},
]


def configuration(deployment):
    """Beside the main task: one without a price, and one with a budget, whose first provider refuses the key."""
    config = deployment.config(providers={"twin": {"concurrency": 4}}, tasks={TASK: {"concurrency": 4}})
    config["providers"]["other"] = dict(config["providers"]["twin"])
    config["models"] |= {
        "twin/unpriced": {"context_window": 128_000, "max_output_tokens": 16_000},
        "other/test": config["models"]["twin/test"],
    }
    config["tasks"] |= {
        "unpriced": config["tasks"][TASK] | {"route": ["twin/unpriced"]},
        "refused": config["tasks"][TASK] | {"route": ["other/test", "twin/test"], "budget_day_usd": "1000"},
    }
    return config


def job(job_id, inputs):
    return {"kind": "job", "job_id": job_id, "workflow": "map", "task": TASK, "user_id": "u",
            "items": [{"id": value["id"], "input": value} for value in inputs]}  # fmt: skip


def trouble(deployment):
    """A little of everything that has a metric, each once."""
    topics = deployment.topics
    inputs = make_inputs(9, seed=2, most_bytes=500, prefix="s")

    def item(number, task, text=""):
        value = inputs[number]
        return value["id"], {"kind": "item", "id": value["id"], "task": task, "input": value | {"text": text or value["text"]}}

    topics.produce(topics.requests, [("bad", b"no JSON")])
    topics.produce_json(
        topics.requests,
        [item(0, "nobody's"), item(1, "unpriced"), item(2, "refused", "refuse me"),
         ("job-1", job("job-1", inputs[3:])),
         ("job-2", {"kind": "job", "job_id": "job-2", "workflow": "map", "task": TASK, "user_id": "u",
                    "items_ref": "redis:gone"})],
    )  # fmt: skip


@pytest.fixture(scope="module")
def prometheus(kafka, tmp_path_factory):
    """It has watched the whole run: troubles, the main job, and Redis gone at the end. The replicas still run."""
    deployment = Deployment(kafka, tmp_path_factory.mktemp("dashboards"))
    server = Prometheus(deployment.folder / "prometheus")
    try:
        deployment.redis.start()
        deployment.twin.start(latency="uniform:20-60", requests_per_minute=1_000_000, tokens_per_minute=1_000_000_000)
        refuse = {"text_contains": "refuse me", "fault": "401", "times": 1}
        deployment.twin.script(next=TROUBLE, match=[refuse])
        server.start(deployment.start(REPLICAS, configuration(deployment)))
        deployment.ask(make_inputs(COUNT, seed=1, most_bytes=2000))
        deployment.wait_until_done(timeout_s=120)
        deployment.twin.script(match=[refuse])
        trouble(deployment)
        deployment.wait_until_done(timeout_s=60)
        # Series of jobs begin with the first one's end. They have a rate when the same replica has ended another.
        wait_for(lambda: server.query('llmbatchd_job_seconds_count{status="completed"}'), 30, "the first job is scraped")
        deployment.topics.produce_json(deployment.topics.requests, [("job-1", job("job-3", make_inputs(3, seed=4, most_bytes=500, prefix="j")))])
        deployment.wait_until_done(timeout_s=60)
        deployment.redis.stop()
        deployment.ask(make_inputs(REPLICAS * 8, seed=3, most_bytes=500, prefix="late"))
        deployment.wait_until_done(timeout_s=60)
        # What the last step brought about has been scraped twice, so that it has a rate.
        wait_for(
            lambda: len(server.query('rate(llmbatchd_ledger_failures_total{operation="store"}[1m])')) > 0,
            30,
            "the ledger's failures are scraped",
        )
        yield server
    finally:
        for part in (server, deployment):
            part.close()


def expressions():
    for file, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                yield pytest.param(target, id=f"{file.removesuffix('.json')}: {panel['title']} {target['refId']}")


def filled_in(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression, expression
    return expression


def may_be_empty(expression):
    """All that it names are failures that didn't happen."""
    selectors = {name + re.sub(r'(job|instance|provider)=~"[^"]*",?', "", braces or "").replace("{}", "")
                 for name, braces in METRIC.findall(expression)}  # fmt: skip
    return selectors <= set(NOT_IN_THIS_RUN)


@pytest.mark.parametrize("target", list(expressions()))
def test_panel_gives_data(prometheus, target):
    expression = filled_in(target["expr"])
    if may_be_empty(expression):
        prometheus.query(expression)
        assert faults(expression) == []
        return
    # A rate of something that came with the last scrape needs the next one.
    result = wait_for(lambda: prometheus.query(expression), 15, f"data of {expression}")
    assert any(series["value"][1] != "NaN" for series in result), result
    shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    for series in result:
        assert shown <= set(series["metric"]), f"the legend names labels that the series don't have: {series['metric']}"


def test_lists_of_the_variables_are_not_empty(prometheus):
    for file, dashboard in dashboards().items():
        for variable in dashboard["templating"]["list"]:
            if variable["type"] != "query":
                continue
            metric, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"]).groups()
            values = prometheus.get(f"/api/v1/label/{label}/values", **{"match[]": filled_in(metric)})
            assert values, f"{file}: {variable['name']}"


def rules(prometheus):
    return [rule for group in prometheus.get("/api/v1/rules")["groups"] for rule in group["rules"]]


def test_every_rule_is_evaluated_without_an_error(prometheus):
    def evaluated():
        return all(rule["health"] != "unknown" for rule in rules(prometheus))

    wait_for(evaluated, 30, "every rule has been evaluated")
    assert [(rule["name"], rule["lastError"]) for rule in rules(prometheus) if rule["health"] != "ok"] == []


def test_what_is_recorded_has_data(prometheus):
    recorded = {rule["name"] for rule in rules(prometheus) if rule["type"] == "recording"}
    assert len(recorded) == sum(without_comments(path).count("- record:") for path in RULES)
    for name in sorted(recorded):
        wait_for(lambda name=name: prometheus.query(name), 15, f"data of {name}")


def test_what_alerts_look_at_has_data(prometheus):
    """Most alerts are silent, so an alert that can never fire looks like a good one: each selector is asked by itself."""
    alerts = [rule for rule in rules(prometheus) if rule["type"] == "alerting"]
    assert alerts
    for alert in alerts:
        prometheus.query(alert["query"])
        for name, braces in METRIC.findall(alert["query"]):
            if not may_be_empty(name + braces):
                found = prometheus.query(f"last_over_time({name}{braces}[10m])")
                assert found, f"{alert['name']}: {name}{braces}"


def test_expressions_of_documents_are_sound(prometheus):
    spans = {span for path in DOCUMENTS for _, span in code_spans(path)}
    expressions = {span for span in spans if re.match(r"(sum|max|histogram_quantile)\b.*\(.*\)", span) or " / llmbatchd_" in span}
    assert len(expressions) > 5, spans
    for expression in expressions:
        prometheus.query(expression)


def test_troubles_of_the_run_are_noticed(prometheus):
    """A refused key pages at once, and so does the ledger that is away."""
    wait_for(
        lambda: {"LlmbatchdProviderRefuses", "LlmbatchdLedgerWriteFailures"} <= prometheus.firing(),
        30,
        lambda: f"firing: {prometheus.firing()}",
    )
    assert "LlmbatchdDown" not in prometheus.firing()


def test_exceptions_are_still_needed():
    """Whoever takes a panel or an alert away takes its exception away, too."""
    everything = "".join(without_comments(path) for path in RULES)
    everything += "".join(target.values[0]["expr"] for target in expressions())
    for selector in NOT_IN_THIS_RUN:
        assert selector in everything, selector
