"""The files of dashboards/: Prometheus' own checks, and that they name nothing that does not exist.

Whether the expressions give data is tested with the running daemon, in tests/e2e/test_dashboards.py.
"""

import concurrent.futures
import re
import subprocess
import unittest

from dashboard_files import FOLDER, RULES, SOURCE, dashboards, faults, panels, without_comments

STORIES = sorted(FOLDER.glob("tests/*.test.yml"))


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
        for file, dashboard in dashboards().items():
            for panel in panels(dashboard):
                for target in panel["targets"]:
                    with self.subTest(f"{file}: {panel['title']}"):
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
        self.assertEqual(set(dashboards()), {"overview.json", "jobs.json", "providers.json", "internals.json"})
        for file, dashboard in dashboards().items():
            for panel in panels(dashboard):
                with self.subTest(f"{file}: {panel.get('title')}"):
                    self.assertTrue(panel["title"])
                    self.assertGreater(len(panel["description"]), 20)
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["targets"])

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        for file, dashboard in dashboards().items():
            everything = dashboard["panels"]
            ids = [panel["id"] for panel in everything]
            self.assertEqual(len(ids), len(set(ids)), file)
            cells = set()
            for panel in everything:
                place = panel["gridPos"]
                own = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                       for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
                self.assertLessEqual(place["x"] + place["w"], 24)
                self.assertFalse(own & cells, f"{file}: {panel['title']} overlaps")
                cells |= own


if __name__ == "__main__":
    unittest.main()
