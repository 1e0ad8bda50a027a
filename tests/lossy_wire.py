"""A wire between two TAP devices that carries each frame late, or loses it: netem in few lines.

``python lossy_wire.py NEAR FAR DELAY_MS LOSS_PERCENT`` makes both devices and says ``ready``.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

# linux/if_tun.h
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
LONGEST = 1 << 16


def tap(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


def carry(one: int, other: int, delay_s: float, loss: float) -> None:
    chance = random.Random(1)
    to = {one: other, other: one}
    under_way: list[tuple[float, int, int, bytes]] = []
    count = 0
    while True:
        wait = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        for device in select.select([one, other], [], [], wait)[0]:
            frame = os.read(device, LONGEST)
            if chance.random() >= loss:
                count += 1
                heapq.heappush(under_way, (time.monotonic() + delay_s, count, to[device], frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, device, frame = heapq.heappop(under_way)
            try:
                os.write(device, frame)
            except OSError:
                # the device is not up yet
                continue


if __name__ == "__main__":
    near, far = map(tap, sys.argv[1:3])
    os.write(1, b"ready\n")
    carry(near, far, float(sys.argv[3]) / 1000, float(sys.argv[4]) / 100)
