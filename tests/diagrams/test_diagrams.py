"""Diagrams made from equations: what is linked to what, with which sign, and a page on which nothing overlaps."""

from __future__ import annotations

import shutil
from itertools import combinations

import pytest

from alliance_dynamics.cli import main
from alliance_dynamics.diagrams import diagram_of, draw, modules_of, sketch_text, with_sketch
from alliance_dynamics.diagrams.graph import Pipe, graph_of, product, skeleton
from alliance_dynamics.errors import UsageError
from alliance_dynamics.loops import read_named_loops
from alliance_dynamics.model.built_in import MODULES, open_model
from alliance_dynamics.model.read import read_model
from alliance_dynamics.resources import resource

TEXT = """{UTF-8}
hares = INTEG(births - eaten, 100) ~~|
lynx = INTEG(growth - deaths, 10) ~~|
births = 0.4 * hares ~~|
eaten = 0.01 * hares * lynx ~~|
growth = 0.1 * eaten ~~|
deaths = 0.3 * lynx ~~|
"a & b" = MAX(0, 200 - hares) ~~|
INITIAL TIME = 0 ~~|
FINAL TIME = 5 ~~|
TIME STEP = 0.125 ~~|
SAVEPER = 0.125 ~~|
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.mdl"
    path.write_text(TEXT, encoding="utf-8")
    return read_model(path)


@pytest.fixture(scope="module")
def alliance():
    model = open_model("alliance")
    return model, graph_of(model)


def test_links_carry_the_sign_of_their_slope(model):
    links = graph_of(model).links
    assert links["hares", "eaten"] == links["lynx", "eaten"] == links["hares", "births"] == "+"
    assert links["eaten", "hares"] == links["deaths", "lynx"] == links["hares", "a_&_b"] == "-"


def test_flows_run_between_stocks_and_clouds(model):
    assert set(graph_of(model).pipes) == {
        Pipe("births", "", "hares"), Pipe("eaten", "hares", ""), Pipe("growth", "", "lynx"), Pipe("deaths", "lynx", ""),
    }  # fmt: skip


def test_a_way_through_what_is_left_out_has_the_product_of_signs(model):
    found = skeleton(graph_of(model), {"hares", "lynx"})
    assert found.links == {("hares", "lynx"): "+", ("lynx", "hares"): "-"}
    assert product("-", "-") == "+" and product("+", "-") == "-" and product("±", "+") == "±"


def test_loops_without_names_are_marked_by_their_polarity(model):
    page = diagram_of(model, kind="causal")
    assert {(mark.id[0], mark.sign) for mark in page.marks} == {("R", 1), ("B", -1)}


@pytest.mark.parametrize("kind", ["stock-flow", "causal"])
@pytest.mark.parametrize("module", ["", *MODULES])
def test_no_two_labels_of_a_page_overlap(alliance, kind, module):
    model, graph = alliance
    page = diagram_of(model, kind=kind, module=module, graph=graph, named=read_named_loops())
    boxes = list(page.boxes.values())
    assert boxes
    for one, other in combinations(boxes, 2):
        apart = abs(one.x - other.x) >= (one.width + other.width) / 2 - 1 or (
            abs(one.y - other.y) >= (one.height + other.height) / 2 - 1
        )
        assert apart, (one.name, other.name)


def test_the_whole_shows_the_named_loops(alliance):
    model, graph = alliance
    page = diagram_of(model, kind="causal", graph=graph, named=read_named_loops(), language="ru")
    assert {"R1", "R8", "B2", "B7"} <= {mark.id for mark in page.marks}
    assert page.title == "Межрегиональный отраслевой альянс"


def test_the_same_model_gives_the_same_bytes(model):
    one, other = (draw(diagram_of(model), file_type=".svg") for _ in range(2))
    assert one == other
    assert b"hares" in one
    assert draw(diagram_of(model), file_type=".png").startswith(b"\x89PNG")


def test_an_unknown_module_is_refused_with_the_known_ones(alliance):
    with pytest.raises(UsageError, match="coordination"):
        diagram_of(alliance[0], module="cordination")
    assert sorted(modules_of(alliance[0])) == sorted(MODULES)


def test_a_sketch_changes_nothing_that_is_computed(model, tmp_path):
    text = with_sketch(TEXT, model)
    path = tmp_path / "with_sketch.mdl"
    path.write_text(text, encoding="utf-8")
    again = read_model(path)
    assert again.hash == model.hash
    assert with_sketch(text, again) == text
    assert '"a & b"' in sketch_text(model)


def structure(text):
    """Records of a sketch without positions, which may differ by a pixel from machine to machine."""
    records = text.partition("Sketch information")[2].splitlines()
    return [each.split(",")[: 5 if each.startswith("1,") else 3] for each in records]


@pytest.mark.parametrize("name", MODULES)
def test_the_models_carry_the_sketch_that_is_made_of_them(name):
    path = resource("sdmodels") / f"{name}.mdl"
    text = path.read_text(encoding="utf-8")
    made = with_sketch(text, read_model(path))
    assert structure(made) == structure(text), f"run `alliance diagram {path.name} --out {path.name}`"


def test_pysd_reads_the_sketch(tmp_path):
    import warnings

    path = shutil.copy(resource("sdmodels") / "regional_innovation.mdl", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pysd

        views = pysd.read_vensim(path, split_views=True)
    assert "perceived GRP" in set(views.doc["Real Name"])


def test_the_command_draws_what_its_ending_says(tmp_path, capsys):
    source = tmp_path / "m.mdl"
    source.write_text(TEXT, encoding="utf-8")
    for ending, start in ((".svg", b"<?xml"), (".png", b"\x89PNG"), (".mdl", b"{UTF-8}")):
        assert main(["diagram", str(source), "--out", str(tmp_path / f"out{ending}")]) == 0
        assert (tmp_path / f"out{ending}").read_bytes().startswith(start)
    assert main(["diagram", str(source), "--out", str(tmp_path / "out.gif")]) == 2
    assert "Let the name end in" in capsys.readouterr().err
