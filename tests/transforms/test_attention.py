"""The attention block weighs a residual branch with a mask."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxcodec.transforms.attention import AttentionBlock

KEY = jax.random.key(
    0, impl="unsafe_rbg"
)  # compiles several times faster than the default generator


def silent(module, x, *names):
    """Output of `module` with its starting parameters, but zeros for the kernels below these names;
    and the parameters.
    """

    def change(path, leaf):
        keys = [entry.key for entry in path]
        return 0 * leaf if keys[-1] == "kernel" and set(names) & set(keys) else leaf

    params = jax.tree_util.tree_map_with_path(change, module.init(KEY, x))
    return module.apply(params, x), params["params"]


X = jax.random.normal(jax.random.key(3), (1, 4, 6, 4))


def test_attention_weighs_its_trunk_with_a_mask():
    """With silent residual branches, trunk and mask are ReLUs of the input, and a silent last layer
    weighs by a half.
    """
    output, _ = silent(AttentionBlock(4), X, "Conv_2", "mask_3")
    np.testing.assert_allclose(output, X + 0.5 * jnp.maximum(X, 0), rtol=1e-6)
    output, params = silent(AttentionBlock(4), X, "Conv_2")
    mask = jax.nn.sigmoid(jnp.maximum(X, 0) @ params["mask_3"]["kernel"][0, 0])
    np.testing.assert_allclose(output, X + mask * jnp.maximum(X, 0), rtol=1e-4, atol=1e-5)
