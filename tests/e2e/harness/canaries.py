"""Texts that must not get out, and every form in which they might."""

import base64
import json
import string
import urllib.parse


def forms(text):
    """`text` raw, in JSON, in base64 (also inside of a longer text) and URL-encoded, as bytes."""
    raw = text.encode()
    found = {raw, json.dumps(text).encode()[1:-1], raw.hex().encode()}
    for offset in range(3):
        found |= _base64_inside(raw, offset)
    found.add(urllib.parse.quote(text, safe="").encode())
    found.add(_percent(raw, string.ascii_letters + string.digits, "%02x"))
    found.add(_percent(raw, "", "%02X"))
    found.add(urllib.parse.quote_plus(text).encode())
    return found


def assert_absent(canaries, where, content):
    """None of the `canaries` (name → text) stands in `content` (bytes), in whatever form."""
    for name, text in canaries.items():
        for form in forms(text):
            at = content.find(form)
            assert at < 0, f"{name} stands in {where}: …{content[max(0, at - 200):at + len(form) + 50]!r}…"


def _base64_inside(raw, offset):
    """What `raw` alone decides when it is encoded behind `offset` other bytes."""
    encoded = base64.b64encode(b"\0" * offset + raw).decode()
    part = encoded[(offset * 8 + 5) // 6 : (offset + len(raw)) * 8 // 6]
    return {part.encode(), part.replace("+", "-").replace("/", "_").encode()}


def _percent(raw, plain, form):
    return "".join(chr(byte) if chr(byte) in plain else "%" + form % byte for byte in raw).encode()
