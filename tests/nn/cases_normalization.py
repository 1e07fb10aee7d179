from .case import Case

BATCH_NORM = {"example": False, "joint": True}
ONE_EXAMPLE = {"example": False}

CASES = [
    Case("BatchNorm1d", (3,), shapes=[(3,)], batched=[(5, 3)], **BATCH_NORM),
    Case("BatchNorm1d", (2, 0.1, 0.3), shapes=[(2, 4)], **BATCH_NORM),
    Case("BatchNorm1d", (3,), {"momentum": None}, shapes=[(3,)], batched=[(4, 3)], **BATCH_NORM),
    Case("BatchNorm1d", (2,), {"momentum": 0.0}, shapes=[(2, 1)], batched=[(4, 2, 1)], **BATCH_NORM),
    Case("BatchNorm1d", (1,), {"momentum": 1.0}, shapes=[(1, 7)], batched=[(1, 1, 7)], **BATCH_NORM),
    Case("BatchNorm1d", (3,), {"affine": False}, shapes=[(3,)], batched=[(4, 3)], **BATCH_NORM),
    Case("BatchNorm1d", (3,), {"bias": False}, shapes=[(3,)], batched=[(4, 3)], **BATCH_NORM),
    Case("BatchNorm1d", (3,), {"track_running_stats": False}, shapes=[(3,)], batched=[(4, 3)], **BATCH_NORM),
    Case("BatchNorm2d", (2,), shapes=[(2, 3, 2)], **BATCH_NORM),
    Case("BatchNorm2d", (3, 1e-3, None, True, True), shapes=[(3, 1, 5)], batched=[(1, 3, 1, 5)], **BATCH_NORM),
    Case("BatchNorm2d", (2,), {"affine": False, "momentum": 0.5}, shapes=[(2, 2, 2)], **BATCH_NORM),
    Case("BatchNorm2d", (1,), {"track_running_stats": False}, shapes=[(1, 2, 2)], **BATCH_NORM),
    Case("LayerNorm", (5,), shapes=[(5,)]),
    Case("LayerNorm", (4,), {"eps": 0.1}, shapes=[(3, 4)]),
    Case("LayerNorm", ((2, 3),), shapes=[(2, 3)]),
    Case("LayerNorm", ([3],), {"bias": False}, shapes=[(2, 2, 3)]),
    Case("LayerNorm", (4,), {"elementwise_affine": False}, shapes=[(4,)]),
    Case("RMSNorm", (5,), shapes=[(5,)]),
    Case("RMSNorm", ((2, 3), 0.1), shapes=[(2, 3)]),
    Case("RMSNorm", (4,), {"elementwise_affine": False}, shapes=[(3, 4)]),
    Case("RMSNorm", (1,), {"eps": 0.5}, shapes=[(1,)], wrong=(1, 2)),
    Case("GroupNorm", (2, 6), shapes=[(6,)], **ONE_EXAMPLE),
    Case("GroupNorm", (1, 4, 0.1), shapes=[(4,)], **ONE_EXAMPLE),
    Case("GroupNorm", (2, 4), shapes=[(4, 3)], **ONE_EXAMPLE),
    Case("GroupNorm", (3, 3), shapes=[(3, 2, 3)], **ONE_EXAMPLE),
    Case("GroupNorm", (2, 4), {"affine": False}, shapes=[(4, 2, 1)], **ONE_EXAMPLE),
    Case("GroupNorm", (2, 2), {"bias": False}, shapes=[(2, 1, 2, 2)], **ONE_EXAMPLE),
]
