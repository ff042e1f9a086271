"""Drives Miroir through the official Meilisearch client, unmodified, as an application would.

    client.py URL [KEY]

Prints a line for each successful step. Exits with code 1 and the failed assertion otherwise.
"""

import json
import sys
from datetime import datetime

import meilisearch
from meilisearch.errors import MeilisearchApiError

FILMS = [
    {"id": 1, "title": "Metropolis", "year": 1927, "genres": ["Drama", "Science Fiction"], "rating": 8.2},
    {"id": 2, "title": "Nosferatu", "year": 1922, "genres": ["Horror"], "rating": 7.8},
    {"id": 3, "title": "Alien", "year": 1979, "genres": ["Horror", "Science Fiction"], "rating": 8.5},
    {"id": 4, "title": "Aliens", "year": 1986, "genres": ["Action", "Science Fiction"], "rating": 8.4},
    {"id": 5, "title": "Blade Runner", "year": 1982, "genres": ["Drama", "Science Fiction"], "rating": 8.1},
    {"id": 6, "title": "Solaris", "year": 1972, "genres": ["Drama", "Science Fiction"], "rating": 7.9},
    {"id": 7, "title": "Psycho", "year": 1960, "genres": ["Horror", "Thriller"], "rating": 8.5},
    {"id": 8, "title": "Vertigo", "year": 1958, "genres": ["Thriller"], "rating": 8.3},
    {"id": 9, "title": "Stalker", "year": 1979, "genres": ["Drama", "Science Fiction"], "rating": 8.1},
    {"id": 10, "title": "The Third Man", "year": 1949, "genres": ["Thriller"], "rating": 8.1},
]


def equal(found, wanted):
    assert found == wanted, f"\n   found {found!r}\n  wanted {wanted!r}"


def refused(call, status, code):
    """Returns the error of `call`, which must fail with this status and code."""
    try:
        answer = call()
    except MeilisearchApiError as error:
        equal((error.status_code, error.code), (status, code))
        assert error.message and error.link and error.type, vars(error)
        return error
    raise AssertionError(f"expected {status} {code}, got {answer!r}")


class Steps:
    def __init__(self, url, key):
        self.url, self.key = url, key
        self.client = meilisearch.Client(url, key)
        self.films = self.client.index("films")

    def done(self, info, status="succeeded"):
        """Waits for the task of `info`, which must end with `status`, and returns it."""
        task = self.client.wait_for_task(info.task_uid, timeout_in_ms=60_000, interval_in_ms=10)
        equal((task.uid, task.status), (info.task_uid, status))
        return task

    def ids(self, query, parameters=None):
        return [hit["id"] for hit in self.films.search(query, parameters)["hits"]]

    def health_and_version(self):
        equal(self.client.health(), {"status": "available"})
        assert self.client.is_healthy()
        assert self.client.get_version()["pkgVersion"].startswith("1."), self.client.get_version()

    def index_is_created(self):
        task = self.done(self.client.create_index("films", {"primaryKey": "id"}))
        equal((task.type, task.index_uid, task.error), ("indexCreation", "films", None))
        equal(task.details["primaryKey"], "id")
        index = self.client.get_index("films")
        equal((index.uid, index.primary_key), ("films", "id"))
        assert isinstance(index.created_at, datetime), index.created_at

    def index_is_refused_a_second_time(self):
        task = self.done(self.client.create_index("films", {"primaryKey": "id"}), "failed")
        equal(task.error["code"], "index_already_exists")

    def documents_as_json(self):
        info = self.films.add_documents(FILMS[:4])
        equal((info.status, info.type, info.index_uid), ("enqueued", "documentAdditionOrUpdate", "films"))
        task = self.done(info)
        equal(task.details, {"receivedDocuments": 4, "indexedDocuments": 4})
        assert task.enqueued_at <= task.started_at <= task.finished_at, vars(task)
        assert task.duration.startswith("PT"), task.duration

    def documents_as_json_text(self):
        task = self.done(self.films.add_documents_json(json.dumps(FILMS[4:6]).encode()))
        equal(task.details, {"receivedDocuments": 2, "indexedDocuments": 2})

    def documents_as_ndjson(self):
        lines = "\n".join(json.dumps(film) for film in FILMS[6:9])
        task = self.done(self.films.add_documents_ndjson(lines.encode()))
        equal(task.details, {"receivedDocuments": 3, "indexedDocuments": 3})

    def documents_as_csv(self):
        rows = 'id:number,title,year:number,rating:number\n10,"The Third Man",1949,8.1\n'
        task = self.done(self.films.add_documents_csv(rows.encode()))
        equal(task.details, {"receivedDocuments": 1, "indexedDocuments": 1})
        film = self.films.get_document(10)
        equal((film.title, film.year, film.rating), ("The Third Man", 1949, 8.1))

    def documents_are_updated_in_part(self):
        self.done(self.films.update_documents([{"id": 10, "genres": ["Thriller"]}]))
        equal(dict(self.films.get_document("10")), FILMS[9])

    def documents_in_batches(self):
        more = [{"id": 100 + number, "title": f"Short {number}", "year": 2000} for number in range(25)]
        infos = self.films.add_documents_in_batches(more, batch_size=10)
        equal([self.done(info).details["indexedDocuments"] for info in infos], [10, 10, 5])
        equal(self.films.get_documents({"limit": 0}).total, 35)

    def settings_at_once_and_one_by_one(self):
        index = self.films
        self.done(index.update_settings({"filterableAttributes": ["genres", "year"], "synonyms": {"space": ["alien"]}}))
        self.done(index.update_sortable_attributes(["year", "rating", "title"]))
        self.done(index.update_searchable_attributes(["title", "genres"]))
        self.done(index.update_stop_words(["the"]))
        self.done(index.update_faceting_settings({"maxValuesPerFacet": 50}))
        self.done(index.update_pagination_settings({"maxTotalHits": 500}))
        self.done(index.update_typo_tolerance({"disableOnWords": ["psycho"]}))
        self.done(index.update_ranking_rules(["words", "typo", "sort", "attribute", "proximity", "exactness"]))

    def settings_are_read_back(self):
        index = self.films
        equal(sorted(index.get_filterable_attributes()), ["genres", "year"])
        equal(sorted(index.get_sortable_attributes()), ["rating", "title", "year"])
        equal(index.get_searchable_attributes(), ["title", "genres"])
        equal(index.get_stop_words(), ["the"])
        equal(index.get_synonyms(), {"space": ["alien"]})
        equal(index.get_faceting_settings().max_values_per_facet, 50)
        equal(index.get_pagination_settings().max_total_hits, 500)
        equal(index.get_typo_tolerance().disable_on_words, ["psycho"])
        equal(index.get_ranking_rules()[2], "sort")
        settings = index.get_settings()
        equal(sorted(settings["filterableAttributes"]), ["genres", "year"])
        assert "_miroir" not in json.dumps(settings), settings

    def setting_is_reset(self):
        self.done(self.films.reset_stop_words())
        equal(self.films.get_stop_words(), [])
        self.done(self.films.update_distinct_attribute("title"))
        equal(self.films.get_distinct_attribute(), "title")
        self.done(self.films.reset_distinct_attribute())
        equal(self.films.get_distinct_attribute(), None)

    def search_finds_by_words_typos_and_synonyms(self):
        equal(self.ids("metropolis"), [1])
        equal(self.ids("metropolys"), [1])
        equal(self.ids("alien")[:2], [3, 4])
        equal(self.ids("space"), [3])
        equal(self.ids("no such film anywhere"), [])

    def search_filters_and_sorts(self):
        science = 'genres = "Science Fiction"'
        # The rating breaks the tie of the two films of 1979.
        equal(self.ids("", {"filter": science, "sort": ["year:asc", "rating:asc"]}), [1, 6, 9, 3, 5, 4])
        equal(self.ids("", {"filter": [science, "year > 1980"], "sort": ["year:desc"]}), [4, 5])
        equal(self.ids("", {"filter": "year < 1950", "sort": ["rating:desc"]}), [1, 10, 2])
        equal(self.ids("", {"filter": "year = 2000", "sort": ["title:asc"], "limit": 3}), [100, 101, 110])

    def search_counts_facets(self):
        answer = self.films.search("", {"facets": ["genres", "year"], "limit": 0})
        equal(answer["facetDistribution"]["genres"], {
            "Action": 1, "Drama": 4, "Horror": 3, "Science Fiction": 6, "Thriller": 3,
        })
        equal(answer["facetDistribution"]["year"]["2000"], 25)
        equal(answer["facetStats"]["year"], {"min": 1922, "max": 2000})
        equal(answer["estimatedTotalHits"], 35)

    def search_pages(self):
        pages = [self.films.search("", {"sort": ["title:asc"], "page": page, "hitsPerPage": 10}) for page in (1, 2, 3, 4)]
        equal([len(page["hits"]) for page in pages], [10, 10, 10, 5])
        equal({(page["totalHits"], page["totalPages"]) for page in pages}, {(35, 4)})
        titles = [hit["title"] for page in pages for hit in page["hits"]]
        equal(titles, sorted(titles))
        offsets = [self.films.search("", {"sort": ["title:asc"], "offset": offset, "limit": 7}) for offset in range(0, 35, 7)]
        equal([hit["title"] for page in offsets for hit in page["hits"]], titles)

    def search_highlights_and_crops(self):
        parameters = {"attributesToHighlight": ["title"], "attributesToRetrieve": ["title"], "showMatchesPosition": True}
        hit = self.films.search("runner", parameters)["hits"][0]
        equal(hit["_formatted"]["title"], "Blade <em>Runner</em>")
        equal({key for key in hit if not key.startswith("_")}, {"title"})
        assert "_miroir" not in json.dumps(self.films.search("")), "a reserved field is returned"

    def documents_are_read(self):
        equal(dict(self.films.get_document(3)), FILMS[2])
        equal(dict(self.films.get_document(3, {"fields": ["title"]})), {"title": "Alien"})
        page = self.films.get_documents({"limit": 100})
        equal((page.total, len({document.id for document in page.results})), (35, 35))
        old = self.films.get_documents({"filter": "year < 1950", "fields": ["id"]})
        equal(sorted(document.id for document in old.results), [1, 2, 10])

    def errors_of_documents_and_indexes(self):
        refused(lambda: self.films.get_document(4_711), 404, "document_not_found")
        refused(lambda: self.client.get_index("nothing"), 404, "index_not_found")
        refused(lambda: self.client.index("nothing").search(""), 404, "index_not_found")
        refused(lambda: self.client.index("nothing").get_settings(), 404, "index_not_found")
        refused(lambda: self.client.create_index("not a uid"), 400, "invalid_index_uid")
        refused(lambda: self.films.add_documents_json(b"[{"), 400, "malformed_payload")

    def errors_of_searches_and_settings(self):
        refused(lambda: self.films.search("", {"filter": "rating > 1"}), 400, "invalid_search_filter")
        refused(lambda: self.films.search("", {"sort": ["genres:asc"]}), 400, "invalid_search_sort")
        refused(lambda: self.films.search("", {"limit": -1}), 400, "invalid_search_limit")
        refused(lambda: self.films.update_settings({"rankingRules": ["no such rule"]}), 400, "invalid_settings_ranking_rules")

    def errors_of_tasks(self):
        task = self.done(self.films.add_documents([{"id": "not valid!"}]), "failed")
        equal(task.error["code"], "invalid_document_id")
        task = self.done(self.client.index("clueless").add_documents([{"title": "no key"}]), "failed")
        equal(task.error["code"], "index_primary_key_no_candidate_found")
        refused(lambda: self.client.get_task(999_999), 404, "task_not_found")
        refused(lambda: self.client.get_tasks({"statuses": ["lost"]}), 400, "invalid_task_statuses")

    def unsupported_routes_are_refused(self):
        several = self.client.multi_search([{"indexUid": "films", "q": ""}, {"indexUid": "films", "limit": 0}])
        assert [result["indexUid"] for result in several["results"]] == ["films", "films"], several
        federated = {"limit": 1}
        refused(
            lambda: self.client.multi_search([{"indexUid": "films"}], federation=federated), 501, "miroir_not_supported"
        )
        refused(lambda: self.client.swap_indexes([{"indexes": ["films", "shorts"]}]), 501, "miroir_not_supported")

    def tasks_are_listed(self):
        page = self.client.get_tasks({"limit": 3})
        uids = [task.uid for task in page.results]
        equal((len(uids), uids, page.limit), (3, sorted(uids, reverse=True), 3))
        equal((page.from_, page.next_), (uids[0], uids[-1] - 1))
        following = self.client.get_tasks({"limit": 3, "from": page.next_})
        equal(following.results[0].uid, page.next_)
        everything = self.client.get_tasks({"limit": 1_000})
        equal((everything.total, everything.next_), (len(everything.results), None))

    def tasks_are_filtered(self):
        failed = self.client.get_tasks({"statuses": ["failed"], "limit": 100}).results
        assert failed and all(task.status == "failed" and task.error["code"] for task in failed), failed
        created = self.client.get_tasks({"types": ["indexCreation"], "indexUids": ["films"]})
        equal([(task.type, task.status) for task in created.results], [("indexCreation", "failed"), ("indexCreation", "succeeded")])
        some = [task.uid for task in failed[:2]]
        equal(self.client.get_tasks({"uids": [str(uid) for uid in some]}).total, len(some))
        mine = self.films.get_tasks({"statuses": ["succeeded"], "limit": 1_000})
        assert mine.results and all(task.index_uid == "films" for task in mine.results)
        equal(self.client.get_tasks({"statuses": ["canceled"]}).results, [])
        equal(self.films.get_task(some[0]).status, "failed")

    def documents_are_deleted(self):
        self.done(self.films.delete_document(1))
        refused(lambda: self.films.get_document(1), 404, "document_not_found")
        self.done(self.films.delete_documents([2, 3]))
        equal(self.films.get_documents({"limit": 0}).total, 32)
        task = self.done(self.films.delete_documents(filter="year = 2000"))
        equal(task.details["deletedDocuments"], 25)
        equal(sorted(self.ids("")), [4, 5, 6, 7, 8, 9, 10])
        self.done(self.films.delete_all_documents())
        equal((self.films.get_documents().total, self.ids("")), (0, []))

    def indexes_are_listed_and_deleted(self):
        self.done(self.client.index("shorts").add_documents([{"shortId": "a-1"}]))
        listed = self.client.get_indexes()
        equal([(index.uid, index.primary_key) for index in listed["results"]], [("films", "id"), ("shorts", "shortId")])
        equal((listed["total"], listed["offset"]), (2, 0))
        equal(self.client.index("shorts").get_primary_key(), "shortId")
        self.done(self.client.delete_index("shorts"))
        self.done(self.films.delete())
        equal(self.client.get_indexes()["results"], [])
        task = self.done(self.client.delete_index("films"), "failed")
        equal(task.error["code"], "index_not_found")

    def keys_are_required(self):
        if self.key is None:
            return
        wrong = meilisearch.Client(self.url, "not-the-master-key")
        refused(wrong.get_indexes, 403, "invalid_api_key")
        equal(wrong.health(), {"status": "available"})
        keyless = meilisearch.Client(self.url)
        # The client sends `Bearer None` without a key.
        refused(keyless.get_indexes, 403, "invalid_api_key")


STEPS = [value for name, value in vars(Steps).items() if callable(value) and not name.startswith("__")]
HELPERS = (Steps.done, Steps.ids)


def main():
    steps = Steps(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
    passed = 0
    for step in STEPS:
        if step in HELPERS:
            continue
        print(f"{step.__name__} ... ", end="", flush=True)
        step(steps)
        print("passed", flush=True)
        passed += 1
    print(f"{passed} steps passed with meilisearch-python {meilisearch.version.__version__}")


if __name__ == "__main__":
    main()
