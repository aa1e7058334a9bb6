"""A receiver that reads events with the CloudEvents SDK. Prints its address, then each event as a line of JSON."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cloudevents.core.bindings.http import HTTPMessage, from_http_event


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        event = from_http_event(HTTPMessage(headers=dict(self.headers.items()), body=body))
        attributes = {name: str(value) for name, value in event.get_attributes().items()}
        line = json.dumps({"attributes": attributes, "data": event.get_data()})
        print(line + "\n", end="", flush=True)  # in one write, so that lines of two threads do not mix
        self.send_response(204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
