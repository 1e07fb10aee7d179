from .case import Case

CASES = [
    Case("Dropout", shapes=[(4,)], random=True, wrong=None),
    Case("Dropout", (0.3,), shapes=[(2, 3)], random=True, wrong=None),
    Case("Dropout", (0.0,), shapes=[(3,)], wrong=None),
    Case("Dropout", (1.0,), shapes=[(3,)], wrong=None),
    Case("BayesLinear", (3, 2), shapes=[(3,)], random=True),
    Case("BayesLinear", (2, 1, False), {"prior_std": 0.5}, shapes=[(4, 2)], random=True),
]
