"""A central system written from docs/contract.md and the schemas alone, without a line of tally's code: MQTT over a socket, SQLite,
openssl for signatures. It stores, acknowledges, commands and wishes; what it sees goes to standard output, one JSON object in a line.

    peer.py HOST PORT DATABASE KEY.pem
"""
import base64, hashlib, json, os, socket, sqlite3, subprocess, sys, tempfile, threading, time, zlib

host, port, database, key = sys.argv[1:5]
LIMITS = {"tx": (50, 32 << 10), "ev": (50, 32 << 10), "rd": (200, 64 << 10)}


def say(**what):
    print(json.dumps(what), flush=True)


def now(plus=0):
    t = time.time() + plus
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + ".%03dZ" % (t % 1 * 1000)


# --- MQTT 3.1.1, as much as is needed -------------------------------------------------------------------------------
class Broker:
    def __init__(self, will_topic, will):
        self.sock, self.lock, self.id = socket.create_connection((host, int(port))), threading.Lock(), 0
        self.file = self.sock.makefile("rb")
        text = lambda b: len(b).to_bytes(2, "big") + b
        flags = 0x02 | 0x04 | 0x08 | 0x20  # clean session, will with QoS 1, retained
        self.packet(0x10, text(b"MQTT") + bytes([4, flags, 0, 60]) + text(b"peer-1") + text(will_topic.encode()) + text(will))
        assert self.read()[0] == 0x20

    def packet(self, head, body):
        size, n = b"", len(body)
        while True:
            size += bytes([n % 128 | (128 if n > 127 else 0)])
            n //= 128
            if n == 0:
                break
        with self.lock:
            self.sock.sendall(bytes([head]) + size + body)

    def read(self):
        head, n, shift = self.file.read(1), 0, 0
        if not head:
            sys.exit(0)
        while True:
            b = self.file.read(1)[0]
            n, shift = n | (b & 127) << shift, shift + 7
            if b < 128:
                return head[0], self.file.read(n)

    def next_id(self):
        self.id = self.id % 65535 + 1
        return self.id.to_bytes(2, "big")

    def subscribe(self, *filters):
        self.packet(0x82, self.next_id() + b"".join(len(f).to_bytes(2, "big") + f.encode() + b"\1" for f in filters))

    def publish(self, topic, payload, retain=False):
        t = topic.encode()
        self.packet(0x32 | retain, len(t).to_bytes(2, "big") + t + self.next_id() + payload)

    def messages(self):
        while True:
            head, body = self.read()
            if head >> 4 != 3:
                continue
            n = int.from_bytes(body[:2], "big")
            topic, rest = body[2:2 + n].decode(), body[2 + n:]
            if head & 6:
                ident, rest = rest[:2], rest[2:]
                self.packet(0x40, ident)
            yield topic, rest


# --- envelopes --------------------------------------------------------------------------------------------------------
def json_envelope(payload):
    text = payload.decode()
    head = json.loads(text)
    if head["v"] != 1 or "records" not in head:
        return head, []
    decoder, at, records = json.JSONDecoder(), text.index('"records":[') + len('"records":['), []
    while text[at] != "]":  # the bytes as they came
        _, end = decoder.raw_decode(text, at)
        records.append(text[at:end].encode())
        at = end + (text[end] == ",")
    return head, records


def cbor(b, at=0):
    major, n, at = b[at] >> 5, b[at] & 31, at + 1
    if n > 23:
        size = 1 << n - 24
        n, at = int.from_bytes(b[at:at + size], "big"), at + size
    if major == 0:
        return n, at
    if major == 1:
        return -1 - n, at
    if major in (2, 3):
        return (b[at:at + n] if major == 2 else b[at:at + n].decode()), at + n
    if major == 6:
        return cbor(b, at)
    items = []
    for _ in range(n):
        item, at = cbor(b, at)
        items.append(item)
    return items, at


def number(n):  # 64-bit two's complement
    return (n + 2**63) % 2**64 - 2**63


def column(c, before):
    """The values of a column as functions of the hash of the record before, and its numbers if it has any."""
    kind = c[0]
    if kind == 0:
        return lambda row, prev: c[1], None
    if kind == 1:
        return lambda row, prev: c[1] if prev is None else '"' + prev + '"', None
    if kind in (2, 3, 4):
        values, total = [], 0
        for d in c[1] if kind == 4 else c[2]:
            total = number(total + d)
            values.append(total)
        if kind == 4:
            def decimal(row, prev):
                f = c[2][min(row, len(c[2]) - 1)]
                scale, width = f % 32, f // 32
                digits = str(values[row]).rjust(max(width, scale + 1), "0")
                return '"' + (digits[:-scale] + "." + digits[-scale:] if scale else digits) + '"'
            return decimal, None
        if c[1] > 0:
            values = [number(v + o) for v, o in zip(values, before[c[1] - 1])]
        if kind == 2:
            return lambda row, prev: str(values[row]), values
        stamp = lambda ms: time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + ".%03dZ" % (ms % 1000)
        return lambda row, prev: '"' + stamp(values[row]) + '"', values
    if kind == 5:
        return lambda row, prev: '"' + c[1][row].hex() + '"', None
    if kind == 6:
        return lambda row, prev: c[1][c[2][row]], None
    return lambda row, prev: c[1][row], None


def compact_envelope(payload):
    v, node, epoch, stream, seq0, n, boot, sent_at, clock, enc, sha, data = cbor(payload)[0][:12]
    order, shapes = cbor(zlib.decompressobj(-15).decompress(data, 256 << 10))[0]
    tables = []
    for text, columns in shapes:
        cells, numbers = [], []
        for c in columns:
            f, values = column(c, numbers)
            cells.append(f)
            numbers.append(values)
        tables.append([text.split("\0"), cells, 0])
    records, prev = [], None
    for s in order:
        parts, cells, row = tables[s]
        text = "".join(p + f(row, prev) for p, f in zip(parts, cells)) + parts[-1]
        tables[s][2] += 1
        records.append(text.encode())
        prev = hashlib.sha256(records[-1]).hexdigest()
    return {"v": v, "node": node, "epoch": epoch, "stream": stream, "seq0": seq0, "n": n, "enc": enc, "sha256": sha.hex()}, records


# --- the store --------------------------------------------------------------------------------------------------------
db = sqlite3.connect(database)
db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE IF NOT EXISTS record (node, epoch, stream, seq, raw, PRIMARY KEY (node, epoch, stream, seq))")
db.execute("CREATE TABLE IF NOT EXISTS mark (node, epoch, stream, acked, PRIMARY KEY (node, epoch, stream))")


def take(topic, payload):
    _, _, node, _, stream = topic.split("/")
    try:
        e, records = compact_envelope(payload) if payload[:1] == b"\xd9" else json_envelope(payload)
        sound = (e["v"] == 1 and len(records) == e["n"] <= LIMITS[stream][0] and (e["node"], e["stream"]) == (node, stream)
                 and hashlib.sha256(b"".join(r + b"\n" for r in records)).hexdigest() == e["sha256"])
    except (ValueError, KeyError, IndexError) as err:
        sound, e = False, {"error": repr(err)}
    if not sound:
        return say(saw="refused", topic=topic, head=e)
    id = (node, e["epoch"], stream)
    fresh = []
    with db:
        for i, raw in enumerate(records):
            r = json.loads(raw)
            assert r["seq"] == e["seq0"] + i
            old = db.execute("SELECT raw FROM record WHERE node=? AND epoch=? AND stream=? AND seq=?", id + (r["seq"],)).fetchone()
            if old:
                assert old[0] == raw, "conflict"
                continue
            before = db.execute("SELECT raw FROM record WHERE node=? AND epoch=? AND stream=? AND seq=?", id + (r["seq"] - 1,)).fetchone()
            if r["seq"] == 1 or before:
                assert r["prev"] == (hashlib.sha256(before[0]).hexdigest() if before else ""), "the chain is broken"
            db.execute("INSERT INTO record VALUES (?,?,?,?,?)", id + (r["seq"], raw))
            fresh.append(r)
        acked = (db.execute("SELECT acked FROM mark WHERE node=? AND epoch=? AND stream=?", id).fetchone() or (0,))[0]
        while db.execute("SELECT 1 FROM record WHERE node=? AND epoch=? AND stream=? AND seq=?", id + (acked + 1,)).fetchone():
            acked += 1
        db.execute("INSERT OR REPLACE INTO mark VALUES (?,?,?,?)", id + (acked,))
    for r in fresh:
        say(saw="record", node=node, stream=stream, enc=e["enc"], type=r["type"], id=r["id"], seq=r["seq"], body=r["body"])
    broker.publish(f"tally/v1/{node}/dn/ack/{stream}", json.dumps({"epoch": e["epoch"], "ack": acked}).encode(), retain=True)


# --- what goes down ---------------------------------------------------------------------------------------------------
def signed(kind, node, body):
    text = json.dumps(body)
    with tempfile.NamedTemporaryFile() as f:
        f.write(f"tally/v1 {kind} {node}\n{text}".encode())
        f.flush()
        sig = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", f.name], capture_output=True, check=True).stdout
    return json.dumps({"v": 1, "key": "peer", "body": text, "sig": base64.b64encode(sig).decode()}).encode()


def listen():
    """Standard input says what to order: {"cmd": …} or {"cfg": …} with the node's name."""
    for line in sys.stdin:
        what = json.loads(line)
        version = int(time.time() * 1000)
        if "cmd" in what:
            body = {"id": what["id"], "node": what["node"], "counter": version, "issued": now(), "expires": now(3600), "type": what["cmd"], "args": what["args"]}
            for _ in range(3):  # it is sent again until its result is here
                broker.publish(f"tally/v1/{what['node']}/dn/cmd", signed("dn/cmd", what["node"], body))
        else:
            parts = {name: part | {"as_of": now()} for name, part in what["cfg"].items()}
            body = {"node": what["node"], "version": version, "issued": now(), "parts": parts}
            broker.publish(f"tally/v1/{what['node']}/dn/cfg", signed("dn/cfg", what["node"], body), retain=True)
    os._exit(0)


status = lambda online: json.dumps({"v": 1, "online": online, "at": now(), "enc": ["columns"]}).encode()
broker = Broker("tally/v1/central/st", status(False))
broker.subscribe("tally/v1/+/up/#", "tally/v1/+/st")
broker.publish("tally/v1/central/st", status(True), retain=True)
threading.Thread(target=listen, daemon=True).start()
for topic, payload in broker.messages():
    if topic.endswith("/st") and topic != "tally/v1/central/st":
        say(saw="status", node=topic.split("/")[2], status=json.loads(payload))
    elif topic.split("/")[-1] in LIMITS:
        take(topic, payload)
