"""A proxy before PostgreSQL that makes it far away, as a program: every message waits on its way there.

``python -m tests.support.delaying PORT TARGET SECONDS``, where TARGET is the path of a unix socket. It says
``ready`` once it listens on that port of loopback.
"""

import select
import socket
import sys
import threading
import time

CHUNK = 1 << 16


def pass_on(client: socket.socket, server: socket.socket, seconds: float) -> None:
    """Carry both ways until one of them hangs up."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        readable, _, _ = select.select([client, server], [], [])
        for source in readable:
            data = source.recv(CHUNK)
            if not data:
                client.close()
                server.close()
                return
            if source is client:
                time.sleep(seconds)
                server.sendall(data)
            else:
                client.sendall(data)


def main(port: str, target: str, seconds: str) -> None:
    """Serve every client in a thread of its own."""
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        print("ready", flush=True)
        while True:
            client, _ = listener.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(target)
            threading.Thread(target=pass_on, args=(client, server, float(seconds)), daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
