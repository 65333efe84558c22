"""XMILE models run as their standard says: closed forms, the same thing written two ways, conservation."""

from __future__ import annotations

import math

import pytest
from xmile_texts import COUNTED, REGIONS, aux, document, over, read, run

from alliance_dynamics.errors import ModelError

GROWTH = '<stock name="S"><eqn>1</eqn><inflow>f</inflow></stock><flow name="f"><eqn>S</eqn></flow>'


@pytest.mark.parametrize(("method", "factor"), [("Euler", 1.125), ("RK2", 1.1328125), ("RK4", 1.133148193359375)])
def test_growth_is_that_of_its_method(tmp_path, method, factor):
    text = document(GROWTH, method=method, specs='<start>0</start><stop>1</stop><dt reciprocal="true">8</dt>')
    assert run(tmp_path, text)["S"][-1] == pytest.approx(factor**8, rel=1e-14)


def test_test_inputs_and_memory(tmp_path):
    series = run(
        tmp_path,
        document(
            aux("s", "STEP(6, 3)")
            + aux("p", "PULSE(20, 2, 3)")
            + aux("r", "RAMP(2, 1)")
            + aux("twice", "PREVIOUS(SELF, 1)*2")
            + aux("last", "PREVIOUS(TIME, -5)")
            + aux("first", "INIT(TIME + 3)")
            + aux("late", "DELAY(TIME, 2)")
            + aux("d", "DELAY1(STEP(1, 0), 2, 0)"),
            specs="<start>0</start><stop>5</stop><dt>1</dt>",
        ),
    )
    assert series["s"] == [0, 0, 0, 6, 6, 6]
    assert series["p"] == [0, 0, 20, 0, 0, 20]
    assert series["r"] == [0, 0, 2, 4, 6, 8]
    assert series["twice"] == [2, 4, 8, 16, 32, 64]
    assert series["last"] == [-5, 0, 1, 2, 3, 4]
    assert series["first"] == [3] * 6
    assert series["late"] == [0, 0, 0, 1, 2, 3]
    assert series["d"] == [1 - 0.5**k for k in range(6)]


def test_differences_and_ends_of_runs(tmp_path):
    text = aux("none", "DERIVN(TIME, 0)") + aux("one", "DERIVN(TIME^2, 1)") + aux("two", "DERIVN(TIME^2, 2)")
    text += aux("three", "DERIVN(TIME^4, 3)") + aux("end", "ENDVAL(TIME + 3)") + aux("told", "ENDVAL(TIME, 7)")
    series = run(tmp_path, document(text, specs="<start>1</start><stop>4</stop><dt>0.5</dt>"))
    times = [1 + k / 2 for k in range(7)]
    assert series["none"] == times
    assert series["one"] == [0, *(2 * t - 0.5 for t in times[1:])]
    assert series["two"] == [0, 0, 2, 2, 2, 2, 2]
    # the third difference of t^4 over h^3 is 24 (t - 3 h / 2)
    assert series["three"] == pytest.approx([0, 0, 0, *(24 * (t - 0.75) for t in times[3:])])
    assert (series["end"], series["told"]) == ([4] * 7, [7] * 7)


@pytest.mark.parametrize("order", ["1.5", "-1", "9", "TIME"])
def test_a_derivative_of_another_order_is_refused(tmp_path, order):
    with pytest.raises(ModelError, match="the order of DERIVN is no whole number from 0 to 4"):
        run(tmp_path, document(aux("x", f"DERIVN(TIME, {order})")))


def test_a_trend_is_the_growth_rate_also_of_negative_values(tmp_path):
    series = run(tmp_path, document(aux("t", "TREND(-EXP(0.1*TIME), 5, 0.1)"), specs="<start>0</start><stop>0</stop>"))
    assert series["t"] == pytest.approx([0.1])


def test_delays_agree_with_their_stocks(tmp_path):
    chain = (
        '<stock name="A"><eqn>0</eqn><inflow>ia</inflow><outflow>ab</outflow></stock>'
        '<stock name="B"><eqn>0</eqn><inflow>ab</inflow><outflow>out</outflow></stock>'
        '<flow name="ia"><eqn>STEP(3, 1)</eqn></flow><flow name="ab"><eqn>A/2</eqn></flow>'
        '<flow name="out"><eqn>B/2</eqn></flow>' + aux("same", "DELAYN(STEP(3, 1), 4, 2, 0)")
    )
    series = run(tmp_path, document(chain))
    assert series["same"] == pytest.approx(series["out"], abs=1e-14)


def test_outflows_of_a_non_negative_stock_share_what_there_is_in_their_order(tmp_path):
    text = document(
        '<stock name="S"><eqn>10</eqn><inflow>i</inflow><outflow>f</outflow><outflow>g</outflow><non_negative/></stock>'
        '<flow name="i"><eqn>1</eqn></flow><flow name="f"><eqn>4</eqn></flow><flow name="g"><eqn>3</eqn></flow>'
    )
    series = run(tmp_path, text)
    assert series["S"][:4] == [10, 4, 0, 0]
    assert series["f"][:4] == [4, 4, 1, 1]
    assert series["g"][:4] == [3, 1, 0, 0]


def test_a_ring_of_non_negative_stocks_keeps_its_mass_and_says_what_was_left_out(tmp_path):
    text = document(
        '<stock name="A"><eqn>5</eqn><inflow>g</inflow><outflow>f</outflow><non_negative/></stock>'
        '<stock name="B"><eqn>1</eqn><inflow>f</inflow><outflow>g</outflow><non_negative/></stock>'
        '<flow name="f"><eqn>2</eqn></flow><flow name="g"><eqn>9</eqn></flow>'
    )
    series = run(tmp_path, text)
    assert [a + b for a, b in zip(series["A"], series["B"], strict=True)] == [6.0] * 11
    assert min(series["A"] + series["B"]) >= 0
    assert "f depends on g" in read(tmp_path, text).notices[0]


def test_non_negative_arrays_are_limited_element_by_element(tmp_path):
    starts = "".join(f'<element subscript="{i}"><eqn>{v}</eqn></element>' for i, v in ((1, 2), (2, 5), (3, 1)))
    text = document(
        f'<stock name="S">{over("N")}{starts}<outflow>f</outflow></stock><flow name="f">{over("N")}<eqn>2</eqn></flow>',
        dimensions=COUNTED,
    ).replace("<model>", "<model><behavior><stock><non_negative/></stock></behavior>")
    series = run(tmp_path, text)
    assert [series[f"f[{i}]"][:3] for i in (1, 2, 3)] == [[2, 0, 0], [2, 2, 1], [1, 0, 0]]


def test_a_uniflow_does_not_turn_back(tmp_path):
    flows = '<flow name="f"><eqn>2 - TIME</eqn><non_negative/></flow><flow name="g"><eqn>2 - TIME</eqn></flow>'
    series = run(tmp_path, document(flows))
    assert (series["f"][:5], series["g"][:5]) == ([2, 1, 0, 0, 0], [2, 1, 0, -1, -2])


def test_graphical_functions_hold_extrapolate_or_step(tmp_path):
    def curve(kind):
        return f'<gf type="{kind}"><xscale min="0" max="4"/><ypts>0,1,4</ypts></gf>'

    kinds = ("continuous", "extrapolate", "discrete")
    text = "".join(f'<aux name="{kind}"><eqn>TIME - 1</eqn>{curve(kind)}</aux>' for kind in kinds)
    text += '<gf name="rise"><xpts>0,1</xpts><ypts>0,10</ypts></gf>'
    text += aux("called", "rise(0.3) + LOOKUP(rise, 0.5) + LOOKUPINV(rise, 7)")
    text += '<aux name="shared"><eqn>0.4</eqn><gf name="rise"/></aux>'
    series = run(tmp_path, document(text, specs="<start>0</start><stop>6</stop><dt>1</dt>"))
    assert series["continuous"] == [0, 0, 0.5, 1, 2.5, 4, 4]
    assert series["extrapolate"] == [-0.5, 0, 0.5, 1, 2.5, 4, 5.5]
    assert series["discrete"] == [0, 0, 0, 1, 1, 4, 4]
    assert series["called"][0] == pytest.approx(8.7)
    assert series["shared"][0] == pytest.approx(4.0)


def test_each_element_may_have_a_graphical_function_of_its_own(tmp_path):
    def part(element, top):
        return f'<element subscript="{element}"><gf><xscale min="0" max="10"/><ypts>0,{top}</ypts></gf></element>'

    parts = part("North", 10) + part("South", 20) + part("West", 30)
    text = f'<aux name="g">{over("Region")}{parts}<eqn>TIME</eqn></aux>' + aux("k", "LOOKUP(g, Region)", "Region")
    series = run(tmp_path, document(text + aux("h", "LOOKUP(g[South], 5)"), dimensions=REGIONS))
    assert [series[f"g[{r}]"][1] for r in ("North", "South", "West")] == [1, 2, 3]
    assert [series[f"k[{r}]"][0] for r in ("North", "South", "West")] == [1, 4, 9]
    assert series["h"][0] == 10


def test_subscripts_may_be_computed_and_count_as_zero_outside(tmp_path):
    text = (
        aux("x", "IF N = 1 THEN 5 ELSE x[N - 1]*2", "N")
        + aux("moving", "x[INT(TIME) + 1]")
        + aux("part", "SUM(x[1:2]) + SUM(x[2:3])")
        + aux("outside", "x[4]")
        + aux("rank", "RANK(x, 1) + 10*RANK(x, 3)")
        + aux("size", "SIZE(x) + 10*SIZE(q[1, *]) + 100*SIZE(M)")
        + aux("q", "10*M + N", "M", "N")
        + aux("turned", "q", "N", "M")
        + aux("by_place", "q[1, @1]*100 + q[1, @2]", "N", "N")
        + aux("all", "SUM(q) + MAX(q) + MIN(q, 5) + MEAN(q[*, 1])")
        + aux("share", "SUM(q[M, *]*x[*])", "M")
    )
    series = run(tmp_path, document(text, dimensions=COUNTED))
    assert [series[f"x[{i}]"][0] for i in (1, 2, 3)] == [5, 10, 20]
    assert series["moving"][:4] == [5, 10, 20, 0]
    assert (series["part"][0], series["outside"][0], series["rank"][0], series["size"][0]) == (45, 0, 31, 233)
    assert (series["turned[3,2]"][0], series["by_place[2,3]"][0], series["all"][0]) == (23, 1213, 102 + 23 + 5 + 16)
    assert [series[f"share[{i}]"][0] for i in (1, 2)] == [11 * 5 + 12 * 10 + 13 * 20, 21 * 5 + 22 * 10 + 23 * 20]


def test_elements_and_dimensions_may_be_used_as_numbers(tmp_path):
    text = aux("x", "Region.South + SUM(p)") + aux("p", "Region*10", "Region")
    assert run(tmp_path, document(text, dimensions=REGIONS))["x"][0] == 62


def test_a_macro_has_its_own_stock_for_each_call(tmp_path):
    macro = (
        '<macro name="SLOW"><parm>input</parm><parm>tau</parm><parm default="input">start</parm><eqn>Level</eqn>'
        '<variables><stock name="Level"><eqn>start</eqn><inflow>change</inflow></stock>'
        '<flow name="change"><eqn>(input - Level)/tau</eqn></flow></variables></macro>'
        '<macro name="SQUARE"><parm>x</parm><eqn>x*x</eqn></macro>'
    )
    text = (
        aux("a", "SLOW(TIME, 2) + SLOW(TIME, 4)")
        + aux("b", "SMTH1(TIME, 2) + SMTH1(TIME, 4)")
        + aux("c", "SLOW(N, 2, 0)*SQUARE(N + 1)", "N")
        + aux("d", "SMTH1(N, 2, 0)*(N + 1)^2", "N")
        + aux("e", "SQUARE(SQUARE(2))")
    )
    series = run(tmp_path, document(text, dimensions=COUNTED, after=macro))
    assert series["a"] == pytest.approx(series["b"], abs=1e-14)
    assert all(series[f"c[{i}]"] == pytest.approx(series[f"d[{i}]"], abs=1e-14) for i in (1, 2, 3))
    assert series["e"][0] == 16
    assert len([label for label in series if "SLOW" in label and label.endswith("Level")]) == 2


def test_a_macro_that_calls_itself_is_refused(tmp_path):
    with pytest.raises(ModelError, match="recursive macro"):
        read(tmp_path, document(aux("a", "F(1)"), after='<macro name="F"><parm>x</parm><eqn>F(x - 1)</eqn></macro>'))


def test_modules_have_names_of_their_own_and_pass_values(tmp_path):
    models = (
        '<model name="Sub"><variables><aux name="inp" access="input"/>' + aux("out", "inp*2 + In.z") + ""
        '<module name="In"><connect to="q" from="inp"/></module></variables></model>'
        '<model name="In"><variables><aux name="q" access="input"><eqn>1</eqn></aux>'
        + aux("z", "q + 100")
        + "</variables></model>"
    )
    text = (
        '<module name="Sub"><connect to="Sub.inp" from=".k"/><connect to=".res" from="Sub.out"/></module>'
        '<aux name="res" access="input"/>' + aux("k", "TIME") + aux("y", "res + Sub.In.z")
    )
    series = run(tmp_path, document(text, after=models))
    assert series["Sub.out"][:3] == [100, 103, 106]
    assert series["y"][:3] == [200, 204, 208]


def test_a_transpose_has_the_elements_of_the_other_order(tmp_path):
    text = aux("a", "10 * N + M", "N", "M") + aux("b", "2 * a' + 1", "M", "N") + aux("c", "a[N.3, M.1]")
    text += aux("s", "IF N = 1 THEN 7 ELSE 10 * N", "N", "N") + aux("t", "s'", "N", "N")
    series = run(tmp_path, document(text, dimensions=COUNTED))
    assert (series["b[1,3]"][0], series["b[2,1]"][0], series["c"][0]) == (63, 25, 31)
    assert all(series[f"t[{i},{j}]"] == series[f"s[{j},{i}]"] for i in (1, 2, 3) for j in (1, 2, 3))


def test_a_connection_in_the_second_spelling_of_stella_counts(tmp_path):
    models = '<model name="Sub"><variables><aux name="inp" access="input"><eqn>0</eqn></aux></variables></model>'
    both = '<connect to="Sub.inp" from=".k"/><connect2 to="Sub.inp" from="k"/>'
    for connections in (both, '<connect2 to="Sub.inp" from="k"/>'):
        text = f'<module name="Sub">{connections}</module>' + aux("k", "TIME + 1")
        assert run(tmp_path, document(text, after=models))["Sub.inp"][:3] == [1, 2, 3]


def test_a_module_without_its_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no <model> of that name"):
        read(tmp_path, document('<module name="Gone"/>' + aux("a", "1")))


def test_draws_follow_their_seed_and_their_distribution(tmp_path):
    text = document(
        aux("u", "RANDOM(2, 4, 7)") + aux("n", "NORMAL(5, 2)") + aux("e", "EXPRND(3)") + aux("p", "POISSON(6, 1)"),
        specs="<start>0</start><stop>4000</stop><dt>1</dt>",
    )
    series = run(tmp_path, text)
    assert series == run(tmp_path, text)
    assert min(series["u"]) >= 2 and max(series["u"]) <= 4
    for name, mean, deviation in (("u", 3, 1 / math.sqrt(3)), ("n", 5, 2), ("e", 3, 3), ("p", 6, math.sqrt(6))):
        assert abs(sum(series[name]) / 4001 - mean) < 5 * deviation / math.sqrt(4001)
