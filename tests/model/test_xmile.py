"""XMILE texts become models; what cannot be read is refused by name, all at once."""

from __future__ import annotations

import re

import pytest
from xmile_texts import COUNTED, REGIONS, aux, document, over, read

from alliance_dynamics.errors import ModelError
from alliance_dynamics.model.expression import Array, Binary, Call, LookupCall, Number, Reference, walk
from alliance_dynamics.model.functions import FUNCTIONS
from alliance_dynamics.model.text import from_json, to_json
from alliance_dynamics.model.xmile_functions import FROM_VENSIM, XMILE_FUNCTIONS

TEACUP = (
    '<stock name="Teacup Temperature"><doc>Of the tea</doc><eqn>180</eqn><outflow>Heat_Loss</outflow>'
    "<units>degrees</units></stock>"
    '<flow name="Heat\\nLoss"><eqn>("Teacup Temperature" - Room_Temperature)/10</eqn></flow>'
    '<aux name="Room Temperature"><eqn>70</eqn></aux>'
)

PART = '<element subscript="{}"><eqn>1</eqn></element>'


def faults(folder, text):
    with pytest.raises(ModelError) as caught:
        read(folder, text)
    return str(caught.value)


def test_stocks_flows_and_constants_have_their_parts(tmp_path):
    model = read(tmp_path, document(TEACUP, specs="<start>0</start><stop>30</stop><dt>0.125</dt>", method="RK4"))
    tea, loss, room = (model.variables[n] for n in ("teacup_temperature", "heat_loss", "room_temperature"))
    assert (tea.kind, tea.label, tea.unit, tea.documentation) == (
        "stock",
        "Teacup Temperature",
        "degrees",
        "Of the tea",
    )
    assert tea.definitions[0].initial == Number(180.0)
    assert (loss.kind, loss.label, room.kind) == ("flow", "Heat Loss", "constant")
    assert isinstance(loss.definitions[0].expression, Binary)
    assert (model.time.method, model.time.unit) == ("rk4", "Months")
    assert model.variables["time_step"].definitions[0].expression == Number(0.125)
    assert from_json(to_json(model)) == model


def test_the_namespace_may_be_absent_or_bound_to_a_prefix(tmp_path):
    plain = document(TEACUP)
    space = ' xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"'
    prefixed = plain.replace(" xmlns=", " xmlns:x=").replace("<", "<x:").replace("<x:/", "</x:").replace("<x:?", "<?")
    hashes = {read(tmp_path, text).hash for text in (plain, plain.replace(space, ""), prefixed)}
    assert len(hashes) == 1


def test_two_slips_of_other_tools_are_mended_and_said(tmp_path):
    text = document(TEACUP, after="<isee:prefs x='1'/><!-- a -- b -->")
    model = read(tmp_path, text)
    assert len(model.notices) == 2
    assert model.hash == read(tmp_path, document(TEACUP)).hash


def test_a_reciprocal_step_is_one_over_the_number(tmp_path):
    model = read(tmp_path, document(TEACUP, specs='<start>0</start><stop>1</stop><dt reciprocal="true">8</dt>'))
    assert model.variables["time_step"].definitions[0].expression == Number(0.125)


def test_the_saving_interval_comes_from_its_attribute(tmp_path):
    text = document(TEACUP).replace(
        "<sim_specs ", '<sim_specs xmlns:isee="http://iseesystems.com/XMILE" isee:save_interval="2" '
    )
    assert read(tmp_path, text).variables["saveper"].definitions[0].expression == Number(2.0)


@pytest.mark.parametrize(("method", "expected"), [("", "euler"), ("RK2", "rk2"), ("gear, rk4", "rk4")])
def test_the_first_known_method_is_taken(tmp_path, method, expected):
    assert read(tmp_path, document(TEACUP, method=method)).time.method == expected


def test_an_unknown_method_is_never_euler(tmp_path):
    assert "`Heun9` is not known" in faults(tmp_path, document(TEACUP, method="Heun9"))


def test_control_variables_beside_sim_specs_must_agree(tmp_path):
    agreeing = aux("TIME STEP", "1") + aux("FINAL TIME", "10") + aux("SAVEPER", "TIME_STEP") + aux("x", "FINAL_TIME")
    assert read(tmp_path, document(agreeing)).variables["x"].definitions[0].expression == Reference("final_time")
    assert "<sim_specs> says 10.0" in faults(tmp_path, document(aux("FINAL TIME", "12") + aux("x", "1")))


def test_numbers_of_an_array_are_one_definition(tmp_path):
    parts = "".join(f'<element subscript="{i}"><eqn>{i}</eqn></element>' for i in (3, 1, 2))
    model = read(tmp_path, document(f'<aux name="a">{over("N")}{parts}</aux>', dimensions=COUNTED))
    assert model.variables["a"].kind == "constant"
    assert model.variables["a"].definitions[0].expression == Array((3,), (1.0, 2.0, 3.0))


def test_a_wildcard_is_reduced_over_and_kept_apart_from_the_left_hand_side(tmp_path):
    model = read(
        tmp_path, document(aux("a", "N", "N") + aux("s", "SUM(a[*])") + aux("p", "a/SUM(a)", "N"), dimensions=COUNTED)
    )
    assert model.variables["s"].definitions[0].expression == Call("sum", (Reference("a", ("n!",)),))
    marked = [
        each.subscripts for each in walk(model.variables["p"].definitions[0].expression) if isinstance(each, Reference)
    ]
    assert marked == [("n",), ("n#each!",)]


def test_a_graphical_function_is_a_lookup_of_its_input(tmp_path):
    curve = '<gf type="discrete"><xscale min="0" max="4"/><ypts sep=";">0;1;4</ypts></gf>'
    model = read(tmp_path, document(f'<aux name="a"><eqn>TIME</eqn>{curve}</aux>'))
    call = model.variables["a"].definitions[0].expression
    assert isinstance(call, LookupCall) and call.argument == Reference("time")
    assert (call.table.x, call.table.y, call.table.interpolation) == ((0, 2, 4), (0, 1, 4), "discrete")


def test_every_function_leads_into_the_closed_table(tmp_path):
    for name, function in XMILE_FUNCTIONS.items():
        for build in (function.build, FROM_VENSIM.get(name)):
            if build is None or name in ("size", "lookup", "lookupinv"):
                continue
            tree = build([Number(float(i + 2)) for i in range(max(function.least, 1 if function.least else 0))])
            called = [each for each in walk(tree) if isinstance(each, Call)]
            assert all(each.function in FUNCTIONS for each in called), name


def test_files_from_vensim_keep_vensims_truncation(tmp_path):
    text = document(aux("a", "INT(-0.5)"))
    converted = text.replace(">test</product>", ">Vensim, xmutil</product>")
    assert read(tmp_path, text).variables["a"].definitions[0].expression == Call("floor", (Number(-0.5),))
    assert read(tmp_path, converted).variables["a"].definitions[0].expression == Call("integer", (Number(-0.5),))


def test_data_lost_in_a_conversion_is_refused(tmp_path):
    text = document(aux("a", "0{GET_DIRECT_DATA('x.csv')}")).replace(">test</product>", ">Vensim, xmutil</product>")
    assert "the data of GET DIRECT DATA were lost" in faults(tmp_path, text)


def test_all_faults_of_a_file_come_at_once_with_their_lines(tmp_path):
    text = document(
        '<stock name="S"><eqn>1</eqn><inflow>nope</inflow></stock>\n'
        + aux("a", "S @ k")
        + "\n"
        + aux("b", "FROBNICATE(S)")
        + "\n<aux/>\n"
        + '<stock name="C"><eqn>1</eqn><conveyor><len>4</len></conveyor></stock>\n'
        + aux("B", "2")
        + "\n"
        + aux("d", "kk")
    )
    shown = faults(tmp_path, text)
    for line, part in (
        (7, "the inflow `nope` of 'S'"),
        (8, "`@` is not expected here, in the equation of 'a' at character 3"),
        (9, "the function FROBNICATE is not known, in the equation of 'b'"),
        (10, "nameless variable"),
        (11, "'C': conveyors (<conveyor>) are not supported"),
        (12, "'B' and 'b' are one name"),
        (13, "`kk` is not defined, in the equation of 'd'"),
    ):
        assert any(row.startswith(f"model.xmile:{line}") and part in row for row in shown.splitlines()), (part, shown)


def test_a_fault_inside_a_long_equation_has_its_own_line(tmp_path):
    assert "model.xmile:9" in faults(tmp_path, document(aux("a", "1 +\n2 +\n  nope")))


@pytest.mark.parametrize(
    ("variables", "part"),
    [
        (aux("a", "HISTORY(a, 1)"), "HISTORY is not supported"),
        (aux("a", "SUM(b)") + aux("b", "1"), "SUM is given a single value"),
        (aux("a", "c[1]'") + aux("c", "1", "N"), "transposition"),
        (aux("a", "c'", "N", "M") + aux("c", "1", "N", "M"), "the transpose of 'c' does not fit 'a'"),
        (aux("a", "c'", "N") + aux("c", "1", "N"), "'c' takes 1 subscripts, 2 given"),
        (aux("a", "c[*]") + aux("c", "1", "N"), "only inside an array function"),
        (aux("a", "c[1, 2]") + aux("c", "1", "N"), "'c' takes 1 subscripts, 2 given"),
        (aux("a", "c[7:9]") + aux("c", "1", "N"), "only inside an array function|not inside `N`"),
        (aux("a", "c + 1", "M") + aux("c", "1", "N"), "dimension mismatch"),
        (aux("a", "c[N]") + aux("c", "1", "N"), "not one of 'a'"),
        (aux("a", "RAMP(1)"), "RAMP is called with 1 arguments"),
        (aux("a", "???"), "unfinished"),
        (aux("a", "NAN"), "no value yet"),
        (aux("dt", "1"), "the name of a time of the run"),
        (f'<aux name="a">{over("N")}{PART.format(1)}</aux>', r"no equation for \[2\], \[3\]"),
        (f'<aux name="a">{over("N")}{PART.format(9)}</aux>', "`9` is no element of `N`"),
        (aux("a", "1", "N", "L", "L"), "at most 200000"),
    ],
)
def test_what_means_nothing_is_refused_by_name(tmp_path, variables, part):

    assert re.search(part, faults(tmp_path, document(variables, dimensions=COUNTED + '<dim name="L" size="1000"/>')))


def test_a_document_type_declaration_is_refused_and_nothing_is_read_through_it(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP", encoding="utf-8")
    text = document(aux("a", "1")).replace("?>\n", f'?>\n<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>\n', 1)
    shown = faults(tmp_path, text.replace("<eqn>1</eqn>", "<eqn>1</eqn><doc>&e;</doc>"))
    assert "DOCTYPE" in shown and "TOP" not in shown


def test_a_page_inside_a_documentation_is_only_text(tmp_path):
    text = document('<aux name="a"><eqn>1</eqn><doc><![CDATA[<!DOCTYPE html><b>"""x"""</b>]]></doc></aux>')
    assert read(tmp_path, text).variables["a"].documentation == '<!DOCTYPE html><b>"""x"""</b>'


def test_twenty_thousand_constants_are_read(tmp_path):
    model = read(tmp_path, document("".join(aux(f"k{i}", str(i)) for i in range(20_000))))
    assert len(model.variables) == 20_004


def test_regions_and_variables_of_one_name_are_refused(tmp_path):
    assert "has the name of a dimension" in faults(tmp_path, document(aux("Region", "1"), dimensions=REGIONS))
