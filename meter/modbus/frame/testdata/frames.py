"""Prints frames that pymodbus builds: name, RTU hex, TCP hex, one frame a line."""
import copy

from pymodbus import bit_read_message as br, bit_write_message as bw, diag_message as dg, mei_message as mei
from pymodbus import other_message as om, pdu, register_read_message as rr, register_write_message as rw
from pymodbus.factory import ClientDecoder
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer

MESSAGES = [
    ("request start=19 count=37", br.ReadCoilsRequest(19, 37)),
    ("request start=196 count=22", br.ReadDiscreteInputsRequest(196, 22)),
    ("request start=107 count=3", rr.ReadHoldingRegistersRequest(107, 3)),
    ("request start=65535 count=125", rr.ReadInputRegistersRequest(65535, 125)),
    ("reply byte_count=2 coils=[1 0 1 0 0 0 0 0 1 0 0 0 0 0 0 0]", br.ReadCoilsResponse([True, False, True] + [False] * 5 + [True])),
    ("reply byte_count=1 coils=[0 1 0 0 0 0 0 0]", br.ReadDiscreteInputsResponse([False, True])),
    ("reply byte_count=6 registers=[1 65535 4660]", rr.ReadHoldingRegistersResponse([1, 65535, 0x1234])),
    ("reply byte_count=2 registers=[10]", rr.ReadInputRegistersResponse([10])),
    ("request or reply coil=172 on=true", bw.WriteSingleCoilRequest(172, True)),
    ("request or reply coil=172 on=false", bw.WriteSingleCoilResponse(172, False)),
    ("request or reply register=1 value=3", rw.WriteSingleRegisterRequest(1, 3)),
    ("request or reply register=1 value=3", rw.WriteSingleRegisterResponse(1, 3)),
    ("request start=19 count=3 coils=[1 0 1]", bw.WriteMultipleCoilsRequest(19, [True, False, True])),
    ("reply start=19 count=10", bw.WriteMultipleCoilsResponse(19, 10)),
    ("request start=1 count=2 registers=[10 258]", rw.WriteMultipleRegistersRequest(1, [10, 258])),
    ("reply start=1 count=2", rw.WriteMultipleRegistersResponse(1, 2)),
    ("request or reply register=4 and_mask=242 or_mask=37", rw.MaskWriteRegisterRequest(4, 242, 37)),
    ("request start=3 count=6 write_start=14 write_count=1 registers=[255]",
     rr.ReadWriteMultipleRegistersRequest(read_address=3, read_count=6, write_address=14, write_registers=[255])),
    ("reply byte_count=4 registers=[254 2765]", rr.ReadWriteMultipleRegistersResponse([254, 2765])),
    ("request", om.ReportSlaveIdRequest()),
    ("reply data=54 41 4C 31 FF server_id:TAL1.", om.ReportSlaveIdResponse(b"TAL1", True)),
    ("request", om.ReadExceptionStatusRequest()),
    ("reply status=6D", om.ReadExceptionStatusResponse(0x6D)),
    ("request or reply subfunction=0 value=42295", dg.ReturnQueryDataRequest(0xA537)),
    ("request read_code=basic object=00", mei.ReadDeviceInformationRequest(1, 0)),
    ("reply read_code=basic conformity=83 more=false next_object=00 vendor:ACE revision:V2.11",
     mei.ReadDeviceInformationResponse(1, {0: b"ACE", 2: b"V2.11"})),
    ("exception exception=02 exception_name=illegal data address", pdu.ExceptionResponse(3, 2)),
    ("exception exception=06 exception_name=server device busy", pdu.ExceptionResponse(16, 6)),
]

for want, message in MESSAGES:
    message.unit_id, message.transaction_id = 17, 0x1501
    rtu = ModbusRtuFramer(ClientDecoder()).buildPacket(copy.deepcopy(message))  # encoding counts in the message
    tcp = ModbusSocketFramer(ClientDecoder()).buildPacket(message)
    print(want, rtu.hex(), tcp.hex(), sep="|")
