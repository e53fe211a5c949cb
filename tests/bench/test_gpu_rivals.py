"""What PyTorch and JAX do on a GPU only, with doubles of CUDA's streams and graphs, on the CPU."""

import contextlib
from types import SimpleNamespace

import pytest

from xpnet.bench.case import Case


@pytest.fixture
def pytorch():
    return pytest.importorskip("xpnet.bench.rivals.pytorch", exc_type=ImportError)


@pytest.fixture
def cuda(pytorch, monkeypatch):
    """Put doubles in the place of `torch.cuda`; what is captured changes none of the tensors in `kept`."""
    double = SimpleNamespace(kept=[], captures=0, warmed=0)

    @contextlib.contextmanager
    def graph(one):
        before = [tensor.clone() for tensor in double.kept]
        yield
        for tensor, value in zip(double.kept, before, strict=True):
            tensor.copy_(value)
        double.captures += 1

    @contextlib.contextmanager
    def stream(one):
        double.warmed += 1
        yield

    waits = SimpleNamespace(wait_stream=lambda other: None)
    stand_ins = {
        "Stream": lambda: waits,
        "current_stream": lambda: waits,
        "stream": stream,
        "CUDAGraph": lambda: SimpleNamespace(replay=None),
        "graph": graph,
        "synchronize": lambda: None,
    }
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(pytorch.torch.cuda, name, stand_in)
    return double


@pytest.mark.parametrize("together", [1, 5])
def test_warming_up_and_capturing_change_nothing(play, pytorch, cuda, together, monkeypatch):
    capture = pytorch.capture

    def captured(steps, kept):
        cuda.kept = kept
        capture(steps, kept)
        return steps

    monkeypatch.setattr(pytorch, "capture", captured)
    contestant = pytorch.Torch(device="cpu")
    contestant.graph = together
    (outcome,) = play(contestant).outcomes
    assert outcome.problems == []
    assert cuda.captures == cuda.warmed == (2 if together == 1 else 3)


def test_what_a_graph_reads_is_kept_for_as_long_as_it(pytorch, cuda, data, monkeypatch):
    """A graph reads where its arrays lay at the capture, whatever comes to lie there later."""
    taken = []
    monkeypatch.setattr(pytorch.CapturedSteps, "_step", lambda self, places: taken.append(places))
    monkeypatch.setattr(pytorch, "capture", lambda steps, kept: steps() or (lambda: None))
    case, contestant = Case((64, 20, 10), 20), pytorch.Torch(device="cpu")
    contestant.graph = 2
    contestant.prepare(case, data, case.weights())
    contestant.captured.epoch(pytorch.torch.arange(50))
    assert {len(places) for places in taken} == {20, 10}
    kept = contestant.captured._places.data_ptr()
    assert all(places.data_ptr() == kept for places in taken)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PyTorch's compiler, by PyTorch
def test_the_compiled_loop_of_a_gpu_takes_the_same_steps(play, pytorch, cuda, monkeypatch):
    asked = []
    monkeypatch.setattr(
        pytorch.torch, "compile", lambda function, **options: asked.append(options) or function
    )
    contestant = pytorch.Torch(compiled=True, device="cpu")
    contestant.on_gpu = True
    (outcome,) = play(contestant).outcomes
    assert outcome.problems == []
    assert asked[0] == {"mode": "reduce-overhead", "dynamic": False}


@pytest.mark.parametrize("tf32", [False, True])
def test_pytorch_is_told_its_precision_on_a_gpu(pytorch, cuda, data, tf32):
    case = Case((64, 20, 10), 20, tf32=tf32)
    contestant = pytorch.Torch(device="cpu")
    contestant.on_gpu = True
    before = pytorch.torch.get_float32_matmul_precision()
    try:
        contestant.prepare(case, data, case.weights())
        assert pytorch.torch.get_float32_matmul_precision() == ("high" if tf32 else "highest")
    finally:
        pytorch.torch.set_float32_matmul_precision(before)


@pytest.fixture
def jax_on_gpu(monkeypatch):
    """JAX's contestant as it is on a GPU, though it computes on the CPU."""
    jax_xla = pytest.importorskip("xpnet.bench.rivals.jax_xla", exc_type=ImportError)
    monkeypatch.setattr(jax_xla, "_device", lambda array: SimpleNamespace(platform="gpu"))
    yield jax_xla
    jax_xla.jax.config.update("jax_default_matmul_precision", None)
    jax_xla.jax.config.update("jax_default_device", None)


@pytest.mark.parametrize("tf32", [False, True])
def test_jax_is_told_its_precision_on_a_gpu(jax_on_gpu, data, tf32):
    case = Case((64, 20, 10), 20, tf32=tf32)
    jax_on_gpu.Jax(device="cpu").prepare(case, data, case.weights())
    told = jax_on_gpu.jax.config.jax_default_matmul_precision
    assert told == ("tensorfloat32" if tf32 else "float32")


def test_jax_unrolled_takes_the_same_steps(play, jax_on_gpu):
    (outcome,) = play(jax_on_gpu.Jax(scan=True, unroll=10, device="cpu")).outcomes
    assert outcome.problems == []


def test_a_gpu_that_jax_does_not_see_is_an_error(jax_on_gpu):
    if any(one.platform != "cpu" for one in jax_on_gpu.jax.devices()):
        pytest.skip("JAX sees a GPU")
    with pytest.raises(RuntimeError, match="gpu"):
        jax_on_gpu.Jax(device="gpu")
