"""The CPU quota of control groups, on file systems as containers, services and plain machines have them."""

import os

import pytest

from xpnet_kernels import _threads
from xpnet_kernels._quota import processors_allowed

V2 = "30 23 0:26 {root} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {root} {point} rw,nosuid - cgroup cgroup rw,{controllers}"


def v2(root="/", point="/sys/fs/cgroup"):
    return V2.format(root=root, point=point)


def v1(root="/", point="/sys/fs/cgroup/cpu,cpuacct", controllers="cpu,cpuacct"):
    return V1.format(root=root, point=point, controllers=controllers)


def limit(quota, period=100_000):
    """Return the files of a group of version 1."""
    return {"cpu.cfs_quota_us": f"{quota}\n", "cpu.cfs_period_us": f"{period}\n"}


@pytest.fixture
def system(tmp_path):
    """Return `system(cgroup, mountinfo, **groups)`: make such a system, and read its quota."""

    def make(cgroup, mountinfo, groups):
        files = {"proc/self/cgroup": "\n".join(cgroup), "proc/self/mountinfo": "\n".join(mountinfo)}
        for folder, content in groups.items():
            content = content if isinstance(content, dict) else {"cpu.max": content}
            files |= {f"{folder}/{name}": text for name, text in content.items()}
        for name, text in files.items():
            path = tmp_path / name.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return processors_allowed(tmp_path)

    return make


@pytest.mark.parametrize(
    ("text", "processors"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("200001 100000\n", 3),
        ("100000 50000\n", 2),
        ("6400000 100000\n", 64),
        ("300000\n", 3),
        ("max 100000\n", None),
        ("max\n", None),
        ("", None),
        ("\n\n", None),
        ("0 100000\n", None),
        ("-1 100000\n", None),
        ("200000 0\n", None),
        ("nan 100000\n", None),
        ("inf 100000\n", None),
        ("many 100000\n", None),
        ("200000 often\n", None),
        (b"\xff\xfe\x00", None),
    ],
)
def test_a_container_of_version_2(text, processors, system):
    assert system(["0::/"], [v2()], {"/sys/fs/cgroup": text}) == processors


@pytest.mark.parametrize(
    ("files", "processors"),
    [
        (limit(200_000), 2),
        (limit(150_000), 2),
        (limit(50_000), 1),
        (limit(20_000, 10_000), 2),
        (limit(-1), None),
        (limit(0), None),
        (limit(200_000, 0), None),
        (limit("?"), None),
        ({"cpu.cfs_quota_us": "200000"}, 2),
        ({"cpu.cfs_period_us": "100000"}, None),
        ({}, None),
    ],
)
def test_a_container_of_version_1(files, processors, system):
    found = system(
        ["4:cpu,cpuacct:/docker/7d5b", "3:cpuset:/docker/7d5b", "1:name=systemd:/docker/7d5b"],
        [v1(root="/docker/7d5b")],
        {"/sys/fs/cgroup/cpu,cpuacct": files},
    )
    assert found == processors


NESTED = {
    "/sys/fs/cgroup/user.slice/a/b": "400000 100000",
    "/sys/fs/cgroup/user.slice/a": "max 100000",
    "/sys/fs/cgroup/user.slice": "300000 100000",
}


@pytest.mark.parametrize(
    ("changed", "processors"),
    [
        ({}, 3),
        ({"/sys/fs/cgroup/user.slice/a": "150000 100000"}, 2),
        ({"/sys/fs/cgroup": "100000 100000"}, 1),
    ],
)
def test_the_smallest_quota_of_all_levels_counts(changed, processors, system):
    assert system(["0::/user.slice/a/b"], [v2()], NESTED | changed) == processors


def test_the_smallest_quota_of_all_levels_counts_in_version_1(system):
    mounts = [
        v1(point="/sys/fs/cgroup/cpu", controllers="cpu"),
        v1(controllers="cpuacct", point="/elsewhere"),
    ]
    groups = {
        "/sys/fs/cgroup/cpu/pods": limit(250_000),
        "/sys/fs/cgroup/cpu/pods/one": limit(800_000),
        "/elsewhere/pods/one": limit(100_000),
    }
    assert system(["1:cpu:/pods/one", "2:cpuacct:/pods/one"], mounts, groups) == 3


def test_groups_beside_the_own_one_do_not_count(system):
    groups = {"/sys/fs/cgroup/a": "100000 100000", "/sys/fs/cgroup/own/below": "100000 100000"}
    assert system(["0::/own"], [v2()], groups) is None


def test_a_mount_that_shows_a_part_of_the_hierarchy(system):
    groups = {"/sys/fs/cgroup": "700000 100000", "/sys/fs/cgroup/inner": "500000 100000"}
    assert system(["0::/docker/7d5b/inner"], [v2(root="/docker/7d5b")], groups) == 5


@pytest.mark.parametrize("group", ["/../../other", "/elsewhere", "/docker"])
def test_a_group_outside_what_the_mount_shows(group, system):
    groups = {"/sys/fs/cgroup": "200000 100000", "/sys/fs/cgroup/elsewhere": "100000 100000"}
    assert system([f"0::{group}"], [v2(root="/docker/7d5b")], groups) == 2


def test_both_versions_at_once(system):
    mounts = [v1(), v2(point="/sys/fs/cgroup/unified")]
    groups = {
        "/sys/fs/cgroup/cpu,cpuacct/job": limit(300_000),
        "/sys/fs/cgroup/unified": {"cgroup.procs": "1"},
    }
    assert system(["4:cpu,cpuacct:/job", "0::/"], mounts, groups) == 3


def test_a_mount_point_and_a_group_with_unusual_names(system):
    groups = {"/my groups/a:b": "200000 100000"}
    assert system(["0::/a:b"], [v2(point="/my\\040groups")], groups) == 2


@pytest.mark.parametrize(
    ("cgroup", "mountinfo"),
    [
        ([], []),
        (["0::/"], []),
        ([], [v2()]),
        (["", "0", "0:", "::", "nonsense"], ["", " - ", "1 2 3", "nonsense - cgroup2 x", v2() + "\n\n"]),
        (["0::/"], [v2(point="/not/there")]),
        (["7:memory:/"], [v1(controllers="memory", point="/sys/fs/cgroup")]),
    ],
)
def test_missing_files_and_garbage_mean_no_quota(cgroup, mountinfo, system):
    assert system(cgroup, mountinfo, {"/sys/fs/cgroup/other": "100000 100000"}) is None


def test_a_system_without_proc(tmp_path):
    assert processors_allowed(tmp_path) is None


@pytest.mark.parametrize(("quota", "here", "expected"), [(2, 64, 2), (64, 2, 2), (None, 5, 5), (1, 1, 1)])
def test_the_quota_and_the_processors_both_limit(quota, here, expected, monkeypatch):
    monkeypatch.setattr(_threads, "quota", lambda: quota)
    monkeypatch.setattr(_threads, "processors", lambda: here)
    assert _threads.available() == expected
    assert _threads.allowed(enough_work=True) == expected


@pytest.mark.parametrize(("count", "expected"), [(1, 1), (3, 3), (500, 4), (None, 4)])
def test_pythons_own_count_limits_too(count, expected, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(4), raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: count, raising=False)
    assert _threads.processors() == expected
