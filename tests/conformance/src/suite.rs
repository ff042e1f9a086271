//! The list of all cases, once.

/// Expands to one test per case for the harness `$harness`.
macro_rules! suite {
    ($harness:ty) => {
        crate::suite::area!($harness, round_trip: [
            create_answers_the_row_that_get_reads,
            create_stores_a_failed_task_as_finished,
            put_stores_every_field,
            index_entry_comes_back_as_written,
            node_settings_come_back_as_written,
            get_answers_none_for_what_is_not_there,
            ping_changes_nothing_that_shows,
        ]);
        crate::suite::area!($harness, precondition: [
            task_put_conflicts_on_another_version,
            task_put_conflicts_without_a_row,
            task_put_succeeds_once_per_version,
            task_put_refuses_to_move_a_status_back,
            task_put_lets_every_status_move_forward,
            task_put_prefers_conflict_to_refusal,
            index_create_changes_nothing_when_the_uid_is_taken,
            index_put_conflicts_on_another_version,
            index_delete_takes_its_node_settings_along,
            node_settings_never_go_back,
            a_version_that_cannot_grow_is_refused,
        ]);
        crate::suite::area!($harness, listing: [
            pages_newest_first,
            pages_oldest_first_when_reversed,
            from_is_inclusive_and_need_not_exist,
            limit_of_zero_says_where_to_begin,
            every_filter_and_combination_agrees_with_the_definition,
            an_empty_filter_admits_nothing,
            pages_cover_every_match_once,
            total_follows_every_change,
            unfinished_tasks_come_oldest_first,
            indexes_come_in_byte_order,
            node_settings_come_by_node,
        ]);
        crate::suite::area!($harness, pruning: [
            prune_takes_the_earliest_finished_first,
            prune_spares_unfinished_tasks,
            prune_bound_is_exclusive,
            uids_are_not_reused_after_pruning,
        ]);
        crate::suite::area!($harness, concurrency: [
            uids_are_unique_and_growing_under_many_callers,
            one_of_many_contenders_wins_a_put,
            no_update_is_lost,
            one_of_many_creators_wins,
            the_highest_settings_version_stays,
            dropped_calls_happen_whole_or_not_at_all,
            an_acknowledged_change_is_seen_by_the_next_call,
        ]);
        crate::suite::area!($harness, reopening: [
            everything_survives,
            uids_go_on_after_reopening,
            versions_go_on_after_reopening,
            closed_store_refuses_every_call,
            close_finishes_what_was_accepted,
        ]);
        crate::suite::area!($harness, hostile: [
            texts_of_every_kind_come_back,
            a_mebibyte_of_json_comes_back,
            numbers_at_their_limits_come_back,
            times_at_their_limits_come_back_and_are_found,
            versions_beyond_63_bits_come_back_and_advance,
            names_at_their_limits_are_distinct_keys,
            json_as_deep_as_admitted_comes_back_and_deeper_is_refused,
        ]);
    };
}

/// Expands to one test per case of one area.
macro_rules! area {
    ($harness:ty, $area:ident: [$($case:ident,)*]) => {
        mod $area {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    crate::case::$area::$case::<$harness>().await;
                }
            )*
        }
    };
}

pub(crate) use {area, suite};
