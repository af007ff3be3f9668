"""A service manager: starts a command with NOTIFY_SOCKET, reads from its mount `m`, stops it by two signals at once.

usage: notified.py SOCKET COMMAND...    Prints what it was told, the status, and what a file showed that was open meanwhile.
"""
import os
import signal
import socket
import subprocess
import sys

path = sys.argv[1]
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0" + path[1:] if path.startswith("@") else path)
manager.settimeout(40)
service = subprocess.Popen(sys.argv[2:], env={**os.environ, "NOTIFY_SOCKET": path}, stderr=subprocess.DEVNULL)
print(manager.recv(4096).decode().replace("\n", " "), flush=True)
held = os.open("m", os.O_RDONLY | os.O_DIRECTORY)
service.send_signal(signal.SIGTERM)
service.send_signal(signal.SIGTERM)
print(manager.recv(4096).decode(), flush=True)
# Busy, so that it is taken away lazily and served on.
service.send_signal(signal.SIGTERM)
file = os.open("f", os.O_RDONLY, dir_fd=held)
seen = os.read(file, 100).decode().strip()
os.close(file)
os.close(held)
print("status", service.wait(40), seen, flush=True)
