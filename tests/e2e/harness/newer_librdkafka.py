"""The Python client's librdkafka, which is newer than Debian's, for the daemon."""

import pathlib

import confluent_kafka


def within(folder):
    """What to put before a command so that it runs with that library; `folder` holds a link to it."""
    (library,) = (pathlib.Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs").glob("librdkafka-*.so*")
    (folder / "librdkafka.so.1").symlink_to(library)
    return ("env", f"LD_LIBRARY_PATH={folder}")


def is_used_by(daemon):
    return daemon.status()["librdkafka"] == confluent_kafka.libversion()[0]
