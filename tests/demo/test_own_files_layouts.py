"""The mappings of docs/data, each on data made in the layout of the public set that it is for."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from local.demo.shop import ShopData
from tests.demo.written import START, Content, interactions, put, read, text

MAPPINGS = Path(__file__).parents[2] / "docs" / "data"
Expected = list[tuple[str, str, int]]
N = 1_200


def user(n: int) -> str:
    return str(n % 60 + 1)


def item(n: int) -> str:
    return str(n % 41 + 1)


def at(n: int) -> int:
    return START + 600 * n


def expected() -> Expected:
    return [(user(n), item(n), at(n)) for n in range(N)]


def movielens_100k() -> tuple[dict[str, Content], Expected]:
    films = [(str(n), f"Fille Étrangère {n} (1995)", "01-Jan-1995", "", "http://x") for n in range(1, 42)]
    return {
        "u.data": text(
            [(user(n), item(n), str(n % 5 + 1), str(at(n))) for n in range(N)], None, delimiter="\t"
        ),
        "u.user": text([(str(n), "24", "M", "writer", "85711") for n in range(1, 61)], None, delimiter="|"),
        "u.item": text([(*film, *["0", "1"] * 9, "0") for film in films], None, delimiter="|").encode(
            "latin-1"
        ),
    }, expected()


def movielens_latest() -> tuple[dict[str, Content], Expected]:
    films = [(str(n), f"Film, The {n} (1995)", "Comedy|Drama") for n in range(1, 42)]
    ratings = [(user(n), item(n), "3.5", str(at(n))) for n in range(N)]
    return {
        "ratings.csv": text(ratings, ("userId", "movieId", "rating", "timestamp")),
        "movies.csv": text(films, ("movieId", "title", "genres")),
        "tags.csv": "userId,movieId,tag,timestamp\n",
    }, expected()


def retailrocket() -> tuple[dict[str, Content], Expected]:
    kinds = ("view", "addtocart", "transaction")
    events = [(f"{at(n)}123", user(n), kinds[n % 3], item(n), "") for n in range(N)]
    return {
        "events.csv": text(events, ("timestamp", "visitorid", "event", "itemid", "transactionid"))
    }, expected()


def h_and_m() -> tuple[dict[str, Content], Expected]:
    days = [pd.Timestamp(at(n), unit="s") for n in range(N)]
    rows = [
        (f"{days[n]:%Y-%m-%d}", f"{int(user(n)):064x}", f"{int(item(n)):010d}", "0.0508474576271186", "2")
        for n in range(N)
    ]
    articles = [(f"{n:010d}", "Strap top", "Vest top", "Ladieswear") for n in range(1, 42)]
    rows_of_days = {
        (row[1], row[2], int(day.normalize().timestamp())) for row, day in zip(rows, days, strict=True)
    }
    return {
        "transactions_train.csv": text(
            [*rows, rows[5]], ("t_dat", "customer_id", "article_id", "price", "sales_channel_id")
        ),
        "articles.csv": text(articles, ("article_id", "prod_name", "product_type_name", "index_group_name")),
        "customers.csv": text(
            [(f"{n:064x}", "1.0", "ACTIVE", "24") for n in range(1, 61)],
            ("customer_id", "FN", "club_member_status", "age"),
        ),
    }, sorted(rows_of_days)


def instacart() -> tuple[dict[str, Content], Expected]:
    """60 users of 5 orders, 3 days apart at eight o'clock, with 4 lines each."""
    orders = [
        (f"{u}{k}", str(u), "prior", str(k), "2", "08", "" if k == 1 else "3.0")
        for u in range(1, 61)
        for k in range(1, 6)
    ]
    lines = [
        (order[0], str(1 + (int(order[0]) + n) % 41), str(n + 1), "0") for order in orders for n in range(4)
    ]
    newest = int(pd.Timestamp("2026-01-01T08:00:00Z").timestamp())
    when = {order[0]: (order[1], newest - 3 * 86_400 * (5 - int(order[3]))) for order in orders}
    header = ("order_id", "user_id", "eval_set", "order_number", "order_dow", "order_hour_of_day")
    return {
        "orders.csv": text(orders, (*header, "days_since_prior_order")),
        "order_products__prior.csv": text(
            lines[:600], ("order_id", "product_id", "add_to_cart_order", "reordered")
        ),
        "order_products__train.csv": text(
            lines[600:], ("order_id", "product_id", "add_to_cart_order", "reordered")
        ),
        "products.csv": text(
            [(str(n), f"Product {n}", "1", "2") for n in range(1, 42)],
            ("product_id", "product_name", "aisle_id", "department_id"),
        ),
        "aisles.csv": "aisle_id,aisle\n1,soups\n",
        "departments.csv": "department_id,department\n2,snacks\n",
    }, [(when[line[0]][0], line[1], when[line[0]][1]) for line in lines]


def yoochoose() -> tuple[dict[str, Content], Expected]:
    def moment(n: int) -> str:
        return f"{pd.Timestamp(at(n), unit='s'):%Y-%m-%dT%H:%M:%S}.277Z"

    return {
        "yoochoose-clicks.dat": text([(user(n), moment(n), item(n), "0") for n in range(1000)], None),
        "yoochoose-buys.dat": text(
            [(user(n), moment(n), item(n), "1046", "1") for n in range(1000, N)], None
        ),
    }, expected()


def amazon_reviews() -> tuple[dict[str, Content], Expected]:
    ratings = [(user(n), item(n), "5.0", f"{at(n)}123") for n in range(N)]
    meta = [
        {
            "parent_asin": str(n),
            "title": f"Soap {n}",
            "main_category": "All Beauty",
            "store": "Acme",
            "price": None,
        }
        for n in range(1, 42)
    ]
    lines = "".join(json.dumps(each) + "\n" for each in meta)
    return {
        "All_Beauty.csv.gz": gzip.compress(
            text(ratings, ("user_id", "parent_asin", "rating", "timestamp")).encode()
        ),
        "meta_All_Beauty.jsonl.gz": gzip.compress(lines.encode()),
    }, expected()


def kuairec() -> tuple[dict[str, Content], Expected]:
    header = (
        "user_id",
        "video_id",
        "play_duration",
        "video_duration",
        "time",
        "date",
        "timestamp",
        "watch_ratio",
    )
    rows = [
        (
            user(n),
            item(n),
            "13838",
            "10867",
            "2020-07-05 00:08:23.438",
            "20200705",
            f"{at(n)}.438",
            "1.2733965",
        )
        for n in range(N)
    ]
    return {"big_matrix.csv": text(rows, header)}, expected()


LAYOUTS: dict[str, Callable[[], tuple[dict[str, Content], Expected]]] = {
    "movielens-100k": movielens_100k,
    "movielens-latest": movielens_latest,
    "retailrocket": retailrocket,
    "h-and-m": h_and_m,
    "instacart": instacart,
    "yoochoose": yoochoose,
    "amazon-reviews": amazon_reviews,
    "kuairec": kuairec,
}


def load(name: str, folder: Path) -> tuple[ShopData, Expected]:
    files, rows = LAYOUTS[name]()
    put(folder, {**files, "mapping.yaml": (MAPPINGS / f"{name}.yaml").read_text()})
    return read(folder), sorted(rows)


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_mapping_in_docs_loads_every_row_of_its_layout(tmp_path: Path, name: str) -> None:
    shop, rows = load(name, tmp_path)
    assert interactions(shop) == rows


def test_every_mapping_in_docs_is_tried_here_and_named_on_the_page() -> None:
    names = sorted(path.stem for path in MAPPINGS.glob("*.yaml"))
    assert names == sorted(LAYOUTS)
    page = (MAPPINGS.parent / "data.md").read_text()
    assert [name for name in names if f"(data/{name}.yaml)" not in page] == []


def test_metadata_of_the_layouts_reaches_the_application(tmp_path: Path) -> None:
    shops = {name: load(name, tmp_path / name)[0] for name in ("movielens-100k", "h-and-m", "instacart")}
    film = shops["movielens-100k"].items.set_index("item_id").loc["1"]
    assert film.title == "Fille Étrangère 1 (1995)"
    article = shops["h-and-m"].items.set_index("item_id").loc["0000000001"]
    assert (article.title, article.department, article.category) == ("Strap top", "Ladieswear", "Vest top")
    assert set(shops["h-and-m"].users.age) == {"24"}
    assert shops["h-and-m"].orders.sales_value.iloc[0] == 0.050847458
    product = shops["instacart"].items.set_index("item_id").loc["1"]
    assert (product.title, product.department, product.category) == ("Product 1", "snacks", "soups")


def test_types_of_the_layouts_are_those_of_the_configuration(tmp_path: Path) -> None:
    shop = load("retailrocket", tmp_path / "r")[0]
    assert (len(shop.orders), shop.events.event_type.value_counts().to_dict()) == (
        400,
        {"click": 400, "favourite": 400},
    )
    clicks = load("yoochoose", tmp_path / "y")[0]
    assert (len(clicks.orders), len(clicks.events), set(clicks.orders.sales_value)) == (200, 1000, {1046.0})


def test_reviews_as_json_lines_are_the_ratings_of_the_csv(tmp_path: Path) -> None:
    files, rows = amazon_reviews()
    reviews = [
        {
            "rating": 5.0,
            "title": "Nice",
            "text": "a\nb",
            "images": [],
            "asin": "x",
            "parent_asin": item_,
            "user_id": user_,
            "timestamp": moment * 1000,
            "verified_purchase": True,
        }
        for user_, item_, moment in rows
    ]
    lines = "".join(json.dumps(each) + "\n" for each in reviews)
    mapping = (
        (MAPPINGS / "amazon-reviews.yaml").read_text().replace("All_Beauty.csv.gz", "All_Beauty.jsonl.gz")
    )
    put(
        tmp_path,
        {
            "All_Beauty.jsonl.gz": gzip.compress(lines.encode()),
            "mapping.yaml": mapping,
            "meta_All_Beauty.jsonl.gz": files["meta_All_Beauty.jsonl.gz"],
        },
    )
    shop = read(tmp_path)
    assert interactions(shop) == sorted(rows)
    assert set(shop.orders.sales_value) == {5.0}
