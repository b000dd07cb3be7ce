"""Reads one slot of a running ticketd's stock file, as docs/store_format.md describes it: lock the
slot with fcntl.lockf, read, check, unlock. Ends with an error at the first slot that does not add
up, else when it has read it ROUNDS times and seen it change often.

    read_slot.py STOCK_FILE SLOT ROUNDS
"""
import fcntl
import os
import struct
import sys

SLOTS_OFFSET, SLOT_BYTES, OFTEN = 4096, 256, 5


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def read_locked(fd, offset):
    fcntl.lockf(fd, fcntl.LOCK_EX, SLOT_BYTES, offset)
    try:
        return os.pread(fd, SLOT_BYTES, offset)
    finally:
        fcntl.lockf(fd, fcntl.LOCK_UN, SLOT_BYTES, offset)


def main(path, slot, rounds):
    fd = os.open(path, os.O_RDWR)
    number, last_lsn, sold_values = 0, 0, set()
    while number < rounds or len(sold_values) < OFTEN:
        image = read_locked(fd, SLOTS_OFFSET + SLOT_BYTES * slot)
        checksum, state, lsn, capacity, available, held, sold, next_serial, event, name_bytes = (
            struct.unpack_from("<IIQQQQQQII", image)
        )
        assert state == 1 and event == slot, (state, event)
        (overcommit,) = struct.unpack_from("<Q", image, 224)
        assert available + held + sold == capacity + overcommit, (available, held, sold, capacity)
        assert next_serial == sold + 1, (next_serial, sold)
        assert lsn >= last_lsn, (lsn, last_lsn)
        if number % 50 == 0:  # slow in Python
            assert checksum == crc32c(image[4:]), "checksum"
        last_lsn = lsn
        sold_values.add(sold)
        number += 1
    name = image[64 : 64 + name_bytes].decode()
    print(f"{number} reads of {name}, {len(sold_values)} different counts, last {sold} sold")


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
