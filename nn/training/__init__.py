"""Training: `fit` and what it is made of.

Read it in this order: `fitting` (what is given, and its checks), `run` (the loop), `engines` (the gradient of a batch,
two ways), `history`, `callbacks`, `checkpoint`, `progress`.
"""
