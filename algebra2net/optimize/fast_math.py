"""exp, log, tanh and their kin without a branch, so that a compiled loop does several entries at once.

In    a float type, and what compiles a function
Out   the functions, by name, on numbers of that type
Idea  each is a polynomial near 0 and a power of two, put together from bits; all cases are computed, the right one is chosen

A power of two is shifted out of the last bits of a number that a large one, `magic`, was added to. Where it may be no normal
number it is made larger by a constant power first, and smaller by that again. A polynomial is the sum of its even and its odd
part, which a processor computes side by side.

`accelerate.py` writes the text of `functions` into the module that it makes. Errors are at most 2 ulp, the density's 3, those of Mills' ratio 5.
What operators do with rows (`operators/rows.py`) is here once more, as loops.

Sources: Muller et al., Handbook of Floating-Point Arithmetic (2018), chapter 10 (reduction by ln 2 in two parts);
Sun Microsystems, fdlibm 5.3, e_log.c (the coefficients of log).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Compiled = Callable[[Callable[..., Any]], Callable[..., Any]]
Plus = Callable[[Any, Any], Any]

# What of `functions` an operator calls by name, on numbers or on rows, and how many operations it stands for.
CALLS = {"exp_minus_square": 5, "density": 5, "exp_below": 6, "mills": 38, "unit_hypot": 3}
ROWS = {"centre": 5, "unit_of": 5, "at_largest": 3, "but_largest": 3}


def functions(f: Any, compiled: Compiled, of_rows: Compiled, plus: Plus) -> dict[str, Callable[..., Any]]:
    """Functions of numbers of type f, float32 or float64, and of rows of them; `plus` adds in any order."""
    double = f is np.float64
    i = np.int64 if double else np.int32
    digits = i(52 if double else 23)
    bias = 1023 if double else 127
    spare = 200 if double else 64  # 2 to that times the least power that is asked for is a normal number
    whole = 1.5 * 2.0 ** int(digits)  # added to a number, it leaves the nearest whole one in the last bits
    magic = f(whole + bias)  # leaves what can be shifted to where the exponent is
    magic_up, magic_down = f(whole + bias + spare), f(whole + bias - spare)
    up, down = f(2.0**spare), f(2.0**-spare)
    zero, half, one, two, infinity = f(0), f(0.5), f(1), f(2), f(np.inf)
    low, high = f(-746 if double else -104), f(710 if double else 89)  # there exp is 0 and infinite
    lost = f(-60 if double else -30)  # there expm1 is -1
    flat = f(40 if double else 20)  # there tanh of half of it is 1
    log2_e = f(1.4426950408889634)
    ln2, ln2_rest = (f(6.93147180369123816490e-01), f(1.90821492927058770002e-10)) if double else (f(0.693145751953125), f(1.42860677e-06))
    start = i(0x3FE6A09E667F3BCD if double else 0x3F3504F3)  # the bits of √½
    mantissa = i((1 << int(digits)) - 1)
    to_one = i((bias << int(digits)) - int(start))
    whole_bits = f(whole).view(i)
    least = f(np.finfo(f).tiny)
    raised, raise_by = f(2.0**60 if double else 2.0**30), f(60 if double else 30)
    shorten = f(whole / (2**12 if double else 2**8))  # added to a number, it leaves so few binary places that the square is exact
    normal = f(0.3989422804014327)

    if double:
        e2, e3, e4, e5, e6, e7 = f(0.5000000000000001), f(0.16666666666666669), f(0.04166666666662399), f(0.008333333333330051), f(0.0013888888917281794), f(0.00019841269863105968)
        e8, e9, e10, e11 = f(2.480152119021773e-05), f(2.7557268378684192e-06), f(2.7620138719733994e-07), f(2.5100424157005067e-08)
        l1, l2, l3, l4 = f(6.666666666666735130e-01), f(3.999999999940941908e-01), f(2.857142874366239149e-01), f(2.222219843214978396e-01)
        l5, l6, l7 = f(1.818357216161805012e-01), f(1.531383769920937332e-01), f(1.479819860511658591e-01)

        @compiled
        def near(r: Any) -> Any:
            """exp(r) - 1 where |r| is at most ln 2 / 2."""
            q = r * r
            even = e2 + q * (e4 + q * (e6 + q * (e8 + q * e10)))
            odd = e3 + q * (e5 + q * (e7 + q * (e9 + q * e11)))
            return r + q * (even + r * odd)

        @compiled
        def bend(z: Any) -> Any:
            square = z * z
            return z * (((l1 + z * l2) + square * (l3 + z * l4)) + (square * square) * ((l5 + z * l6) + square * l7))

    else:
        e2, e3, e4, e5, e6 = f(0.49999994), f(0.1666652), f(0.041668408), f(0.008368921), f(0.0013814174)
        l1, l2, l3, l4 = f(0.66666662693), f(0.40000972152), f(0.28498786688), f(0.24279078841)

        @compiled
        def near(r: Any) -> Any:
            """exp(r) - 1 where |r| is at most ln 2 / 2."""
            q = r * r
            return r + q * ((e2 + q * (e4 + q * e6)) + r * (e3 + q * e5))

        @compiled
        def bend(z: Any) -> Any:
            return z * ((l1 + z * l2) + (z * z) * (l3 + z * l4))

    @compiled
    def power(t: Any) -> Any:
        """2 to the whole number in the last bits of t, less the bias."""
        return i(f(t).view(i) << digits).view(f)

    @compiled
    def exp(x: Any) -> Any:
        y = high if x > high else x
        y = low if y < low else y
        small = y < zero
        base = magic_up if small else magic_down
        t = y * log2_e + base
        k = t - base
        less = near((y - k * ln2) - k * ln2_rest)
        scale = power(t)
        return (less * scale + scale) * (down if small else up)

    @compiled
    def expm1(x: Any) -> Any:
        y = high if x > high else x
        y = lost if y < lost else y
        large = y > one
        base = magic_down if large else magic
        t = y * log2_e + base
        k = t - base
        less = near((y - k * ln2) - k * ln2_rest)
        scale = power(t)
        found = (less * scale + (scale - (down if large else one))) * (up if large else one)
        return x if x == zero else found

    @compiled
    def tanh(x: Any) -> Any:
        y = two * abs(x)
        y = flat if y > flat else y
        t = y * log2_e + magic
        k = t - magic
        scale = power(t)
        e = near((y - k * ln2) - k * ln2_rest) * scale + (scale - one)  # exp(2|x|) - 1
        return np.copysign(e / (e + two), x)

    @compiled
    def exp_and_expm1(x: Any) -> Any:
        """exp(x) and exp(x) - 1, of x ≤ 0."""
        x = low if x < low else x
        t = x * log2_e + magic_up
        k = t - magic_up
        less = near((x - k * ln2) - k * ln2_rest)
        scale = power(t) * down
        return less * scale + scale, less * scale + (scale - one)

    @compiled
    def exp_of_negative(x: Any) -> Any:
        """exp(x) of x ≤ 0."""
        return exp_and_expm1(x)[0]

    @compiled
    def log_of(y: Any, back: Any, rest: Any) -> Any:
        """log(y) + rest - back ln 2, y positive and normal."""
        b = i(f(y).view(i) + to_one)
        k = i((b >> digits) + whole_bits).view(f) - magic - back
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
    def exp_of_both(a: Any, b: Any) -> Any:
        """exp(-(a + b)) of a short a ≥ 0 and a small b, as if they were added exactly."""
        t = magic_up - (a + b) * log2_e
        k = t - magic_up
        less = near(((-a - k * ln2) - b) - k * ln2_rest)
        scale = power(t) * down
        return less * scale + scale

    t_zero, t_flat = (f(28), f(40)) if double else (f(11), f(16))  # there exp(-t²) and exp(-t²/2) are 0

    @compiled
    def exp_minus_square(x: Any) -> Any:
        """exp(-x²), with all its digits where that is small."""
        t = abs(x)
        t = t_zero if t > t_zero else t
        short = (t + shorten) - shorten
        return exp_of_both(short * short, (t - short) * (t + short))

    @compiled
    def density(x: Any) -> Any:
        """φ(x) of the normal distribution, with all its digits where that is small."""
        t = abs(x)
        t = t_flat if t > t_flat else t
        short = (t + shorten) - shorten
        return normal * exp_of_both(half * short * short, half * (t - short) * (t + short))

    if double:
        a0, a1, a2, a3, a4 = f(357974.3963502226), f(555215.8757418222), f(425953.1640362371), f(207609.42699985075), f(70155.27421624765)
        a5, a6, a7, a8, a9 = f(16975.89912119828), f(2941.2259676240515), f(353.0655875679884), f(26.84949329094613), f(0.9999999999973133)
        b0, b1, b2, b3, b4 = f(285622.2440105682), f(670891.7538849401), f(732344.5035992059), f(490493.3783865828), f(223889.26245192622)
        b5, b6, b7, b8, b9 = f(73042.79797863218), f(17326.96482471192), f(2968.0754578938668), f(354.06558762124195), f(26.849493290382394)

        @compiled
        def mills(t: Any) -> Any:
            """Φ(-t) / φ(t) of the normal distribution, 0 ≤ t ≤ 40."""
            top = ((((((((a9 * t + a8) * t + a7) * t + a6) * t + a5) * t + a4) * t + a3) * t + a2) * t + a1) * t + a0
            return top / ((((((((((t + b9) * t + b8) * t + b7) * t + b6) * t + b5) * t + b4) * t + b3) * t + b2) * t + b1) * t + b0)

    else:
        a0, a1, a2, a3, a4 = f(100.396364230500), f(92.3088497743801), f(40.0672223901247), f(9.28656333531527), f(1.00000141183111)
        b0, b1, b2, b3, b4 = f(80.1047073303307), f(137.566222815433), f(101.677513687510), f(41.0627229183342), f(9.28669178726564)

        @compiled
        def mills(t: Any) -> Any:
            """Φ(-t) / φ(t) of the normal distribution, 0 ≤ t ≤ 40."""
            return ((((a4 * t + a3) * t + a2) * t + a1) * t + a0) / (((((t + b4) * t + b3) * t + b2) * t + b1) * t + b0)

    @compiled
    def exp_below(x: Any, top: Any) -> Any:
        """exp(x - top), with what rounding took from the difference."""
        z = x - top
        e = exp(z)
        back = x - z
        return e * (one + ((x - (z + back)) + (back - top))) if z > low else e

    ones_are_lost = f(1e9 if double else 1e5)  # beyond, 1 + x² is x²

    @compiled
    def unit_hypot(x: Any) -> Any:
        """√(1 + x²)."""
        t = abs(x)
        return t if t > ones_are_lost else np.sqrt(one + t * t)

    @compiled
    def hypot(a: Any, b: Any) -> Any:
        """√(a² + b²)."""
        a, b = abs(a), abs(b)
        long = b if b > a else a
        short = a if b > a else b
        ratio = short / long
        found = long * np.sqrt(one + ratio * ratio)
        found = long if short == zero else found
        return infinity if (a == infinity) | (b == infinity) else found

    sign, all_but_sign = i(63 if double else 31), i(np.iinfo(i).max)
    nan, highest = f(np.nan), i(2 * bias + 1)
    widest = i(1000 if double else 120)  # 2 to that times 2 to less than that is finite
    wide = np.float64

    @compiled
    def rank(x: Any) -> Any:
        """A whole number, larger for a larger x, and the largest for nan: what the processor compares side by side."""
        b = f(x if x == x else nan).view(i)
        return b ^ ((b >> sign) & all_but_sign)

    @compiled
    def ranked(k: Any) -> Any:
        """The number of that rank."""
        return i(k ^ ((k >> sign) & all_but_sign)).view(f)

    @compiled
    def larger(a: Any, b: Any) -> Any:
        return b if b > a else a

    @of_rows
    def unit_of(x: Any) -> Any:
        """The power of two next above all entries; 1 where that is no number."""
        top = i(0)
        for k in range(x.size):
            top = larger(top, f(abs(x[k])).view(i))
        e = top >> digits
        if top == 0 or e == highest:
            return one
        e = min(max(e - i(bias - 1), -widest), widest)
        return i((e + i(bias)) << digits).view(f)

    if double:

        @of_rows
        def centre(x: Any, out: Any) -> Any:
            """x less its mean; where rounding of the mean does harm, twice, the second time by a sum of two parts of which one is exact."""
            total = zero
            for k in range(x.size):
                total = plus(total, x[k])
            mean = total / f(x.size)
            for k in range(x.size):
                out[k] = x[k] - mean
            unit = unit_of(out)
            if two * abs(mean) <= half * unit:
                return
            grid = min(unit, f(2.0**990)) * f(1.5 * 2.0**27)  # added to an entry, it leaves its first 25 bits
            total, rest = zero, zero
            for k in range(x.size):
                high = (out[k] + grid) - grid
                total = plus(total, high)
                rest = plus(rest, out[k] - high)
            mean = (total + rest) / f(x.size)
            for k in range(x.size):
                out[k] -= mean

    else:

        @of_rows
        def centre(x: Any, out: Any) -> Any:
            """x less its mean, in more digits."""
            total = wide(0)
            for k in range(x.size):
                total = plus(total, wide(x[k]))
            mean = total / wide(x.size)
            for k in range(x.size):
                out[k] = f(wide(x[k]) - mean)

    @of_rows
    def first_largest(x: Any) -> Any:
        """The place of the largest entry; of several, the first; nan is larger than any."""
        top = rank(-infinity)
        for k in range(x.size):
            top = larger(top, rank(x[k]))
        largest = ranked(top)
        for k in range(x.size):
            if x[k] == largest or x[k] != x[k]:
                return k
        raise ValueError("nothing is largest in a row of no entries")

    @of_rows
    def at_largest(a: Any, p: Any) -> Any:
        """The entry of a where p is largest."""
        return a[first_largest(p)]

    @of_rows
    def but_largest(a: Any, p: Any, out: Any) -> Any:
        """a with 0 where p is largest."""
        for k in range(a.size):
            out[k] = a[k]
        out[first_largest(p)] = zero

    on_numbers = (exp, expm1, tanh, log, log1p, exp_of_negative, exp_and_expm1, exp_minus_square, density, mills, exp_below, unit_hypot, hypot, rank, ranked, larger)
    named = (*on_numbers, unit_of, centre, at_largest, but_largest)
    return {function.__name__: function for function in named}
