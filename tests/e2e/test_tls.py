"""TLS to Kafka, Redis and providers against real servers: the right certificate serves, any other is refused before a word is said."""

import subprocess

import pytest

from harness import newer_librdkafka
from harness.certificates import server_certificates
from harness.daemon import Daemon
from harness.deployment import TASK
from harness.kafka import SASL_USER, Kafka
from harness.parrot import Parrot
from harness.waiting import wait_for

BAD = ("of another host", "expired", "of another authority", "signed by itself")
PASSWORD = "a-password-for-tests"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return server_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def kafka(certificates, tmp_path_factory):
    _, by_name = certificates
    broker = Kafka(tmp_path_factory.mktemp("kafka") / "broker", by_name, PASSWORD)
    try:
        broker.start()
        yield broker
    finally:
        broker.close()


@pytest.fixture
def authority(certificates):
    return certificates[0]


def ask_one(deployment):
    deployment.ask([{"id": "n1", "text": "way=good"}])
    (record,) = deployment.topics.reader(deployment.topics.results).until_count(1, 60)
    assert record.json["status"] == "ok", record.json
    deployment.wait_until_done()


def over(deployment, listener, authority, **properties):
    tls = {"security.protocol": "ssl", "ssl.ca.location": str(authority.file)}
    brokers = deployment.kafka.secured[listener]
    return deployment.config(redis=None, kafka={"brokers": brokers, "properties": tls | properties})


def sasl(deployment, mechanism, password):
    file = deployment.folder / "kafka.password"
    file.write_text(password)
    return {"security.protocol": "sasl_ssl", "sasl.mechanism": mechanism, "sasl.username": SASL_USER,
            "sasl.password": f"file:{file}"}  # fmt: skip


def start_refused(deployment, config):
    """A replica that will not get what it needs."""
    daemon = Daemon(deployment.folder, "replica-1", config)
    deployment.daemons.append(daemon)
    daemon.start()
    return daemon


def test_kafka_with_a_sound_certificate(deployment, authority):
    deployment.twin.start()
    deployment.start(config=over(deployment, "sound", authority))
    ask_one(deployment)
    deployment.stop()


@pytest.mark.parametrize("listener", BAD)
def test_kafka_with_a_certificate_that_must_be_refused(deployment, authority, listener):
    daemon = start_refused(deployment, over(deployment, listener, authority))
    wait_for(lambda: "certificate verify failed" in daemon.log.read_text(), 30, lambda: daemon.log.read_text())
    assert daemon.assigned(deployment.topics.requests) == set()
    assert daemon.get("/livez")[0] == 200
    assert daemon.stop() == 0


def scram_works():
    """Older ones repeat their nonce, which Kafka refuses from 4.0 on."""
    told = subprocess.run(["pkg-config", "--modversion", "rdkafka"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, told.strip().split("."))) >= (2, 6, 1)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_kafka_with_a_password_over_tls(deployment, authority, mechanism):
    deployment.twin.start()
    config = over(deployment, "sasl", authority, **sasl(deployment, mechanism, PASSWORD))
    if mechanism == "PLAIN" or scram_works():
        deployment.start(config=config)
        ask_one(deployment)
        deployment.stop()
    else:
        daemon = start_refused(deployment, config)
        wait_for(lambda: "Authentication failed" in daemon.log.read_text(), 30, lambda: daemon.log.read_text())
    assert PASSWORD not in deployment.daemons[0].log.read_text()


def test_kafka_with_scram_and_a_newer_librdkafka(deployment, authority, tmp_path):
    deployment.twin.start()
    config = over(deployment, "sasl", authority, **sasl(deployment, "SCRAM-SHA-256", PASSWORD))
    (daemon,) = deployment.start(config=config, within=newer_librdkafka.within(tmp_path))
    assert newer_librdkafka.is_used_by(daemon)
    ask_one(deployment)
    deployment.stop()
    assert PASSWORD not in daemon.log.read_text()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_kafka_with_a_wrong_password(deployment, authority, mechanism):
    daemon = start_refused(deployment, over(deployment, "sasl", authority, **sasl(deployment, mechanism, "wrong-password")))
    wait_for(lambda: "Authentication failed" in daemon.log.read_text(), 30, lambda: daemon.log.read_text())
    assert daemon.assigned(deployment.topics.requests) == set()
    assert "wrong-password" not in daemon.log.read_text()


def with_redis(deployment, authority):
    password = deployment.folder / "redis.password"
    password.write_text(PASSWORD)
    redis = {"url": f"rediss://127.0.0.1:{deployment.redis.tls_port}/0", "ca_file": str(authority.file),
             "user": "daemon", "password": f"file:{password}"}  # fmt: skip
    connection = deployment.redis.connection()
    connection.acl_setuser("daemon", enabled=True, passwords=[f"+{PASSWORD}"], keys="*", channels="*", commands=["+@all"])
    connection.acl_setuser("default", enabled=True, nopass=True, keys="*", commands=["-@all", "+ping", "+dbsize", "+client|list"])
    return deployment.config(redis=redis)


def test_redis_with_a_sound_certificate_and_a_user(deployment, certificates):
    authority, by_name = certificates
    deployment.redis.start(by_name["sound"])
    deployment.twin.start()
    deployment.start(2, config=with_redis(deployment, authority))
    ask_one(deployment)
    # Only the one that had the item has asked for a permit.
    wait_for(lambda: any(daemon.metric("llmbatchd_redis_up") for daemon in deployment.daemons), 30, "Redis has answered")
    assert all(daemon.status()["degraded"] == [] for daemon in deployment.daemons)
    assert deployment.redis.connection().dbsize() >= 2, "permits and ledger are there"
    deployment.stop()


@pytest.mark.parametrize("name", BAD)
def test_redis_with_a_certificate_that_must_be_refused(deployment, certificates, name):
    authority, by_name = certificates
    deployment.redis.start(by_name[name])
    daemon = start_refused(deployment, with_redis(deployment, authority))
    wait_for(lambda: "certificate is refused" in daemon.log.read_text(), 30, lambda: daemon.log.read_text())
    assert "Redis answers" not in daemon.log.read_text()
    assert deployment.redis.connection().dbsize() == 0


@pytest.fixture
def provider(certificates):
    made = []

    def make(name):
        made.append(Parrot("yes", certificates[1][name]))
        return made[-1]

    yield make
    for each in made:
        each.close()


def at(deployment, parrot, authority):
    twin = {"base_url": parrot.base_url, "ca_file": str(authority.file) if authority else None}
    return deployment.config(redis=None, providers={"twin": twin}, tasks={TASK: {"max_batch_items": 1}})


def test_provider_with_a_sound_certificate(deployment, authority, provider):
    parrot = provider("sound")
    deployment.start(config=at(deployment, parrot, authority))
    ask_one(deployment)
    assert parrot.requests == ["/v1/chat/completions"]


@pytest.mark.parametrize("name", [*BAD, "sound"])
def test_provider_with_a_certificate_that_must_be_refused(deployment, authority, provider, name):
    """The sound one is refused where its authority isn't the system's."""
    parrot = provider(name)
    trusted = None if name == "sound" else authority
    daemon = deployment.start(config=at(deployment, parrot, trusted))[0]
    deployment.ask([{"id": "n1", "text": "way=good"}])
    wait_for(
        lambda: daemon.metric("llmbatchd_provider_requests_total", outcome="transport") >= 2, 30, "it was tried twice"
    )
    assert parrot.requests == []
    assert deployment.topics.open_records(deployment.topics.requests) == 1
