"""IDX files of any data set: names, parts, types, and errors that name the file."""

import gzip
import math
import struct

import numpy as np
import pytest

from xpnet.datasets import DatasetError, from_idx, load

TYPES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array):
    """The bytes of an IDX file."""
    code = TYPES[array.dtype.str[1:]]
    header = struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(path, array, packed=False):
    content = idx(array)
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.with_name(path.name + ".gz" * packed)
    path.write_bytes(gzip.compress(content) if packed else content)
    return path


def some(count, seed=0, size=(5, 3), classes=7):
    """Images (count, *size) and labels of which the last is classes - 1."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count).astype(np.uint8)
    labels[-1] = classes - 1
    return random.integers(0, 256, (count, *size)).astype(np.uint8), labels


TRAIN, TEST = some(20), some(6, seed=1)


def fill(folder, *, prefix="", parts=("train", "t10k"), packed=False, train=TRAIN, test=TEST):
    for part, (images, labels) in zip(parts, (train, test), strict=False):
        write(folder / f"{prefix}{part}-images-idx3-ubyte", images, packed)
        write(folder / f"{prefix}{part}-labels-idx1-ubyte", labels, packed)
    return folder


def check(data, *, train=TRAIN, test=TEST):
    """Assert that raw, flat `data` are these images and labels, in this order."""
    for part, (images, labels) in zip(data, (train, test), strict=True):
        np.testing.assert_array_equal(
            part.x, images.reshape(len(images), math.prod(images.shape[1:])), strict=True
        )
        np.testing.assert_array_equal(part.t, labels.astype(np.int64), strict=True)


class TestNames:
    @pytest.mark.parametrize("packed", [True, False])
    @pytest.mark.parametrize("prefix", ["", "emnist-letters-", "qmnist-", "my.own set-"])
    @pytest.mark.parametrize("parts", [("train", "t10k"), ("train", "test")])
    def test_conventional_names(self, tmp_path, packed, prefix, parts):
        fill(tmp_path, prefix=prefix, parts=parts, packed=packed)
        check(from_idx(tmp_path, normalize=False))
        check(from_idx(str(tmp_path), normalize=False))

    def test_dotted_names_and_other_files_beside(self, tmp_path):
        fill(tmp_path)
        for path in list(tmp_path.iterdir()):
            path.rename(path.with_name(path.name.replace("-idx", ".idx")))
        (tmp_path / "README").touch()
        (tmp_path / "t10k-images-idx3-ubyte").mkdir()
        check(from_idx(tmp_path, normalize=False))

    def test_the_raw_folder_of_torchvision(self, tmp_path):
        fill(tmp_path / "KMNIST" / "raw")
        check(from_idx(tmp_path / "KMNIST", normalize=False))

    def test_a_plain_file_beside_its_gz_is_read(self, tmp_path):
        fill(tmp_path)
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"half")
        check(from_idx(tmp_path, normalize=False))

    @pytest.mark.parametrize("packed", [True, False])
    def test_compression_is_seen_in_the_content(self, tmp_path, packed):
        fill(tmp_path, packed=packed)
        for path in list(tmp_path.iterdir()):
            path.rename(path.with_suffix("") if packed else path.with_name(path.name + ".gz"))
        check(from_idx(tmp_path, normalize=False))

    def test_of_several_data_sets_one_is_named(self, tmp_path):
        fill(tmp_path, prefix="emnist-digits-", train=some(4), test=some(2))
        fill(tmp_path, prefix="emnist-letters-")
        with pytest.raises(
            DatasetError, match=r"data set, found emnist-digits, emnist-letters\. Name one of them"
        ):
            from_idx(tmp_path)
        check(from_idx(tmp_path / "emnist-letters", normalize=False))
        check(load(str(tmp_path / "emnist-letters"), normalize=False))
        with pytest.raises(DatasetError, match="expected IDX files such as train-images-idx3-ubyte"):
            from_idx(tmp_path / "emnist-letter")

    def test_the_files_themselves(self, tmp_path):
        fill(tmp_path, prefix="a-")
        train = tmp_path / "a-train-images-idx3-ubyte", tmp_path / "a-train-labels-idx1-ubyte"
        test = tmp_path / "a-t10k-images-idx3-ubyte", str(tmp_path / "a-t10k-labels-idx1-ubyte")
        check(from_idx([*train, *test], normalize=False))
        assert [len(part.t) for part in from_idx(train)] == [14, 6]
        for wrong in ((), train[:1], (*train, test[0])):
            with pytest.raises(ValueError, match=f"these are {len(wrong)}"):
                from_idx(wrong)


class TestParts:
    def test_a_training_part_alone_is_split_as_a_csv_file(self, tmp_path):
        fill(tmp_path, parts=("train",))
        data = from_idx(tmp_path, normalize=False)
        assert [len(part.t) for part in data] == [14, 6]
        order = np.random.RandomState(0).permutation(20)
        images, labels = TRAIN
        check(data, train=(images[order[6:]], labels[order[6:]]), test=(images[order[:6]], labels[order[:6]]))
        again = from_idx(tmp_path, test_fraction=0.3, seed=1, normalize=False)
        assert not np.array_equal(again.train.x, data.train.x)

    def test_unsplit_it_keeps_its_order(self, tmp_path):
        fill(tmp_path, parts=("train",))
        empty = TRAIN[0][:0], TRAIN[1][:0]
        check(from_idx(tmp_path, test_fraction=0, normalize=False), test=empty)

    @pytest.mark.parametrize("fraction", [-0.1, 1, float("nan"), 0.99])
    def test_a_fraction_that_cannot_be(self, tmp_path, fraction):
        fill(tmp_path, parts=("train",))
        with pytest.raises(ValueError, match="from_idx: test_fraction"):
            from_idx(tmp_path, test_fraction=fraction)

    def test_a_fraction_beside_a_test_part(self, tmp_path):
        with pytest.raises(ValueError, match="leave test_fraction out; there is a test part"):
            from_idx(fill(tmp_path), test_fraction=0.3)

    def test_a_test_part_alone_stays_one(self, tmp_path):
        fill(tmp_path, parts=("test",))
        check(from_idx(tmp_path, normalize=False), train=(TRAIN[0][:0], TRAIN[1][:0]), test=TRAIN)

    @pytest.mark.parametrize("missing", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
    def test_half_a_pair(self, tmp_path, missing):
        (fill(tmp_path) / missing).unlink()
        kind = "images" if "images" in missing else "labels"
        with pytest.raises(DatasetError, match=f"expected the {kind} that belong to"):
            from_idx(tmp_path)

    def test_two_test_parts(self, tmp_path):
        fill(tmp_path)
        fill(tmp_path, parts=("train", "test"))
        with pytest.raises(DatasetError, match="found both t10k-images-idx3-ubyte and test-images"):
            from_idx(tmp_path)


class TestForms:
    @pytest.mark.parametrize("size", [(1, 1), (28, 28), (5, 3), (64, 2)])
    def test_images_of_any_size(self, tmp_path, size):
        train, test = some(8, size=size), some(3, size=size)
        fill(tmp_path, train=train, test=test)
        check(from_idx(tmp_path, normalize=False), train=train, test=test)
        pictures = from_idx(tmp_path, flatten=False)
        assert pictures.train.x.shape == (8, 1, *size)
        assert pictures.test.x.dtype == np.float32
        np.testing.assert_array_equal(pictures.test.x[:, 0], test[0] / np.float32(255), strict=True)

    def test_classes_come_from_both_parts(self, tmp_path):
        fill(tmp_path, train=some(9, classes=3), test=some(9, classes=27))
        train, test = from_idx(tmp_path, one_hot=True)
        assert (train.t.shape, test.t.shape) == ((9, 27), (9, 27))
        np.testing.assert_array_equal(train.t.argmax(axis=1), some(9, classes=3)[1])

    def test_the_input_range_is_that_of_bytes(self, tmp_path):
        assert from_idx(fill(tmp_path)).input_range == (0, 255)

    def test_the_arrays_may_be_written_to(self, tmp_path):
        for part in from_idx(fill(tmp_path, packed=True), normalize=False):
            assert part.x.flags.writeable
            assert part.t.flags.writeable

    @pytest.mark.parametrize("dtype", ["i1", "i2", "i4"])
    @pytest.mark.parametrize("columns", [None, 8])
    def test_labels_of_other_whole_numbers_and_qmnists_eight_columns(self, tmp_path, dtype, columns):
        fill(tmp_path, prefix="qmnist-", parts=("train", "test"))
        for part, (_, labels) in (("train", TRAIN), ("test", TEST)):
            (tmp_path / f"qmnist-{part}-labels-idx1-ubyte").unlink()
            if columns:
                labels = np.column_stack([labels, *[np.arange(len(labels))] * (columns - 1)])
            axes = labels.ndim
            write(tmp_path / f"qmnist-{part}-labels-idx{axes}-int", labels.astype(dtype), packed=True)
        check(from_idx(tmp_path, normalize=False))


class TestBadFiles:
    """Every error names the file."""

    def fault(self, folder, name, content):
        fill(folder)
        (folder / name).write_bytes(content)
        with pytest.raises(DatasetError) as caught:
            from_idx(folder)
        assert str(caught.value).startswith(str(folder / name))
        return str(caught.value)

    @pytest.mark.parametrize("packed", [True, False])
    @pytest.mark.parametrize("kept", [0, 2, 4, 8, 15, 16, 100, -1])
    def test_truncated(self, tmp_path, packed, kept):
        content = idx(TRAIN[0])
        content = gzip.compress(content) if packed else content
        message = self.fault(tmp_path, "train-images-idx3-ubyte", content[:kept])
        assert "expected" in message

    def test_longer_than_its_header_says(self, tmp_path):
        message = self.fault(tmp_path, "train-labels-idx1-ubyte", idx(TRAIN[1]) + b"x")
        assert (
            "expected 28 bytes, as its header of uint8 (20,) says, found a file cut short, or of 29"
            in message
        )

    @pytest.mark.parametrize(
        "head", [b"\0\0\x07\x03", b"\0\0\x0a\x03", b"\0\0\x08\x00", b"\x01\0\x08\x03", b"<!do", b"\x89PNG"]
    )
    def test_a_wrong_magic_number(self, tmp_path, head):
        message = self.fault(tmp_path, "train-images-idx3-ubyte", head + idx(TRAIN[0])[4:])
        assert "expected an IDX file: 0, 0, a type of 8, 9 or 11 to 14, the number of axes" in message
        assert f"found one that begins with {head!r}" in message

    @pytest.mark.parametrize(
        ("dtype", "name"),
        [("i1", "int8"), ("i2", "int16"), ("i4", "int32"), ("f4", "float32"), ("f8", "float64")],
    )
    def test_images_of_another_type(self, tmp_path, dtype, name):
        message = self.fault(tmp_path, "train-images-idx3-ubyte", idx(TRAIN[0].astype(dtype)))
        assert "expected images, uint8 (N, H, W)" in message
        assert f"found an IDX file of {name} (20, 5, 3)" in message

    @pytest.mark.parametrize("dtype", ["f4", "f8"])
    def test_labels_that_are_no_whole_numbers(self, tmp_path, dtype):
        name = {"f4": "float32", "f8": "float64"}[dtype]
        message = self.fault(tmp_path, "train-labels-idx1-ubyte", idx(TRAIN[1].astype(dtype)))
        assert f"found an IDX file of {name} (20,)" in message

    @pytest.mark.parametrize(("label", "found"), [(-1, "labels -1..6"), (256, "labels 0..256")])
    def test_labels_out_of_range(self, tmp_path, label, found):
        labels = TRAIN[1].astype("i4")
        labels[0] = label
        assert found in self.fault(tmp_path, "train-labels-idx1-ubyte", idx(labels))

    def test_images_and_labels_swapped(self, tmp_path):
        message = self.fault(tmp_path, "train-images-idx3-ubyte", idx(TRAIN[1]))
        assert "found an IDX file of uint8 (20,)" in message

    def test_images_under_the_labels_name(self, tmp_path):
        message = self.fault(tmp_path, "t10k-labels-idx1-ubyte", idx(TEST[0]))
        assert "found an IDX file of uint8 (6, 5, 3)" in message

    def test_no_images(self, tmp_path):
        message = self.fault(tmp_path, "train-images-idx3-ubyte", idx(TRAIN[0][:0]))
        assert "with N, H and W above 0, found an IDX file of uint8 (0, 5, 3)" in message

    def test_another_number_of_labels(self, tmp_path):
        message = self.fault(tmp_path, "train-labels-idx1-ubyte", idx(TRAIN[1][:19]))
        assert "expected 20 labels, one for each image" in message
        assert "found 19" in message

    def test_another_size_of_test_images(self, tmp_path):
        message = self.fault(tmp_path, "t10k-images-idx3-ubyte", idx(some(6, size=(3, 5))[0]))
        assert "expected images of (5, 3) pixels, as the training part has, found images of (3, 5)" in message

    @pytest.mark.parametrize("packed", [True, False])
    def test_a_header_that_asks_for_more_memory_than_there_is(self, tmp_path, packed):
        content = struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + b"x"
        message = self.fault(
            tmp_path, "train-images-idx3-ubyte", gzip.compress(content) if packed else content
        )
        assert "found a file cut short" in message

    def test_a_flipped_bit_inside_a_gz(self, tmp_path):
        content = bytearray(gzip.compress(idx(TRAIN[0])))
        content[-6] ^= 1
        assert "ends or breaks" in self.fault(tmp_path, "train-images-idx3-ubyte", content)

    @pytest.mark.parametrize("what", ["missing", "empty", "others"])
    def test_a_folder_without_idx_files(self, tmp_path, what):
        folder = tmp_path / "data"
        if what != "missing":
            folder.mkdir()
        if what == "others":
            (folder / "notes.txt").touch()
        found = {"missing": "no readable folder", "empty": "an empty folder", "others": "notes.txt"}[what]
        with pytest.raises(DatasetError, match=f"expected IDX files such as .* found {found}"):
            from_idx(folder)

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(DatasetError, match=r"x: .* found no readable file \(No such file"):
            from_idx((tmp_path / "x", tmp_path / "y"))


class TestLoad:
    def test_a_folder_is_a_data_set(self, tmp_path, monkeypatch):
        # XPNET_DATA is where `mnist` looks; a folder that is named has nothing to do with it.
        monkeypatch.setenv("XPNET_DATA", str(tmp_path / "nowhere"))
        check(load(fill(tmp_path / "mine"), normalize=False))
        assert load(str(tmp_path / "mine") + "/", one_hot=True).train.t.shape == (20, 7)
        monkeypatch.chdir(tmp_path)
        check(load("mine", normalize=False))

    def test_a_name_comes_before_a_folder(self, tmp_path, monkeypatch):
        fill(tmp_path / "digits")
        monkeypatch.chdir(tmp_path)
        assert load("digits").train.x.shape == (1437, 64)
        check(load("./digits", normalize=False))

    def test_a_folder_of_something_else(self, tmp_path):
        (tmp_path / "x.png").touch()
        with pytest.raises(DatasetError, match=r"found home, work, x\.png"):
            load(tmp_path)

    @pytest.mark.parametrize("name", ["nowhere/at/all", "mnist.npz"])
    def test_an_unknown_name_mentions_a_folder(self, name):
        with pytest.raises(ValueError, match=r"or a folder of IDX files \(train-images-idx3-ubyte, \.\.\.\)"):
            load(name)


@pytest.mark.mnist
def test_mnist_read_as_any_folder(real_mnist):
    known, read = load("mnist"), from_idx(real_mnist)
    for part, same in zip(known, read, strict=True):
        np.testing.assert_array_equal(part.x, same.x, strict=True)
        np.testing.assert_array_equal(part.t, same.t, strict=True)
    assert known.input_range == read.input_range
