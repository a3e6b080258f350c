"""Changes the colours of pixels in CIE L*a*b*: there, along, and back in one pass.

Nothing is rounded on the way. Powers are the square root and a polynomial in it, right to a
tenth of a grey level; so that the processor can take many pixels at a time, nothing is looked up.
"""

import numpy as np
from numpy.polynomial import Chebyshev, Polynomial

from lib.data.kernels.jit import jit
from lib.data.srgb import TO_XYZ, linear_light

_BLOCK = 256
F = np.float32


def _polynomial(function, lowest, greatest=1):
    fitted = Chebyshev.interpolate(function, 6, [lowest, greatest]).convert(kind=Polynomial)
    return tuple(F(value) for value in fitted.coef)


_LEAST_BRIGHT = 10  # of the levels, the least above the line at the dark end
_LIGHT = _polynomial(lambda level: linear_light(level / 255), _LEAST_BRIGHT, 255)
_X, _Y, _Z = (tuple(F(value) for value in row) for row in TO_XYZ)
_R, _G, _B = (tuple(F(value) for value in row) for row in np.linalg.inv(TO_XYZ))

# CIE 15: f(t) is the cube root above (6/29)^3, and a line below.
_LEAST_ROOT, _LEAST_CUBE = F(6 / 29), F((6 / 29) ** 3)
_SLOPE, _FROM = F(841 / 108), F(4 / 29)
_CUBE_ROOT = _polynomial(lambda root: root ** (2 / 3), (6 / 29) ** 1.5)

_LEAST_POWER = 0.0031308
# In grey levels; the half of a level rounds.
_GAMMA = _polynomial(lambda root: 255 * (1.055 * root ** (5 / 6) - 0.055) + 0.5, _LEAST_POWER**0.5)
_DARK, _DARK_LIGHT = F(12.92 * 255), F(1 / 12.92 / 255)

# L = 116 f(Y) - 16, on the scale of 0 to 255.
_LIGHTNESS, _BLACK = F(116 * 2.55), F(16 * 2.55)


@jit(fastmath=True, inline="always")
def _evaluate(p, x):
    return p[0] + x * (p[1] + x * (p[2] + x * (p[3] + x * (p[4] + x * (p[5] + x * p[6])))))


@jit(fastmath=True, inline="always")
def _light(level):
    value = F(level)
    return _evaluate(_LIGHT, value) if value >= F(_LEAST_BRIGHT) else value * _DARK_LIGHT


@jit(fastmath=True, inline="always")
def _root(t):
    return _evaluate(_CUBE_ROOT, np.sqrt(t)) if t > _LEAST_CUBE else _SLOPE * t + _FROM


@jit(fastmath=True, inline="always")
def _cube(f):
    return f * f * f if f > _LEAST_ROOT else (f - _FROM) / _SLOPE


@jit(fastmath=True, inline="always")
def _grey(row, x, y, z):
    light = min(max(row[0] * x + row[1] * y + row[2] * z, F(0)), F(1))
    root = np.sqrt(light)
    return np.uint32(_evaluate(_GAMMA, root) if light > F(_LEAST_POWER) else _DARK * light + F(0.5))


@jit(fastmath=True, inline="always")
def _mixed(row, red, green, blue):
    return row[0] * red + row[1] * green + row[2] * blue


@jit(fastmath=True, cache=True)
def recolour(face, box, lightness, is_given, change, result):
    """Change the colours of a box.

    L, a and b, on the scale of 0 to 255 on which a and b are 128 in greys, become ``k v + m``.

    Parameters
    ----------
    face
        ``(edge, 3 edge)`` bytes.
    box
        First row, row after the last, and the like for columns.
    lightness
        ``(edge, edge)`` L to take instead of the face's own.
    is_given
        Whether to.
    change
        ``(3, 2)`` k and m for L, a and b.
    result
        ``(edge, edge)`` pixels of four bytes, blue, green, red and 0; set in the box alone.
    """
    top, bottom, left, right = box
    keep_l, keep_a, keep_b = change[0, 0], change[1, 0], change[2, 0]
    add_l = change[0, 1] + _BLACK
    add_a = (change[1, 1] - F(128) * (F(1) - keep_a)) / F(500)
    add_b = (change[2, 1] - F(128) * (F(1) - keep_b)) / F(200)
    scratch = np.empty(4 * _BLOCK, np.float32)
    for y in range(top, bottom):
        for start in range(left, right, _BLOCK):
            end = min(start + _BLOCK, right)
            pixels, row = face[y, 3 * start : 3 * end], result[y, start:end]
            for x in range(end - start):
                scratch[x] = _light(pixels[3 * x])
                scratch[_BLOCK + x] = _light(pixels[3 * x + 1])
                scratch[2 * _BLOCK + x] = _light(pixels[3 * x + 2])
            if is_given:
                given = lightness[y, start:end]
                for x in range(end - start):
                    scratch[3 * _BLOCK + x] = given[x]
            for x in range(end - start):
                blue, green, red = scratch[x], scratch[_BLOCK + x], scratch[2 * _BLOCK + x]
                fx = _root(_mixed(_X, red, green, blue))
                fy = _root(_mixed(_Y, red, green, blue))
                fz = _root(_mixed(_Z, red, green, blue))
                own = fy * _LIGHTNESS - _BLACK
                value = scratch[3 * _BLOCK + x] if is_given else own
                f = (value * keep_l + add_l) / _LIGHTNESS
                x_, y_ = _cube(f + (fx - fy) * keep_a + add_a), _cube(f)
                z_ = _cube(f - (fy - fz) * keep_b - add_b)
                blue, green = _grey(_B, x_, y_, z_), _grey(_G, x_, y_, z_)
                row[x] = blue | green << np.uint32(8) | _grey(_R, x_, y_, z_) << np.uint32(16)
