use proptest::prelude::*;

use super::super::{TaskKind, TaskStatus};
use super::*;

fn refusal(name: &str, value: &str) -> InvalidRequest {
    TaskQuery::parse([(name, value)]).unwrap_err()
}

#[test]
fn refusals_repeat_a_huge_text_in_part_only() {
    let huge = "é".repeat(100_000);
    for name in ["limit", "from", "reverse", "uids", "types", "statuses", "indexUids", "afterEnqueuedAt"] {
        let message = refusal(name, &huge).message;
        assert!(message.chars().count() < 1_500, "{} characters", message.chars().count());
        assert!(message.contains(&huge[..100]), "{message}");
    }
    assert!(refusal(&huge, "").message.chars().count() < 1_500);
}

#[test]
fn parse_reads_every_parameter() {
    let query = TaskQuery::parse([
        ("limit", "4294967295"),
        ("from", "12"),
        ("reverse", "true"),
        ("uids", "1,,3,1"),
        ("batchUids", "4"),
        ("canceledBy", "5,6"),
        ("types", "DOCUMENTDELETION,settingsUpdate"),
        ("statuses", "Enqueued,failed"),
        ("indexUids", "movies,a-1"),
    ])
    .unwrap();
    let uids = |uids: &[u32]| Some(uids.iter().copied().map(TaskUid).collect::<BTreeSet<_>>());
    assert_eq!(
        query,
        TaskQuery {
            uids: uids(&[1, 3]),
            batch_uids: uids(&[4]),
            canceled_by: uids(&[5, 6]),
            kinds: Some([TaskKind::DocumentDeletion, TaskKind::SettingsUpdate].into()),
            statuses: Some([TaskStatus::Enqueued, TaskStatus::Failed].into()),
            index_uids: Some(["movies", "a-1"].map(|uid| uid.parse().unwrap()).into()),
            from: Some(TaskUid(12)),
            reverse: true,
            limit: u32::MAX,
            ..TaskQuery::default()
        }
    );
}

#[test]
fn stars_unset_a_filter_and_an_empty_list_admits_nothing() {
    for name in ["uids", "batchUids", "canceledBy", "types", "statuses", "indexUids"] {
        assert_eq!(TaskQuery::parse([(name, "*")]), Ok(TaskQuery::default()), "{name}");
    }
    for name in PARAMETERS.iter().filter(|name| name.ends_with("At")) {
        assert_eq!(TaskQuery::parse([(*name, "*")]), Ok(TaskQuery::default()), "{name}");
    }
    assert_eq!(TaskQuery::parse([("uids", "")]).unwrap().uids, Some(BTreeSet::new()));
    let both = refusal("statuses", "*,foo");
    assert!(both.message.starts_with("Invalid value in parameter `statuses[1]`: `foo` is not"), "{both}");
}

#[test]
fn invalid_values_are_refused_in_the_words_of_a_server() {
    let integer = |name: &str, value: &str| {
        format!("Invalid value in parameter `{name}`: could not parse `{value}` as a positive integer")
    };
    for (name, value, code, message) in [
        ("limit", "-1", "invalid_task_limit", integer("limit", "-1")),
        ("limit", "", "invalid_task_limit", integer("limit", "")),
        ("limit", "4294967296", "invalid_task_limit", integer("limit", "4294967296")),
        ("from", "*", "invalid_task_from", integer("from", "*")),
        ("uids", " 1", "invalid_task_uids", integer("uids", " 1")),
        ("uids", "1, 2", "invalid_task_uids", integer("uids[1]", " 2")),
        ("batchUids", "x", "invalid_batch_uids", integer("batchUids", "x")),
        ("canceledBy", "x", "invalid_task_canceled_by", integer("canceledBy", "x")),
        (
            "reverse",
            "TRUE",
            "invalid_task_reverse",
            "Invalid value in parameter `reverse`: could not parse `TRUE` as a boolean, expected either `true` \
             or `false`"
                .to_owned(),
        ),
        (
            "statuses",
            "x",
            "invalid_task_statuses",
            "Invalid value in parameter `statuses`: `x` is not a valid task status. Available statuses are \
             `enqueued`, `processing`, `succeeded`, `failed`, `canceled`."
                .to_owned(),
        ),
        (
            "indexUids",
            "x,a b",
            "invalid_index_uid",
            "Invalid value in parameter `indexUids[1]`: `a b` is not a valid index uid. Index uid can be an \
             integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and \
             can not be more than 512 bytes."
                .to_owned(),
        ),
        (
            "afterEnqueuedAt",
            "2021",
            "invalid_task_after_enqueued_at",
            "Invalid value in parameter `afterEnqueuedAt`: `2021` is an invalid date-time. It should follow the \
             YYYY-MM-DD or RFC 3339 date-time format."
                .to_owned(),
        ),
    ] {
        let refusal = refusal(name, value);
        assert_eq!((refusal.code.as_str(), refusal.message), (code, message), "{name}={value}");
    }
    let types = refusal("types", "createIndex").message;
    assert!(types.contains("`createIndex` is not a valid task type. Available types are `documentAddi"));
    assert!(types.ends_with("`networkTopologyChange`, `dsrUpdate`, `dsrClear`."), "{types}");
}

#[test]
fn each_date_has_its_own_code() {
    for (name, code) in [
        ("beforeEnqueuedAt", "invalid_task_before_enqueued_at"),
        ("afterStartedAt", "invalid_task_after_started_at"),
        ("beforeStartedAt", "invalid_task_before_started_at"),
        ("afterFinishedAt", "invalid_task_after_finished_at"),
        ("beforeFinishedAt", "invalid_task_before_finished_at"),
    ] {
        assert_eq!(refusal(name, "x").code.as_str(), code);
    }
}

#[test]
fn unknown_parameters_are_refused_with_a_guess() {
    let refusal = refusal("limt", "3");
    assert_eq!(refusal.code, ErrorCode::BadRequest);
    assert_eq!(
        refusal.message,
        "Unknown parameter `limt`: did you mean `limit`? expected one of `limit`, `from`, `reverse`, \
         `batchUids`, `uids`, `canceledBy`, `types`, `statuses`, `indexUids`, `afterEnqueuedAt`, \
         `beforeEnqueuedAt`, `afterStartedAt`, `beforeStartedAt`, `afterFinishedAt`, `beforeFinishedAt`"
    );
}

#[test]
fn first_invalid_parameter_is_refused_and_last_of_a_repeated_one_counts() {
    let code = |parameters: &[(&'static str, &'static str)]| {
        TaskQuery::parse(parameters.iter().copied()).map(|query| query.limit).map_err(|refusal| refusal.code)
    };
    assert_eq!(code(&[("foo", "1"), ("limit", "x")]), Err(ErrorCode::BadRequest));
    assert_eq!(code(&[("limit", "x"), ("foo", "1")]), Err(ErrorCode::InvalidTaskLimit));
    assert_eq!(code(&[("limit", "x"), ("limit", "1")]), Ok(1));
    assert_eq!(code(&[("limit", "1"), ("limit", "x")]), Err(ErrorCode::InvalidTaskLimit));
}

#[test]
fn bare_dates_bound_whole_days() {
    let query = TaskQuery::parse([
        ("afterEnqueuedAt", "2021-12-03"),
        ("beforeEnqueuedAt", "2021-12-03"),
        ("afterStartedAt", "9999-12-31"),
    ])
    .unwrap();
    let day = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    assert_eq!(query.enqueued.after, day("2021-12-04T00:00:00Z"));
    assert_eq!(query.enqueued.before, day("2021-12-03T00:00:00Z"));
    assert!(query.started.after.is_some());
}

#[test]
fn dates_are_read_as_strictly_as_a_server_reads_them() {
    let reads = |text: &str| TaskQuery::parse([("afterEnqueuedAt", text)]).is_ok();
    for good in [
        "2021-12-03T23:45:23Z",
        "2021-12-03 23:45:23Z",
        "2021-12-03t23:45:23z",
        "2021-12-03T23:45:23.5+01:00",
        "1997-11-12T09:55:06-06:20",
        "2021-12-03T23:45:23.1234567891234Z",
        "2021-12-03T23:45:23-00:00",
        "2016-12-31T23:59:60Z",
        "0000-01-01",
        "-0001-01-01",
        "+2021-01-01",
        "9999-12-31",
    ] {
        assert!(reads(good), "{good}");
    }
    for bad in [
        "",
        "2021",
        "2021-12",
        "2021-13-01",
        "2021-1-1",
        "20211203",
        "10000-12-31",
        "2021-W49-5",
        "2021-12-03T23:45:23",
        "2021-12-03T23:45Z",
        "2021-12-03T23:45:60Z",
        "2021-12-03T24:00:00Z",
        "2021-12-03T23:45:23.Z",
        "2021-12-03T23:45:23,5Z",
        "2021-12-03T23:45:23.5+0100",
        "2021-12-03T23:45:23+24:00",
        "2021-12-03T23:45:23+23:59:59",
        "2021-12-03T23:45:23Z[UTC]",
        "éééééé-12-03T23:45:23Z",
    ] {
        assert!(!reads(bad), "{bad}");
    }
}

proptest! {
    #[test]
    fn parse_never_panics(name in proptest::sample::select(PARAMETERS), value in "\\PC{0,40}") {
        let _ = TaskQuery::parse([(name, value.as_str())]);
    }

    #[test]
    fn instants_round_trip(millis in -62_135_596_800_000_i64..253_402_207_200_000) {
        let instant = Timestamp::from_millis(millis);
        let text = instant.to_string();
        let query = TaskQuery::parse([("beforeFinishedAt", text.as_str())]).unwrap();
        prop_assert_eq!(query.finished.before, Some(instant));
    }
}
