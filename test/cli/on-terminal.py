"""Runs a command on a terminal of its own: waits for what is to be seen, types, and tells all that came.

Standard input: JSON {command, steps: [[seen, typed], ...]}. Standard output: JSON {output, status}."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

LIMIT_S = 90
request = json.load(sys.stdin)
pid, fd = pty.fork()
if pid == 0:
    os.execvp(request["command"][0], request["command"])


def resize(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def more():
    """Reads what comes in a moment; False at the end."""
    global output
    if not select.select([fd], [], [], 0.05)[0]:
        return True
    try:
        piece = os.read(fd, 65536)
    except OSError:
        return False
    output += piece
    return len(piece) > 0


def shown(since):
    """What can be read of it, in one line."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output[since:].decode("utf8", "replace"))


resize(24, 80)
output = b""
end = time.monotonic() + LIMIT_S
since = 0
for seen, typed in request["steps"]:
    while seen not in shown(since):
        if time.monotonic() > end or not more():
            sys.exit(f"never seen: {seen!r} in {shown(since)[-3000:]!r}")
    since = len(output)
    if typed.startswith("SIG"):
        os.kill(pid, getattr(signal, typed))
    elif re.fullmatch(r"\d+x\d+", typed):
        resize(*map(int, typed.split("x")))
    else:
        os.write(fd, typed.encode())
while time.monotonic() < end and more():
    pass
_, status = os.waitpid(pid, 0)
ended = f"killed {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exited {os.WEXITSTATUS(status)}"
print(json.dumps({"output": output.decode("utf8", "replace"), "status": ended}))
