# The receiving end of systemd's notifications: service_manager.py SOCKET. Writes "listening", and then what it is told.
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
    receiver.bind(sys.argv[1])
    print("listening", flush=True)
    while True:
        # The descriptor that comes with BARRIER=1 is not taken, so the kernel closes it: that answers the sender.
        print(receiver.recv(65536).decode(), flush=True)
