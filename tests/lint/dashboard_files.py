"""What stands in dashboards/, and whether what it names exists."""

import json
import pathlib
import re

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FOLDER = SOURCE / "dashboards"
RULES = sorted(FOLDER.glob("*.rules.yml"))

# Made by Prometheus itself for each target.
OF_PROMETHEUS = {"up": {"job", "instance"}}
# On every series: the target's labels, and those of a histogram's buckets.
EVERYWHERE = {"job", "instance", "le"}
SUFFIXES = {"kCounter": ("",), "kGauge": ("",), "kHistogram": ("_bucket", "_count", "_sum")}

_DEFINITION = re.compile(
    r'\{Metric::k\w+,\s*(k\w+),\s*"([a-z_]+)",\s*"[^"]*",\s*\{([^}]*)\},\s*\w*(?:\{\})?\}', re.DOTALL
)
_BUILT = re.compile(r'Build(Counter|Gauge|Histogram)\(\)\s*\.Name\("([a-z_]+)"\)', re.DOTALL)
METRIC = re.compile(r"(?<![\w:$])(up|process_start_time_seconds|llmbatchd_\w+|gen_ai_client_\w+|[a-z_]+:llmbatchd_\w+:\w+)(?![\w:])(\{[^}]*\})?")
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


def histograms():
    """What people call a histogram by: no series has that name."""
    return {name.removesuffix("_bucket"): labels for name, labels in defined().items() if name.endswith("_bucket")}


def faults(text, known=None):
    """What the PromQL in the text names that is not among the known ones: metrics, and labels in their braces."""
    known, found = known or defined() | OF_PROMETHEUS, []
    for name, braces in METRIC.findall(text):
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


def dashboards():
    """File name → dashboard."""
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("grafana/*.json"))}


def panels(dashboard):
    """All panels but rows, those inside of rows as well."""
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panels({"panels": panel.get("panels", [])})
