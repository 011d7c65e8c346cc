"""A device that is asyncssh: calls home once, and answers the `netconf` subsystem with a command.

What asyncssh logs is told on standard error.
"""

import argparse
import asyncio
import logging
import sys

import asyncssh

arguments = argparse.ArgumentParser()
arguments.add_argument("--port", type=int, required=True)
arguments.add_argument("--host-key-file", required=True)
arguments.add_argument("--authorized-key", required=True, help="the one that it lets in: a line")
arguments.add_argument("--rekey-bytes", type=int, default=2**30)
arguments.add_argument("--cipher", help="the one that it offers")
arguments.add_argument("command", nargs="+")
options = arguments.parse_args()

logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
asyncssh.set_debug_level(1)


async def answer(session):
    if session.subsystem != "netconf":
        session.exit(1)
        return
    server = await asyncio.create_subprocess_exec(
        *options.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await session.redirect(stdin=server.stdin, stdout=server.stdout)
    session.exit(await server.wait())


async def main():
    connection = await asyncssh.connect_reverse(
        "127.0.0.1",
        options.port,
        server_host_keys=[options.host_key_file],
        authorized_client_keys=asyncssh.import_authorized_keys(options.authorized_key),
        process_factory=answer,
        encoding=None,
        encryption_algs=[options.cipher] if options.cipher else (),
        rekey_bytes=options.rekey_bytes,
        config=None,
    )
    await connection.wait_closed()


asyncio.run(main())
