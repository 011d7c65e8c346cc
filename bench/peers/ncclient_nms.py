"""An NMS made of ncclient: a thread for each device that calls, as its call_home() has one for one device.

Tells on standard output, a line of JSON each, where it listens and what it did of what it was told on standard input.
"""

import argparse
import json
import logging
import socket
import sys
import threading
import time
from base64 import b64decode
from hashlib import md5

from ncclient import manager

arguments = argparse.ArgumentParser()
arguments.add_argument("--key-file", required=True)
arguments.add_argument("--host-keys", required=True, help="a file with the devices' public host keys")
arguments.add_argument("--keepalive", type=int, required=True, help="seconds")
options = arguments.parse_args()

logging.disable(logging.CRITICAL)  # what comes of devices that hang up


def say(**facts):
    print(json.dumps(facts), flush=True)


def colon_fingerprint(blob):
    """What ncclient shows of a host key before it logs in."""
    digest = md5(blob).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


with open(options.host_keys, encoding="ascii") as file:
    device_of = {
        colon_fingerprint(b64decode(line.split()[1])): index for index, line in enumerate(file)
    }

devices = {}
established = threading.Condition()


def manage(connection):
    known = []

    def is_known(_host, fingerprint):
        known.append(device_of.get(fingerprint))
        return known[0] is not None

    device = manager.connect_ssh(
        host="127.0.0.1",
        sock=connection,
        username="callhome",
        key_filename=options.key_file,
        unknown_host_cb=is_known,
        allow_agent=False,
        look_for_keys=False,
        keepalive=options.keepalive,
        manager_params={"timeout": 120},
    )
    with established:
        devices[known[0]] = device
        established.notify()


def accept():
    while True:
        connection, _address = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=manage, args=(connection,), daemon=True).start()


def send_rpcs(sessions, seconds):
    start = time.monotonic()
    sent = [0] * sessions

    def send(index):
        while time.monotonic() < start + seconds:
            devices[index].get()
            sent[index] += 1

    threads = [threading.Thread(target=send, args=(index,)) for index in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(rpcs=sum(sent), seconds=time.monotonic() - start)


def carry_out(command):
    if command["do"] == "sessions":
        with established:
            established.wait_for(lambda: len(devices) >= command["count"])
        say(sessions=command["count"])
    elif command["do"] == "rpcs":
        send_rpcs(command["sessions"], command["seconds"])
    elif command["do"] == "reply":
        start = time.monotonic()
        xml = devices[0].get_config("running").xml
        say(bytes=len(xml), seconds=time.monotonic() - start)


listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
threading.Thread(target=accept, daemon=True).start()
say(port=listener.getsockname()[1])
for line in sys.stdin:
    try:
        carry_out(json.loads(line))
    except Exception as error:
        say(failed=f"{type(error).__name__}: {error}")
