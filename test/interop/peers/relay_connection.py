"""What dbclient runs in place of a connection: waits for the first device that calls home, and relays it.

The port is told on standard error.
"""

import os
import socket
import sys
import threading

server = socket.create_server(("127.0.0.1", 0))
server.settimeout(60)
print(f"listening on port {server.getsockname()[1]}", file=sys.stderr, flush=True)
connection, _ = server.accept()
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def send():
    while data := os.read(0, 65536):
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)


threading.Thread(target=send, daemon=True).start()
while data := connection.recv(65536):
    while data:
        data = data[os.write(1, data) :]
