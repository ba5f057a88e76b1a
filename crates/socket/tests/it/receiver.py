# A log server as CPython's documentation builds it: every record that arrives is unpickled, made into a LogRecord and formatted.
# What came out is written to stdout, one JSON object a line.
#
#   receiver.py tcp PORT | udp PORT | unix PATH | unix-datagram PATH      serves until its standard input ends
#   receiver.py tls PORT CERTIFICATE KEY                                  the same, over TLS
#   receiver.py frames                                                    reads frames from its standard input
#
# Its leave is graceful: it closes its own end of each connection and reads on to the other's.
import json
import logging
import os
import pickle
import pickletools
import socket
import socketserver
import ssl
import struct
import sys
import threading

lock = threading.Lock()


def plain(value):
    """JSON that tells the types of Python apart."""
    if isinstance(value, dict):
        return {"dict": [[plain(key), plain(each)] for key, each in value.items()]}
    if isinstance(value, list):
        return {"list": [plain(each) for each in value]}
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"int": str(value)}
    return value


def show(payload):
    attributes = pickle.loads(payload)
    record = logging.makeLogRecord(attributes)
    formatted = logging.Formatter("%(levelname)s %(name)s %(lineno)d %(process)d %(message)s").format(record)
    opcodes = [opcode for opcode, _, _ in pickletools.genops(payload)]
    protocol = max(opcode.proto for opcode in opcodes)
    calls = sorted({opcode.name for opcode in opcodes} & {"GLOBAL", "REDUCE", "BUILD", "INST", "OBJ"})
    seen = dict(
        message=record.getMessage(),
        levelno=record.levelno,
        formatted=formatted,
        protocol=protocol,
        calls=calls,
        attributes=plain(attributes),
    )
    say(seen)


def say(line):
    with lock:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            return None
        data += more
    return data


def frames(stream):
    while (prefix := exactly(stream, 4)) is not None:
        payload = exactly(stream, struct.unpack(">L", prefix)[0])
        if payload is None:
            raise EOFError("half a frame")
        show(payload)


connections = []


class Connection(socketserver.StreamRequestHandler):
    def handle(self):
        connections.append(self.connection)
        if leaving.is_set():
            self.connection.shutdown(socket.SHUT_WR)
        frames(self.rfile)


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        data = self.request[0]
        assert struct.unpack(">L", data[:4])[0] == len(data) - 4
        show(data[4:])


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True


class Udp(socketserver.UDPServer):
    max_packet_size = 65536


class Unix(socketserver.ThreadingUnixStreamServer):
    pass


class UnixDatagram(socketserver.UnixDatagramServer):
    max_packet_size = 65536


leaving = threading.Event()


def serve(kind, place, *identity):
    is_tls, kind = kind == "tls", kind.replace("tls", "tcp")
    address = ("127.0.0.1", int(place)) if kind in ("tcp", "udp") else place
    server = {"tcp": Tcp, "udp": Udp, "unix": Unix, "unix-datagram": UnixDatagram}[kind]
    handler = Connection if kind in ("tcp", "unix") else Datagram
    server = server(address, handler)
    if is_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*identity)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    say({"ready": server.server_address[1] if kind in ("tcp", "udp") else place})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    sys.stdin.read()
    leaving.set()
    server.shutdown()
    thread.join()
    # Whoever is in the queue of connections is served before the queue goes.
    server.socket.setblocking(False)
    while kind in ("tcp", "unix"):
        try:
            connection, peer = server.socket.accept()
        except BlockingIOError:
            break
        except OSError:
            # One that does not like our certificate.
            continue
        connection.setblocking(True)
        server.process_request(connection, peer)
    # Before anybody hears of the leave and comes again.
    server.socket.close()
    for connection in list(connections):
        try:
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    server.server_close()


# A test that waits for what never comes ends as a failed one.
watchdog = threading.Timer(90, os._exit, [1])
watchdog.daemon = True
watchdog.start()

if sys.argv[1] == "frames":
    frames(sys.stdin.buffer)
else:
    serve(*sys.argv[1:])
