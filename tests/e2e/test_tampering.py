"""A provider that spoils three answers of ten: no item gets another's answer, and the calls stay few."""

import collections

from harness.deployment import TASK
from harness.texts import make_inputs

COUNT = 5_000
BATCH = 20
# At most one of them befalls an answer; together 30 %.
FAULTS = ("missing", "reordered", "duplicated", "merged", "truncated", "garbled")
# `missing` is drawn for each item.
RATE = 0.05


def run(deployment, answer_fault):
    deployment.redis.start()
    deployment.twin.start(api_key="test-key", **({"answer_fault": answer_fault} if answer_fault else {}))
    # No limit but the number of items closes a batch.
    task = {
        "max_batch_items": BATCH,
        "max_batch_tokens": 16_000,
        "max_output_tokens": 8_000,
        "linger_ms": 1000,
        "max_item_attempts": 5,
    }
    deployment.start(config=deployment.config(tasks={TASK: task}))
    inputs = make_inputs(COUNT, seed=8, most_bytes=300)
    deployment.ask(inputs)
    reader = deployment.topics.reader(deployment.topics.results)
    reader.until_count(COUNT, 240)
    deployment.wait_until_done()
    return inputs, [record.json for record in reader.to_the_end()]


def test_no_item_gets_the_answer_of_another(deployment, record_property):
    inputs, results = run(deployment, ",".join(f"{fault}={RATE / BATCH if fault == 'missing' else RATE}" for fault in FAULTS))

    assert collections.Counter(result["id"] for result in results) == {value["id"]: 1 for value in inputs}
    statuses = collections.Counter(result["status"] for result in results)
    for result in results:
        if result["status"] == "ok":
            assert result["output"]["summary"] == f"summary of {result['id']}", result
        else:
            assert result["error"]["code"] and result["error"]["message"], result
    summary = deployment.twin.summary()
    spoilt = sum(summary["by_fault"].get(fault, 0) for fault in FAULTS)
    undisturbed = COUNT / BATCH
    daemon = deployment.daemons[0]
    edits = daemon.metric("llmbatchd_answer_edits_total")
    print(
        f"tampering: {dict(statuses)}, {summary['requests']} calls for {undisturbed:.0f} undisturbed, "
        f"{spoilt} answers spoilt, {summary['by_fault']}, {edits:.0f} edits"
    )
    for fault in FAULTS:
        assert summary["by_fault"].get(fault, 0) > 0, summary["by_fault"]
    assert spoilt >= 0.25 * undisturbed
    assert summary["requests"] <= 2 * undisturbed
    # What was asked anew was a part of the answers alone.
    assert statuses["ok"] >= 0.99 * COUNT
    repaired = [result for result in results if "repair" in result]
    assert all(result["repair"]["edits"] >= 0 for result in repaired)
    assert any(result["repair"]["kind"] == "truncated" for result in repaired)
