"""A second verifier of map proofs, map pages and log proofs, from the text of proto/README.md 6 and 7 alone."""

from __future__ import annotations

from tests.support.naive_parts import ZERO, require, sha

__all__ = ["naive_log_proof", "naive_map_page", "naive_map_proof"]


class _Feed:
    """Items of one length that are taken one after another."""

    def __init__(self, data: bytes, width: int) -> None:
        require(len(data) % width == 0, "incomplete")
        self.items = [data[at : at + width] for at in range(0, len(data), width)]

    def take(self) -> bytes:
        require(self.items, "missing")
        return self.items.pop(0)


def _bits(key: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in key)


def naive_map_proof(root: bytes, asked: dict[bytes, bytes | None], proof: tuple[bytes, bytes, bytes]) -> None:
    """Raise ``Wrong`` unless the proof (depths, others, siblings) shows these values under the root."""
    order = sorted(asked)
    require(order and len(order) == len(proof[0]), "depths")
    depths = dict(zip(order, proof[0], strict=True))
    others, siblings = _Feed(proof[1], 64), _Feed(proof[2], 32)

    def walk(keys: list[bytes], d: int) -> tuple[bytes, int]:
        if depths[keys[0]] <= d:
            require(all(depths[key] == d for key in keys), "depth")
            held = [(key, value) for key in keys if (value := asked[key]) is not None]
            require(len(held) < 2, "two in a place")
            if held:
                return sha(b"\x02", *held[0]), 1
            if others.items and _bits(others.items[0][:32])[:d] == _bits(keys[0])[:d]:
                other = others.take()
                require(other[:32] not in asked, "other key")
                return sha(b"\x02", other), 1
            return ZERO, 0
        halves = [[key for key in keys if _bits(key)[d] == bit] for bit in "01"]
        found = [walk(half, d + 1) if half else None for half in halves]
        for side in (0, 1):
            if found[side] is None:
                sibling = siblings.take()
                found[side] = sibling, 0 if sibling == ZERO else 2
        left, right = found
        assert left is not None
        assert right is not None
        require(left[1] + right[1] >= 2, "too few")
        return sha(b"\x03", left[0], right[0]), 2

    found, _ = walk(order, 0)
    require(not others.items and not siblings.items, "left over")
    require(found == root, "root")


def naive_log_proof(root: bytes, size: int, leaves: dict[int, bytes], proof: bytes) -> None:
    """Raise ``Wrong`` unless the proof shows these leaf hashes under the root of a tree of that size."""
    hashes = _Feed(proof, 32)
    require(leaves and all(0 <= index < size for index in leaves), "index")

    def walk(inside: list[int], start: int, end: int) -> bytes:
        if end - start == 1:
            return leaves[start]
        width = 1
        while 2 * width < end - start:
            width *= 2
        halves = [index for index in inside if index < start + width], [i for i in inside if i >= start + width]
        left = walk(halves[0], start, start + width) if halves[0] else None
        right = walk(halves[1], start + width, end) if halves[1] else None
        return sha(b"\x01", left or hashes.take(), right or hashes.take())

    found = walk(sorted(leaves), 0, size)
    require(not hashes.items, "left over")
    require(found == root, "root")


def naive_map_page(root: bytes, prefix: str, page: tuple[int, bytes, bytes]) -> dict[bytes, bytes]:
    """Raise ``Wrong`` unless the page (depth, entries, siblings) shows all that is under the bits; return it."""
    depth, rows, siblings = page[0], _Feed(page[1], 64).items, _Feed(page[2], 32).items
    require(depth <= len(prefix), "depth")
    require(depth == len(prefix) or len(rows) <= 1, "more than one")
    require(len(rows) <= 8192, "too many")
    require(len(siblings) == depth, "siblings")
    keys = [row[:32] for row in rows]
    require(keys == sorted(set(keys)), "order")
    require(all(_bits(key).startswith(prefix[:depth]) for key in keys), "prefix")
    require(not depth or len(rows) > 1 or siblings[0] != ZERO, "too few")

    def tree(inside: list[bytes], d: int) -> bytes:
        if not inside:
            return ZERO
        if len(inside) == 1:
            return sha(b"\x02", inside[0])
        left, right = ([row for row in inside if _bits(row)[d] == bit] for bit in "01")
        return sha(b"\x03", tree(left, d + 1), tree(right, d + 1))

    found = tree(rows, depth)
    for bit, sibling in zip(reversed(prefix[:depth]), siblings, strict=True):
        found = sha(b"\x03", sibling, found) if bit == "1" else sha(b"\x03", found, sibling)
    require(found == root, "root")
    return {row[:32]: row[32:] for row in rows if _bits(row).startswith(prefix)}
