"""LPIPS in NumPy, a loop over places: a second implementation to test against."""

import numpy as np


def distance(features, tensors, heads, a, b):
    """LPIPS of two uint8 pictures (h, w, 3), of a network's `features` with these tensors."""
    found = []
    for picture in (a, b):
        x = 2 * picture.astype(np.float64) / 255 - 1
        x = (x - [-0.030, -0.088, -0.188]) / [0.458, 0.448, 0.450]
        found.append(
            [each / np.linalg.norm(each, axis=-1, keepdims=True) for each in features(tensors, x)]
        )
    return sum(
        np.mean((one - other) ** 2 @ heads[f"lin{layer}.model.1.weight"].ravel())
        for layer, (one, other) in enumerate(zip(*found, strict=True))
    )


def correlated(x, kernel, bias, stride, pad):
    """A convolution (h, w, in) as a loop over places, and its ReLU."""
    size = kernel.shape[-1]
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    places = [range(0, side - size + 1, stride) for side in x.shape[:2]]
    return np.array(
        [
            [
                np.maximum(
                    np.einsum("yxi,oiyx->o", x[row : row + size, column : column + size], kernel)
                    + bias,
                    0,
                )
                for column in places[1]
            ]
            for row in places[0]
        ]
    )


def largest(x, ceil):
    """Max-pooling 3 at stride 2; with `ceil` as PyTorch's ceil_mode has it."""
    rounded = np.ceil if ceil else np.floor
    rows, columns = (int(rounded((side - 3) / 2)) + 1 for side in x.shape[:2])
    return np.array(
        [
            [x[2 * i : 2 * i + 3, 2 * j : 2 * j + 3].max(axis=(0, 1)) for j in range(columns)]
            for i in range(rows)
        ]
    )


def alex(tensors, x):
    def layer(x, number, stride, pad):
        name = f"features.{number}"
        return correlated(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], stride, pad)

    found = [layer(x, 0, 4, 2)]
    found.append(layer(largest(found[-1], False), 3, 1, 2))
    found.append(layer(largest(found[-1], False), 6, 1, 1))
    for number in (8, 10):
        found.append(layer(found[-1], number, 1, 1))
    return found


def squeeze(tensors, x):
    def layer(x, name, stride=1, pad=0):
        return correlated(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], stride, pad)

    def fire(x, number):
        name = f"features.{number}"
        x = layer(x, f"{name}.squeeze")
        wide = layer(x, f"{name}.expand1x1"), layer(x, f"{name}.expand3x3", pad=1)
        return np.concatenate(wide, axis=-1)

    found = [layer(x, "features.0", stride=2)]
    found.append(fire(fire(largest(found[-1], True), 3), 4))
    found.append(fire(fire(largest(found[-1], True), 6), 7))
    found.append(fire(largest(found[-1], True), 9))
    for number in (10, 11, 12):
        found.append(fire(found[-1], number))
    return found
