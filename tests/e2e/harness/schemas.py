"""The published JSON Schemas, as checks."""

import functools
import json

import jsonschema

from . import paths


@functools.cache
def _validator(name):
    schema = json.loads((paths.SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    checker = jsonschema.validators.validator_for(schema)
    checker.check_schema(schema)
    return checker(schema)


def assert_valid(name, value):
    """`value` is what schemas/<name>.schema.json describes."""
    errors = [f"{error.json_path}: {error.message[:200]}" for error in _validator(name).iter_errors(value)]
    assert not errors, f"{name}: {errors[:5]} in {json.dumps(value, ensure_ascii=False)[:500]}"
