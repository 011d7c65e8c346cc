"""An NMS made of ncclient alone: waits for one device to call home, subscribes, edits and commits.

Tells on standard output, a line of JSON each, that it listens, and how it ended.
"""

import argparse
import json
import socket

from ncclient import manager

arguments = argparse.ArgumentParser()
arguments.add_argument("--user", required=True)
arguments.add_argument("--key-file", required=True)
arguments.add_argument("--host-key", required=True, help="the device's public host key, base64")
arguments.add_argument("--edit", required=True, help="the <config> to merge and commit")
options = arguments.parse_args()


def say(event, **facts):
    print(json.dumps({"event": event, **facts}), flush=True)


class AnnouncedSocket(socket.socket):
    """call_home() does not tell when, nor on which port, it listens."""

    def listen(self, *backlog):
        super().listen(*backlog)
        say("listening", port=self.getsockname()[1])


manager.socket.socket = AnnouncedSocket

try:
    device = manager.call_home(
        host="127.0.0.1",
        port=0,
        username=options.user,
        key_filename=options.key_file,
        hostkey_b64=options.host_key,
        allow_agent=False,
        look_for_keys=False,
        timeout=10,
    )
    device.create_subscription()
    device.edit_config(target="candidate", config=options.edit)
    device.commit()
    running = device.get_config("running").data_xml
    notification = device.take_notification(timeout=10)
    if notification is None:
        raise TimeoutError("no notification within 10 s")
    device.close_session()
    say(
        "done",
        sessionId=int(device.session_id),
        capabilities=list(device.server_capabilities),
        running=running,
        notification=notification.notification_xml,
    )
except Exception as error:
    say("failed", error=type(error).__name__, message=str(error))
    raise SystemExit(1) from error
