"""A ProxyCommand for OpenSSH's ProxyUseFdpass: hands over the connection of the first device that calls home.

ssh then works on that very connection. The port is told on standard error.
"""

import array
import socket
import sys

server = socket.create_server(("127.0.0.1", 0))
server.settimeout(60)
print(f"listening on port {server.getsockname()[1]}", file=sys.stderr, flush=True)
connection, _ = server.accept()
descriptor = array.array("i", [connection.fileno()])
with socket.socket(fileno=sys.stdout.fileno()) as ssh:
    ssh.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptor)])
