"""Files in MovieLens' format, invalid rows and posters, and files that are not overwritten."""

import csv

import pytest

from mmdin.config import Config
from mmdin.errors import ConfigurationError, InputDataError
from mmdin.world import files
from mmdin.world.catalogue import draw_catalogue


def _config(movielens, posters):
    return Config(name="test", input={"movielens": str(movielens), "posters": str(posters)})


def test_movies_and_links_read_back(tmp_path):
    catalogue = draw_catalogue(500, seed=1)
    files.write_movies(tmp_path / "movies.csv", catalogue)
    files.write_links(tmp_path / "links.csv", catalogue)
    with (tmp_path / "movies.csv").open(newline="", encoding="utf-8") as file:
        movies = list(csv.DictReader(file))
    assert [m["title"] for m in movies] == list(catalogue.titles)
    assert [int(m["movieId"]) for m in movies] == list(range(1, 501))
    with (tmp_path / "links.csv").open(newline="", encoding="utf-8") as file:
        links = list(csv.DictReader(file))
    assert all(len(link["imdbId"]) == 7 for link in links)
    assert sum(link["tmdbId"] == "" for link in links) == 2


def test_parts_are_joined_in_order_behind_one_header(tmp_path):
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "part-00001-x.csv").write_text("2,1,3.0,20\n")
    (parts / "part-00000-x.csv").write_text("1,1,4.0,1000000\n1,2,2.0,10\n")
    (parts / "_SUCCESS").write_text("")
    ratings = tmp_path / "ratings.csv"
    files.join_ratings(parts, ratings, lambda good: files.bad_rating_rows(2, 9, good))
    lines = ratings.read_text().splitlines()
    assert lines[:4] == [files.RATINGS_HEADER, "1,1,4.0,1000000", "1,2,2.0,10", "2,1,3.0,20"]
    assert lines[-1] == "1,1,1.0,913600"
    assert not parts.exists()


def test_bad_rows_are_by_an_unknown_user_except_the_older_rating():
    *others, older = files.bad_rating_rows(10, 20, "1,5,4.0,1000000000\n")
    assert all(line.startswith("11,") for line in others)
    user, movie, rating, seconds = older.split(",")
    assert (user, movie) == ("1", "5")
    assert float(rating) != 4.0
    assert int(seconds) < 1_000_000_000


@pytest.mark.parametrize(
    ("fault", "name", "content"),
    [
        (None, "7.jpg", b"0123456789"),
        ("misnamed", "cover.jpg", b"0123456789"),
        ("truncated", "7.jpg", b"01234"),
        ("empty", "7.jpg", b""),
        ("text", "7.jpg", b"No poster today.\n"),
    ],
)
def test_a_fault_damages_the_poster(tmp_path, fault, name, content):
    files.save_poster(tmp_path, 7, b"0123456789", fault)
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir()} == {name: content}


def test_a_missing_poster_has_no_file(tmp_path):
    files.save_poster(tmp_path, 7, b"0123456789", "missing")
    assert not list(tmp_path.iterdir())


def test_bad_posters_are_of_unpopular_movies():
    catalogue = draw_catalogue(500, seed=1)
    faults = files.poster_faults(catalogue)
    rank = catalogue.log_popularity.argsort().argsort()
    assert sorted(set(faults.values())) == ["empty", "misnamed", "missing", "text", "truncated"]
    assert all(rank[movie_id - 1] < 250 for movie_id in faults)


def test_folders_that_were_not_generated_are_refused(tmp_path):
    movielens, posters = tmp_path / "raw", tmp_path / "posters"
    assert files.check_places(_config(movielens, posters)) == (movielens, posters)
    movielens.mkdir()
    (movielens / "ratings.csv").write_text("somebody's")
    with pytest.raises(InputDataError, match="did not write"):
        files.check_places(_config(movielens, posters))
    posters.mkdir()
    (posters / "1.jpg").write_bytes(b"somebody's")
    with pytest.raises(InputDataError, match=r"input\.posters"):
        files.check_places(_config(tmp_path / "other", posters))


def test_invalid_folders_are_refused(tmp_path):
    for movielens, posters in (
        ("", tmp_path / "posters"),
        (tmp_path / "raw", ""),
        ("hdfs://host/raw", tmp_path / "posters"),
        (tmp_path / "same", tmp_path / "same"),
        (tmp_path / "posters" / "raw", tmp_path / "posters"),
    ):
        with pytest.raises(ConfigurationError, match="input"):
            files.check_places(_config(movielens, posters))


def test_a_new_world_replaces_an_older_one(tmp_path):
    movielens, posters = tmp_path / "raw", tmp_path / "raw" / "posters"
    for text in ("first", "second"):
        files.check_places(_config(movielens, posters))
        new_movielens, new_posters = files.new_folder(movielens), files.new_folder(posters)
        (new_movielens / "ratings.csv").write_text(text)
        (new_posters / f"{text}.jpg").write_text(text)
        files.replace_files(movielens, new_movielens, {"posters": str(posters)})
        files.replace_folder(posters, new_posters)
    assert (movielens / "ratings.csv").read_text() == "second"
    assert [f.name for f in posters.iterdir()] == ["second.jpg"]
    assert sorted(f.name for f in movielens.iterdir()) == ["posters", "ratings.csv", "world.yaml"]
    assert [f.name for f in tmp_path.iterdir()] == ["raw"]
