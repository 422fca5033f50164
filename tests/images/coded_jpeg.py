"""Baseline JPEGs written coefficient by coefficient, with any codes and quanta.

No encoder of pictures makes coefficients that no picture has, codes of all lengths, or units of
every sampling; decoders meet them all the same.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

#: Where the coefficients of a file stand in rows: diagonals, up and down in turns.
ZIGZAG = sorted(
    range(64),
    key=lambda place: (sum(divmod(place, 8)), divmod(place, 8)[sum(divmod(place, 8)) % 2 == 0]),
)


@dataclass(frozen=True)
class Code:
    """A prefix code: its table as a DHT segment has it, and the bits of each symbol."""

    counted: bytes
    bits: dict[int, str]


def random_code(chance: random.Random, symbols: list[int]) -> Code:
    """Codes of 1 to 16 bits, none of ones alone."""
    lengths = [16] * len(symbols)
    room = (1 << 16) - 1 - len(symbols)
    for _ in range(3 * len(symbols)):
        place = chance.randrange(len(symbols))
        shorter = chance.randint(max(1, lengths[place] - 9), lengths[place])
        cost = (1 << 16 - shorter) - (1 << 16 - lengths[place])
        if cost <= room:
            room -= cost
            lengths[place] = shorter
    order = sorted(range(len(symbols)), key=lambda place: lengths[place])
    bits, code, last = {}, 0, 0
    for place in order:
        code <<= lengths[place] - last
        last = lengths[place]
        bits[symbols[place]] = format(code, f"0{last}b")
        code += 1
    counts = bytes(lengths.count(length) for length in range(1, 17))
    return Code(counts + bytes(symbols[place] for place in order), bits)


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2) + body


def value_bits(value: int) -> str:
    size = abs(value).bit_length()
    return format(value if value > 0 else value + (1 << size) - 1, f"0{size}b") if size else ""


def block_bits(block: list[int], last: int, dc: Code, ac: Code) -> str:
    """block: 64 coefficients in the order of a file."""
    difference = block[0] - last
    text = dc.bits[abs(difference).bit_length()] + value_bits(difference)
    zeros = 0
    for value in block[1:]:
        if not value:
            zeros += 1
            continue
        text += ac.bits[0xF0] * (zeros // 16)
        text += ac.bits[zeros % 16 << 4 | abs(value).bit_length()] + value_bits(value)
        zeros = 0
    return text + ac.bits[0] if zeros else text


def random_jpeg(
    chance: random.Random, size: tuple[int, int], factors: list[tuple[int, int]]
) -> bytes:
    """A file of `factors` (blocks of each component in a unit, across and down)."""
    width, height = size
    numbers = [chance.randrange(4) for _ in factors]
    names = chance.sample(range(256), len(factors))
    most = chance.choice([1, 2, 8, 64, 255])
    quanta = {number: [chance.randint(1, most) for _ in range(64)] for number in numbers}
    if chance.random() < 0.1:
        quanta[numbers[0]][chance.randrange(64)] = 0
    symbols = [run << 4 | bits for run in range(16) for bits in range(1, 12)] + [0, 0xF0]
    codes = {
        number: (random_code(chance, list(range(13))), random_code(chance, symbols))
        for number in numbers
    }
    largest = chance.choice([8, 128, 512, 1024, 2047])
    density = chance.choice([0, 0.05, 0.3, 1])
    interval = chance.choice([0, 0, 1, 3])

    def block(number: int) -> list[int]:
        bounds = [min(2047, largest // max(1, quantum)) for quantum in quanta[number]]
        return [
            chance.choice([-bound, bound, chance.randint(-bound, bound)])
            if place in (0, 63) or chance.random() < density
            else 0
            for place, bound in enumerate(bounds)
        ]

    data = b"\xff\xd8"
    for number in set(numbers):
        data += segment(0xDB, bytes((number, *quanta[number])))
        data += segment(0xC4, bytes((number,)) + codes[number][0].counted)
        data += segment(0xC4, bytes((0x10 | number,)) + codes[number][1].counted)
    stated = [
        bytes((name, across << 4 | down, number))
        for name, (across, down), number in zip(names, factors, numbers, strict=True)
    ]
    frame = bytes((8,)) + height.to_bytes(2) + width.to_bytes(2) + bytes((len(factors),))
    data += segment(chance.choice([0xC0, 0xC1]), frame + b"".join(stated))
    if interval:
        data += segment(0xDD, interval.to_bytes(2))
    chosen = b"".join(
        bytes((name, number << 4 | number)) for name, number in zip(names, numbers, strict=True)
    )
    data += segment(0xDA, bytes((len(factors),)) + chosen + bytes((0, 63, 0)))
    units = -(-width // (8 * factors[0][0])) * -(-height // (8 * factors[0][1]))
    text, last = "", [0] * len(factors)
    for unit in range(units):
        if interval and unit and unit % interval == 0:
            data += packed(text) + bytes((0xFF, 0xD0 + (unit // interval - 1) % 8))
            text, last = "", [0] * len(factors)
        for place, ((across, down), number) in enumerate(zip(factors, numbers, strict=True)):
            for _ in range(across * down):
                coefficients = block(number)
                text += block_bits(coefficients, last[place], *codes[number])
                last[place] = coefficients[0]
    return data + packed(text) + b"\xff\xd9"


def packed(text: str) -> bytes:
    text += "1" * (-len(text) % 8)
    return (int(text, 2).to_bytes(len(text) // 8) if text else b"").replace(b"\xff", b"\xff\0")
