from .case import Case

CASES = [
    Case("Linear", (3, 2), shapes=[(3,)]),
    Case("Linear", (3, 1), {"bias": False}, shapes=[(3,)]),
    Case("Linear", (2, 3), shapes=[(4, 2)], batched=[(2, 4, 2)]),
    Case("Flatten", shapes=[(2, 3, 2)], example=False, wrong=(3,)),
    Case("Flatten", (1, 2), shapes=[(2, 3, 2)], example=False, wrong=(3,)),
    Case("Flatten", (0, -2), shapes=[(2, 3, 2)], wrong=(), batched=[(2, 3, 2)]),
    Case("Identity", shapes=[(3,)], wrong=None),
]
