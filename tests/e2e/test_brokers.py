"""Three brokers, of which one is killed under load."""

import pytest

from harness.deployment import Deployment
from harness.kafka import KafkaCluster
from harness.texts import make_inputs
from harness.waiting import wait_for

COUNT = 1200


@pytest.fixture
def cluster(tmp_path):
    brokers = KafkaCluster(tmp_path / "kafka")
    try:
        brokers.start()
        yield brokers
    finally:
        brokers.close()


@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_one_of_three_brokers_is_killed(cluster, tmp_path, delivery):
    deployment = Deployment(cluster, tmp_path / "deployment")
    try:
        deployment.redis.start()
        deployment.twin.start(latency="uniform:100-500")
        deployment.start(2, deployment.config(kafka={"delivery": delivery}))
        inputs = make_inputs(COUNT, seed=21, most_bytes=500)
        deployment.ask(inputs)
        wanted = {value["id"] for value in inputs}
        results = deployment.topics.reader(deployment.topics.results)
        results.until_count(COUNT // 4, 120)

        victim = cluster.leader_of(deployment.topics.requests, 0)
        victim.close()

        results.until(lambda records: {r.json["id"] for r in records} == wanted, 240, "a result for every item")
        wait_for(lambda: cluster.leader_of(deployment.topics.requests, 0) not in (None, victim), 60, "another leader")
        deployment.wait_until_done(timeout_s=180)
        deployment.stop()
        records = results.to_the_end()
        assert {record.json["id"] for record in records} == wanted
        assert len({record.message_id for record in records}) == COUNT, "a repeat has the same id"
        assert all(record.json["status"] == "ok" for record in records)
        if delivery == "exactly_once":
            assert len(records) == COUNT
    finally:
        deployment.close()
