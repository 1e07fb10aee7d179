"""Damage: files that were never right, and what a disk, a network or an editor can do to one that was."""

import json
import pickle
import random

from nn.storage import CHECKSUM

# ------------------------------------------------------------------------------ never right


def in_file(header, data=b""):
    """A safetensors file with this header, right or wrong."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def bad_files(whole):
    """What no file of numbers may be, by what is wrong with it; `whole` is one that is right."""
    one = {"a": tensor("F64", [1], 0, 8)}
    return {
        "empty": b"",
        "short": b"\x05\0\0",
        "only a length": (5).to_bytes(8, "little"),
        "an absurd length": b"\xff" * 8 + b"{}",
        "a large length": (10**9).to_bytes(8, "little") + b"{}",
        "text": b"fc.weight = 3.0\n",
        "a pickle": pickle.dumps({"fc.weight": [1.0]}),
        "a zip": b"PK\x03\x04" + bytes(60),
        "truncated": whole[:-1],
        "with more behind": whole + b"\0",
        "no object": in_file(b"[1]"),
        "no JSON": in_file(b"{'a': 1}"),
        "no UTF-8": in_file(b'{"\xff": 1}'),
        "nested deep": in_file(b'{"a":' + b"[" * 100_000),
        "no dtype": in_file({"a": {"shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
        "unknown dtype": in_file({"a": tensor("F65", [1], 0, 8)}, bytes(8)),
        "half a byte": in_file({"a": tensor("F4", [2], 0, 1)}, bytes(1)),
        "complex": in_file({"a": tensor("C64", [1], 0, 8)}, bytes(8)),
        "negative size": in_file({"a": tensor("F64", [-1], 0, 8)}, bytes(8)),
        "other size": in_file({"a": tensor("F64", [2], 0, 8)}, bytes(8)),
        "absurd size": in_file({"a": tensor("F64", [2**62, 2**62], 0, 8)}, bytes(8)),
        "absurd empty size": in_file({"a": tensor("F64", [0, 2**63], 0, 0)}),
        "an absurd number": in_file(json.dumps(one).encode()[:-2] + b',"x":' + b"9" * 5000 + b"}}", bytes(8)),
        "a hole": in_file({**one, "b": tensor("F64", [1], 16, 24)}, bytes(24)),
        "an overlap": in_file({**one, "b": tensor("F64", [1], 4, 12)}, bytes(12)),
        "a name twice": in_file(b'{"a":%b,"a":%b}' % ((json.dumps(one["a"]).encode(),) * 2), bytes(8)),
        "a metadata key twice": in_file(b'{"__metadata__":{"k":"1","k":"2"}}'),
        "metadata of numbers": in_file({"__metadata__": {"k": 1}}),
        "a wrong checksum": in_file({"__metadata__": {CHECKSUM: "0" * 64}, **one}, bytes(8)),
        "no checksum in its place": in_file({"__metadata__": {CHECKSUM: ""}, **one}, bytes(8)),
        "a checksum under a damaged name": in_file({"__metadata__": {"chaiNrule.sha2_6": "0" * 64}, **one}, bytes(8)),
        "a checksum and another": in_file({"__metadata__": {"a": "F64", "ule.sha256": "x" * 64}, **one}, bytes(8)),
        "a digest and another": in_file({"__metadata__": {"ctype": "F64", "56": "0" * 64}, **one}, bytes(8)),
        "a checksum, other quotes": in_file({"__metadata__": {"chain" + "5d2b9f2f" * 7: "256" * 4}, **one}, bytes(8)),
    }  # fmt: skip


# ------------------------------------------------------------------------------ mutations: functions of (content, rng)


def _span(content: bytes, rng: random.Random, most: int = 64) -> tuple[int, int]:
    start = rng.randrange(len(content))
    return start, min(len(content), start + rng.randint(1, most))


def one_bit(content, rng):
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]


def one_byte(content, rng):
    at = rng.randrange(len(content))
    return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]


def several_bytes(content, rng):
    damaged = bytearray(content)
    for _ in range(rng.randint(2, 8)):
        damaged[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(damaged)


def several_letters(content, rng):
    """Bytes that JSON takes, so that the header stays readable: half of them in it, half anywhere."""
    damaged = bytearray(content)
    header = max(9, min(len(content), 8 + int.from_bytes(content[:8], "little")))
    for i in range(rng.randint(2, 8)):
        at = rng.randrange(8, header) if i % 2 else rng.randrange(len(content))
        damaged[at] = rng.choice(b"0123456789abcdefghijklmnopqrstuvwxyz._")
    return bytes(damaged)


def deletion(content, rng):
    start, end = _span(content, rng)
    return content[:start] + content[end:]


def insertion(content, rng):
    at = rng.randrange(len(content) + 1)
    return content[:at] + rng.randbytes(rng.randint(1, 64)) + content[at:]


def truncation(content, rng):
    return content[: rng.randrange(len(content))]


def swap_of_blocks(content, rng):
    size = rng.randint(1, 64)
    a, b = sorted(rng.randrange(len(content) - size) for _ in range(2))
    b = max(b, a + size)
    return content[:a] + content[b : b + size] + content[a + size : b] + content[a : a + size] + content[b + size :]


def doubled_block(content, rng):
    start, end = _span(content, rng)
    return content[:end] + content[start:end] + content[end:]


def copied_block(content, rng):
    """A block over another one: the length stays."""
    start, end = _span(content, rng)
    at = rng.randrange(len(content) - (end - start) + 1)
    return content[:at] + content[start:end] + content[at + end - start :]


def zeroed_block(content, rng):
    start, end = _span(content, rng, 512)
    return content[:start] + bytes(end - start) + content[end:]


def two_of_them(content, rng):
    once = rng.choice(SINGLE)(content, rng)
    return rng.choice(SINGLE)(once, rng) if len(once) > 128 else once


SINGLE = [
    one_bit, one_byte, several_bytes, several_letters, deletion, insertion, truncation,
    swap_of_blocks, doubled_block, copied_block, zeroed_block,
]  # fmt: skip
MUTATIONS = [*SINGLE, two_of_them]
