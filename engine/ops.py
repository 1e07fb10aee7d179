"""The table of operations: the one place where an operation exists.

An entry gives the name, the formula for the reader, the value, and the local derivatives. It is run by
four interpreters, through `xp`: floats, arrays, Values (derivatives that are graphs) and text.
`engine.operation` says what else an entry can hold. Adding an operation is one entry here, and
every function, test, checker, drawing and compiled replay has it at once.

A rule is written so that no digit is lost and nothing overflows on the way: the slope of tanh at 20 is
1.7e-17, and 1 − z² would give 0. Where that form is not the textbook's, `textbook` holds the one to show.

Glossary: x, y operands; xs a list of operands; z the result; xp the library that computes.
"""

# mypy: disable-error-code="no-untyped-def"
from math import inf as _inf
from math import log as _log
from math import pi as _pi
from math import sqrt as _sqrt

from engine import rules
from engine.operation import TABLE, define, op, reduction, unary

_LN2, _LN10 = _log(2.0), _log(10.0)
_TWO_OVER_ROOT_PI, _ONE_OVER_ROOT_TWO_PI = 2.0 / _sqrt(_pi), 1.0 / _sqrt(2.0 * _pi)
_SCALE, _ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717  # of selu

# fmt: off
# ------------------------------------------------------------------------------- arithmetic

add = op("add", "x + y.",
         lambda xp, x, y: x + y, lambda xp, z, x, y: (1.0, 1.0),
         symbol="+", written="{0} + {1}", binds=1)

sub = op("sub", "x − y.",
         lambda xp, x, y: x - y, lambda xp, z, x, y: (1.0, -1.0),
         symbol="−", written="{0} - {1}", binds=1)

mul = op("mul", "x · y.",
         lambda xp, x, y: x * y, lambda xp, z, x, y: (y, x),
         symbol="×", written="{0} * {1}", binds=2)

div = op("div", "x / y.",
         lambda xp, x, y: x / y, lambda xp, z, x, y: (1.0 / y, -z / y),
         textbook=lambda xp, z, x, y: (1 / y, -x / y**2),
         symbol="/", written="{0} / {1}", binds=2,
         domain=lambda x, y: y != 0, needs="a divisor other than 0")

neg = unary("neg", "−x.",
            lambda xp, x: -x, lambda xp, z, x: (-1.0,),
            symbol="−", written="-{0}", binds=3)

pow = op("pow", "x ** y; x ** 0 = 1 also for x = 0. For x < 0 the slope in y does not exist: nan.",
         lambda xp, x, y: xp.pow(x, y),
         lambda xp, z, x, y: (xp.power_slope(z, x, y), xp.exponent_slope(z, x, y)),
         textbook=lambda xp, z, x, y: (y * x**(y - 1), z * xp.log(x)),
         symbol="**", written="{0} ** {1}", binds=4,
         domain=lambda x, y: ((x != 0) | (y >= 0)) & ((x >= 0) | (y == y // 1)),
         needs="a base other than zero for a negative exponent, and a whole exponent for a negative base")

abs = unary("abs", "|x|. At 0 the slope is 0.",
            lambda xp, x: xp.abs(x), lambda xp, z, x: (xp.greater(x, 0.0) - xp.less(x, 0.0),),
            kinks=lambda x: (x,))

# ------------------------------------------------------------------ exponentials, logarithms, roots

exp = unary("exp", "eˣ. inf above 709.78.",
            lambda xp, x: xp.exp(x), lambda xp, z, x: (z,))

expm1 = unary("expm1", "eˣ − 1, to the last digit also for tiny x.",
              lambda xp, x: xp.expm1(x), lambda xp, z, x: (xp.exp(x),))

log = unary("log", "The natural logarithm ln x.",
            lambda xp, x: xp.log(x), lambda xp, z, x: (1.0 / x,),
            domain=lambda x: x > 0, needs="x > 0; for a probability from logits use bce_with_logits")

log1p = unary("log1p", "ln(1 + x), to the last digit also for tiny x.",
              lambda xp, x: xp.log1p(x), lambda xp, z, x: (1.0 / (1.0 + x),),
              domain=lambda x: x > -1, needs="x > -1")

log2 = unary("log2", "The logarithm to base 2.",
             lambda xp, x: xp.log2(x), lambda xp, z, x: (1.0 / _LN2 / x,),
             textbook=lambda xp, z, x: (1 / (x * _LN2),),
             domain=lambda x: x > 0, needs="x > 0")

log10 = unary("log10", "The logarithm to base 10.",
              lambda xp, x: xp.log10(x), lambda xp, z, x: (1.0 / _LN10 / x,),
              textbook=lambda xp, z, x: (1 / (x * _LN10),),
              domain=lambda x: x > 0, needs="x > 0")

sqrt = unary("sqrt", "√x. At 0 the slope is inf.",
             lambda xp, x: xp.sqrt(x), lambda xp, z, x: (0.5 / z,),
             textbook=lambda xp, z, x: (1 / (2 * z),),
             domain=lambda x: x >= 0, needs="x >= 0")

cbrt = unary("cbrt", "∛x, also of negative numbers. At 0 the slope is inf.",
             lambda xp, x: xp.cbrt(x), lambda xp, z, x: (1.0 / 3.0 / z / z,),
             textbook=lambda xp, z, x: (1 / (3 * z**2),))

hypot = op("hypot", "√(x² + y²), without overflow on the way. At the origin both slopes are 0.",
           lambda xp, x, y: xp.hypot(x, y),
           lambda xp, z, x, y: rules.direction(xp, z, x, y),
           textbook=lambda xp, z, x, y: (x / z, y / z),
           kinks=lambda x, y: (x if y == 0 else 1.0,))

# ------------------------------------------------------------------------------- trigonometry

sin = unary("sin", "sin x, x in radians.",
            lambda xp, x: xp.sin(x), lambda xp, z, x: (xp.cos(x),))

cos = unary("cos", "cos x, x in radians.",
            lambda xp, x: xp.cos(x), lambda xp, z, x: (-xp.sin(x),))

tan = unary("tan", "tan x = sin x / cos x, x in radians.",
            lambda xp, x: xp.tan(x), lambda xp, z, x: (1.0 + z * z,),
            textbook=lambda xp, z, x: (1 + z**2,))

asin = unary("asin", "The angle in [−π/2, π/2] whose sine is x. At ±1 the slope is inf.",
             lambda xp, x: xp.asin(x), lambda xp, z, x: (1.0 / xp.sqrt((1.0 - x) * (1.0 + x)),),
             textbook=lambda xp, z, x: (1 / xp.sqrt(1 - x**2),),
             domain=lambda x: (x >= -1) & (x <= 1), needs="-1 <= x <= 1")

acos = unary("acos", "The angle in [0, π] whose cosine is x. At ±1 the slope is −inf.",
             lambda xp, x: xp.acos(x), lambda xp, z, x: (-1.0 / xp.sqrt((1.0 - x) * (1.0 + x)),),
             textbook=lambda xp, z, x: (-1 / xp.sqrt(1 - x**2),),
             domain=lambda x: (x >= -1) & (x <= 1), needs="-1 <= x <= 1")

atan = unary("atan", "The angle in (−π/2, π/2) whose tangent is x.",
             lambda xp, x: xp.atan(x), lambda xp, z, x: (1.0 / xp.hypot(1.0, x) / xp.hypot(1.0, x),),
             textbook=lambda xp, z, x: (1 / (1 + x**2),))

atan2 = op("atan2", "The angle in [−π, π] of the point (x, y), as atan2(y, x). At the origin both slopes are 0.",
           lambda xp, y, x: xp.atan2(y, x),
           lambda xp, z, y, x: rules.turn(xp, y, x),
           textbook=lambda xp, z, y, x: (x / (x**2 + y**2), -y / (x**2 + y**2)),
           kinks=lambda y, x: (y if x <= 0 else 1.0,))

# ------------------------------------------------------------------------------- hyperbolic

sinh = unary("sinh", "(eˣ − e⁻ˣ) / 2.",
             lambda xp, x: xp.sinh(x), lambda xp, z, x: (xp.cosh(x),))

cosh = unary("cosh", "(eˣ + e⁻ˣ) / 2.",
             lambda xp, x: xp.cosh(x), lambda xp, z, x: (xp.sinh(x),))

tanh = unary("tanh", "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ), in (−1, 1).",
             lambda xp, x: xp.tanh(x), lambda xp, z, x: (4.0 * rules.sigmoid_slope(xp, 2.0 * x),),
             textbook=lambda xp, z, x: (1 - z**2,))

asinh = unary("asinh", "ln(x + √(x² + 1)).",
              lambda xp, x: xp.asinh(x), lambda xp, z, x: (1.0 / xp.hypot(1.0, x),),
              textbook=lambda xp, z, x: (1 / xp.sqrt(x**2 + 1),))

acosh = unary("acosh", "ln(x + √(x² − 1)), at least 0. At 1 the slope is inf.",
              lambda xp, x: xp.acosh(x), lambda xp, z, x: (1.0 / xp.sqrt(x - 1.0) / xp.sqrt(x + 1.0),),
              textbook=lambda xp, z, x: (1 / xp.sqrt(x**2 - 1),),
              domain=lambda x: x >= 1, needs="x >= 1")

atanh = unary("atanh", "ln((1 + x) / (1 − x)) / 2.",
              lambda xp, x: xp.atanh(x), lambda xp, z, x: (1.0 / ((1.0 - x) * (1.0 + x)),),
              textbook=lambda xp, z, x: (1 / (1 - x**2),),
              domain=lambda x: (x > -1) & (x < 1), needs="-1 < x < 1")

# ------------------------------------------------------------------------------- the bell curve

erf = unary("erf", "2/√π · ∫₀ˣ exp(−t²) dt, in (−1, 1).",
            lambda xp, x: xp.erf(x), lambda xp, z, x: (_TWO_OVER_ROOT_PI * xp.exp_minus_square(x),),
            textbook=lambda xp, z, x: (_TWO_OVER_ROOT_PI * xp.exp(-x**2),))

erfc = unary("erfc", "1 − erf(x), to the last digit also where erf is nearly 1.",
             lambda xp, x: xp.erfc(x), lambda xp, z, x: (-_TWO_OVER_ROOT_PI * xp.exp_minus_square(x),),
             textbook=lambda xp, z, x: (-_TWO_OVER_ROOT_PI * xp.exp(-x**2),))

# ------------------------------------------------------------------------------- choosing

maximum = op("maximum", "The larger of x and y; nan if either is. At a tie each has half the slope.",
             lambda xp, x, y: xp.maximum(x, y),
             lambda xp, z, x, y: (xp.greater(x, y) + 0.5 * xp.equal(x, y), xp.less(x, y) + 0.5 * xp.equal(x, y)),
             kinks=lambda x, y: (x - y,))

minimum = op("minimum", "The smaller of x and y; nan if either is. At a tie each has half the slope.",
             lambda xp, x, y: xp.minimum(x, y),
             lambda xp, z, x, y: (xp.less(x, y) + 0.5 * xp.equal(x, y), xp.greater(x, y) + 0.5 * xp.equal(x, y)),
             kinks=lambda x, y: (x - y,))

where = op("where", "x where the condition is not 0, else y; no slope in the condition.",
           lambda xp, condition, x, y: xp.where(condition, x, y),
           lambda xp, z, condition, x, y: (0.0, xp.not_equal(condition, 0.0), xp.equal(condition, 0.0)),
           kinks=lambda condition, x, y: (condition,))

clip = op("clip", "x kept within min and max (max where they are swapped). At a bound the slope is x's.",
          lambda xp, x, min=-_inf, max=_inf: xp.minimum(xp.maximum(x, min), max),
          lambda xp, z, x, min, max: (
              xp.greater_equal(x, min) * xp.less_equal(x, max),
              xp.less(x, min) * xp.less(min, max),
              xp.maximum(xp.greater(x, max), xp.less(max, min))),
          kinks=lambda x, min, max: (x - min, x - max, min - max))

greater = op("greater", "1 where x > y, else 0; slopes 0.",
             lambda xp, x, y: xp.greater(x, y), lambda xp, z, x, y: (0.0, 0.0),
             symbol=">", kinks=lambda x, y: (x - y,))

greater_equal = op("greater_equal", "1 where x ≥ y, else 0; slopes 0.",
                   lambda xp, x, y: xp.greater_equal(x, y), lambda xp, z, x, y: (0.0, 0.0),
                   symbol="≥", kinks=lambda x, y: (x - y,))

less = op("less", "1 where x < y, else 0; slopes 0.",
          lambda xp, x, y: xp.less(x, y), lambda xp, z, x, y: (0.0, 0.0),
          symbol="<", kinks=lambda x, y: (x - y,))

less_equal = op("less_equal", "1 where x ≤ y, else 0; slopes 0.",
                lambda xp, x, y: xp.less_equal(x, y), lambda xp, z, x, y: (0.0, 0.0),
                symbol="≤", kinks=lambda x, y: (x - y,))

equal = op("equal", "1 where x = y, else 0; slopes 0.",
           lambda xp, x, y: xp.equal(x, y), lambda xp, z, x, y: (0.0, 0.0),
           symbol="=", kinks=lambda x, y: (x - y,))

not_equal = op("not_equal", "1 where x ≠ y, else 0; slopes 0.",
               lambda xp, x, y: xp.not_equal(x, y), lambda xp, z, x, y: (0.0, 0.0),
               symbol="≠", kinks=lambda x, y: (x - y,))

# ------------------------------------------------------------------------------- activations

relu = unary("relu", "max(0, x). At 0 the slope is 0.",
             lambda xp, x: xp.maximum(0.0, x), lambda xp, z, x: (xp.greater(x, 0.0),),
             kinks=lambda x: (x,))

leaky_relu = op("leaky_relu", "x for x > 0, else slope · x (Maas et al. 2013). At 0 the slope is that of the left side.",
                lambda xp, x, negative_slope=0.01: xp.where(xp.greater(x, 0.0), x, negative_slope * x),
                lambda xp, z, x, negative_slope: (
                    xp.where(xp.greater(x, 0.0), 1.0, negative_slope), xp.where(xp.greater(x, 0.0), 0.0, x)),
                kinks=lambda x, negative_slope: (x,))

elu = op("elu", "x for x > 0, else α(eˣ − 1) (Clevert et al. 2016). At 0 the slope is α.",
         lambda xp, x, alpha=1.0: xp.where(xp.greater(x, 0.0), x, alpha * xp.expm1(xp.minimum(x, 0.0))),
         lambda xp, z, x, alpha: (
             xp.where(xp.greater(x, 0.0), 1.0, alpha * xp.exp(xp.minimum(x, 0.0))),
             xp.where(xp.greater(x, 0.0), 0.0, xp.expm1(xp.minimum(x, 0.0)))),
         textbook=lambda xp, z, x, alpha: (
             xp.where(xp.greater(x, 0), 1, alpha * xp.exp(x)), xp.where(xp.greater(x, 0), 0, xp.exp(x) - 1)),
         kinks=lambda x, alpha: (x,))

selu = unary("selu", "λx for x > 0, else λα(eˣ − 1), with λ = 1.0507, α = 1.6733 (Klambauer et al. 2017). At 0 the slope is λα.",
             lambda xp, x: _SCALE * xp.elu(x, _ALPHA),
             lambda xp, z, x: (
                 _SCALE * xp.where(xp.greater(x, 0.0), 1.0, _ALPHA * xp.exp(xp.minimum(x, 0.0))),),
             textbook=lambda xp, z, x: (_SCALE * xp.where(xp.greater(x, 0), 1, _ALPHA * xp.exp(x)),),
             kinks=lambda x: (x,))

gelu = unary("gelu", "x · Φ(x), Φ the normal distribution function (Hendrycks & Gimpel 2016), exact.",
             lambda xp, x: x * xp.normal_distribution(x),
             lambda xp, z, x: (xp.normal_distribution(x) + x * (_ONE_OVER_ROOT_TWO_PI * xp.exp_minus_square(x, 0.5)),),
             textbook=lambda xp, z, x: (
                 0.5 * (1 + xp.erf(x / _sqrt(2.0))) + x * (_ONE_OVER_ROOT_TWO_PI * xp.exp(-0.5 * x**2)),))

sigmoid = unary("sigmoid", "1 / (1 + e⁻ˣ), in (0, 1).",
                lambda xp, x: rules.sigmoid(xp, x),
                lambda xp, z, x: (rules.sigmoid_slope(xp, x),),
                textbook=lambda xp, z, x: (z * (1 - z),))

log_sigmoid = unary("log_sigmoid", "ln(sigmoid(x)) = min(x, 0) − ln(1 + e^−|x|).",
                    lambda xp, x: xp.minimum(x, 0.0) - xp.log1p(rules.small_exp(xp, x)),
                    lambda xp, z, x: (xp.sigmoid(-x),),
                    textbook=lambda xp, z, x: (1 - xp.sigmoid(x),))

silu = unary("silu", "x · sigmoid(x), also called swish (Elfwing et al. 2018).",
             lambda xp, x: rules.silu(xp, x),
             lambda xp, z, x: (xp.sigmoid(x) + z * xp.sigmoid(-x),),
             textbook=lambda xp, z, x: (xp.sigmoid(x) * (1 + x * (1 - xp.sigmoid(x))),))

softplus = unary("softplus", "ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|).",
                 lambda xp, x: xp.maximum(x, 0.0) + xp.log1p(rules.small_exp(xp, x)),
                 lambda xp, z, x: (xp.sigmoid(x),))

mish = unary("mish", "x · tanh(softplus(x)) (Misra 2019).",
             lambda xp, x: rules.mish(xp, x),
             lambda xp, z, x: (rules.mish_slope(xp, x),),
             textbook=lambda xp, z, x: (
                 xp.tanh(xp.softplus(x)) + x * (1 - xp.tanh(xp.softplus(x))**2) * xp.sigmoid(x),))

softsign = unary("softsign", "x / (1 + |x|), in (−1, 1).",
                 lambda xp, x: x / (1.0 + xp.abs(x)),
                 lambda xp, z, x: (1.0 / (1.0 + xp.abs(x)) / (1.0 + xp.abs(x)),),
                 textbook=lambda xp, z, x: (1 / (1 + xp.abs(x))**2,))

logaddexp = op("logaddexp", "ln(eˣ + eʸ) = max(x, y) + ln(1 + e^−|x − y|).",
               lambda xp, x, y: xp.logsumexp([x, y]), lambda xp, z, x, y: tuple(xp.softmax([x, y])),
               textbook=lambda xp, z, x, y: (xp.exp(x - z), xp.exp(y - z)))

# ----------------------------------------------------------------------- of lists of any length

define("dot", "w₀·x₀ + w₁·x₁ + ... + bias: a neuron before its activation. The operands are all w, all x, the bias.",
       lambda xp, *operands: xp.dot(*rules.split(operands)), lambda xp, z, *operands: rules.dot_slopes(operands),
       symbol="w·x + b", written=rules.write_dot)

define("sum", "x₀ + x₁ + ..., rounded once.",
       lambda xp, *xs: xp.sum(xs), lambda xp, z, *xs: (1.0,) * len(xs),
       symbol="Σ")

define("var", "Σ (xᵢ − mean)² / n.",
       lambda xp, *xs: xp.var(xs), lambda xp, z, *xs: tuple(2.0 * d / len(xs) for d in xp.centred(xs)))

define("take", "xs[index]; no slope in the index. The operands are all x, then the index.",
       lambda xp, *operands: xp.take(operands[:-1], operands[-1]),
       lambda xp, z, *operands: (*xp.one_hot(operands[-1], len(operands) - 1), 0.0),
       written=lambda *texts: f"take([{', '.join(texts[:-1])}], {texts[-1]})")

define("softmax", "exp(x_index) / Σ exp(xⱼ), in (0, 1). The operands are all x, then the index.",
       lambda xp, *operands: xp.take(xp.softmax(operands[:-1]), operands[-1]),
       lambda xp, z, *operands: (*(z * d for d in rules.softmax_slopes(xp, operands[:-1], operands[-1])), 0.0),
       written=lambda *texts: f"softmax([{', '.join(texts[:-1])}])[{texts[-1]}]")

define("log_softmax", "x_index − ln Σ exp(xⱼ), at most 0. The operands are all x, then the index.",
       lambda xp, *operands: xp.take(xp.log_softmax(operands[:-1]), operands[-1]),
       lambda xp, z, *operands: (*rules.softmax_slopes(xp, operands[:-1], operands[-1]), 0.0),
       written=lambda *texts: f"log_softmax([{', '.join(texts[:-1])}])[{texts[-1]}]")

mean = reduction("mean", "(x₀ + ... + xₙ₋₁) / n.",
                 lambda xp, *xs: xp.mean(xs), lambda xp, z, *xs: (1.0 / len(xs),) * len(xs))

prod = reduction("prod", "x₀ · x₁ · ...; the slopes are exact at zeros too.",
                 lambda xp, *xs: xp.prod(xs), lambda xp, z, *xs: tuple(xp.prod_of_others(xs)),
                 symbol="Π", at_least=0)

max = reduction("max", "The largest of a list; nan if one of them is. At a tie the first has all the slope.",
                lambda xp, *xs: xp.max(xs), lambda xp, z, *xs: tuple(rules.first_of(xp, z, xs)),
                kinks=lambda *xs: rules.ties(xs, 1))

min = reduction("min", "The smallest of a list; nan if one of them is. At a tie the first has all the slope.",
                lambda xp, *xs: xp.min(xs), lambda xp, z, *xs: tuple(rules.first_of(xp, z, xs)),
                kinks=lambda *xs: rules.ties(xs, -1))

logsumexp = reduction("logsumexp", "ln Σ exp(xᵢ) = m + ln Σ exp(xᵢ − m), m the largest. The slopes are the softmax.",
                      lambda xp, *xs: xp.logsumexp(xs), lambda xp, z, *xs: tuple(xp.softmax(xs)))

# What `from engine.ops import *` brings: the functions alone.
globals()["__all__"] = [name for name in TABLE if name in globals()]
