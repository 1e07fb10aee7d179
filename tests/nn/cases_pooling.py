from .case import Case

CASES = [
    Case("MaxPool2d", (2,), shapes=[(2, 4, 4)]),
    Case("MaxPool2d", (1,), shapes=[(1, 2, 3)]),
    Case("MaxPool2d", ((2, 3),), shapes=[(1, 5, 7)], wrong=(5, 7, 1, 1, 1)),
    Case("MaxPool2d", (3, 2, 1), shapes=[(2, 5, 6)]),
    Case("MaxPool2d", (2, (1, 2), (0, 1), (3, 1)), shapes=[(1, 6, 4)]),
    Case("MaxPool2d", (2,), {"ceil_mode": True}, shapes=[(1, 5, 3)]),
    Case("MaxPool2d", (3, 2, 1), {"ceil_mode": True, "dilation": 2}, shapes=[(1, 7, 6)]),
    Case("MaxPool2d", (2, 3, 1), {"ceil_mode": True}, shapes=[(1, 4, 5)]),  # the last window would begin in padding
    Case("AvgPool2d", (2,), shapes=[(2, 4, 4)]),
    Case("AvgPool2d", ((3, 2), 1), shapes=[(1, 4, 3)]),
    Case("AvgPool2d", (3, 2, 1), shapes=[(1, 5, 4)]),
    Case("AvgPool2d", (3, 2, 1), {"count_include_pad": False}, shapes=[(1, 5, 4)]),
    Case("AvgPool2d", (3, 2), {"ceil_mode": True}, shapes=[(1, 6, 4)]),
    Case("AvgPool2d", (3, 2, 1, True), shapes=[(1, 6, 4)]),
    Case("AvgPool2d", (3, 2, 1, True, False), shapes=[(1, 6, 4)]),
    Case("AvgPool2d", ((2, 3), (2, 1), (1, 0)), {"divisor_override": 7}, shapes=[(1, 3, 4)]),
    Case("AvgPool2d", (2,), {"divisor_override": 4, "ceil_mode": True}, shapes=[(1, 3, 5)]),
    Case("GlobalAvgPool2d", shapes=[(3, 2, 5)], torch=lambda torch: lambda x: x.mean((-2, -1))),
    Case("GlobalAvgPool2d", shapes=[(1, 1, 1)], torch=lambda torch: lambda x: x.mean((-2, -1)), wrong=(2, 2)),
]
