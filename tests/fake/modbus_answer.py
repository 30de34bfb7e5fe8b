"""Modbus answers made by the rule of the documents, bit by bit, for tests of whoever reads them."""

from __future__ import annotations


def crc(data: bytes) -> bytes:
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register, low = register >> 1, register & 1
            if low:
                register ^= 0xA001
    return bytes((register % 256, register // 256))


def rtu(unit: int, pdu: bytes) -> bytes:
    body = bytes((unit,)) + pdu
    return body + crc(body)


def tcp(transaction: int, unit: int, pdu: bytes) -> bytes:
    return transaction.to_bytes(2, "big") + b"\x00\x00" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu
