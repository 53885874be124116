"""exp, log, tanh and their kin without a branch, so that a compiled loop does several entries at once.

In    a float type, and what compiles a function
Out   the functions, on numbers of that type
Idea  each is a polynomial near 0 and a power of two, put together from bits; all cases are computed, the right one is chosen

`accelerate.py` writes the text of `functions` into the module that it makes. Errors are below 2 ulp, tanh's below 3.

Sources: Muller et al., Handbook of Floating-Point Arithmetic (2018), chapter 10 (reduction by ln 2 in two parts);
Sun Microsystems, fdlibm 5.3, e_log.c (the coefficients of log).
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

Compiled = Callable[[Callable[..., Any]], Callable[..., Any]]


def functions(f: Any, compiled: Compiled) -> Any:
    """exp, expm1, tanh, log, log1p, exp_minus_square, density and exp_below of numbers of type f, float32 or float64."""
    double = f is np.float64
    i = np.int64 if double else np.int32
    digits = i(52 if double else 23)
    bias = i(1023 if double else 127)
    magic = f(1.5 * 2.0 ** int(digits))  # added to a number, it leaves the nearest whole one in the last bits
    zero, half, one, two, infinity = f(0), f(0.5), f(1), f(2), f(np.inf)
    low, high = f(-746 if double else -104), f(710 if double else 89)  # there exp is 0 and infinite
    whole = f(-60 if double else -30)  # there expm1 is -1
    flat = f(40 if double else 20)  # there tanh of half of it is 1
    log2_e = f(1.4426950408889634)
    ln2, ln2_rest = (f(6.93147180369123816490e-01), f(1.90821492927058770002e-10)) if double else (f(0.693145751953125), f(1.42860677e-06))
    start = i(0x3FE6A09E667F3BCD if double else 0x3F3504F3)  # the bits of √½
    mantissa = i((1 << int(digits)) - 1)
    to_one = i((int(bias) << int(digits)) - int(start))
    magic_bits = magic.view(i)
    magic_bias = f(float(magic) + int(bias))
    least = f(np.finfo(f).tiny)
    raised, raise_by = f(2.0**60 if double else 2.0**30), f(60 if double else 30)
    shorten = f(float(magic) / 16)  # added to a number, it leaves four binary places
    below = f(-100)  # 2 to that, less 1, is -1
    normal = f(0.3989422804014327)

    if double:
        e2, e3, e4, e5, e6, e7 = f(0.5000000000000001), f(0.16666666666666669), f(0.04166666666662399), f(0.008333333333330051), f(0.0013888888917281794), f(0.00019841269863105968)
        e8, e9, e10, e11 = f(2.480152119021773e-05), f(2.7557268378684192e-06), f(2.7620138719733994e-07), f(2.5100424157005067e-08)
        l1, l2, l3, l4 = f(6.666666666666735130e-01), f(3.999999999940941908e-01), f(2.857142874366239149e-01), f(2.222219843214978396e-01)
        l5, l6, l7 = f(1.818357216161805012e-01), f(1.531383769920937332e-01), f(1.479819860511658591e-01)

        @compiled
        def curve(r: Any) -> Any:
            """(exp(r) - 1 - r) / r²."""
            return e2 + r * (e3 + r * (e4 + r * (e5 + r * (e6 + r * (e7 + r * (e8 + r * (e9 + r * (e10 + r * e11))))))))

        @compiled
        def bend(z: Any) -> Any:
            square = z * z
            return z * (((l1 + z * l2) + square * (l3 + z * l4)) + (square * square) * ((l5 + z * l6) + square * l7))

    else:
        e2, e3, e4, e5, e6, e7 = f(0.5), f(0.1666666716337204), f(0.041666463017463684), f(0.00833331048488617), f(0.0013933685841038823), f(0.00019891030387952924)
        l1, l2, l3, l4 = f(0.66666662693), f(0.40000972152), f(0.28498786688), f(0.24279078841)

        @compiled
        def curve(r: Any) -> Any:
            """(exp(r) - 1 - r) / r²."""
            return e2 + r * (e3 + r * (e4 + r * (e5 + r * (e6 + r * e7))))

        @compiled
        def bend(z: Any) -> Any:
            return z * ((l1 + z * l2) + (z * z) * (l3 + z * l4))

    @compiled
    def power(t: Any) -> Any:
        """2 to the whole number in the last bits of t."""
        return i((f(t).view(i) + bias) << digits).view(f)

    @compiled
    def scaled(x: Any, k: Any) -> Any:
        """x times 2 to the whole number k, x near 1: half of the power at a time, as the whole one may be no normal number."""
        u = k * half + magic
        first = i(f(x).view(i) + i(f(u).view(i) << digits)).view(f)
        return first * power((k - (u - magic)) + magic)

    @compiled
    def exp_within(x: Any) -> Any:
        """exp(x) where x times log₂ e is a power that two numbers have together."""
        k = (x * log2_e + magic) - magic
        r = (x - k * ln2) - k * ln2_rest
        return scaled(one + (r + r * r * curve(r)), k)

    @compiled
    def exp(x: Any) -> Any:
        x = high if x > high else x
        return exp_within(low if x < low else x)

    @compiled
    def expm1(x: Any) -> Any:
        y = high if x > high else x
        y = whole if y < whole else y
        k = (y * log2_e + magic) - magic
        r = (y - k * ln2) - k * ln2_rest
        u = k * half + magic
        rest = k - (u - magic)
        first = power(u)
        found = ((r + r * r * curve(r)) * first + (first - power(magic - rest))) * power(magic + rest)
        return x if x == zero else found

    @compiled
    def tanh(x: Any) -> Any:
        y = two * abs(x)
        y = flat if y > flat else y
        k = (y * log2_e + magic) - magic
        r = (y - k * ln2) - k * ln2_rest
        scale = power(k + magic)
        e = (r + r * r * curve(r)) * scale + (scale - one)  # exp(2|x|) - 1
        return np.copysign(e / (e + two), x)

    @compiled
    def exp_and_expm1(x: Any) -> Any:
        """Both, of x ≤ 0."""
        x = low if x < low else x
        k = (x * log2_e + magic) - magic
        r = (x - k * ln2) - k * ln2_rest
        less = r + r * r * curve(r)
        scale = power((below if k < below else k) + magic)
        return scaled(one + less, k), less * scale + (scale - one)

    @compiled
    def log_of(y: Any, back: Any, rest: Any) -> Any:
        """log(y) + rest - back ln 2, y positive and normal."""
        b = i(f(y).view(i) + to_one)
        k = i((b >> digits) + magic_bits).view(f) - magic_bias - back
        m = i((b & mantissa) + start).view(f) - one
        s = m / (two + m)
        square = half * m * m
        return k * ln2 - ((square - (s * (square + bend(s * s)) + (k * ln2_rest + rest))) - m)

    @compiled
    def log(x: Any) -> Any:
        small = x < least
        found = log_of(x * raised if small else x, raise_by if small else zero, zero)
        found = found if x < infinity else x
        found = infinity - infinity if x < zero else found
        return -infinity if x == zero else found

    @compiled
    def log1p(x: Any) -> Any:
        u = one + x
        found = log_of(u, zero, (x - (u - one)) / u)
        found = found if x < infinity else x
        found = infinity - infinity if u < zero else found
        found = -infinity if u == zero else found
        return x if x == zero else found

    @compiled
    def lost(t: Any, square: Any) -> Any:
        """t² - square, what rounding took from the square: with a short h near t, whose square is exact."""
        h = (t + shorten) - shorten
        return (h * h - square) + (t - h) * (t + h)

    t_zero, t_flat = (f(28), f(40)) if double else (f(11), f(16))  # there exp(-t²) and exp(-t²/2) are 0

    @compiled
    def exp_minus_square(x: Any) -> Any:
        """exp(-x²), with all its digits where that is small."""
        t = abs(x)
        t = t_zero if t > t_zero else t
        square = t * t
        return exp_within(-square) * (one - lost(t, square))

    @compiled
    def density(x: Any) -> Any:
        """φ(x) of the normal distribution, with all its digits where that is small."""
        t = abs(x)
        t = t_flat if t > t_flat else t
        square = t * t
        return normal * exp_within(-half * square) * (one - half * lost(t, square))

    @compiled
    def exp_below(x: Any, top: Any) -> Any:
        """exp(x - top), with what rounding took from the difference."""
        z = x - top
        e = exp(z)
        back = x - z
        return e * (one + ((x - (z + back)) + (back - top))) if z > low else e

    return SimpleNamespace(
        exp=exp, exp_and_expm1=exp_and_expm1, expm1=expm1, tanh=tanh, log=log, log1p=log1p, exp_minus_square=exp_minus_square, density=density, exp_below=exp_below
    )
