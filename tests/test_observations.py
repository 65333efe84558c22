"""Published figures keep their source, unit and vintage, and a series never mixes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from alliance_dynamics.errors import InputError, UsageError
from alliance_dynamics.observations import read_observations, read_sources, write_observations

DATA = Path(__file__).resolve().parents[1] / "calibration" / "tatarstan" / "data"
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "observations.csv"
HEADER = "region_code,region,indicator,unit,year,value,source_id,note\n"


def figures(folder: Path, *rows: str) -> Path:
    path = folder / "figures.csv"
    path.write_text(HEADER + "".join(row + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_series_leaves_out_what_is_set_aside(tmp_path):
    path = figures(tmp_path, "A,Aland,pop,persons,2000,5,S1,", "A,Aland,pop,persons,2000,6,S2,DISAGREES with S1",
                   "A,Aland,pop,persons,2001,7,S1,ROUNDED", "A,Aland,pop,persons,2002,8,S1,DERIVED sum")  # fmt: skip
    observations = read_observations(path)
    series = observations.series("pop", "A")
    assert series.values == {2000: 5.0, 2002: 8.0} and series.unit == "persons" and series.sources[2002] == "S1"
    assert observations.other_vintage("pop", "Aland", 2000, "S2").value == 6.0
    with pytest.raises(UsageError, match="no figure for 2001"):
        series.over(2000, 2002)


def test_two_figures_for_one_year_are_refused(tmp_path):
    path = figures(tmp_path, "A,Aland,pop,persons,2000,5,S1,", "A,Aland,pop,persons,2000,6,S2,")
    with pytest.raises(InputError, match="two figures for 2000, lines 2 and 3"):
        read_observations(path).series("pop", "A")


def test_an_unknown_name_gets_the_nearest_one(tmp_path):
    observations = read_observations(figures(tmp_path, "A,Aland,population,persons,2000,5,S1,"))
    with pytest.raises(UsageError, match="Did you mean `population`"):
        observations.series("populaton", "A")
    with pytest.raises(UsageError, match="Did you mean `Aland`"):
        observations.series("population", "Alant")


def test_a_variable_that_the_model_lacks_is_an_error_with_the_nearest_name(tmp_path):
    path = figures(tmp_path, "A,Aland,gross_regional_prodct,persons,2000,5,S1,")
    with pytest.raises(InputError, match="Did you mean `gross_regional_product`"):
        read_observations(path, indicators=("gross_regional_product", "personnel"))


def test_declared_ranges_and_all_faults_at_once(tmp_path):
    path = figures(tmp_path, "A,Aland,pop,persons,2000,-5,S1,", "A,Aland,pop,persons,2001,17 400,S1,")
    with pytest.raises(InputError) as caught:
        read_observations(path, ranges={"pop": (0, 1e9)})
    assert "has -5, outside its range" in str(caught.value) and "Write 17400." in str(caught.value)


def test_figures_outside_the_years_are_counted_in_a_warning(tmp_path):
    rows = [f"A,Aland,pop,persons,{year},1,S1," for year in (1900, 2000, 2010, 2150, 2160)]
    observations = read_observations(figures(tmp_path, *rows), years=(2000, 2050))
    assert len(observations.rows) == 5
    assert "1 rows before 2000 and 2 rows after 2050" in str(observations.warnings[0])


def test_figures_written_read_back_the_same(tmp_path):
    before = read_observations(DATA / "observations.csv")
    write_observations(tmp_path / "again.csv", before.rows)
    assert (tmp_path / "again.csv").read_bytes() == (DATA / "observations.csv").read_bytes()


def test_every_figure_has_a_source_card():
    cards = read_sources(DATA / "sources.csv")
    observations = read_observations(DATA / "observations.csv")
    assert {row.source for row in observations.rows} == set(cards)
    assert all(2000 <= row.year <= 2022 for row in observations.rows)


@pytest.mark.skipif(not SHARED.exists(), reason="the full data set is absent")
def test_the_figures_are_those_of_the_full_data_set():
    full = {(r.region, r.indicator, r.year, r.source): (r.value, r.unit) for r in read_observations(SHARED).rows}
    for row in read_observations(DATA / "observations.csv").rows:
        assert full[row.region, row.indicator, row.year, row.source] == (row.value, row.unit)
