"""Where a checkpoint has its state dictionary, under which names, in which kind of file."""

import json
import struct

import numpy as np
import pytest
import safetensors.numpy
from torch_files import called, mapping, named, plain, storage, tensor, zipped

from jaxcodec.errors import CheckpointError
from jaxcodec.pytorch.state_dict import read_state_dict

VALUES = np.arange(1, 7, dtype=np.float32)
ONE = tensor(storage("0", "FloatStorage", 6), (2,), (1,))
TWO = tensor(storage("0", "FloatStorage", 6), (1,), (1,), 5)
EXPECTED = {"g_a.0.weight": [1, 2], "h_s.bias": [6]}


@pytest.fixture
def read(tmp_path):
    """What a file of these bytes holds, as lists."""

    def from_bytes(data: bytes) -> dict[str, list]:
        path = tmp_path / "weights.pth"
        path.write_bytes(data)
        arrays = read_state_dict(path)
        assert not any(array.flags.writeable for array in arrays.values())
        return {name: array.tolist() for name, array in arrays.items()}

    return from_bytes


def weights(prefix: str = "") -> bytes:
    return mapping({f"{prefix}g_a.0.weight": ONE, f"{prefix}h_s.bias": TWO})


def torch(operations: bytes) -> bytes:
    return zipped(operations, {"0": VALUES.tobytes()})


def made(name: str, state: bytes) -> bytes:
    """The operations that push an object of a class, and set its state."""
    return named(name) + b")\x81" + state + b"b"


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "module.",
        "_orig_mod.",
        "_orig_mod.module.",
        "module._orig_mod.",
        "model.",
        "net.",
        "model._orig_mod.module.",
    ],
)
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model", "net"])
def test_every_place_and_prefix(read, key, prefix):
    operations = (
        weights(prefix)
        if key is None
        else mapping({"epoch": plain(3), key: weights(prefix), "loss": plain(0.5)})
    )
    assert read(torch(operations)) == EXPECTED


def test_dictionaries_within_dictionaries(read):
    assert read(torch(mapping({"model": mapping({"state_dict": weights("module.")})}))) == EXPECTED


def test_a_part_that_was_compiled_by_itself(read):
    operations = mapping({"g_a._orig_mod.0.weight": ONE, "h_s.bias": TWO})
    assert read(torch(operations)) == EXPECTED


def test_prefixes_that_not_all_share_stay(read):
    assert set(read(torch(mapping({"model.a": ONE, "b": TWO})))) == {"model.a", "b"}
    with pytest.raises(CheckpointError, match="two of its tensors have one name"):
        read(torch(mapping({"_orig_mod.a": ONE, "a": TWO})))


def test_a_checkpoint_of_lightning(read):
    settings = (
        named("pytorch_lightning.utilities.parsing AttributeDict")
        + b")\x81"
        + b"("
        + plain("lr")
        + plain(1e-4)
        + b"u"
    )
    scalar = called(
        "numpy.core.multiarray scalar",
        called("numpy dtype", plain("f8")),
        called("_codecs encode", plain("x")),
    )
    optimiser = plain({"step": 7, "lr": 0.1})
    operations = mapping(
        {
            "epoch": plain(9),
            "pytorch-lightning_version": plain("2.1.0"),
            "state_dict": weights("model."),
            "hyper_parameters": settings,
            "optimizer_states": b"](" + optimiser + optimiser + b"e",
            "callbacks": mapping(
                {"ModelCheckpoint{}": mapping({"best_model_score": ONE, "best": scalar})}
            ),
            "dirpath": called("pathlib PosixPath", plain("runs")),
            "kept": b"\x8f(" + plain(1) + b"\x90",
        }
    )
    assert read(torch(operations)) == EXPECTED


@pytest.mark.parametrize(
    "beside",
    [
        made("argparse Namespace", plain({"lambda": 0.01, "save": True})),
        called("collections defaultdict", named("builtins dict"))
        + b"("
        + plain(0)
        + plain({"exp_avg": 1})
        + b"u",
        called("torch.nn.modules.linear Linear"),
        called("posix system", plain("touch {proof}")),
        made("os _wrap_close", plain({})),
        mapping(
            {
                "w": called(
                    "torch._utils _rebuild_tensor_v2", called("x y"), plain(0), plain(()), plain(())
                )
            }
        ),
    ],
)
def test_objects_beside_the_tensors_are_passed_over(read, beside):
    assert (
        read(torch(mapping({"args": beside, "state_dict": weights(), "after": beside}))) == EXPECTED
    )


def test_nothing_beside_them_is_run(read, tmp_path):
    proof = tmp_path / "proof"
    beside = called("posix system", plain(f"touch {proof}"))
    assert read(torch(mapping({"args": beside, "state_dict": weights()}))) == EXPECTED
    assert not proof.exists()


def test_an_object_in_the_place_of_the_weights_is_named(read):
    with pytest.raises(
        CheckpointError,
        match=r"'compressai.models.Net' where .* torch.save\(model.state_dict\(\), FILE\)",
    ):
        read(torch(mapping({"model": called("compressai.models Net"), "epoch": plain(1)})))
    with pytest.raises(
        CheckpointError,
        match="'g_a' is the Python object 'torch._utils._rebuild_qtensor' and not a tensor",
    ):
        read(
            torch(
                mapping(
                    {
                        "state_dict": mapping(
                            {"g_a": called("torch._utils _rebuild_qtensor", plain(1))}
                        )
                    }
                )
            )
        )


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "model."])
def test_safetensors(read, prefix):
    tensors = {f"{prefix}g_a.0.weight": VALUES[:2], f"{prefix}h_s.bias": np.array([6], np.int64)}
    assert read(safetensors.numpy.save(tensors, {"format": "pt"})) == EXPECTED


def bfloat16_file(kind: str = "BF16") -> bytes:
    header = json.dumps({"w": {"dtype": kind, "shape": [2], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + np.array([0x3F80, 0xC020], "<u2").tobytes()


def test_safetensors_of_bfloat16(read):
    assert read(bfloat16_file()) == {"w": [1, -2.5]}


def test_damaged_and_foreign_safetensors_are_refused(read):
    data = safetensors.numpy.save({"w": VALUES})
    for wrong in (data[:-1], data[:40], data + b"x", data[:8] + b"{" + bytes(40)):
        with pytest.raises(CheckpointError, match="fetch it again"):
            read(wrong)
    with pytest.raises(CheckpointError, match="no tensors"):
        read(safetensors.numpy.save({}))
    eight_bits = json.dumps(
        {"w": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}}
    ).encode()
    with pytest.raises(CheckpointError, match="F8_E4M3"):
        read(struct.pack("<Q", len(eight_bits)) + eight_bits + bytes(4))
