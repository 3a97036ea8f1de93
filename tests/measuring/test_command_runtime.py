import argparse
import fcntl
import json
import os
import pickle
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archcost.cli.main import main
from archcost.cli.options import add_runtime_arguments, build_runtime
from archcost.datasets import CostTable
from archcost.errors import ArchcostError, UnknownNameError
from archcost.measuring.command_runtime import CommandRuntime
from archcost.measuring.printed_latency import PrintedLatency
from archcost.networks.onnx_graphs import onnx_model
from archcost.spaces import get_space

pytest.importorskip("onnx")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands are quoted as in a shell")
SPACE = get_space("nasbench201")
OPS = SPACE.parse("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_1x1~2|")
BENCHMARK_MODEL = """\
STARTING!
count=50 first=32891 curr=33978 min=32641 max=34005 avg=33209.4 std=450
Inference timings in us: Init: 855, First inference: 49060, Warmup (avg): 34825.1, \
Inference (avg): 33209.4
Peak memory footprint (MB): init=0 overall=12.8672
"""
"""As TensorFlow Lite's benchmark_model prints it (tensorflow/tensorflow issue 42507)."""
SLEEPS = """
import fcntl, os, sys, time
fcntl.flock(open(sys.argv[2], "w"), fcntl.LOCK_EX)
open(sys.argv[2] + ".begun", "w").close()
os.fork()  # a child that holds the lock as well
time.sleep(60)
"""


@pytest.fixture
def bench(tmp_path):
    """Return a function that makes a command of a Python program and further words."""

    def command(program, *words):
        path = tmp_path / "bench.py"
        path.write_text(program)
        return shlex.join([sys.executable, "-S", str(path), "{model}", *map(str, words)])

    return command


def load(command, threads=1, **parameters):
    runtime = CommandRuntime(command, **{"pause_s": 0.0, **parameters})
    return runtime.load(SPACE, OPS, "cifar10", threads)


def is_free(lock):
    """Wait until nobody holds the lock; False if somebody still does after ten seconds."""
    deadline = time.monotonic() + 10
    with lock.open() as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                time.sleep(0.02)
    return False


def test_command_is_given_the_network_and_its_json_line_is_read(bench, tmp_path):
    program = """
import json, os, sys
print("loading", sys.argv[1])
open(sys.argv[2], "w").write(sys.argv[1])
print(json.dumps({"latency_ms": 1e9}))
print(json.dumps({"latency_ms": os.path.getsize(sys.argv[1]) / 1000}))
print(json.dumps({"peak_mb": 12}))
"""
    infer_ms = load(bench(program, tmp_path / "path"))
    assert infer_ms() * 1000 == onnx_model(SPACE.graph(OPS, "cifar10")).ByteSize()
    path = Path((tmp_path / "path").read_text())
    assert path.name == "network.onnx"
    assert not path.parent.exists()


def test_threads_are_handed_on(bench):
    program = "import sys; print('{\"latency_ms\": %s}' % sys.argv[2])"
    assert load(bench(program, "{threads}"), threads=3)() == 3.0


def test_pattern_reads_what_benchmark_model_prints(bench):
    latency = PrintedLatency(r"Inference \(avg\): ([0-9.e+]+)", "us")
    assert load(bench(f"print({BENCHMARK_MODEL!r})"), latency=latency)() == pytest.approx(33.2094)
    on_stderr = f"import sys; print({BENCHMARK_MODEL!r}, file=sys.stderr)"
    assert load(bench(on_stderr), latency=latency)() == pytest.approx(33.2094)


def test_last_match_in_its_unit_counts():
    assert PrintedLatency(r"^run: (\S+) s$", "s").find_ms("run: 2 s\nrun: 0.5 s\nmean: 9 s") == 500
    assert PrintedLatency(r"(?:min|avg)=(\d+)").find_ms("min=3 avg=4\n", "avg=5") == 4
    assert PrintedLatency(r"avg=(\d+)").find_ms("done", "avg=5") == 5


@pytest.mark.parametrize(
    "printed",
    ["done\n", '{"latency": 7}', '{"latency_ms": "fast"}', '{"latency_ms": null}', "[7]", "7"]
    + [f'{{"latency_ms": {value}}}' for value in ("-1", "0", "NaN", "Infinity")],
)
def test_output_without_a_latency_is_shown(printed):
    with pytest.raises(ArchcostError, match=r'must hold a line such as {"latency_ms": 12.3}') as no:
        PrintedLatency().find_ms(printed, "boom")
    assert repr(printed) in str(no.value)
    assert "'boom'" in str(no.value)


def test_pattern_that_finds_nothing_is_named():
    for printed in ("mean=fast", "median=7"):
        with pytest.raises(ArchcostError, match=r"where the pattern 'mean=\(\\w\+\)' has its"):
            PrintedLatency(r"mean=(\w+)").find_ms(printed)


def test_crash_tells_exit_status_and_the_end_of_its_errors(bench):
    program = "import sys; print('{\"latency_ms\": 1}'); sys.exit('x' * 1000 + ' no such kernel')"
    with pytest.raises(RuntimeError, match=r"exit status 1 and said 'x+ no such kernel'") as crash:
        load(bench(program))()
    assert len(str(crash.value)) < 400


def test_time_out_kills_all_that_the_command_started(bench, tmp_path):
    lock = tmp_path / "lock"
    with pytest.raises(TimeoutError, match="must end within 2 s"):
        load(bench(SLEEPS, lock), timeout_s=2, retries=0)()
    assert (tmp_path / "lock.begun").exists()
    assert is_free(lock)


def test_ctrl_c_ends_the_command(bench, tmp_path):
    lock = tmp_path / "lock"
    script = f"""
import signal
from archcost.measuring.command_runtime import CommandRuntime
from archcost.spaces.spaces import get_space
signal.signal(signal.SIGINT, signal.default_int_handler)
runtime = CommandRuntime({bench(SLEEPS, lock)!r})
runtime.load(get_space("nasbench201"), {OPS.tolist()}, "cifar10", 1)()
"""
    waiting = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "lock.begun").exists():
        assert waiting.poll() is None, waiting.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=60)
    assert b"KeyboardInterrupt" in errors
    assert is_free(lock)


COUNTS = """
import sys
count = open(sys.argv[2], "a+")
count.seek(0)
before = len(count.read())
count.write("x")
if before < int(sys.argv[3]):
    sys.exit("not yet")
print('{"latency_ms": %d}' % (before + 1))
"""


def test_failures_are_tried_again(bench, tmp_path):
    count = tmp_path / "count"
    assert load(bench(COUNTS, count, 1), retries=1)() == 2.0
    count.unlink()
    with pytest.raises(RuntimeError, match="not yet"):
        load(bench(COUNTS, count, 9), retries=2)()
    assert count.read_text() == "xxx"


def test_pause_grows(bench, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr("archcost.measuring.command_runtime.time.sleep", pauses.append)
    with pytest.raises(RuntimeError):
        load(bench("import sys; sys.exit(1)"), retries=3, pause_s=0.5)()
    # The subprocess module sleeps as well, for up to 0.05 s.
    assert [pause for pause in pauses if pause > 0.1] == [0.5, 1.0, 2.0]


def test_braces_of_the_shell_are_left_alone(bench):
    script = """echo "{model}" | awk '{print "ms=" length($0)}'; test "${HOME}" """
    infer_ms = load(shlex.join(["sh", "-c", script]), latency=PrintedLatency(r"ms=(\d+)"))
    assert infer_ms() > len("/archcost_/network.onnx")


def test_describes_the_command_and_not_this_machine():
    runtime = CommandRuntime("cat {model}", latency=PrintedLatency("(.)", "us"))
    told = runtime.describe()
    assert told["command"] == "cat {model}"
    assert told["latency_read_from"] == "a number of us where the pattern '(.)' has its group"
    assert told["cpu"] == told["governor"] == "not known: behind a command"
    assert pickle.loads(pickle.dumps(runtime)) == runtime


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"command": "cat"}, ArchcostError, r"must hold \{model\}.* got 'cat'"),
        ({"command": ""}, ArchcostError, r"must hold \{model\}"),
        ({"command": "cat {modl}"}, UnknownNameError, "did you mean 'model'"),
        ({"command": "cat '{model}"}, ArchcostError, "quoted as in a shell.*No closing quotation"),
        ({"command": "no_such_bench {model}"}, ArchcostError, "there is no 'no_such_bench'"),
        ({"model_format": "onx"}, UnknownNameError, "did you mean 'onnx'"),
        ({"precision": "int8"}, ArchcostError, r"onnx files must have.*\['fp32'\]"),
        ({"precision": "int4"}, UnknownNameError, r"one of \['fp32', 'int8'\]"),
        ({"timeout_s": 0}, ArchcostError, "time-out must be positive"),
        ({"timeout_s": float("inf")}, ArchcostError, "time-out must be positive and finite"),
        ({"retries": -1}, ArchcostError, "retries must be 0 or more, but got -1"),
    ],
)
def test_bad_parameters_are_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        CommandRuntime(**{"command": "cat {model}", **parameters})


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ((r"(\d+",), ArchcostError, "must be a regular expression"),
        ((r"\d+",), ArchcostError, "must have one group.* has 0"),
        ((r"(\d+)(ms|us)",), ArchcostError, "must have one group.* has 2"),
        (("(.)", "min"), UnknownNameError, r"unit must be one of \['ms', 's', 'us'\]"),
        ((None, "us"), ArchcostError, "must go with a latency pattern, but got 'us'"),
    ],
)
def test_bad_patterns_are_refused(parameters, error, message):
    with pytest.raises(error, match=message):
        PrintedLatency(*parameters)


def parse(*words):
    parser = argparse.ArgumentParser()
    add_runtime_arguments(parser)
    parser.set_defaults(space="nasbench201", dataset=None, device="my_board", threads=1)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--command", "cat {model}"], "--command must go with --runtime command"),
        (["--latency-unit", "us"], "--latency-unit must go with --runtime command"),
        (["--runtime", "command"], "must go with --command, such as"),
        (["--runtime", "comand"], "did you mean 'command'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words, message):
    with pytest.raises(ArchcostError, match=message):
        build_runtime(parse(*words))


def test_device_must_be_named():
    args = parse("--runtime", "command", "--command", "cat {model}")
    args.device = None
    with pytest.raises(ArchcostError, match="such as --device my_board"):
        build_runtime(args)


def test_command_that_cannot_work_is_refused_at_the_start(bench):
    args = parse("--runtime", "command", "--retries", "0", "--command", bench("print('hello')"))
    with pytest.raises(ArchcostError, match=r"fails already on a trial network.*'hello"):
        build_runtime(args)


def test_options_reach_the_runtime(bench):
    program = f"print({BENCHMARK_MODEL!r})"
    args = parse(
        "--runtime", "command", "--command", bench(program), "--retries", "5",
        "--command-timeout", "7", "--latency-pattern", "Init: (.*?),", "--latency-unit", "us",
    )  # fmt: skip
    assert build_runtime(args) == CommandRuntime(
        bench(program), latency=PrintedLatency("Init: (.*?),", "us"), timeout_s=7.0, retries=5
    )


def test_measure_records_failures_with_their_status(bench, tmp_path, monkeypatch):
    """The latency is the file's size; of three sizes one crashes and one hangs."""
    monkeypatch.chdir(tmp_path)
    archs = [SPACE.format([op] * 6) for op in (3, 4, 1)]
    crashes, hangs = (onnx_model(SPACE.graph(arch, "cifar10")).ByteSize() for arch in archs[1:])
    program = f"""
import os, sys, time
size = os.path.getsize(sys.argv[1])
if size == {crashes}:
    os.abort()
if size == {hangs}:
    time.sleep(60)
print('{{"latency_ms": %d}}' % size)
"""
    (tmp_path / "wanted.csv").write_text("\n".join(archs))
    words = ["measure", "--space", "nasbench201", "--archs", "wanted.csv", "--rounds", "2"]
    words += ["--runtime", "command", "--command", bench(program), "--device", "my_board"]
    words += ["--command-timeout", "2", "--retries", "0", "--out", "t.parquet", "--quiet"]
    assert main(words) == 0
    table = CostTable.read(tmp_path / "t.parquet")
    frame = table.to_pandas().set_index("arch").loc[archs]
    assert frame["status"].tolist() == ["ok", "failed", "timed_out"]
    assert frame["cost"].iloc[0] == onnx_model(SPACE.graph(archs[0], "cifar10")).ByteSize()
    assert frame["n_repeats"].iloc[0] == 2
    assert str(table.keys()[0]) == "nasbench201-my_board-latency-cifar10"
    told = json.dumps(table.provenance.to_dict())
    assert "{model}" in table.provenance.command
    assert "network.onnx" not in told
