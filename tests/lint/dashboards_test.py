"""The files of dashboards/: Prometheus' own checks, and that they name nothing that does not exist.

Whether the expressions give data is tested with the running daemon, in tests/e2e/test_dashboards.py.
"""

import concurrent.futures
import json
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FOLDER = SOURCE / "dashboards"
RULES = sorted(FOLDER.glob("*.rules.yml"))
STORIES = sorted(FOLDER.glob("tests/*.test.yml"))
DASHBOARDS = sorted(FOLDER.glob("grafana/*.json"))

# Made by Prometheus itself for each target.
OF_PROMETHEUS = {"up": {"job", "instance"}}
# On every series: the target's labels, and those of a histogram's buckets.
EVERYWHERE = {"job", "instance", "le"}
SUFFIXES = {"kCounter": ("",), "kGauge": ("",), "kHistogram": ("_bucket", "_count", "_sum")}

_DEFINITION = re.compile(
    r'\{Metric::k\w+,\s*(k\w+),\s*"([a-z_]+)",\s*"[^"]*",\s*\{([^}]*)\},\s*\w*(?:\{\})?\}', re.DOTALL
)
_BUILT = re.compile(r'Build(Counter|Gauge|Histogram)\(\)\s*\.Name\("([a-z_]+)"\)', re.DOTALL)
_METRIC = re.compile(r"(?<![\w:$])(up|llmbatchd_\w+|gen_ai_client_\w+|[a-z_]+:llmbatchd_\w+:\w+)(?![\w:])(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')


def defined():
    """Name → labels of every series that the daemon exports, as lib/metrics says."""
    table = (SOURCE / "lib/metrics/definitions.cc").read_text(encoding="utf-8")
    series = {}
    for kind, name, labels in _DEFINITION.findall(table):
        for suffix in SUFFIXES[kind]:
            series[name + suffix] = set(re.findall(r'"(\w+)"', labels))
    assert len(_DEFINITION.findall(table)) == table.count("{Metric::k"), "a definition is written in another way"
    for kind, name in _BUILT.findall((SOURCE / "lib/metrics/metrics.cc").read_text(encoding="utf-8")):
        assert kind == "Gauge", name
        series[name] = {"llmbatchd_lag_records": {"topic", "partition"}}.get(name, {"version", "instance"})
    return series


def recorded():
    return set(re.findall(r"- record: (\S+)", "".join(path.read_text(encoding="utf-8") for path in RULES)))


def faults(text):
    """What the PromQL in the text names that does not exist: metrics, and labels in their braces."""
    known, found = defined() | OF_PROMETHEUS, []
    for name, braces in _METRIC.findall(text):
        if ":" in name:
            found += [] if name in recorded() else [f"{name} is not recorded"]
            continue
        if name not in known:
            found.append(f"{name} is no metric")
            continue
        labels = set(_MATCHER.findall(braces))
        found += [f"{name} has no label {label}" for label in sorted(labels - known[name] - EVERYWHERE)]
    return found


def without_comments(path):
    """The expressions and names of a rules file; texts for people may say anything."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not re.match(r"\s*(#|summary:|runbook:|- name:|- alert:)", line))


def panels(dashboard):
    """All panels but rows, those inside of rows as well."""
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panels({"panels": panel.get("panels", [])})


def alerts():
    """Name → text of each alert."""
    text = (FOLDER / "llmbatchd-alerts.rules.yml").read_text(encoding="utf-8")
    parts = re.split(r"^ +- alert: (\w+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def stories():
    """Alert → for each of its cases, in order of time, whether it has to fire."""
    found = {}
    for path in STORIES:
        parts = re.split(r"^  - name: (\w+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            moments = re.findall(r'alertname="(\w+)".*\n +eval_time: (\d+)([mh])\n +exp_samples: \[(.*)\]\n', text)
            assert len(moments) == text.count("eval_time:"), f"{path.name}, {name}: an expectation is written in another way"
            assert {moment[0] for moment in moments} == {f"Llmbatchd{name}"}, f"{path.name}, {name}: asks for other alerts"
            moments.sort(key=lambda moment: int(moment[1]) * {"m": 1, "h": 60}[moment[2]])
            found.setdefault(f"Llmbatchd{name}", []).append([bool(samples) for *_, samples in moments])
    return found


class Promtool(unittest.TestCase):
    def test_rules_are_sound(self):
        done = subprocess.run(["promtool", "check", "rules", *RULES], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_example_of_a_scrape_configuration_is_sound(self):
        done = subprocess.run(
            ["promtool", "check", "config", FOLDER / "prometheus.yml"], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_stories(self):
        def tell(path):
            return subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)

        with concurrent.futures.ThreadPoolExecutor() as pool:
            for path, done in zip(STORIES, pool.map(tell, STORIES), strict=True):
                with self.subTest(path.name):
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Alerts(unittest.TestCase):
    def test_each_is_silent_fires_and_is_silent_again(self):
        told = stories()
        self.assertEqual(set(told), set(alerts()))
        for name, cases in told.items():
            with self.subTest(name):
                self.assertTrue(any(case[0] is False and True in case and case[-1] is False for case in cases), cases)

    def test_each_has_a_runbook_and_each_runbook_an_alert(self):
        named = {re.search(r"runbook: (\S+)", text)[1] for text in alerts().values()}
        there = {str(path.relative_to(SOURCE)) for path in (SOURCE / "docs/runbooks").glob("*.md")}
        self.assertEqual(named, there)

    def test_each_has_a_severity(self):
        for name, text in alerts().items():
            self.assertRegex(text, r"labels: \{severity: (page|ticket)\}", name)


class Names(unittest.TestCase):
    def test_rules_name_what_exists(self):
        for path in RULES:
            with self.subTest(path.name):
                self.assertEqual(faults(without_comments(path)), [])

    def test_dashboards_name_what_exists(self):
        for path in DASHBOARDS:
            for panel in panels(json.loads(path.read_text(encoding="utf-8"))):
                for target in panel["targets"]:
                    with self.subTest(f"{path.name}: {panel['title']}"):
                        self.assertEqual(faults(target["expr"]), [])

    def test_stories_name_what_exists(self):
        for path in STORIES:
            series = re.findall(r"series: '(.*)'", path.read_text(encoding="utf-8"))
            self.assertEqual([fault for each in series for fault in faults(each)], [])

    def test_faults_are_found(self):
        for text, found in (
            ("rate(llmbatchd_result_total[5m])", ["llmbatchd_result_total is no metric"]),
            ('llmbatchd_calls{status="x"}', ["llmbatchd_calls has no label status"]),
            ("llmbatchd_batch_items", ["llmbatchd_batch_items is no metric"]),
            ("gen_ai_client_tokens_sum", ["gen_ai_client_tokens_sum is no metric"]),
            ("job:llmbatchd_results:rate7m", ["job:llmbatchd_results:rate7m is not recorded"]),
            ('llmbatchd_batch_items_bucket{task="t",le="1"} + job:llmbatchd_results:rate5m', []),
        ):
            with self.subTest(text):
                self.assertEqual(faults(text), found)


class Dashboards(unittest.TestCase):
    def test_each_panel_says_what_it_shows_and_in_which_unit(self):
        for path in DASHBOARDS:
            for panel in panels(json.loads(path.read_text(encoding="utf-8"))):
                with self.subTest(f"{path.name}: {panel.get('title')}"):
                    self.assertTrue(panel["title"])
                    self.assertGreater(len(panel["description"]), 20)
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["targets"])

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        for path in DASHBOARDS:
            everything = json.loads(path.read_text(encoding="utf-8"))["panels"]
            ids = [panel["id"] for panel in everything]
            self.assertEqual(len(ids), len(set(ids)), path.name)
            cells = set()
            for panel in everything:
                place = panel["gridPos"]
                own = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                       for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
                self.assertLessEqual(place["x"] + place["w"], 24)
                self.assertFalse(own & cells, f"{path.name}: {panel['title']} overlaps")
                cells |= own


if __name__ == "__main__":
    unittest.main()
