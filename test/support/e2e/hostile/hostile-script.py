"""Ways out of a session's container, and round its policy: `python3 hostile-script.py PLAN RESULT`.

Each attempt ends in a verdict: BLOCKED, ESCAPED (it got through, or could not be told from that) or BROKEN (the script
itself is wrong). PLAN says where the bait is; RESULT gets every verdict, and whether what is allowed worked before and after.
"""
import ctypes
import errno
import json
import os
import platform
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

import seek

PLAN = json.load(open(sys.argv[1]))
SITE, BAIT = "SITE-REACHED", "BAIT-TAKEN"
HOST, PORT, BAIT_PORT = PLAN["site"]["host"], PLAN["site"]["port"], PLAN["bait_port"]
RUN = "/run/cc-docker"
OWN_SOCKETS = ("link.sock", "model.sock", "proxy.sock", "sockets/streams.sock")
HOME = "/home/agent"
OPEN = PLAN["mode"] == "open"
# As root of a container in which an environment's image is made.
BUILD = PLAN["mode"] == "build"

attempts = []


class Escaped(Exception):
    pass


def attempt(name, function, *arguments):
    started = time.monotonic()
    try:
        detail, verdict = str(function(*arguments)), "BLOCKED"
    except Escaped as escaped:
        detail, verdict = str(escaped), "ESCAPED"
    except OSError as error:
        detail, verdict = f"{type(error).__name__}: {error}", "BLOCKED"
    except Exception as error:
        detail, verdict = f"{type(error).__name__}: {error}", "BROKEN"
    seconds = round(time.monotonic() - started, 2)
    attempts.append({"number": len(attempts) + 1, "name": name, "verdict": verdict, "detail": detail[:400], "seconds": seconds})


# --- the proxy -------------------------------------------------------------------------------------------------------


def dial(connection, path, wait):
    """The queue of a socket may be full of this script's own earlier connections: its owner gets to them in time."""
    until = time.monotonic() + wait
    while True:
        try:
            return connection.connect(path)
        except BlockingIOError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def exchange(raw, path=f"{RUN}/proxy.sock", wait=2.0):
    """Sends bytes to a unix socket, and reads until the other side ends or falls silent."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(wait)
    answer = b""
    try:
        dial(connection, path, wait)
        connection.sendall(raw)
        while len(answer) < 1 << 20:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        pass
    finally:
        connection.close()
    return answer.decode("latin1")


def judge(answer, site_is_fine=False):
    """A refusal is 4xx, or no answer at all. A failed dial is as bad as one that did not fail."""
    if BAIT in answer:
        raise Escaped(f"the bait answered: {answer[-200:]!r}")
    if SITE in answer and not site_is_fine:
        raise Escaped(f"the site answered: {answer[:200]!r}")
    # 100: go on sending. Of no meaning, whatever follows.
    statuses = [int(status) for status in re.findall(r"^HTTP/1\.[01] (\d{3})", answer, re.M) if status != "100"]
    for status in statuses:
        if status < 400 and not site_is_fine:
            raise Escaped(f"it was let through: {answer[:200]!r}")
    if "cannot be reached: the connection failed" in answer or "cannot be reached: no connection" in answer:
        raise Escaped(f"it was dialled: {answer[:200]!r}")
    if any(status == 500 for status in statuses):
        raise Escaped(f"the proxy failed over it: {answer[:200]!r}")
    return answer.partition("\r\n")[0] or "no answer"


def wire(text):
    return text if isinstance(text, bytes) else text.encode("utf8")


def connect(authority, then=f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"):
    head = b"CONNECT " + wire(authority) + b" HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n\r\n"
    return judge(exchange(head + wire(then)))


def get(url, headers=f"Host: {HOST}:{PORT}\r\n", **more):
    # `http://site?@bait/` is the site's own, to every reader.
    of_site = re.match(rb"http://%s:%d[/?]" % (HOST.encode(), PORT), wire(url)) is not None
    request = b"GET " + wire(url) + b" HTTP/1.1\r\n" + wire(headers) + b"Connection: close\r\n\r\n"
    return judge(exchange(request), **{"site_is_fine": of_site, **more})


def raw(text):
    return judge(exchange(wire(text), wait=0.5))


def control_get():
    return SITE in exchange(f"GET http://{HOST}:{PORT}/control HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nConnection: close\r\n\r\n".encode(), wait=10)


def control_connect():
    tunnel = f"CONNECT {HOST}:{PORT} HTTP/1.1\r\nHost: x\r\n\r\nGET /control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    return SITE in exchange(tunnel.encode(), wait=10)


def control_loopback():
    tool = subprocess.run(["curl", "-sS", "-m", "10", f"http://{HOST}:{PORT}/control"], capture_output=True, text=True)
    return SITE in tool.stdout


def control_forward():
    with socket.create_connection((HOST, PORT), timeout=10) as connection:
        connection.sendall(b"GET /control HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return SITE.encode() in b"".join(iter(lambda: connection.recv(65536), b""))


def controls():
    found = {"absolute": control_get(), "connect": control_connect(), "curl": control_loopback()}
    # Of a list that names no host there is nothing to forward.
    return found if OPEN else {**found, "forward": control_forward()}


def addresses():
    """The host's loopback, the host itself and the clouds' metadata in every spelling that some program understands."""
    loopback = """127.0.0.1 127.1 127.0.1 2130706433 0x7f000001 0x7f.0.0.1 0X7F.0.0.1 0x7f.1 0177.0.0.1 0177.1 017700000001
        127.0.0.01 127.000.000.001 127.0.0.1. 127.0.0.1.. .127.0.0.1 127.0.0.1%00 127.0.0.1%20 127.0.0.1%2f %31%32%37.0.0.1
        127.0.0.1%2esite.test 127%2e0%2e0%2e1 127.0.0.1;site.test 127.0.0.1,site.test 0 0.0.0.0 00.0.0.0 127.255.255.254 [::1] [::]
        [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::ffff:127.0.0.1] [::FFFF:127.0.0.1] [::ffff:7f00:1]
        [0:0:0:0:0:ffff:7f00:0001] [::ffff:0:127.0.0.1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1]
        [2002:7f00:1::] [2002:7f00:1::1] [2001:0:7f00:1::] [2001::80ff:fffe] [::1%lo] [::1%25lo] [fe80::1] [fe80::1%eth0] [127.0.0.1] ::1
        ::ffff:127.0.0.1 [[::1]] [::1]] [::1 localhost LOCALHOST localhost. LocalHost.. localhost.localdomain foo.localhost %6cocalhost
        private.test PRIVATE.TEST. mixed.test""".split()
    strange = ["①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "ⓛocalhost", "ocalhost\u0130", "127.0.0.1\u200b", "127\u00ad.0.0.1"]
    for spelling in loopback + strange + [" 127.0.0.1", "\t127.0.0.1", "127.0.0.1\t"]:
        yield spelling, BAIT_PORT
    for spelling in (b"127.0.0.1\x00", b"127.0.0.1\x00.site.test", b"site.test\x00127.0.0.1", b"site.test\x00.private.test", b"\x00127.0.0.1", b"127.0.0.1\xff", b"127.0.0.1\x0b"):
        yield spelling, BAIT_PORT
    for userinfo in (HOST, f"{HOST}:{PORT}", f"{HOST}:{PORT}#", f"{HOST}:{PORT}?", f"{HOST}:{PORT}/", f"{HOST}:{PORT}\\", f"{HOST}%40", "", ":"):
        yield f"{userinfo}@127.0.0.1", BAIT_PORT
    for suffix in ("#", "?", "/", "\\", "%23", "%3f", "%2f", "%5c", ";"):
        yield f"127.0.0.1:{BAIT_PORT}{suffix}@{HOST}", PORT
        yield f"127.0.0.1{suffix}{HOST}", BAIT_PORT
    for host in PLAN["host_names"]:
        yield (f"[{host}]" if ":" in host else host), BAIT_PORT
    metadata = """169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.43518 169.254.169.254. [::ffff:169.254.169.254]
        [::ffff:a9fe:a9fe] [fd00:ec2::254] [64:ff9b::a9fe:a9fe] [2002:a9fe:a9fe::] 100.100.100.200 168.63.129.16 192.0.0.192 169.254.170.2
        metadata.google.internal metadata.test""".split()
    for spelling in metadata:
        yield spelling, 80
    for spelling in "10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 198.18.0.1 192.0.2.1 224.0.0.1 255.255.255.255 240.0.0.1 [fc00::1] [ff02::1] [fec0::1] [2001:db8::1] [100::1]".split():
        yield spelling, 80


def the_addresses():
    for spelling, port in addresses():
        shown = spelling.decode("latin1") if isinstance(spelling, bytes) else spelling
        authority = wire(spelling) + f":{port}".encode()
        attempt(f"CONNECT {shown}:{port}"[:120].encode("unicode_escape").decode(), connect, authority)
        attempt(f"GET http://{shown}:{port}/"[:120].encode("unicode_escape").decode(), get, b"http://" + authority + b"/")
        attempt(f"GET http://{shown}:{port}/ with its own Host"[:120].encode("unicode_escape").decode(), get, b"http://" + authority + b"/", b"Host: " + authority + b"\r\n")


def through_wrapper(text):
    """The wrapper's end of the proxy, which connects to the container itself: it must find nothing of the host's there."""
    with socket.create_connection(("127.0.0.1", 3128), timeout=5) as connection:
        connection.settimeout(1.0)
        answer = b""
        try:
            connection.sendall(wire(text))
            while len(answer) < 1 << 20:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    # As in `get`: `http://site?@bait/` is the site's own.
    of_site = re.match(rb"GET http://%s:%d[/?]" % (HOST.encode(), PORT), wire(text)) is not None
    return judge(answer.decode("latin1"), site_is_fine=of_site)


def the_own():
    for spelling, port in addresses():
        shown = (spelling.decode("latin1") if isinstance(spelling, bytes) else spelling).encode("unicode_escape").decode()[:80]
        authority = wire(spelling) + f":{port}".encode()
        # Whoever does not read it keeps the connection, and this script would wait for more.
        host = b" HTTP/1.1\r\nHost: " + authority + b"\r\nConnection: close\r\n\r\n"
        request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        attempt(f"by the wrapper: CONNECT {shown}:{port}", through_wrapper, b"CONNECT " + authority + host + request)
        attempt(f"by the wrapper: GET http://{shown}:{port}/", through_wrapper, b"GET http://" + authority + b"/" + host)
    bait, site = f"127.0.0.1:{BAIT_PORT}", f"{HOST}:{PORT}"
    ask = f"GET http://{bait}/ HTTP/1.1\r\nHost: {bait}\r\nConnection: close\r\n\r\n"
    for name in ("0.0.0.0.evil.test", "localhost.evil.test", "session.evil.test", "127.0.0.1.evil.test", "localhost%00.evil.test", f"localhost@{HOST}", f"{HOST}@localhost"):
        attempt(f"by the wrapper: CONNECT {name}", through_wrapper, f"CONNECT {name}:{BAIT_PORT} HTTP/1.1\r\nHost: x\r\n\r\n{ask}")
        attempt(f"by the wrapper: GET http://{name}", through_wrapper, f"GET http://{name}:{BAIT_PORT}/ HTTP/1.1\r\nHost: x\r\n\r\n")
    for name, text in {
        "an own name with the bait's Host": f"GET http://localhost:{BAIT_PORT}/ HTTP/1.1\r\nHost: {bait}\r\n\r\n",
        "an allowed name with an own Host": f"GET http://private.test:{BAIT_PORT}/ HTTP/1.1\r\nHost: localhost:{BAIT_PORT}\r\n\r\n",
        "pipelined after an own one": f"GET http://localhost:{BAIT_PORT}/ HTTP/1.1\r\nHost: x\r\n\r\n{ask}",
        "pipelined after another's": f"GET http://private.test:{BAIT_PORT}/ HTTP/1.1\r\nHost: x\r\n\r\n{ask}",
        "a second Connection": f"GET http://private.test:{BAIT_PORT}/ HTTP/1.1\r\nConnection: keep-alive\r\nHost: x\r\n\r\n{ask}",
        "https in absolute form": f"GET https://localhost:{BAIT_PORT}/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "a port of 0": "CONNECT localhost:0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "a port beyond": "CONNECT localhost:65537 HTTP/1.1\r\nHost: x\r\n\r\n",
        "no end": "GET http://localhost/" + "x" * 70000,
        "bare line feeds": f"GET http://{bait}/ HTTP/1.1\nHost: {bait}\n\n",
        "a NUL": f"CONNECT localhost\x00.private.test:{BAIT_PORT} HTTP/1.1\r\nHost: x\r\n\r\n{ask}",
        "a carriage return": f"GET http://localhost\r.private.test:{BAIT_PORT}/ HTTP/1.1\r\nHost: x\r\n\r\n",
    }.items():
        attempt(f"by the wrapper: {name}", through_wrapper, text)
    # Its own variables are the agent's to change: a tool without them has no other way out.
    for name, more in {"no proxy at all": {"http_proxy": ""}, "everything direct": {"no_proxy": "*"}, "a proxy outside": {"http_proxy": f"http://{bait}"}, "one that only looks local": {"no_proxy": "private.test,.test"}}.items():
        attempt(f"variables: {name}", with_variables, more)


def with_variables(more):
    tool = subprocess.run(["curl", "-sS", "-m", "5", f"http://private.test:{BAIT_PORT}/"], env={**os.environ, **more}, capture_output=True, text=True)
    return judge(tool.stdout) and tool.stderr.strip() or "refused"


def the_list():
    """Round an allow-list that names the site alone: on its own address there are other names and other ports."""
    for name in PLAN["unlisted"]:
        attempt(f"CONNECT {name}:{PORT}", connect, f"{name}:{PORT}")
        attempt(f"GET http://{name}:{PORT}/", get, f"http://{name}:{PORT}/")
    for port in (BAIT_PORT, 22, 80, 443, 25, 0, PORT + 65536, f"0{PORT}", f"+{PORT}", f"-{PORT}", hex(PORT), f" {PORT}", f"{PORT}:{BAIT_PORT}", f"{BAIT_PORT}:{PORT}", f"{PORT}.0", f"{PORT}e0", "", f"{PORT}%00", f"%3{str(PORT)[0]}{str(PORT)[1:]}"):
        attempt(f"CONNECT {HOST}:{port}", connect, f"{HOST}:{port}")
        attempt(f"GET http://{HOST}:{port}/", get, f"http://{HOST}:{port}/")
    attempt(f"CONNECT mixed.test:{PORT}, of which one address is allowed", connect, f"mixed.test:{PORT}")
    attempt(f"GET http://mixed.test:{PORT}/, of which one address is allowed", get, f"http://mixed.test:{PORT}/")
    for name in ("rebind.test", "rebind-twice.test"):
        attempt(f"rebinding: CONNECT {name}", rebind_connect, name)
    attempt("rebinding: GET rebind-plain.test", rebind_get, "rebind-plain.test")
    attempt("rebinding: a forward to rebind-forward.test", rebind_forward, "rebind-forward.test")


def rebind_connect(name):
    for _ in range(6):
        tunnel = f"CONNECT {name}:{PORT} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        said = judge(exchange(tunnel.encode()), site_is_fine=True)
    return said


def rebind_get(name):
    # On one connection that is kept, and on a new one each.
    one = f"GET http://{name}:{PORT}/ HTTP/1.1\r\nHost: {name}:{PORT}\r\n\r\n"
    judge(exchange((one * 6).encode()), site_is_fine=True)
    for _ in range(4):
        said = get(f"http://{name}:{PORT}/", site_is_fine=True)
    return said


def rebind_forward(name):
    said = ""
    for _ in range(6):
        try:
            with socket.create_connection((name, PORT), timeout=3) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                said = b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin1")
        except OSError as error:
            said = f"{error}"
        judge(said, site_is_fine=True)
    return said.partition("\r\n")[0]


def the_requests():
    """Requests that two readers could read in two ways. `/seen` of the site shows what came in there."""
    site, bait = f"http://{HOST}:{PORT}", f"127.0.0.1:{BAIT_PORT}"
    host = f"Host: {HOST}:{PORT}\r\n"
    smuggled = f"GET http://{bait}/ HTTP/1.1\r\nHost: {bait}\r\n\r\n"
    size = len(smuggled)
    for name, headers in {
        "another Host": f"Host: {bait}\r\n",
        "two Hosts": f"{host}Host: {bait}\r\n",
        "a Host with userinfo": f"Host: {HOST}@{bait}\r\n",
        "no Host": "",
        "an empty Host": "Host:\r\n",
        "a Host in two lines": f"Host: {HOST}\r\n {bait}\r\n",
        "a Host after a NUL": f"X: a\x00\r\nHost: {bait}\r\n",
        "Host named by Connection": f"Host: {bait}\r\nConnection: host\r\n",
        "X-Forwarded-Host": f"{host}X-Forwarded-Host: {bait}\r\nForwarded: host={bait}\r\nX-Original-URL: http://{bait}/\r\n",
    }.items():
        attempt(f"absolute form with {name}", fronted, site, headers)
    for name, text in {
        "relative form with Host": f"GET / HTTP/1.1\r\nHost: {bait}\r\n\r\n",
        "relative form with an allowed Host": f"GET / HTTP/1.1\r\n{host}\r\n",
        "a path that begins with //": f"GET //{bait}/ HTTP/1.1\r\n{host}\r\n",
        "no slashes": f"GET http:{bait}/ HTTP/1.1\r\n{host}\r\n",
        "one slash": f"GET http:/{bait}/ HTTP/1.1\r\n{host}\r\n",
        "three slashes": f"GET http:///{bait}/ HTTP/1.1\r\n{host}\r\n",
        "backslashes": f"GET http:\\\\{bait}\\ HTTP/1.1\r\n{host}\r\n",
        "a backslash before the @": f"GET http://{bait}\\@{HOST}:{PORT}/ HTTP/1.1\r\n{host}\r\n",
        "https in absolute form": f"GET https://{bait}/ HTTP/1.1\r\n{host}\r\n",
        "ws in absolute form": f"GET ws://{bait}/ HTTP/1.1\r\n{host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "ftp": f"GET ftp://{bait}/ HTTP/1.1\r\n{host}\r\n",
        "gopher": f"GET gopher://{bait}/_x HTTP/1.1\r\n{host}\r\n",
        "file": f"GET file:///etc/passwd HTTP/1.1\r\n{host}\r\n",
        "file with a host": f"GET file://{HOST}/etc/passwd HTTP/1.1\r\n{host}\r\n",
        "data": f"GET data:text/plain,x HTTP/1.1\r\n{host}\r\n",
        "a unix socket in the URL": f"GET http://unix:/var/run/docker.sock:/version HTTP/1.1\r\n{host}\r\n",
        "http+unix": f"GET http+unix://%2Fvar%2Frun%2Fdocker.sock/version HTTP/1.1\r\n{host}\r\n",
        "CONNECT to a path": f"CONNECT /var/run/docker.sock HTTP/1.1\r\n{host}\r\nGET /version HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT to a URL": f"CONNECT http://{bait}/ HTTP/1.1\r\n{host}\r\n{smuggled}",
        "CONNECT to an allowed name with a path": f"CONNECT {HOST}:{PORT}/../{bait} HTTP/1.1\r\n{host}\r\n{smuggled}",
        "CONNECT with an allowed Host": f"CONNECT {bait} HTTP/1.1\r\n{host}\r\n{smuggled}",
        "CONNECT without a target": f"CONNECT  HTTP/1.1\r\n{host}\r\n{smuggled}",
        "CONNECT to two": f"CONNECT {HOST}:{PORT} {bait} HTTP/1.1\r\n{host}\r\n{smuggled}",
        "CONNECT in lower case": f"connect {bait} HTTP/1.1\r\n{host}\r\n{smuggled}",
        "HTTP/0.9": f"GET http://{bait}/\r\n",
        "HTTP/1.0": f"GET http://{bait}/ HTTP/1.0\r\n\r\n",
        "HTTP/2": f"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        "h2c": f"GET http://{bait}/ HTTP/1.1\r\n{host}Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
        "SOCKS4": b"\x04\x01" + struct.pack("!H", BAIT_PORT) + b"\x7f\x00\x00\x01\x00" + smuggled.encode(),
        "SOCKS5": b"\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack("!H", BAIT_PORT) + smuggled.encode(),
        "the PROXY protocol": f"PROXY TCP4 127.0.0.1 127.0.0.1 1 {BAIT_PORT}\r\n{smuggled}",
        "TLS": bytes.fromhex("16030100050100000100") + smuggled.encode(),
        "a request line with a NUL": f"GET {site}\x00@{bait}/ HTTP/1.1\r\n{host}\r\n",
        "a carriage return in the URL": f"GET {site}/\rHost:{bait} HTTP/1.1\r\n{host}\r\n",
        "bare line feeds": f"GET http://{bait}/ HTTP/1.1\nHost: {bait}\n\n",
        "a space before the colon": f"GET http://{bait}/ HTTP/1.1\r\nHost : {HOST}\r\n\r\n",
        "Proxy-Authorization that names an upstream": f"GET http://{bait}/ HTTP/1.1\r\n{host}Proxy-Authorization: Basic eDp5\r\n\r\n",
        "OPTIONS of another": f"OPTIONS http://{bait} HTTP/1.1\r\n{host}Max-Forwards: 0\r\n\r\n",
        "TRACE of another": f"TRACE http://{bait}/ HTTP/1.1\r\n{host}\r\n",
        "an unknown method": f"PROPFIND http://{bait}/ HTTP/1.1\r\n{host}\r\n",
        "100-continue": f"POST http://{bait}/ HTTP/1.1\r\n{host}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
    }.items():
        attempt(f"request: {name}", raw, text)
    for name, text in {
        "pipelined after an allowed one": f"GET {site}/ HTTP/1.1\r\n{host}\r\n{smuggled}",
        "pipelined CONNECT after an allowed one": f"GET {site}/ HTTP/1.1\r\n{host}\r\nCONNECT {bait} HTTP/1.1\r\n{host}\r\n{smuggled}",
        "Content-Length and Transfer-Encoding": f"POST {site}/ HTTP/1.1\r\n{host}Content-Length: {size + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        "Transfer-Encoding and Content-Length": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{size:x}\r\n{smuggled}\r\n0\r\n\r\n",
        "two Content-Lengths": f"POST {site}/ HTTP/1.1\r\n{host}Content-Length: 0\r\nContent-Length: {size}\r\n\r\n{smuggled}",
        "a list of Content-Lengths": f"POST {site}/ HTTP/1.1\r\n{host}Content-Length: 0, {size}\r\n\r\n{smuggled}",
        "a signed Content-Length": f"POST {site}/ HTTP/1.1\r\n{host}Content-Length: +0\r\n\r\n{smuggled}",
        "a strange Transfer-Encoding": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n{smuggled}",
        "Transfer-Encoding in two lines": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}",
        "Transfer-Encoding with a tab": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding:\tchunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{smuggled}",
        "Transfer-Encoding twice": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}",
        "a body with GET": f"GET {site}/ HTTP/1.1\r\n{host}Content-Length: {size}\r\n\r\n{smuggled}",
        "a chunked body with GET": f"GET {site}/ HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{smuggled}\r\n0\r\n\r\n",
        "a chunk with an extension": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0;\n{smuggled}\r\n\r\n",
        "a bad chunk size": f"POST {site}/ HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{smuggled}",
        "a body with HEAD": f"HEAD {site}/ HTTP/1.1\r\n{host}Content-Length: {size}\r\n\r\n{smuggled}",
        "an upgrade that is none": f"GET {site}/ HTTP/1.1\r\n{host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n{smuggled}",
        "a body with CONNECT": f"CONNECT {HOST}:{PORT} HTTP/1.1\r\n{host}Content-Length: 5\r\n\r\nhelloCONNECT {bait} HTTP/1.1\r\n{host}\r\n",
        "CONNECT within a tunnel": f"CONNECT {HOST}:{PORT} HTTP/1.1\r\n{host}\r\nCONNECT {bait} HTTP/1.1\r\n{host}\r\n{smuggled}",
        "a proxy request within a tunnel": f"CONNECT {HOST}:{PORT} HTTP/1.1\r\n{host}\r\n{smuggled}",
    }.items():
        attempt(f"smuggled: {name}", smuggle, text)
    for name, where in {
        "loopback": f"http://{bait}/",
        "metadata": "http://169.254.169.254/latest/meta-data/",
        "an unlisted name": f"http://private.test:{BAIT_PORT}/",
        "a number": f"http://2130706433:{BAIT_PORT}/",
        "mapped IPv6": f"http://[::ffff:127.0.0.1]:{BAIT_PORT}/",
        "https": f"https://{bait}/",
    }.items():
        attempt(f"redirect to {name}", redirected, where)


def fronted(site, headers):
    answer = exchange(f"GET {site}/seen HTTP/1.1\r\n{headers}Connection: close\r\n\r\n".encode())
    judge(answer, site_is_fine=True)
    seen = re.search(r'"host":"([^"]*)"', answer)
    if seen is not None and seen[1] != f"{HOST}:{PORT}":
        raise Escaped(f"the site was asked for {seen[1]}")
    return "the site was asked for itself" if seen else answer.partition("\r\n")[0]


def smuggle(text):
    answer = exchange(text.encode(), wait=1.0)
    judge(answer, site_is_fine=True)
    return " / ".join(re.findall(r"^HTTP/1\.[01] \d{3}", answer, re.M)) or "no answer"


def redirected(where):
    tool = subprocess.run(
        ["curl", "-sSiLk", "-m", "5", "--get", "--data-urlencode", f"to={where}", f"http://{HOST}:{PORT}/redirect"],
        capture_output=True,
        text=True,
    )
    if " 302" not in tool.stdout.partition("\r\n")[0]:
        raise RuntimeError(f"the site did not redirect: {tool.stdout[:200]}")
    return judge(tool.stdout.partition("\r\n\r\n")[2] + tool.stderr) and tool.stderr.strip() or "refused"


# --- the network -----------------------------------------------------------------------------------------------------


def tcp(address, port):
    with socket.create_connection((address, port), timeout=2):
        raise Escaped("connected")


def udp(address, port, family=socket.AF_INET):
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(1)
        # So that a refusal is heard of.
        connection.connect((address, port))
        query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04leak\x04test\x00\x00\x01\x00\x01"
        connection.send(query)
        return connection.recv(512) and fail("answered")


def fail(why):
    raise Escaped(why)


def opened(*arguments):
    socket.socket(*arguments).close()
    raise Escaped("the socket was made")


def name_service(name):
    raise Escaped(f"resolved: {socket.getaddrinfo(name, 80)[0][4][0]}")


def ping(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP) as connection:
        connection.settimeout(1)
        connection.sendto(b"\x08\x00\xf7\xff\x00\x00\x00\x00", (address, 0))
        raise Escaped("sent")


def new_link():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.settimeout(1)
        # RTM_NEWLINK, create: a veth pair's one end.
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0xFFFFFFFF) + struct.pack("=HH8s", 12, 3, b"escape0\0") + struct.pack("=HHHH8s", 16, 18, 12, 1, b"dummy\0\0\0")
        netlink.send(struct.pack("=IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
        reply = netlink.recv(4096)
        (code,) = struct.unpack_from("=i", reply, 16)
        return os.strerror(-code) if code < 0 else fail("a network card was made")


def abstract_bait():
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + PLAN["abstract"])
        raise Escaped("connected")


def the_network():
    for address in PLAN["host_names"] + ["172.18.0.1", "127.0.0.1", "127.0.0.3"]:
        attempt(f"TCP to {address}:{BAIT_PORT}", tcp, address, BAIT_PORT)
    for address, port in (("169.254.169.254", 80), ("fd00:ec2::254", 80), ("192.0.2.1", 443), ("2001:db8::1", 443), ("127.0.0.1", 2375), ("::1", BAIT_PORT)):
        attempt(f"TCP to {address} port {port}", tcp, address, port)
    for address in ("192.0.2.53", "127.0.0.11", "127.0.0.1", "172.17.0.1", "255.255.255.255", *resolvers()):
        attempt(f"a DNS query over UDP to {address}", udp, address, 53)
    attempt("a DNS query over UDP to 2001:db8::53", udp, "2001:db8::53", 53, socket.AF_INET6)
    for name in ("leak.exfil.test", "example.com", "metadata.google.internal", "host.docker.internal", "private.test"):
        attempt(f"the name service: {name}", name_service, name)
    attempt("ping", ping, "192.0.2.1")
    attempt("a raw socket", opened, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    attempt("a raw IPv6 socket", opened, socket.AF_INET6, socket.SOCK_RAW, 58)
    attempt("a packet socket", opened, 17, socket.SOCK_RAW, socket.htons(3))
    attempt("a packet socket without headers", opened, 17, socket.SOCK_DGRAM, socket.htons(3))
    # Not of any network namespace: the hypervisor's, and the host's.
    attempt("a socket to the hypervisor (vsock)", opened, 40, socket.SOCK_STREAM)
    attempt("a new network card", new_link)
    attempt("an abstract socket of the host's", abstract_bait)


def resolvers():
    return re.findall(r"^nameserver\s+(\d+\.\d+\.\d+\.\d+)", open("/etc/resolv.conf").read(), re.M)


# --- files and sockets -----------------------------------------------------------------------------------------------


def reaches_socket(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(path)
        raise Escaped("connected")


def reads(path):
    if os.path.isdir(path):
        raise Escaped(f"listed: {os.listdir(path)[:5]}")
    with open(path, "rb") as file:
        raise Escaped(f"read: {file.read(80)!r}")


def writes(path, flags=os.O_WRONLY):
    os.close(os.open(path, flags, 0o644))
    raise Escaped("opened for writing")


def creates(path):
    writes(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)


def done(function, *arguments):
    function(*arguments)
    raise Escaped("done")


def foreign_sockets():
    own = {f"{RUN}/{name}" for name in OWN_SOCKETS}
    found = []
    for folder, folders, names in os.walk("/"):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/usr", "/var/lib")]
        for name in names:
            path = os.path.join(folder, name)
            try:
                # What the agent's own tools have made is its own.
                if stat.S_ISSOCK(os.lstat(path).st_mode) and path not in own and not path.startswith(("/tmp", "/home/agent", "/workspace")):
                    found.append(path)
            except OSError:
                continue
    return fail(f"found: {found}") if found else "none"


def foreign_files():
    """The other session's word, anywhere."""
    found = seek.files(seek.read_patterns({"word": PLAN["victim"]["word"]}), ["/"], [])
    return fail(str(found)) if found else "nowhere"


def other_processes():
    host = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        if "dockerd" in command or "containerd" in command or "runner/main" in command:
            host.append(command)
    return fail(str(host)) if host else "only this container's"


def secret_in(seen):
    return fail(str(seen)) if seen else "nowhere"


def handle():
    """The old way to the host's files from a bind mount (`open_by_handle_at`)."""
    mount = os.open("/workspace", os.O_RDONLY)
    buffer = ctypes.create_string_buffer(struct.pack("=Ii8s", 8, 1, struct.pack("=Q", 2)), 16)
    try:
        return syscall("open_by_handle_at", mount, buffer, os.O_RDONLY)
    finally:
        os.close(mount)


def the_foreign():
    """What is not this container's, whoever one is in it."""
    victim = PLAN["victim"]
    for path in [*PLAN["engine_sockets"], "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock", "/run/dbus/system_bus_socket", "/run/systemd/private"]:
        attempt(f"the socket {path}", reaches_socket, path)
    for name in OWN_SOCKETS:
        for path in (f"{victim['folder']}/run/{name}", f"{RUN}/../{victim['id']}/run/{name}", f"{RUN}/../../{victim['id']}/run/{name}", f"/proc/1/root{victim['folder']}/run/{name}"):
            attempt(f"another session's {name}: {path}", reaches_socket, path)
    for path in (f"{victim['folder']}/workspace", f"/workspace/../../{victim['id']}/workspace", f"/proc/1/root{victim['folder']}", f"/proc/1/cwd/../../{victim['id']}", PLAN["data_folder"]):
        attempt(f"another session's files: {path}", reads, path)
    os.symlink(victim["folder"], "/workspace/victim")
    attempt("another session's files by a symbolic link", reads, "/workspace/victim/workspace")
    os.makedirs("/workspace/deep", exist_ok=True)
    os.symlink("/", "/workspace/deep/root")
    attempt("another session's files by name", foreign_files)
    attempt("sockets that are not the session's", foreign_sockets)
    attempt("processes of the host", other_processes)
    secret = seek.read_patterns({"secret": PLAN["secret"]})
    folders = ["/workspace", "/claude", "/run", "/home", "/tmp", "/etc", "/opt", "/var"]
    attempt("the secret in the environment of a process", lambda: secret_in(seek.environments(secret)))
    attempt("the secret in the memory of a process", lambda: secret_in(seek.memories(secret)[0]))
    attempt("the secret in a file", lambda: secret_in(seek.files(secret, folders)))
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/net/ipv4/ip_forward", "/proc/sys/vm/overcommit_memory", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname", "/sys/kernel/uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent", "/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/pids/pids.max"):
        attempt(f"write {path}", writes, path)
    for path in ("/proc/kcore", "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/fuse", "/dev/kvm", "/dev/net/tun", "/dev/vhost-vsock"):
        attempt(f"read {path}", reads, path)
    attempt("a device file", done, os.mknod, "/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
    attempt("a file by its handle", handle)


def the_files():
    the_foreign()
    the_home(PLAN["victim"])
    attempt("a forge's dummy at another host", dummy_elsewhere)
    for path in (f"{RUN}/launch.json", f"{RUN}/ca.pem", f"{RUN}/hosts", f"{RUN}/gitconfig", f"{RUN}/passwd", f"{RUN}/group", "/etc/hosts", "/etc/resolv.conf", "/etc/passwd", "/etc/group", "/etc/ld.so.preload", "/opt/cc-docker/wrapper.mjs", "/usr/local/bin/claude", "/usr/bin/env"):
        attempt(f"write {path}", writes, path)
    for path in ("/x", "/etc/x", "/usr/local/bin/x", "/opt/cc-docker/x", f"{RUN}/x", "/var/x", "/root/x", "/run/x", "/dev/x", "/etc/ld.so.preload", "/sys/x", "/sys/fs/cgroup/x"):
        attempt(f"create {path}", creates, path)
    attempt("take launch.json away", done, os.unlink, f"{RUN}/launch.json")
    attempt("take proxy.sock away", done, os.unlink, f"{RUN}/proxy.sock")
    attempt("a socket in place of the runner's", done, socket.socket(socket.AF_UNIX).bind, f"{RUN}/new.sock")
    attempt("make launch.json another's to read", done, os.chmod, f"{RUN}/launch.json", 0o666)
    for path in ("/etc/shadow", "/proc/1/root/etc/shadow"):
        attempt(f"read {path}", reads, path)


def the_build():
    """Root of a build: its run folder is not its own, and no device is."""
    for path in ("build.json", "ca.pem", "hosts", "resolv.conf"):
        attempt(f"write {RUN}/{path}", writes, f"{RUN}/{path}")
    attempt(f"create {RUN}/x", creates, f"{RUN}/x")
    for path in ("/etc/hosts", "/etc/resolv.conf"):
        attempt(f"write {path}", writes, path)
    attempt("take proxy.sock away", done, os.unlink, f"{RUN}/proxy.sock")
    attempt("a socket in place of the runner's", done, socket.socket(socket.AF_UNIX).bind, f"{RUN}/new.sock")
    for folder in ("/", "/tmp", "/dev", "/dev/shm"):
        attempt(f"a block device in {folder}", done, os.mknod, f"{folder}/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
        attempt(f"a character device in {folder}", done, os.mknod, f"{folder}/mem", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    attempt("a capability that it has not", in_child, more_capabilities)
    attempt("no-new-privileges and seccomp", seccomp_holds)
    attempt("proxy.sock: an endless header", endless, "proxy.sock", f"GET http://{HOST}:{PORT}/ HTTP/1.1\r\nX: ".encode())
    attempt("proxy.sock: 1500 connections", flood, "proxy.sock")


def the_home(victim):
    """The home and /tmp are folders of the host, as the workspace is."""
    for path in (f"{victim['folder']}/home", f"{HOME}/../{victim['id']}/home", f"{HOME}/../../{victim['id']}/home", f"/tmp/../{victim['id']}/tmp", f"{HOME}/../launch.json", f"{HOME}/../placement.json"):
        attempt(f"another session's home: {path}", reads, path)
    os.symlink(victim["folder"], f"{HOME}/victim")
    os.symlink(f"{victim['folder']}/home", "/tmp/victim")
    attempt("another session's home by a symbolic link", reads, f"{HOME}/victim/home")
    attempt("another session's home by a symbolic link in /tmp", reads, "/tmp/victim")
    attempt("a hard link to the run folder's file", done, os.link, f"{RUN}/launch.json", f"{HOME}/launch.json")
    attempt("a hard link to a file of the image", done, os.link, "/usr/bin/env", f"{HOME}/env")
    for folder in (HOME, "/tmp", "/dev/shm"):
        attempt(f"a block device in {folder}", done, os.mknod, f"{folder}/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
        attempt(f"a character device in {folder}", done, os.mknod, f"{folder}/mem", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    attempt("a home of one's own choice", done, os.rename, HOME, "/home/other")
    attempt("the folder that homes are in", creates, "/home/x")
    attempt("a file that is larger than the limit", larger_than_its_limit)
    attempt("the user whom the names give to root's number", root_by_name)


def larger_than_its_limit():
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with open(f"{HOME}/large", "wb") as file:
        file.truncate(limit + 1)
    raise Escaped("it was made")


def root_by_name():
    users = [line.split(":") for line in open("/etc/passwd")]
    own = [user for user in users if user[2] == str(os.getuid())]
    if not own or own[0][0] != "agent" or own[0][5] != HOME:
        raise Escaped(f"the own number is {own[:1]}")
    return fail("agent is root") if any(user[0] == "agent" and user[2] == "0" for user in users) else "agent"


def dummy_elsewhere():
    """A tool's dummy is a word like any other, wherever no secret is sent."""
    dummy = os.environ.get("GITEA_TOKEN", "")
    if dummy != "cc-docker-dummy":
        raise Escaped(f"the tool's token is {dummy!r}")
    answer = exchange(f"GET http://{HOST}:{PORT}/dummy HTTP/1.1\r\nHost: {HOST}:{PORT}\r\nAuthorization: token {dummy}\r\nConnection: close\r\n\r\n".encode(), wait=10)
    if f"token {dummy}" not in answer:
        raise Escaped(f"the site got something else: {answer[-200:]}")
    return "as it is"


# --- privileges ------------------------------------------------------------------------------------------------------

libc = ctypes.CDLL(None, use_errno=True)
NUMBERS = {
    "x86_64": dict(ptrace=101, mount=165, umount2=166, pivot_root=155, chroot=161, unshare=272, setns=308, bpf=321, perf_event_open=298, io_uring_setup=425, userfaultfd=323, keyctl=250, add_key=248, request_key=249, kexec_load=246, init_module=175, finit_module=313, delete_module=176, reboot=169, swapon=167, clock_settime=227, sethostname=170, syslog=103, acct=163, open_by_handle_at=304, fsopen=430, open_tree=428, move_mount=429, mount_setattr=442, quotactl=179, lookup_dcookie=212, iopl=172, setuid=105, capset=126, clone3=435, process_vm_readv=310),
    "aarch64": dict(ptrace=117, mount=40, umount2=39, pivot_root=41, chroot=51, unshare=97, setns=268, bpf=280, perf_event_open=241, io_uring_setup=425, userfaultfd=282, keyctl=219, add_key=217, request_key=218, kexec_load=104, init_module=105, finit_module=273, delete_module=106, reboot=142, swapon=224, clock_settime=112, sethostname=161, syslog=116, acct=89, open_by_handle_at=265, fsopen=430, open_tree=428, move_mount=429, mount_setattr=442, quotactl=60, lookup_dcookie=18, setuid=146, capset=91, clone3=435, process_vm_readv=270),
}[platform.machine()]


def syscall(name, *arguments):
    if name not in NUMBERS:
        return "this machine has no such call"
    ctypes.set_errno(0)
    # A pointer where the kernel wants one, else a whole register.
    result = libc.syscall(NUMBERS[name], *(ctypes.c_long(one) if isinstance(one, int) else one for one in arguments))
    code = ctypes.get_errno()
    if result != -1:
        raise Escaped(f"{name} returned {result}")
    if code not in (errno.EPERM, errno.EACCES, errno.ENOSYS):
        raise Escaped(f"{name} was let through to the kernel: {os.strerror(code)}")
    return os.strerror(code)


def in_child(function, *arguments):
    """What changes the process that it succeeds in."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            text = json.dumps([True, str(function(*arguments))])
        except Escaped as escaped:
            text = json.dumps([False, str(escaped)])
        except OSError as error:
            text = json.dumps([True, str(error)])
        os.write(writer, text.encode())
        os._exit(0)
    os.close(writer)
    blocked, detail = json.loads(os.read(reader, 65536).decode())
    os.close(reader)
    os.waitpid(child, 0)
    return detail if blocked else fail(detail)


def becomes_root(*command):
    tool = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10)
    return fail(f"ran: {tool.stdout[:100]}") if tool.returncode == 0 else (tool.stderr.strip() or f"exit {tool.returncode}")


def setuid_copy(folder):
    """A setuid file of another owner cannot be made; one of the agent's own gives nothing."""
    copy = f"{folder}/python-setuid"
    subprocess.run(["cp", "/usr/bin/python3", copy], check=True)
    os.chmod(copy, 0o6755)
    out = subprocess.run([copy, "-c", "import os; print(os.geteuid())"], capture_output=True, text=True).stdout
    return fail("root") if out.strip() == "0" else f"uid {out.strip()}"


def traces_init():
    # PTRACE_ATTACH
    return syscall("ptrace", 16, 1, 0, 0)


def capabilities():
    status = open("/proc/self/status").read()
    held = [line for line in re.findall(r"^Cap\w+:\s+\w+$", status, re.M) if not re.search(r"\b0+$", line)]
    return fail(str(held)) if held else "none"


def more_capabilities():
    """All of them at once, as a process of root's may have elsewhere."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    data = ctypes.create_string_buffer(struct.pack("=6I", *[0xFFFFFFFF] * 6))
    return syscall("capset", header, data)


def seccomp_holds():
    found = dict(re.findall(r"^(NoNewPrivs|Seccomp|CapBnd):\s*(.*)$", open("/proc/self/status").read(), re.M))
    # CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID
    if found["NoNewPrivs"] != "1" or found["Seccomp"] != "2" or int(found["CapBnd"], 16) != 0xEB:
        raise Escaped(str(found))
    return str(found)


def kernel_settings():
    status = open("/proc/self/status").read()
    found = re.findall(r"^(NoNewPrivs|Seccomp|Uid|Groups):\s*(.*)$", status, re.M)
    settings = dict(found)
    if settings["NoNewPrivs"] != "1" or settings["Seccomp"] != "2" or settings["Uid"].split()[1] == "0":
        raise Escaped(str(settings))
    return str(settings)


def the_syscalls():
    text = ctypes.c_char_p
    new_user, new_net, new_mount, new_pid = 0x10000000, 0x40000000, 0x20000, 0x20000000
    for name, arguments in {
        "mount a tmpfs": ("mount", text(b"none"), text(b"/workspace"), text(b"tmpfs"), 0, None),
        "mount proc": ("mount", text(b"proc"), text(b"/workspace"), text(b"proc"), 0, None),
        "mount a cgroup": ("mount", text(b"cgroup"), text(b"/workspace"), text(b"cgroup"), 0, text(b"memory")),
        "remount the root for writing": ("mount", None, text(b"/"), None, 0x20 | 0x1000, None),
        "remount the run folder for writing": ("mount", None, text(RUN.encode()), None, 0x20 | 0x1000, None),
        "unmount /proc/kcore's mask": ("umount2", text(b"/proc/kcore"), 2),
        "fsopen": ("fsopen", text(b"tmpfs"), 0),
        "open_tree": ("open_tree", -100, text(b"/"), 1),
        "mount_setattr": ("mount_setattr", -100, text(b"/"), 0, ctypes.create_string_buffer(32), 32),
        "pivot_root": ("pivot_root", text(b"/workspace"), text(b"/workspace")),
        "chroot": ("chroot", text(b"/workspace")),
        "unshare a user namespace": ("unshare", new_user),
        "unshare a user and a network namespace": ("unshare", new_user | new_net),
        "unshare a network namespace": ("unshare", new_net),
        "unshare a mount namespace": ("unshare", new_mount),
        "unshare a pid namespace": ("unshare", new_pid),
        "keyctl": ("keyctl", 0, -3, 1),
        "add_key": ("add_key", text(b"user"), text(b"x"), text(b"y"), 1, -3),
        "request_key": ("request_key", text(b"user"), text(b"x"), None, -3),
        "bpf": ("bpf", 0, ctypes.create_string_buffer(struct.pack("=IIII", 2, 4, 4, 1), 128), 128),
        "perf_event_open": ("perf_event_open", ctypes.create_string_buffer(struct.pack("=II", 1, 128), 128), 0, -1, -1, 0),
        "io_uring_setup": ("io_uring_setup", 1, ctypes.create_string_buffer(120)),
        "userfaultfd": ("userfaultfd", 0),
        "kexec_load": ("kexec_load", 0, 0, None, 0),
        "init_module": ("init_module", ctypes.create_string_buffer(8), 8, text(b"")),
        "finit_module": ("finit_module", 0, text(b""), 0),
        "delete_module": ("delete_module", text(b"loop"), 0),
        "reboot": ("reboot", 0xFEE1DEAD, 672274793, 0, None),
        "swapon": ("swapon", text(b"/workspace/swap"), 0),
        "sethostname": ("sethostname", text(b"x"), 1),
        "clock_settime": ("clock_settime", 0, ctypes.create_string_buffer(16)),
        "the kernel's log": ("syslog", 3, ctypes.create_string_buffer(128), 128),
        "acct": ("acct", text(b"/workspace/acct")),
        "iopl": ("iopl", 3),
    }.items():
        attempt(f"syscall: {name}", in_child, syscall, *arguments)
    for name in ("net", "mnt", "pid", "user", "cgroup"):
        attempt(f"enter init's {name} namespace", in_child, enter, f"/proc/1/ns/{name}")
    attempt("unshare by its tool", becomes_root, "unshare", "-Urn", "id")
    attempt("nsenter", becomes_root, "nsenter", "-t", "1", "-n", "-m", "id")
    attempt("mount by its tool", becomes_root, "mount", "-t", "tmpfs", "none", "/workspace")
    attempt("a shell under another engine's tool", becomes_root, "sh", "-c", "docker ps || ctr c ls || crictl ps || runc list")


def the_privileges():
    attempt("capabilities", capabilities)
    attempt("no-new-privileges, seccomp and an ordinary user", kernel_settings)
    attempt("syscall: setuid(0)", in_child, syscall, "setuid", 0)
    attempt("su", becomes_root, "su", "-c", "id")
    attempt("newgrp", becomes_root, "newgrp", "root")
    attempt("sudo", becomes_root, "sh", "-c", "command -v sudo && sudo -n id")
    for folder in ("/workspace", HOME, "/tmp"):
        attempt(f"a setuid file in {folder}", setuid_copy, folder)


def enter(path):
    return syscall("setns", os.open(path, os.O_RDONLY), 0)


# --- the runner's sockets --------------------------------------------------------------------------------------------


def model(request):
    return judge(exchange(wire(request), path=f"{RUN}/model.sock", wait=0.5))


def flood(name, count=1500):
    """More connections than it has room for, held for a moment."""
    held = []
    try:
        for _ in range(count):
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(1)
            connection.connect(f"{RUN}/{name}")
            connection.send(b"GET /")
            held.append(connection)
    except OSError as error:
        said = f"{len(held)} held: {error}"
    else:
        said = f"{len(held)} held"
    finally:
        for connection in held:
            connection.close()
    return said


def endless(name, start, seconds=4):
    """A line, or a body, without end: it is cut off before long."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(f"{RUN}/{name}")
        connection.sendall(start)
        block, sent, until = b"a" * (1 << 20), 0, time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                connection.sendall(block)
            except OSError as error:
                return f"cut off after {sent} MB: {error}"
            sent += 1
        raise Escaped(f"{sent} MB were taken, and more would have been")


def first_line(line, wait=3):
    """A connection to the socket of streams that says what it is for: it is closed at once."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(wait)
        connection.connect(f"{RUN}/sockets/streams.sock")
        connection.sendall(line)
        try:
            said = connection.recv(4096)
        except TimeoutError:
            raise Escaped("it stays open")
        except OSError as error:
            return f"cut off: {error}"
        if said:
            raise Escaped(f"it was told {said[:200]}")
        return "closed"


def the_sockets():
    bait = f"127.0.0.1:{BAIT_PORT}"
    for name, text in {
        "another path": "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
        "another method": "GET /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n\r\n",
        "a path with dots": "POST /v1/messages/../organizations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "a path that only begins so": "POST /v1/messages?beta=true&x=/../../files HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "files": "POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        "an absolute URL": f"POST http://{bait}/v1/messages?beta=true HTTP/1.1\r\nHost: {bait}\r\nContent-Length: 2\r\n\r\n{{}}",
        "CONNECT": f"CONNECT {bait} HTTP/1.1\r\nHost: {bait}\r\n\r\n",
        "an upgrade": f"GET http://{bait}/ HTTP/1.1\r\nHost: {bait}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "TRACE": "TRACE /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n\r\n",
    }.items():
        attempt(f"model.sock: {name}", model, text)
    attempt("model.sock: an endless header", endless, "model.sock", b"POST /v1/messages?beta=true HTTP/1.1\r\nX: ")
    attempt("model.sock: an endless body", endless, "model.sock", b"POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    attempt("proxy.sock: an endless header", endless, "proxy.sock", f"GET http://{HOST}:{PORT}/ HTTP/1.1\r\nX: ".encode())
    attempt("proxy.sock: an endless URL", endless, "proxy.sock", f"GET http://{HOST}:{PORT}/".encode())
    attempt("streams.sock: a control connection beside the wrapper's", first_line, b'{"kind":"control"}\n')
    attempt("streams.sock: a stream that nobody asked for", first_line, b'{"kind":"stream","id":"' + b"A" * 22 + b'"}\n')
    attempt("streams.sock: no line of its protocol", first_line, b"GET / HTTP/1.1\r\n")
    attempt("streams.sock: an endless line", endless, "sockets/streams.sock", b'{"kind":"stream","id":"')
    attempt("streams.sock: 1500 connections", flood, "sockets/streams.sock")
    attempt("proxy.sock: 1500 connections", flood, "proxy.sock")
    attempt("model.sock: 1500 connections", flood, "model.sock")


before = controls()
if not BUILD:
    the_addresses()
    the_own()
    the_requests()
if not OPEN:
    the_list()
    the_network()
    the_syscalls()
if BUILD:
    the_foreign()
    the_build()
elif not OPEN:
    the_privileges()
    the_files()
    the_sockets()
result = {"before": before, "after": controls(), "attempts": attempts}
with open(sys.argv[2], "w") as file:
    json.dump(result, file)
count = {verdict: sum(one["verdict"] == verdict for one in attempts) for verdict in ("BLOCKED", "ESCAPED", "BROKEN")}
print(json.dumps(count))
