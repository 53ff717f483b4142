"""Everything that one test runs against: topics, a provider twin, perhaps Redis, and replicas of the daemon."""

from .daemon import Daemon, merged, wait_until_assigned
from .redis import Redis
from .topics import Topics
from .twin import Twin
from .waiting import wait_for

TASK = "analyze"
MAX_BATCH_TOKENS = 6000
MAX_BATCH_ITEMS = 20


class Deployment:
    def __init__(self, kafka, folder, partitions=4):
        self.folder = folder
        self.key_file = folder / "twin.key"
        folder.mkdir(parents=True, exist_ok=True)
        self.key_file.write_text("test-key")
        self.topics = Topics(kafka, partitions)
        self.twin = Twin(folder / "twin")
        self.redis = Redis(folder / "redis")
        self.daemons = []
        self.kafka = kafka

    def config(self, **changes):
        """A complete configuration with one `map` task; `changes` are laid over it."""
        topics = self.topics
        base = {
            "kafka": {
                "brokers": self.kafka.bootstrap,
                "group": topics.group,
                "requests": [topics.requests],
                "control": topics.control,
                "results": topics.results,
                "progress": topics.progress,
                "dead_letters": topics.dead_letters,
            },
            "redis": {"url": self.redis.url, "namespace": topics.group},
            "limits": {"concurrency": 5},
            "providers": {
                "twin": {
                    "api": "openai",
                    "base_url": self.twin.base_url,
                    "allow_private": True,
                    "api_key": f"file:{self.key_file}",
                }
            },
            "models": {
                "twin/test": {
                    "context_window": 128_000,
                    "max_output_tokens": 16_000,
                    "input_usd_per_million": "1",
                    "output_usd_per_million": "2",
                }
            },
            "tasks": {
                TASK: {
                    "workflow": "map",
                    "route": ["twin/test"],
                    "max_batch_tokens": MAX_BATCH_TOKENS,
                    "max_batch_items": MAX_BATCH_ITEMS,
                    "linger_ms": 50,
                    "system": "You label customer messages.",
                    "prompt": "Answer with a JSON array.\n{{items_json}}",
                    "max_output_tokens": 4000,
                }
            },
        }
        return merged(base, changes)

    def start(self, replicas=1, config=None, arguments=(), within=()):
        """Starts that many replicas and waits until they hold every partition of the requests topic."""
        config = config or self.config()
        self.daemons = [Daemon(self.folder, f"replica-{n}", config, arguments, within) for n in range(1, replicas + 1)]
        for daemon in self.daemons:
            daemon.start()
        self.wait_until_assigned()
        return self.daemons

    def wait_until_assigned(self, topic=None):
        wait_until_assigned(self.daemons, topic or self.topics.requests, self.topics.partitions)

    def ask(self, inputs, **fields):
        """Writes one item message for each input, with the input's id as the item's id and key."""
        messages = [
            (value["id"], {"kind": "item", "id": value["id"], "task": TASK, "input": value} | fields)
            for value in inputs
        ]
        self.topics.produce_json(self.topics.requests, messages)

    def wait_until_done(self, timeout_s=60, topic=None):
        """Every record of the requests topic is committed: nothing is open, no partition stands still."""
        topic = topic or self.topics.requests
        wait_for(
            lambda: self.topics.open_records(topic) == 0,
            timeout_s,
            lambda: f"{topic} is done: {self.topics.open_records(topic)} open, {[d.status() for d in self.daemons]}",
        )

    def stop(self):
        """Stops every replica in good order."""
        codes = [daemon.stop() for daemon in self.daemons]
        assert codes == [0] * len(codes), codes

    def finish(self, results, wanted):
        """Waits until each of these items has its result and stops. Gives all results: nothing is lost, repeats are recognisable."""
        results.until(lambda records: {record.json["id"] for record in records} >= wanted, 180, "a result for every item")
        self.wait_until_done(timeout_s=120)
        self.stop()
        records = results.to_the_end()
        assert {record.json["id"] for record in records} == wanted
        assert len({record.message_id for record in records}) == len(wanted), "a repeat has the same id"
        assert all(record.json["status"] == "ok" for record in records)
        return records

    def close(self):
        for part in (*self.daemons, self.twin, self.redis):
            part.close()
