"""The design: its layout, its points, its seeds, what it refuses."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, norm, truncnorm

from alliance_dynamics.errors import UsageError
from alliance_dynamics.sensitivity import Column, Factor, sobol_design

LEVERS = [
    Factor("coverage", low=0.1, high=1.0),
    Factor("trust", distribution="normal", mean=0.5, sd=0.2, low=0.0, high=1.0),
    Factor("posterior", distribution="index", high=5000),
    Factor("drivers", columns=(Column("oil", 30.0, 120.0), Column("growth", -1.0, 4.0), Column("rate", 0.0, 0.2))),
]


def blocks(design, replicate=0):
    first = replicate * design.rows_per_replicate
    values = design.rows(first, design.rows_per_replicate)
    return values.reshape(len(design.blocks), design.points, -1)


def test_ab_is_a_with_the_columns_of_one_factor_from_b_and_ba_the_other_way_round():
    design = sobol_design(LEVERS, points=32, replicates=2, seed=1)
    own = {"coverage": [0], "trust": [1], "posterior": [2], "drivers": [3, 4, 5]}
    for replicate in range(2):
        named = dict(zip(design.blocks, blocks(design, replicate), strict=True))
        for name, columns in own.items():
            others = [c for c in range(6) if c not in columns]
            for mixed, base, other in (("AB", "A", "B"), ("BA", "B", "A")):
                block = named[f"{mixed}:{name}"]
                assert np.array_equal(block[:, columns], named[other][:, columns])
                assert np.array_equal(block[:, others], named[base][:, others])


def test_there_are_two_d_plus_two_blocks_and_every_row_knows_its_place():
    design = sobol_design(LEVERS, points=16, replicates=3, seed=1)
    assert design.row_count == 3 * 10 * 16
    assert design.place(0) == (0, "A", 0)
    assert design.place(16 + 3) == (0, "B", 3)
    assert design.place(160 + 2 * 16) == (1, "AB:coverage", 0)
    assert design.place(design.row_count - 1) == (2, "BA:drivers", 15)


@settings(deadline=None, max_examples=40)
@given(first=st.integers(0, 480), count=st.integers(0, 480), size=st.integers(1, 200))
def test_any_piece_of_the_rows_is_a_piece_of_all_rows(first, count, size):
    design = sobol_design(LEVERS, points=16, replicates=3, seed=4)
    everything = design.rows()
    count = min(count, design.row_count - first)
    assert np.array_equal(design.rows(first, count), everything[first : first + count])
    chunks = list(design.chunks(size))
    assert np.array_equal(np.concatenate([chunk.values for chunk in chunks]), everything)
    assert all(design.place(c.first).replicate == c.replicate for c in chunks)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_a_seed_gives_the_same_rows_bit_for_bit_for_any_number_of_workers(seed):
    design = sobol_design(LEVERS, points=64, replicates=2, seed=seed)
    again = sobol_design(LEVERS, points=64, replicates=2, seed=seed)
    assert design.hash == again.hash
    for workers, size in ((1, 1280), (3, 50), (5, 7)):
        with ThreadPoolExecutor(workers) as pool:
            starts = range(0, design.row_count, size)
            pieces = pool.map(lambda at, size=size: again.rows(at, min(size, again.row_count - at)), starts)
            assert np.concatenate(list(pieces)).tobytes() == design.rows().tobytes()


def test_other_seeds_and_other_replicates_are_other_points():
    zero, one = (sobol_design(LEVERS, points=64, replicates=2, seed=seed) for seed in (0, 1))
    assert zero.hash != one.hash
    assert not np.any(zero.samples(0, 64) == one.samples(0, 64))
    assert not np.any(blocks(zero, 0)[0][:, 0] == blocks(zero, 1)[0][:, 0])


def test_more_points_or_replicates_keep_the_rows_that_have_been_run():
    small = sobol_design(LEVERS, points=32, replicates=2, seed=9)
    large = sobol_design(LEVERS, points=128, replicates=5, seed=9)
    for replicate in range(2):
        assert np.array_equal(blocks(large, replicate)[:, :32], blocks(small, replicate))
    assert large.with_points(32).hash != large.hash


def test_every_coordinate_of_a_block_is_spread_evenly_and_never_at_the_ends():
    design = sobol_design(LEVERS, points=256, replicates=1, seed=2)
    for block in design.samples().reshape(10, 256, 6):
        assert block.min() > 0
        assert block.max() < 1
        assert np.array_equal(np.sort(np.floor(block * 256), axis=0), np.arange(256)[:, None] * np.ones(6))


def test_columns_follow_their_distributions():
    factors = [*LEVERS, Factor("free", distribution="normal", mean=3.0, sd=2.0, low=-inf, high=inf),
               Factor("tail", distribution="normal", mean=0.0, sd=1.0, low=12.0, high=13.0)]  # fmt: skip
    design = sobol_design(factors, points=4096, replicates=1, seed=3)
    column = dict(zip((c.name for c in design.columns), design.rows(0, 4096).T, strict=True))
    assert kstest(column["coverage"], "uniform", (0.1, 0.9)).statistic < 1e-3
    assert kstest(column["trust"], truncnorm(-2.5, 2.5, 0.5, 0.2).cdf).statistic < 1e-3
    assert kstest(column["free"], norm(3, 2).cdf).statistic < 1e-3
    tail = kstest(column["tail"], lambda x: (norm.sf(12) - norm.sf(x)) / (norm.sf(12) - norm.sf(13)))
    assert tail.statistic < 1e-3
    rows = column["posterior"]
    assert np.array_equal(rows, np.floor(rows))
    assert rows.min() >= 0
    assert rows.max() <= 4999
    assert len(np.unique(rows)) > 2400


def test_every_row_of_an_index_is_taken_equally_often():
    design = sobol_design([Factor("posterior", distribution="index", high=4)], points=64, replicates=1, seed=0)
    assert np.bincount(design.rows(0, 64)[:, 0].astype(int)).tolist() == [16, 16, 16, 16]


def test_the_design_is_drawn_piece_by_piece_in_bounded_memory():
    constants = Factor("constants", columns=tuple(Column(f"c{i}") for i in range(60)))
    design = sobol_design([*LEVERS, constants], points=1024, replicates=4, seed=1)
    whole = design.row_count * len(design.columns) * 8
    tracemalloc.start()
    for chunk in design.chunks(2048):
        assert chunk.values.shape[1] == 66
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < whole / 3


def test_names_and_ranges_are_part_of_the_hash():
    def hash_of(**changes):
        return sobol_design([Factor(**({"name": "a"} | changes))], points=8, replicates=1, seed=0).hash

    assert len({hash_of(), hash_of(name="b"), hash_of(high=2.0), hash_of(high=2.0, distribution="index")}) == 4
    assert hash_of(high=2) == hash_of(high=2.0) == hash_of(high=np.float64(2))


@pytest.mark.parametrize("seed", [None, -1, True, 1.0, "1"])
def test_what_is_not_a_seed_is_refused(seed):
    with pytest.raises(UsageError, match="seed"):
        sobol_design(LEVERS, points=8, replicates=1, seed=seed)


def test_all_faults_are_named_at_once():
    factors = [
        Factor("a", low=1.0, high=1.0),
        Factor("b", distribution="uniforme"),
        Factor("c", distribution="normal", mean=1.0),
        Factor("d", distribution="index", high=0.5),
        Factor("e", high=inf),
        Factor("f", distribution="normal", mean=0.0, sd=1.0, low=40.0, high=41.0),
        Factor("g"),
        Factor("g"),
        Factor("h", high=2.0, columns=(Column("h1"), Column("h2"))),
        Factor("i", mean=0.5),
        Factor("j", distribution="index"),
    ]
    with pytest.raises(UsageError) as caught:
        sobol_design(factors, points=1000, replicates=0, seed=0)
    text = str(caught.value)
    for part in ("512 or 1024", "0 replicates", "range of `a`", "Did you mean `uniform`", "`c` is normal", "index `d`",
                 "range of `e`", "`f`", "factor `g`", "column `g`",
                 "`h` has columns and a range", "`i` has a mean", "index `j`"):  # fmt: skip
        assert part in text
    with pytest.raises(UsageError, match="no factors"):
        sobol_design([], points=8, replicates=1, seed=0)


def test_rows_outside_the_design_are_refused():
    design = sobol_design(LEVERS, points=8, replicates=1, seed=0)
    for first, count in ((-1, 2), (79, 2), (80, 1)):
        with pytest.raises(UsageError, match="rows 0 to 79"):
            design.rows(first, count)
    with pytest.raises(UsageError, match="no replicate 1"):
        list(design.chunks(replicate=1))
