"""An NMS that is asyncssh: waits for one device to call home, and joins its standard input and output to `netconf` there.

The port, and what asyncssh logs, are told on standard error.
"""

import argparse
import asyncio
import logging
import sys

import asyncssh

arguments = argparse.ArgumentParser()
arguments.add_argument("--user", required=True)
arguments.add_argument("--host-key", required=True, help="the device's public host key: a line")
arguments.add_argument("--key-file")
arguments.add_argument("--password")
arguments.add_argument("--rekey-bytes", type=int, default=2**30)
arguments.add_argument("--keepalive", type=float, default=0, help="seconds")
arguments.add_argument("--signature-algorithm", help="the one that it uses")
arguments.add_argument("--cipher", help="the one that it offers")
options = arguments.parse_args()

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
asyncssh.set_debug_level(2)


async def main():
    called = asyncio.get_running_loop().create_future()
    device_key = asyncssh.import_public_key(options.host_key)

    async def manage(connection):
        called.set_result(connection)

    acceptor = await asyncssh.listen_reverse(
        "127.0.0.1",
        0,
        acceptor=manage,
        error_handler=lambda _, error: called.set_exception(error),
        username=options.user,
        client_keys=[options.key_file] if options.key_file else None,
        agent_path=None,
        password=options.password,
        known_hosts=([device_key], [], []),
        signature_algs=[options.signature_algorithm] if options.signature_algorithm else (),
        encryption_algs=[options.cipher] if options.cipher else (),
        rekey_bytes=options.rekey_bytes,
        keepalive_interval=options.keepalive,
        config=None,
    )
    port = acceptor.sockets[0].getsockname()[1]
    print(f"listening on port {port}", file=sys.stderr, flush=True)
    connection = await called
    session = await connection.create_process(
        subsystem="netconf", encoding=None, stdin=sys.stdin, stdout=sys.stdout
    )
    await session.wait_closed()
    connection.close()
    await connection.wait_closed()


asyncio.run(main())
