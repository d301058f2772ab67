"""A PostgreSQL client in small (protocol 3.0, simple query), which knows nothing of proxies: HOST PORT QUERY."""
import socket
import struct
import sys

host, port, query = sys.argv[1], int(sys.argv[2]), sys.argv[3]
connection = socket.create_connection((host, port), timeout=20)
stream = connection.makefile("rb")


def read():
    kind = stream.read(1)
    if not kind:
        sys.exit("the server hung up")
    (length,) = struct.unpack("!i", stream.read(4))
    return kind, stream.read(length - 4)


def read_until_ready():
    rows = []
    while True:
        kind, body = read()
        if kind == b"D":
            (length,) = struct.unpack("!i", body[2:6])
            rows.append(body[6 : 6 + length].decode())
        if kind == b"Z":
            return rows


startup = struct.pack("!i", 196608) + b"user\0agent\0database\0test\0\0"
connection.sendall(struct.pack("!i", len(startup) + 4) + startup)
read_until_ready()
statement = query.encode() + b"\0"
connection.sendall(b"Q" + struct.pack("!i", len(statement) + 4) + statement)
print("rows:", *read_until_ready())
connection.sendall(b"X" + struct.pack("!i", 4))
