"""Loop scores against closed forms, against the definition taken step by step, and against cases in the literature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from alliance_dynamics.errors import UnsupportedError, UsageError
from alliance_dynamics.loops.discover import every_loop, strongest_loops
from alliance_dynamics.loops.links import structure_of, trace
from alliance_dynamics.loops.scores import link_scores, loop_scores
from alliance_dynamics.loops.study import decades, study_loops
from alliance_dynamics.model.read import read_model
from alliance_dynamics.simulate import run_model

TAIL = """
INITIAL TIME = 0 ~~|
FINAL TIME = {stop} ~~|
TIME STEP = {dt} ~~|
SAVEPER = {dt} ~~|
"""
LOGISTIC = """{UTF-8}
population = INTEG(births - deaths, 1) ~~|
births = growth * population ~~|
deaths = growth * population * population / capacity ~~|
growth = 0.5 ~~|
capacity = 1000 ~~|
"""
BASS = """{UTF-8}
potential = INTEG(-adoption, 99990) ~~|
adopters = INTEG(adoption, 10) ~~|
adoption = advertising + word of mouth ~~|
advertising = 0.001 * potential ~~|
word of mouth = 0.8 * adopters * potential / 100000 ~~|
"""
CHAIN = """{UTF-8}
level = INTEG(inflow - outflow, 1) ~~|
goal = INTEG((level - goal) / 3, 2) ~~|
inflow = goal ^ 0.5 + 0.1 * seen ~~|
outflow = level / 4 + MAX(0, level - 2) * 0.01 ~~|
seen = SMOOTH(level * goal / (1 + goal), 2) ~~|
total = INTEG(inflow, 0) ~~|
index = total * 2 + 3 ~~|
"""


def model_of(tmp_path, text, *, stop=20, dt=0.125):
    path = tmp_path / "model.mdl"
    path.write_text(text + TAIL.format(stop=stop, dt=dt), encoding="utf-8")
    return read_model(path)


def test_growth_of_the_logistic_is_handed_over_at_half_the_capacity(tmp_path):
    """Closed form: births' loop a, deaths' loop -2 a S / K; shares 1/(1 + 2S/K) and -(2S/K)/(1 + 2S/K)."""
    model = model_of(tmp_path, LOGISTIC)
    found = study_loops(model, "population")
    run = run_model(model)
    level = run.values[:, run.columns.index("population")] / 1000
    births, deaths = (next(i for i, k in enumerate(found.kinds) if name in k.path) for name in ("births", "deaths"))
    assert [found.kinds[i].sign for i in (births, deaths)] == [1, -1]
    assert found.complete
    np.testing.assert_allclose(found.share[births, 0], 1 / (1 + 2 * level), rtol=1e-12)
    np.testing.assert_allclose(found.share[deaths, 0], -2 * level / (1 + 2 * level), rtol=1e-12)
    leads = np.abs(found.share[births, 0]) > np.abs(found.share[deaths, 0])
    assert (leads == (level < 0.5)).all()


def test_the_scores_of_loops_through_one_stock_sum_to_one(tmp_path):
    """Sum of loop gains times rate over change of rate: that is what the change of the rate is."""
    model = model_of(tmp_path, LOGISTIC)
    structure = structure_of(model)
    links = trace(structure, np.array([structure.program.defaults]))
    loops = every_loop(structure.links, structure.in_loops)
    assert loops is not None
    scores = np.stack([link_scores(links)[list(loop)].prod(axis=0) for loop in loops])
    rate, change = (each[structure.names.index("population")] for each in (links.source, links.target))
    moving = np.abs(change) > 1e-6
    np.testing.assert_allclose((scores.sum(axis=0) * np.sign(rate / change))[moving], 1.0, rtol=1e-9)


def test_word_of_mouth_hands_over_to_saturation(tmp_path):
    """Bass: word of mouth (R) leads while fewer than half have adopted, market saturation (B) after it."""
    model = model_of(tmp_path, BASS, stop=25)
    found = study_loops(model, "adopters")
    run = run_model(model)
    adopted = run.values[:, run.columns.index("adopters")] / 1e5
    mouth = next(i for i, k in enumerate(found.kinds) if set(k.path) == {"adopters", "word_of_mouth", "adoption"})
    assert found.kinds[mouth].sign == 1
    others = np.delete(found.share[:, 0], mouth, axis=0)
    assert (others <= 0).all()
    leads = found.share[mouth, 0] > np.abs(others).sum(axis=0)
    grown = adopted > 0.005  # before that advertising matters
    assert (leads[grown] == (adopted < 0.5)[grown])[np.abs(adopted[grown] - 0.5) > 0.01].all()


def test_scores_are_the_limit_of_the_definition_for_short_steps(tmp_path):
    """Euler, dt = 1/1024: partial changes of each equation, one cause at a time, as the method is defined."""
    dt = 1 / 1024
    model = model_of(tmp_path, CHAIN, stop=4, dt=dt)
    run = run_model(model, method="euler")
    value = {name: run.values[:, i] for i, name in enumerate(run.columns)}
    level, goal, inflow, outflow = (value[each] for each in ("level", "goal", "inflow", "outflow"))
    at = 2048
    a, b = at - 1, at

    def score(part, whole):
        return abs(part / whole)

    goal_to_inflow = score(goal[b] ** 0.5 - goal[a] ** 0.5, inflow[b] - inflow[a])
    net = (inflow - outflow)[b] - (inflow - outflow)[a]
    inflow_to_level = score(inflow[b] - inflow[a], net)
    rate = (level - goal) / 3
    level_to_goal = score((level[b] - level[a]) / 3, rate[b] - rate[a])
    minor = score(goal[b] - goal[a], 3 * (rate[b] - rate[a]))
    structure = structure_of(model)
    links = trace(structure, np.array([structure.program.defaults]))
    scores = link_scores(links)[:, b]
    names = structure.names

    def of(cause, effect):
        wanted = [names.index(cause), names.index(effect)]
        return scores[structure.links.tolist().index(wanted)]

    assert of("goal", "inflow") == pytest.approx(goal_to_inflow, rel=3e-3)
    assert of("inflow", "level") == pytest.approx(inflow_to_level, rel=3e-3)
    assert of("level", "goal") == pytest.approx(level_to_goal, rel=3e-3)
    assert of("goal", "goal") == pytest.approx(-minor, rel=3e-3)


def test_scores_do_not_depend_on_the_step_or_the_method(tmp_path):
    rough, fine = (
        study_loops(replace(model, time=replace(model.time, method="rk4")), "level")
        for model in (model_of(tmp_path, CHAIN, dt=0.25), model_of(tmp_path, CHAIN, dt=0.03125))
    )
    assert [k.path for k in rough.kinds] == [k.path for k in fine.kinds]
    np.testing.assert_allclose(rough.share[:, 0, 1:], fine.share[:, 0, 8::8], atol=1e-4)


def test_parts_of_an_output_sum_to_one(tmp_path):
    found = study_loops(model_of(tmp_path, CHAIN), "index")
    total = np.abs(found.share).sum(axis=0) + found.rest + found.of_time + found.constant
    np.testing.assert_allclose(total[:, 1:], 1.0, rtol=1e-9)


def test_the_search_for_strong_loops_finds_what_listing_finds(tmp_path):
    structure = structure_of(model_of(tmp_path, CHAIN))
    links = trace(structure, np.array([structure.program.defaults]))
    every = every_loop(structure.links, structure.in_loops)
    stocks = np.flatnonzero(structure.stock & (structure.loop_of >= 0)).tolist()
    moments = np.abs(link_scores(links))[:, 1::20]
    strong, cut = strongest_loops(structure.links, structure.in_loops, stocks, moments)
    assert every is not None
    assert set(strong) <= set(every)
    assert cut == 0
    size = np.abs(loop_scores(every, link_scores(links)[:, 1::20]))
    leaders = {every[i] for i in size.argmax(axis=0)}
    assert leaders <= set(strong)


def test_a_quantity_that_jumps_is_refused_by_name(tmp_path):
    text = LOGISTIC + "late = DELAY FIXED(births, 2, 0) ~~|\n"
    with pytest.raises(UnsupportedError, match="late"):
        study_loops(model_of(tmp_path, text), "population")


def test_an_output_that_nothing_moves_is_refused(tmp_path):
    model = model_of(tmp_path, LOGISTIC)
    with pytest.raises(UsageError, match="no loop"):
        study_loops(model, "growth")
    with pytest.raises(UsageError, match="population"):
        study_loops(model, "populaton")


def test_decades_are_decades():
    assert decades(np.arange(2000.0, 2051.0)) == [(2000.0 + 10 * i, 2010.0 + 10 * i) for i in range(5)]
    assert len(decades(np.linspace(0, 25, 101))) == 5


def test_a_value_kept_from_the_start_is_no_obstacle(tmp_path):
    text = LOGISTIC.replace("/ capacity", "/ (INITIAL(population) * 1000)")
    one, other = (study_loops(model_of(tmp_path, each), "population") for each in (text, LOGISTIC))
    np.testing.assert_allclose(one.share, other.share, rtol=1e-12)
