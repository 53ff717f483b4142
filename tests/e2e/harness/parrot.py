"""A provider that repeats what it was sent wherever an answer has room for it."""

import http.server
import json
import re
import ssl
import threading

# An item's text chooses how it is answered: "way=NAME".
WAYS = {
    "good", "prose", "wrong_type", "cut", "refused", "filtered", "no_json", "no_choices", "broken_off",
    "error_in_200", "400", "404", "413", "418", "429", "500",
}  # fmt: skip


class Parrot:
    def __init__(self, answer, certificate=None):
        """`answer` is what the model says: it stands in every completion. With a certificate it speaks https alone."""
        self.requests = []
        handler = type("Handler", (_Handler,), {"answer": answer, "timeout": 30, "requests": self.requests})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        scheme = "http"
        if certificate:
            scheme = "https"
            self._server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._server.context.load_cert_chain(certificate.certificate, certificate.key)
        self.base_url = f"{scheme}://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(http.server.ThreadingHTTPServer):
    context = None

    def finish_request(self, request, client_address):
        # On the connection's thread: a handshake that fails ends this connection alone.
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        pass


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answer = ""
    requests = ()

    def do_POST(self):
        self.requests.append(self.path)
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        found = re.search(r"way=(\w+)", body)
        way = found.group(1) if found else "401"
        if way == "broken_off":
            self._send(200, b"x" * 10, length=1000)
            self.close_connection = True
        elif way.isdigit():
            self._send(int(way), self._error(body))
        elif way == "error_in_200":
            self._send(200, self._error(body))
        elif way == "no_json":
            self._send(200, f"<html>{self.headers}{body}{self.answer}</html>".encode())
        else:
            self._send(200, json.dumps(self._completion(way, body)).encode())

    def _error(self, body):
        """The key stands where a well-behaved provider has a code, the prompt in the message."""
        key = self.headers["authorization"].removeprefix("Bearer ")
        error = {"message": f"{self.headers}{body}", "type": key, "code": key, "param": key, "status": key}
        return json.dumps({"error": error}).encode()

    def _completion(self, way, body):
        if way == "no_choices":
            return {"choices": [], "echo": body, "answer": self.answer}
        nonces = re.findall(r'\\"id\\": ?\\"([0-9a-f]{16})\\"', body)
        label = {"good": self.answer, "wrong_type": {self.answer: self.answer}}.get(way, self.answer)
        text = json.dumps([{"id": nonce, "label": label} for nonce in nonces])
        if way == "prose":
            text = f"{self.answer}: {text[:-4]} {self.answer}"
        if way == "cut":
            text = text[: len(text) // 2] + self.answer
        reason = {"cut": "length", "filtered": "content_filter"}.get(way, "stop")
        message = {"role": "assistant", "content": text}
        if way == "refused":
            message = {"role": "assistant", "content": None, "refusal": self.answer}
        usage = {"prompt_tokens": 10, "completion_tokens": 10}
        return {"choices": [{"message": message, "finish_reason": reason}], "usage": usage, "model": self.answer}

    def _send(self, status, content, length=None):
        reason = "OK" if status == 200 else self.answer.encode("ascii", "replace").decode()
        self.send_response(status, reason)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(length or len(content)))
        # Read by the daemon, and unreadable.
        for name in ("x-ratelimit-remaining-requests", "x-request-id", "retry-after"):
            self.send_header(name, self.headers["authorization"])
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
