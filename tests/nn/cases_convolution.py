import warnings

from .case import Case


def same_of_an_odd_padding(layer, *args, **options):
    """A row whose padding is odd: PyTorch then warns, once, that it copies the input."""

    def quiet(torch):
        class Quiet(getattr(torch.nn, layer)):
            def forward(self, x):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return super().forward(x)

        return Quiet(*args, padding="same", **options)

    return {"layer": layer, "args": args, "options": {"padding": "same", **options}, "torch": quiet}


CASES = [
    # ------------------------------------------------------------------ along one axis
    Case("Conv1d", (1, 1, 1), shapes=[(1, 1)]),
    Case("Conv1d", (2, 3, 3), shapes=[(2, 7)]),
    Case("Conv1d", (2, 3, 7), {"bias": False}, shapes=[(2, 7)], wrong=(3, 7)),
    Case("Conv1d", (3, 2, 2), {"stride": 3, "padding": 1, "dilation": 2}, shapes=[(3, 8)]),
    Case("Conv1d", (1, 2, 3), {"padding": 4}, shapes=[(1, 2)]),  # windows that see nothing but padding
    Case("Conv1d", (1, 2, 3), {"padding": 4, "bias": False}, shapes=[(1, 2)]),
    Case(**same_of_an_odd_padding("Conv1d", 2, 2, 4), shapes=[(2, 5)]),
    Case("Conv1d", (4, 6, (2,), (1,), (1,)), {"dilation": (3,), "groups": 2}, shapes=[(4, 5)]),
    Case("Conv1d", (2, 2, 3, 2), {"padding": "valid"}, shapes=[(2, 6)]),
    # ------------------------------------------------------------------ along two
    Case("Conv2d", (1, 2, 3), shapes=[(1, 5, 4)]),
    Case("Conv2d", (2, 3, (2, 3)), {"bias": False}, shapes=[(2, 3, 5)], wrong=(3, 5)),
    Case("Conv2d", (2, 2, 1), shapes=[(2, 3, 2)], wrong=(3, 3, 2)),
    Case("Conv2d", (2, 2, 3, 2, 1), shapes=[(2, 5, 6)]),
    Case("Conv2d", (1, 2, (3, 2), (2, 3), (0, 1), (1, 2)), shapes=[(1, 6, 7)]),
    Case("Conv2d", (4, 4, 2), {"groups": 2, "padding": 1}, shapes=[(4, 3, 3)]),
    Case("Conv2d", (2, 4, 3), {"groups": 2, "bias": False}, shapes=[(2, 3, 4)]),  # each channel by itself
    Case("Conv2d", (1, 2, 3), {"padding": "same"}, shapes=[(1, 4, 3)]),
    Case(**same_of_an_odd_padding("Conv2d", 1, 2, (2, 4), dilation=(3, 1)), shapes=[(1, 4, 3)]),
    Case("Conv2d", (1, 1, 2), {"padding": "valid", "stride": (2, 1)}, shapes=[(1, 5, 3)]),
    Case("Conv2d", (1, 2, 2), {"padding": (3, 0), "bias": False}, shapes=[(1, 1, 2)]),
    # ------------------------------------------------------------------ transposed
    Case("ConvTranspose2d", (1, 2, 3), shapes=[(1, 3, 2)]),
    Case("ConvTranspose2d", (2, 3, (2, 3)), {"bias": False}, shapes=[(2, 2, 3)], wrong=(3, 3)),
    Case("ConvTranspose2d", (3, 2, 2, 2), shapes=[(3, 2, 3)]),
    Case("ConvTranspose2d", (1, 2, 2, 3), shapes=[(1, 2, 3)]),  # holes between the kernels
    Case("ConvTranspose2d", (1, 2, 2, 3), {"bias": False}, shapes=[(1, 2, 3)]),
    Case("ConvTranspose2d", (2, 1, 3, 2, 1, 1), shapes=[(2, 2, 3)]),
    Case("ConvTranspose2d", (2, 1, (3, 2), (2, 3), (1, 0), (0, 2)), shapes=[(2, 3, 2)]),
    Case("ConvTranspose2d", (4, 6, 2), {"groups": 2, "stride": 2}, shapes=[(4, 2, 2)]),
    Case("ConvTranspose2d", (2, 2, 3), {"groups": 2, "dilation": (2, 1), "padding": 2}, shapes=[(2, 3, 4)]),
    Case("ConvTranspose2d", (1, 1, 2), {"dilation": 3, "output_padding": 2}, shapes=[(1, 2, 2)]),
    Case("ConvTranspose2d", (1, 2, 3, 2), {"padding": 1}, call={"output_size": (4, 5)}, shapes=[(1, 2, 3)]),
]
