"""An independent Modbus slave: pymodbus 3 decodes, executes and encodes; this file only moves bytes.

    slave.py rtu DEVICE     serves unit 17 on a terminal
    slave.py tcp            serves unit 17 on a free port of 127.0.0.1

Prints "ready" or "ready PORT". Ends when standard input ends.
"""
import os
import socket
import sys
import threading
import tty

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.factory import ServerDecoder
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer

UNIT = 17
# volume 1234567 L, flow 2500 L/h, 18.5 degrees, 3.62 V: the registers of generic-gas-modbus
REGISTERS = [18, 54919, 0, 2500, 185, 362] + [0] * 4

context = ModbusServerContext(
    slaves={UNIT: ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, REGISTERS), zero_mode=True)}, single=False
)


def serve(framer, read, write):
    def answer(request):
        response = request.execute(context[request.unit_id])
        response.transaction_id = request.transaction_id
        response.unit_id = request.unit_id
        write(framer.buildPacket(response))

    while True:
        data = read()
        if not data:
            return
        framer.processIncomingPacket(data, answer, [UNIT])


def rtu(path):
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    print("ready", flush=True)
    serve(ModbusRtuFramer(ServerDecoder()), lambda: os.read(fd, 256), lambda b: os.write(fd, b))


def tcp():
    listener = socket.create_server(("127.0.0.1", 0))
    print("ready", listener.getsockname()[1], flush=True)
    while True:
        conn, _ = listener.accept()
        serve(ModbusSocketFramer(ServerDecoder()), lambda: conn.recv(260), conn.sendall)


threading.Thread(target=lambda: rtu(sys.argv[2]) if sys.argv[1] == "rtu" else tcp(), daemon=True).start()
sys.stdin.read()
